"""The same list twice under other ids, and customers who all began or went on one day."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]
START = datetime.date(2024, 1, 31)


def customers(ids: list[str], *, days: int = 500, ended: str = "") -> str:
    rows = "".join(
        f"{one},A{at % 7},cpe-{at},2{at % 10},{START + datetime.timedelta(days=at % days)},{ended}\n"
        for at, one in enumerate(ids)
    )
    return f"customer_id,area,device_id,monthly_price,started_on,ended_on\n{rows}"


def complaints(keys: list[str]) -> str:
    rows = "".join(
        f"{key},{at % 9},2026-02-{1 + at % 20:02} 1{at % 9}:{at % 60:02},slow\n" for at, key in enumerate(keys)
    )
    return f"complaint_id,customer_id,opened_at,category\n{rows}"


def numbered(prefix: str, number: int = 60) -> list[str]:
    return [f"{prefix}{one}" for one in range(number)]


def test_a_list_that_is_there_twice_under_other_ids_is_told(import_text: Give) -> None:
    twice = customers(numbered("net-")) + customers(numbered("tv-")).partition("\n")[2]
    report = import_text("customers", twice)
    assert (report.exit_code, report.added) == (1, 120)
    assert "nearly all of the 120 rows are there twice, alike in everything but customer_id" in str(report)
    assert "are there twice" not in str(import_text("complaints", complaints(numbered("t") + numbered("u"))))
    assert "are there twice" in str(
        import_text("complaints", complaints(numbered("t")) + complaints(numbered("z")).partition("\n")[2])
    )


def test_a_list_that_is_on_record_under_other_ids_is_told(import_text: Give) -> None:
    import_text("complaints", complaints(numbered("t")))
    report = import_text("complaints", complaints(numbered("number-")))
    assert "60 of 60 new rows are on record already, alike in everything but complaint_id" in str(report)
    more = [*numbered("t"), *numbered("next-", 5)]
    assert import_text("complaints", complaints(more)).warnings == ()


def test_few_different_rows_are_alike_by_nature(import_text: Give) -> None:
    rows = "".join(f"{n},A,2024-01-{1 + n % 28:02}\n" for n in range(300))
    assert import_text("customers", f"customer_id,area,started_on\n{rows}").exit_code == 0


@pytest.mark.parametrize("number", [60, 300])
def test_one_day_on_which_all_began_is_told_once(import_text: Give, number: int) -> None:
    report = import_text("customers", customers(numbered("c", number), days=1))
    assert (report.exit_code, report.warnings) == (0, ())
    assert f"started_on: {number} of {number} customers began on 2024-01-31: if that is the day" in str(report)
    again = import_text("customers", customers(numbered("c", number + 3), days=1))
    assert (again.exit_code, "began on" in str(again)) == (0, False)


def test_one_day_on_which_all_went_is_told(import_text: Give) -> None:
    report = import_text("customers", customers(numbered("c", 80), ended="2025-12-31"))
    assert report.exit_code == 1
    assert "ended_on: 80 of 80 customers who went did so on 2025-12-31" in str(report)
