"""Dates without a day after the twelfth: read by what else is known, with the reason; refused where that contradicts."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.checks.cells.date_orders import Customs, Order, OrderError, read
from dashboard.tables.imports import records

TODAY = datetime.date(2026, 11, 30)
LISBON, CHICAGO = Customs(None, "Europe/Lisbon", "EUR"), Customs(None, "America/Chicago", "USD")
TORONTO, NOWHERE = Customs(None, "America/Toronto", "CAD"), Customs()
NOVEMBER = [f"11/{day:02}/2026" for day in range(1, 13)]
MARCH = [f"{day:02}/03/2026" for day in range(1, 11)]


def found(name: str, cells: list[str], customs: Customs) -> tuple[Order, str]:
    orders = read({name: pa.array(cells)}, TODAY, customs)
    return orders.of[name], " ".join(orders.notes)


@pytest.mark.parametrize("customs", [LISBON, CHICAGO, TORONTO, NOWHERE])
@pytest.mark.parametrize("cell", ["01/01/2019", "02/02/2024", "01/01/2024 10:00"])
def test_dates_that_read_alike_need_no_decision(cell: str, customs: Customs) -> None:
    assert found("valid_from", [cell] * 5, customs)[1] == ""


@pytest.mark.parametrize("name", ["valid_from", "started_on", "opened_at"])
def test_the_same_day_with_a_short_year_is_not_of_2001(name: str) -> None:
    order, said = found(name, ["01/01/19"] * 5, LISBON)
    assert order is Order.DAY
    assert "01/01/19 is read as 2019-01-01" in said


@pytest.mark.parametrize(
    ("name", "cells", "customs", "order", "why"),
    [
        ("opened_at", NOVEMBER, CHICAGO, Order.MONTH, "as day/month/year it would have days to come"),
        ("opened_at", NOVEMBER, LISBON, Order.MONTH, "as day/month/year it would have days to come"),
        ("opened_at", ["12/10/2026"], CHICAGO, Order.DAY, "as month/day/year it would have days to come"),
        ("opened_at", MARCH[:3], LISBON, Order.DAY, "where the time zone is Europe/Lisbon"),
        ("opened_at", ["03/04/2026 1:05 PM"], CHICAGO, Order.MONTH, "written with AM and PM"),
        ("opened_at", MARCH, TORONTO, Order.DAY, "its days are then of one month"),
        ("valid_from", ["01/03/2024"], Customs(None, "UTC", "BRL"), Order.DAY, "where the currency is BRL"),
        ("valid_from", ["01/03/24"], CHICAGO, Order.MONTH, "where the time zone is America/Chicago"),
        ("valid_from", ["01/03/2024"], Customs(Order.MONTH, "Europe/Lisbon"), Order.MONTH, "earlier imports wrote it so"),
        ("valid_from", ["01/03/2024"], Customs(None, "America/Guayaquil", "USD"), Order.DAY, "America/Guayaquil"),
    ],
)  # fmt: skip
def test_what_else_is_known_decides_and_is_told(
    name: str, cells: list[str], customs: Customs, order: Order, why: str
) -> None:
    read_as, said = found(name, cells, customs)
    assert (read_as, why in said) == (order, True), said


@pytest.mark.parametrize(
    ("name", "cells", "customs"),
    [
        ("opened_at", ["03/04/2026"], TORONTO),
        ("opened_at", ["03/04/2026"], Customs(None, "UTC", "USD")),
        ("opened_at", ["03/04/2026 1:05 PM"], LISBON),
        ("opened_at", MARCH, CHICAGO),
        ("opened_at", ["11/12/2026"], Customs(Order.DAY, "Europe/Lisbon")),
        ("opened_at", [f"{day:02}/12/2026" for day in range(1, 7)], LISBON),
        ("started_on", [f"01/{month:02}/2024" for month in range(2, 10)], CHICAGO),
    ],
)
def test_what_contradicts_or_is_not_known_is_refused(name: str, cells: list[str], customs: Customs) -> None:
    with pytest.raises(OrderError, match="day/month or month/day"):
        found(name, cells, customs)


def test_one_cell_of_nonsense_is_no_second_order() -> None:
    assert found("opened_at", ["13/04/2026", "13/14/2026", "05/06/2026"], LISBON) == (Order.DAY, "")


def test_what_a_file_showed_is_remembered_for_the_next(tmp_path: Path) -> None:
    settings = DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")

    def given(*days: str) -> records.ImportReport:
        rows = "".join(f"{at},A,{day} 10:00,slow\n" for at, day in enumerate(days))
        (tmp_path / "c.csv").write_text(f"complaint_id,area,opened_at,category\n{rows}")
        return records.import_records("complaints", tmp_path / "c.csv", settings, as_of=TODAY)

    assert "is read as" not in str(given("10/25/2026", "10/26/2026"))
    assert "03/04/2026 is read as 2026-03-04 (month/day/year), since earlier imports wrote it so" in str(
        given("03/04/2026", "03/05/2026")
    )
    assert given("03/04/2026", "03/05/2026").snapshot is None
