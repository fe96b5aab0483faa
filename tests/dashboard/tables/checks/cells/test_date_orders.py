"""Years of two digits, first or last, days before months or after: decided from the whole column, or refused."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable

import pyarrow as pa
import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.checks.cells import date_orders
from dashboard.tables.checks.cells.date_orders import Order, OrderError, decided
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import read

TODAY = datetime.date(2026, 3, 1)
DAY = datetime.date


def written(days: list[datetime.date], form: str) -> pa.Array:
    return pa.array([day.strftime(form) for day in days], pa.string())


def days_since(first: datetime.date, number: int, seed: int, *, on_the_first: bool = False) -> list[datetime.date]:
    """Days at random from ``first`` until the export."""
    drawn = random.Random(seed)
    days = [first + datetime.timedelta(days=drawn.randrange((TODAY - first).days)) for _ in range(number)]
    return [day.replace(day=1) if on_the_first else day for day in days]


SPANS = {
    "three months": DAY(2025, 12, 1),
    "one year": DAY(2025, 3, 1),
    "two years": DAY(2024, 3, 1),
    "twenty": DAY(2006, 1, 1),
}


@pytest.mark.parametrize("mark", ["/", "-", "."])
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("number", [12, 40, 300])
def test_the_order_is_found_or_the_file_is_refused(number: int, order: Order, span: str, mark: str) -> None:
    """Never the wrong one; and from forty rows on the right one where days go beyond the twelfth."""
    if order is Order.MONTH and mark == ".":
        return  # dots are never month first
    for seed in range(10):
        cells = written(days_since(SPANS[span], number, seed), order.format.replace("/", mark))
        try:
            found = decided({"opened_at": cells}, TODAY)["opened_at"]
        except OrderError:
            assert number < 40 or (order is Order.YEAR and span == "twenty")
            continue
        assert found is order


@pytest.mark.parametrize("order", [Order.DAY, Order.MONTH])
def test_starts_on_the_first_of_the_month_are_no_years(order: Order) -> None:
    """01/03/24: nobody's customers all came in 2001. Day and month are told by nothing, though."""
    days = [*days_since(DAY(2008, 1, 1), 60, 1, on_the_first=True), DAY(2025, 3, 30)]
    assert decided({"started_on": written(days, order.format)}, TODAY) == {"started_on": order}


@pytest.mark.parametrize("form", ["%d-%b-%y", "%d %b %y"])
def test_named_months_between_two_digits(form: str) -> None:
    days = days_since(DAY(2014, 3, 1), 40, 3)
    assert decided({"opened_at": written(days, form)}, TODAY) == {"opened_at": Order.DAY}
    turned = form.replace("%d", "%Y").replace("%y", "%d").replace("%Y", "%y")
    assert decided({"opened_at": written(days, turned)}, TODAY) == {"opened_at": Order.YEAR}


def test_another_column_of_the_file_tells() -> None:
    few = pa.array(["24/03/05", None])
    many = written(days_since(DAY(2024, 1, 1), 60, 4), "%y/%m/%d")
    assert decided({"opened_at": many, "solved_at": few}, TODAY) == {"opened_at": Order.YEAR, "solved_at": Order.YEAR}
    with pytest.raises(OrderError, match=r"is 24/03/05 2024-03-05 or 2005-03-24\?") as told:
        decided({"solved_at": few}, TODAY)
    assert 'under [columns.solved_at] format = "%y/%m/%d" or "%d/%m/%y"' in str(told.value)


def test_dates_that_a_spreadsheet_converted_by_halves_are_refused() -> None:
    days = [DAY(2025, month, day) for month in range(1, 7) for day in (2, 5, 9, 12, 14, 20, 27)]
    cells = [f"2025-{d.day:02d}-{d.month:02d} 00:00:00" if d.day <= 12 else f"{d:%d/%m/%Y}" for d in days]
    with pytest.raises(OrderError, match="a spreadsheet has probably swapped day and month of the first"):
        decided({"opened_at": pa.array(cells)}, TODAY)
    sound = [f"{d:%Y-%m-%d}" if d.month < 3 else f"{d:%d/%m/%Y}" for d in days]
    assert decided({"opened_at": pa.array(sound)}, TODAY) == {"opened_at": Order.DAY}


def test_days_before_months_after_a_long_year_are_refused() -> None:
    with pytest.raises(OrderError, match='format = "%Y-%d-%m"'):
        decided({"opened_at": pa.array(["2025-13-04", "2025-28-02", "2025-03-04"])}, TODAY)
    one_slip = pa.array(["2025-13-04", "2025-02-28", "2025-03-04"])
    assert decided({"opened_at": one_slip}, TODAY) == {"opened_at": Order.DAY}


def test_a_mix_with_years_at_the_end_is_refused() -> None:
    cells = written(days_since(DAY(2025, 1, 1), 60, 5), "%y/%m/%d").to_pylist()
    with pytest.raises(OrderError, match="mixes year/month/day"):
        decided({"opened_at": pa.array([*cells, "05/03/2024"])}, TODAY)


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["05.04.24 10:00", "17.04.24 11:00"], '"%y.%m.%d", "%d.%m.%y" or "%m.%d.%y"'),
        (["31 Dec 24", "13 Sep 25"], '"%y %b %d" or "%d %b %y"'),
    ],
)
def test_what_was_read_can_be_said_otherwise_as_the_cells_are_written(cells: list[str], formats: str) -> None:
    (note,) = date_orders.read({"opened_at": pa.array(cells)}, TODAY).notes
    assert note.endswith(f"a mapping says under [columns.opened_at] format = {formats}")


Give = Callable[..., ImportReport]


def test_complaints_with_the_year_first_come_in_as_they_are_and_told(
    import_text: Give, provider: DashboardSettings
) -> None:
    days = days_since(DAY(2025, 3, 1), 60, 6)
    rows = "".join(f"{number},A,{day:%y/%m/%d} 10:00,slow\n" for number, day in enumerate(days))
    report = import_text("complaints", f"complaint_id,area,opened_at,category\n{rows}")
    assert (report.exit_code, report.added) == (0, 60)
    assert f"opened_at: {days[0]:%y/%m/%d} is read as {days[0]} (year/month/day); where that is wrong" in str(report)
    opened = read("complaints", provider.data).column("opened_at").to_pylist()
    assert sorted(at.date() for at in opened) == sorted(days)


def test_what_is_no_whole_date_says_so(import_text: Give) -> None:
    rows = "".join(
        f"{n},A,{day},slow\n" for n, day in enumerate(["Mar-24", "240305", "15/03/2568", "15/03/1446", "45322"])
    )
    report = import_text("complaints", f"complaint_id,area,opened_at,category\n{rows}")
    assert [fault.reason for fault in report.faults] == [
        "is a month without a day",
        "is a number of six digits, not a date: a mapping reads it with format = '%y%m%d' (or '%d%m%y')",
        "is a year of the Buddhist calendar: export years as 2025, not 2568",
        "is a date before 1900 or after 2199",
        "is a number, not a date: days as Excel counts them? A mapping reads them with format = 'excel'",
    ]
