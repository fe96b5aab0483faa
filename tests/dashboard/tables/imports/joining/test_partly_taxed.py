"""Prices of which half are with tax are asked about; discounts, rises and choices of customers are not."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

from dashboard.tables.imports.joining import partly_taxed

DAY = datetime.date(2024, 1, 1)
LIST = {"100": 29.9, "500": 39.9, "1000": 54.9}


def customers(pay: object, start: object = lambda n: 7 * (n % 50)) -> pa.Table:
    """300 customers of three plans: ``pay`` of number and list price, ``start`` of the number in days."""
    plans = [list(LIST)[n % 3] for n in range(300)]
    return pa.table(
        {
            "plan": plans,
            "monthly_price": [float(pay(n, LIST[plan])) for n, plan in enumerate(plans)],
            "started_on": pa.array([DAY + datetime.timedelta(days=start(n)) for n in range(300)], pa.date32()),
        }
    )


@pytest.mark.parametrize("rate", [19, 21, 10, 8.1])
def test_half_without_tax(rate: float) -> None:
    rows = customers(lambda n, price: round(price / (1 + rate / 100), 2) if n % 2 else price)
    (said,) = partly_taxed.told(rows)
    assert f"that is a tax of {rate:g}%" in said
    assert "and likewise of 2 more plans" in said


def test_net_prices_that_somebody_chose() -> None:
    (said,) = partly_taxed.told(customers(lambda n, price: round(price * 1.21, 2) if n % 4 == 0 else price))
    assert "some pay 54.9 and others 66.43" in said or "some pay 29.9 and others 36.18" in said


@pytest.mark.parametrize(
    "rows",
    [
        customers(lambda n, price: price),
        customers(lambda n, price: round(price * 0.8, 2) if n % 2 else price),  # a fifth off
        customers(lambda n, price: price - 5 * (n % 2)),
        customers(lambda n, price: round(price * 1.1, 2) if n >= 150 else price, lambda n: n),  # a rise for new ones
        customers(lambda n, price: round(price * 1.05, 2) if n % 2 else price),  # a rise for some
        customers(lambda n, price: price * (0.9 + (n % 17) / 100)),
        customers(lambda n, price: price).slice(0, 0),
    ],
)
def test_other_differences_are_not(rows: pa.Table) -> None:
    assert partly_taxed.told(rows) == ()
