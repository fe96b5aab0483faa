"""Prices of which some are with tax and others without: of the same plan one is the other times one plus a tax, to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dashboard.tables.imports.joining.without_tax import RATES

FEWEST, FEWEST_PLANS = 10, 2
LEAST = 0.2
"""Of a plan's customers so many pay either price."""
LIKE_A_DISCOUNT = 25.0
"""Percent: four fifths of a price is as well a price with a fifth off."""
RISE = 15.0
"""Percent: a smaller difference may as well be a rise of prices where those with the lower price have been there longer."""
FREE_OF_TIME = 0.25
"""How far the share of pairs in which who pays less came first may be from a half, where the price does not follow the time."""
SOME_CENTS = frozenset({0, 50, 90, 95, 99})
"""How prices end that somebody chose."""

Amounts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A plan of which ``low`` and ``high`` are usual prices, apart by ``rate`` percent, and how many pay either."""

    plan: str
    low: float
    high: float
    rate: float
    rows: int


def told(rows: pa.Table) -> tuple[str, ...]:
    """A question where it seems so of the customers ``rows``: of several plans, by the same tax."""
    frame = rows.select(["plan", "monthly_price", "started_on"]).to_pandas().dropna(subset=["plan", "monthly_price"])
    pairs = [pair for plan, own in frame.groupby("plan") if (pair := _pair(str(plan), own)) is not None]
    by_rate: dict[float, list[_Pair]] = {}
    for pair in pairs:
        by_rate.setdefault(pair.rate, []).append(pair)
    best = max(by_rate.values(), key=len, default=[])
    return (_said(best),) if len(best) >= FEWEST_PLANS and len(best) > len(frame["plan"].unique()) / 2 else ()


def _pair(plan: str, own: Mapping[str, object]) -> _Pair | None:
    prices = np.asarray(own["monthly_price"], dtype=float)
    started = np.asarray(own["started_on"], dtype="datetime64[D]").astype(float)
    if len(prices) < FEWEST:
        return None
    cents, counts = np.unique(np.round(prices * 100).astype(np.int64), return_counts=True)
    usual = [int(one) for one in cents[counts >= LEAST * len(prices)]]
    for low, high, rate in _taxed(usual):
        is_low, is_high = np.round(prices * 100) == low, np.round(prices * 100) == high
        if _is_free_of_time(started[is_low], started[is_high]):
            return _Pair(plan, low / 100, high / 100, rate, int((is_low | is_high).sum()))
    return None


def _taxed(usual: list[int]) -> Iterator[tuple[int, int, float]]:
    """Pairs of prices, in cents, of which one is somebody's choice and the other that with, or without, a tax."""
    for low in usual:
        for high in usual:
            for rate in RATES if low < high else ():
                if abs(low * (1 + rate / 100) - high) > 1 or rate == LIKE_A_DISCOUNT:
                    continue
                is_net = (
                    round(high / (1 + rate / 100)) == low and high % 100 in SOME_CENTS and low % 100 not in SOME_CENTS
                )
                is_gross = round(low * (1 + rate / 100)) == high and low % 100 in SOME_CENTS and rate >= RISE
                if is_net or is_gross:
                    yield low, high, rate


def _is_free_of_time(low: Amounts, high: Amounts) -> bool:
    """Whether those who pay less have not mostly come earlier, or later, than those who pay more."""
    earlier = np.searchsorted(np.sort(low), high).mean() / len(low)
    return bool(abs(earlier - 0.5) <= FREE_OF_TIME)


def _said(pairs: list[_Pair]) -> str:
    first = pairs[0]
    others = f", and likewise of {len(pairs) - 1} more plans" if len(pairs) > 2 else ", and likewise of another plan"
    return (
        f"monthly_price: of the plan {first.plan!r} some pay {first.low:g} and others {first.high:g}{others}: that is a tax of"
        f" {first.rate:g}%. Are some prices with it and others without? Export all with it; otherwise pages add up both"
    )
