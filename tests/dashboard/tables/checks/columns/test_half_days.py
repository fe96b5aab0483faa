"""Times of a clock of twelve hours that say neither AM nor PM."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]


def complaints(hours: Iterable[int], after: str = "") -> str:
    rows = (f"{n},A,2026-01-{1 + n % 28:02} {hour:02}:{n % 60:02}{after},slow\n" for n, hour in enumerate(hours))
    return "complaint_id,area,opened_at,category\n" + "".join(rows)


TWELVE = [1 + n % 12 for n in range(48)]


@pytest.mark.parametrize(
    ("hours", "after", "is_told"),
    [
        (TWELVE, "", True),
        (TWELVE, ":30", True),
        (TWELVE, " PM", False),
        (TWELVE, "Z", False),
        ([*TWELVE, 13], "", False),
        ([*TWELVE, 0], "", False),
        ([8 + n % 5 for n in range(48)], "", False),
        (TWELVE[:36], "", False),
    ],
)
def test_a_clock_of_twelve_hours_is_told(import_text: Give, hours: list[int], after: str, is_told: bool) -> None:
    report = import_text("complaints", complaints(hours, after))
    assert report.rejected == 0
    assert ("clock of twelve hours" in str(report.warnings)) == is_told
