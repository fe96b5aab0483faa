"""Ends of a contract's term under the name of the end of service."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]


def customers(*days: int) -> str:
    """A customer for each spell of so many days, and one who stays."""
    rows = ["x,A,2020-01-01,"]
    for n, length in enumerate(days):
        started = datetime.date(2021, 1, 1) + datetime.timedelta(days=13 * n)
        rows.append(f"{n},A,{started},{started + datetime.timedelta(days=length)}")
    return "customer_id,area,started_on,ended_on\n" + "\n".join(rows) + "\n"


SOME = (20, 90, 200, 300, 420)


@pytest.mark.parametrize("days", [(365,) * 20, (364, 365, 730, 1095) * 6, (365,) * 20 + SOME])
def test_ends_whole_years_after_each_start_are_asked_about(import_text: Give, days: tuple[int, ...]) -> None:
    report = import_text("customers", customers(*days))
    assert (report.exit_code, report.added) == (1, len(days) + 1)
    assert f"of {len(days)} ends lie whole years after the customer's own start" in str(report.warnings)


@pytest.mark.parametrize("days", [(365,) * 19, (365,) * 15 + SOME, tuple(range(30, 400, 9)), (30,) * 30])
def test_a_cliff_at_the_end_of_contracts_is_not(import_text: Give, days: tuple[int, ...]) -> None:
    assert "whole years" not in str(import_text("customers", customers(*days)).warnings)
