"""How long an answer took is not known where a column says days alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import read

Give = Callable[..., ImportReport]


@pytest.mark.parametrize(
    ("opened", "answered", "which"),
    [
        ("2025-05-01", "2025-05-01", "opened_at"),
        ("2025-05-01 00:00:00", "2025-05-02 00:00:00", "opened_at"),
        ("05/14/2025 12:00 AM", "05/14/2025 02:00 PM", "opened_at"),
        ("2025-05-01 10:30", "2025-05-01", "first_answer_at"),
        ("2025-05-01T10:30:00Z", "2025-05-01T00:00:00Z", "first_answer_at"),
        ("2025-05-01 10:30", "2025-05-01 11:30", None),
    ],
)
def test_days_alone(
    provider: DashboardSettings, import_text: Give, opened: str, answered: str, which: str | None
) -> None:
    rows = "".join(f"T{n},{n},{opened},slow,{answered}\n" for n in range(3))
    report = import_text("complaints", f"complaint_id,customer_id,opened_at,category,first_answer_at\n{rows}")
    assert (report.exit_code, report.added) == (0, 3)
    told = f"first_answer_at stays blank: {which} says days without a time of day"
    assert (told in str(report)) is (which is not None)
    assert (read("complaints", provider.data).column("first_answer_at").null_count == 3) is (which is not None)


def test_one_at_midnight_among_others_is_taken(provider: DashboardSettings, import_text: Give) -> None:
    rows = "T1,1,2025-05-01 10:00,slow,2025-05-02 00:00\nT2,2,2025-05-01 10:00,slow,2025-05-02 09:00\n"
    import_text("complaints", f"complaint_id,customer_id,opened_at,category,first_answer_at\n{rows}")
    assert read("complaints", provider.data).column("first_answer_at").null_count == 0


@pytest.mark.parametrize("solved", ["2025-05-01", "2025-05-01 00:00:00", "2025-05-01T00:00:00Z"])
def test_who_was_helped_on_the_same_day_is_not_refused(
    provider: DashboardSettings, import_text: Give, solved: str
) -> None:
    rows = "".join(f"T{n},{n},2025-05-01 10:00,slow,{solved}\n" for n in range(3))
    report = import_text("complaints", f"complaint_id,customer_id,opened_at,category,solved_at\n{rows}")
    assert (report.exit_code, report.added) == (0, 3)
    assert {str(one) for one in read("complaints", provider.data).column("solved_at").to_pylist()} == {
        "2025-05-01 22:59:59+00:00"
    }
