"""Prices of which one side is without tax: customers pay the price for new ones times one plus a tax, nearly all of them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.tables.imports.joining.join_counts import Imported
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.quality_hours import connect

RATES = (
    *(5.0, 6.0, 7.0, 7.5, 8.0, 8.1, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0),
    *(23.0, 24.0, 25.0, 25.5, 27.0),
)
"""Percent: standard rates of value-added taxes and their like in countries of all continents."""
FEWEST = 10
WITHIN = 0.004
"""Both prices are rounded: a ratio so near to one plus the rate is of that rate."""
NEARLY_ALL = 0.8
ORDINARY_RISE = 15.0
"""Percent: of a single plan a smaller difference may as well be a change of its price."""
LEAST, MOST_BELOW = 0.2, 0.02
"""Or so many pay just that, and hardly anybody less: those who have been there for long pay more than new ones."""

PAID = """
WITH first AS (
    SELECT customer_id, plan, monthly_price, started_on
    FROM customers WHERE monthly_price > 0
    QUALIFY row_number() OVER (PARTITION BY customer_id, started_on ORDER BY valid_from) = 1
),
listed AS (
    SELECT plan, valid_from, median(new_customer_price) AS price FROM prices WHERE new_customer_price > 0 GROUP BY ALL
),
oldest AS (SELECT plan, min(valid_from) AS since FROM listed GROUP BY plan)
SELECT first.plan, first.monthly_price / listed.price
FROM first
JOIN oldest ON oldest.plan = first.plan
ASOF JOIN listed ON listed.plan = first.plan AND greatest(first.started_on, oldest.since) >= listed.valid_from
"""


@dataclass(frozen=True, slots=True)
class _Tax:
    """So many of ``rows`` pay ``times`` the price for new customers, where a tax of ``percent`` would be the cause."""

    percent: float
    times: float
    number: int
    rows: int


def told(imported: Imported) -> tuple[str, ...]:
    """A warning where it seems so, by what customers paid at first and what their plan cost new ones then."""
    if imported.kind not in ("customers", "prices"):
        return ()
    data = imported.settings.data
    customers, prices = (
        imported.rows if imported.kind == kind else snapshots.read(kind, data) for kind in ("customers", "prices")
    )
    if customers.num_rows < FEWEST or not prices.num_rows:
        return ()
    with contextlib.closing(connect()) as connection:
        connection.register("customers", customers)
        connection.register("prices", prices)
        paid = connection.execute(PAID).fetchall()
    tax = tax_of(np.array([row[1] for row in paid], dtype=float))
    if tax is None or (tax.percent < ORDINARY_RISE and len({row[0] for row in paid}) == 1):
        return ()
    return (_said(tax),)


def tax_of(ratios: npt.NDArray[np.float64]) -> _Tax | None:
    """The tax whose rate explains ``ratios`` (n,) of what is paid to what new customers pay; None where none does."""
    if ratios.size < FEWEST:
        return None
    found = [_counted(ratios, rate, times) for rate in RATES for times in (1 + rate / 100, 1 / (1 + rate / 100))]
    best = max(found, key=lambda tax: tax.number)
    share, below = best.number / best.rows, float((ratios < best.times * (1 - WITHIN)).mean())
    at_list = float((np.abs(ratios - 1) <= WITHIN).mean())
    is_edge = share >= LEAST and below <= MOST_BELOW and at_list <= MOST_BELOW
    return best if share >= NEARLY_ALL or is_edge else None


def _counted(ratios: npt.NDArray[np.float64], rate: float, times: float) -> _Tax:
    return _Tax(rate, times, int((np.abs(ratios / times - 1) <= WITHIN).sum()), ratios.size)


def _said(tax: _Tax) -> str:
    return (
        f"monthly_price is {tax.times:.3g} times the price of the same plan for new customers for {tax.number:,} of {tax.rows:,}"
        f" customers, {'' if tax.number >= NEARLY_ALL * tax.rows else 'and hardly anybody pays less, '}as where one of the two"
        f" is without a tax of {tax.percent:g}%: export both with it or both without it; otherwise pages show a price gap"
        " that nobody pays"
    )
