"""Prices with tax beside prices without it are asked about; prices that differ for other reasons are not."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.joining.without_tax import tax_of
from dashboard.tables.imports.records import import_records

PLANS = {"Basic": 19.9, "Family": 29.9, "Giga": 49.9}
AS_OF = datetime.date(2026, 3, 1)
Paid = Callable[[float, int, random.Random], float]


def asked(paid: Paid) -> bool:
    """Whether a tax explains what 200 customers pay, so much for the list price as the n-th of them."""
    rng, listed = random.Random(1), sorted(PLANS.values())
    ratios = [round(paid(listed[n % 3], n, rng), 2) / listed[n % 3] for n in range(200)]
    return tax_of(np.array(ratios)) is not None


@pytest.mark.parametrize("customers_last", [True, False])
def test_the_import_asks(tmp_path: Path, customers_last: bool) -> None:
    settings = DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")
    listed = sorted(PLANS.items())
    rows = [f"C{n},north,{listed[n % 3][0]},{listed[n % 3][1] * 1.23:.2f},2025-01-{1 + n}" for n in range(20)]
    files = {
        "prices": "plan,valid_from,new_customer_price\n" + "".join(f"{p},2024-01-01,{v}\n" for p, v in listed),
        "customers": "customer_id,area,plan,monthly_price,started_on\n" + "\n".join(rows) + "\n",
    }
    for kind in ("prices", "customers") if customers_last else ("customers", "prices"):
        path = tmp_path / f"{kind}.csv"
        path.write_text(files[kind])
        report = import_records(kind, path, settings, as_of=AS_OF)
    assert report.exit_code == 1
    assert any(
        "1.23 times the price of the same plan for new customers for 20 of 20 customers, as where one of the two is"
        " without a tax of 23%" in text
        for text in report.warnings
    )


@pytest.mark.parametrize("times", [1.23, 1 / 1.23, 1.19, 1.06, 1.1, 1 / 1.25])
def test_a_tax_between_both_is_asked_about(times: float) -> None:
    assert asked(lambda price, n, rng: price * times)


@pytest.mark.parametrize("times", [1.23, 1 / 1.21])
def test_also_where_loyal_customers_pay_more_than_new_ones(times: float) -> None:
    assert asked(lambda price, n, rng: price * times * (1.0 if n % 3 == 0 else 1 + 0.6 * rng.random()))


@pytest.mark.parametrize(
    "paid",
    [
        lambda price, n, rng: price,
        lambda price, n, rng: price * (1 + 0.5 * rng.random()),
        lambda price, n, rng: price * (0.8 + 0.4 * rng.random()),
        lambda price, n, rng: price * (1 / 1.25 if n % 3 else 1.0),  # a discount for two in three
        lambda price, n, rng: price * (1.2 if n % 2 else 1.0),  # a surcharge for every other one
        lambda price, n, rng: price + 5,
        lambda price, n, rng: price * 1.02,
    ],
)
def test_prices_that_differ_for_other_reasons_are_not(paid: Paid) -> None:
    assert not asked(paid)


def test_few_prices_say_nothing() -> None:
    assert tax_of(np.array([1.23] * 9)) is None
