"""Whether the day or the month stands first, by the days themselves, and otherwise by what is known of the provider."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.dates.customs import Customs
from dashboard.tables.dates.date_parts import Order, OrderError, Parts, year_last

AHEAD = frozenset({"contract_until", "ended_on", "valid_from"})
"""Columns whose days may lie in the future."""
OF_CONTRACTS = AHEAD | {"started_on"}
"""Columns whose days are often the first of a month."""
FEWEST_IN_A_MONTH = 6
"""So many days of one and the same number, before that number is said to be the month (or the first of each)."""
HALF_OF_DAY = r"\d\s*[AaPp]\.?\s?[Mm]\b"


@dataclass(frozen=True)
class Decided:
    """The order of every column, those that their own days show, and for the others why they are read so."""

    orders: dict[str, Order]
    evident: dict[str, Order]
    reasons: dict[str, str]


@dataclass(frozen=True)
class _Vote:
    order: Order
    reason: str
    weight: int
    """2: decides also where people of the country write otherwise; 1: has to be heard even then; 0: for want of these."""


def decided(columns: Mapping[str, pa.Array], today: datetime.date, customs: Customs) -> Decided:
    """By a number above 12 in the place of the day; in columns without one as the others of the file have it, and where
    none of them tells, by what speaks for one order. Raises OrderError where that contradicts, or where nothing does.

    Columns whose days read alike both ways need no decision.
    """
    parts = {name: year_last(column) for name, column in columns.items()}
    evident = {name: order for name, days in parts.items() if (order := _evident(name, days)) is not None}
    unclear = [name for name, days in parts.items() if name not in evident and days.example]
    orders = set(evident.values())
    usual, reason = Order.DAY, None
    if len(orders) == 1:
        usual = next(iter(orders))
    elif unclear:
        votes = list(_votes(unclear, columns, parts, today, customs))
        usual, reason = _counted(unclear[0], parts[unclear[0]], votes)
    reasons = dict.fromkeys(unclear, reason) if reason else {}
    return Decided({name: evident.get(name, usual) for name in columns}, evident, reasons)


def _evident(name: str, days: Parts) -> Order | None:
    is_day, is_month = bool((days.first > 12).any()), bool((days.second > 12).any())
    if is_day and is_month:
        raise OrderError(f"{name}: mixes day/month with month/day; {_way_out(name, days)}")
    if is_day or is_month:
        return Order.DAY if is_day else Order.MONTH
    return None


def _votes(
    names: list[str],
    columns: Mapping[str, pa.Array],
    parts: Mapping[str, Parts],
    today: datetime.date,
    customs: Customs,
) -> Iterator[_Vote]:
    """What speaks for one order of the columns ``names``, the strongest first."""
    for name in names:
        if name not in AHEAD and (order := _not_ahead(parts[name], today)) is not None:
            yield _Vote(order, f"as {_other(order).value} it would have days to come", weight=2)
    if customs.remembered in (Order.DAY, Order.MONTH):
        yield _Vote(customs.remembered, "earlier imports wrote it so", weight=2)
    for name in names:
        if (order := _of_one_month(name, parts[name])) is not None:
            yield _Vote(order, "its days are then of one month, or all the first of one", weight=1)
    country = customs.of_the_country
    is_foreign = country is not Order.DAY or customs.has_clock_of_24
    if is_foreign and any(pc.any(pc.match_substring_regex(columns[name], HALF_OF_DAY)).as_py() for name in names):
        yield _Vote(Order.MONTH, "its times are written with AM and PM", weight=0)
    if country is not None:
        first = "the day" if country is Order.DAY else "the month"
        yield _Vote(country, f"{first} comes first where {customs.said}", weight=0)


def _counted(name: str, days: Parts, votes: list[_Vote]) -> tuple[Order, str]:
    """The order that the ``votes`` are for, and the reason of the strongest. Raises OrderError where they contradict."""
    least = 1 if any(vote.weight == 2 for vote in votes) else 0
    heard = [vote for vote in votes if vote.weight >= least]
    reasons = {vote.order: vote.reason for vote in reversed(heard)}
    if len(reasons) == 1:
        return heard[0].order, heard[0].reason
    asked = (
        f"{name}: day/month or month/day? {days.example} is {iso(days, Order.DAY)} or {iso(days, Order.MONTH)},"
        " and no date in it has a day after the 12th"
    )
    speaks = "; ".join(f"{reason}, which speaks for {order.value}" for order, reason in reasons.items())
    raise OrderError(f"{asked}{'. But ' + speaks if speaks else ''}; {_way_out(name, days)}")


def _other(order: Order) -> Order:
    return Order.MONTH if order is Order.DAY else Order.DAY


def _not_ahead(days: Parts, today: datetime.date) -> Order | None:
    """The order that has no days to come where the other one has some."""
    by_day, by_month = (_is_ahead(days, order, today) for order in (Order.DAY, Order.MONTH))
    only_day, only_month = bool((by_day & ~by_month).any()), bool((by_month & ~by_day).any())
    if only_day == only_month:
        return None
    return Order.MONTH if only_day else Order.DAY


def _is_ahead(days: Parts, order: Order, today: datetime.date) -> npt.NDArray[np.bool_]:
    month, day = (days.second, days.first) if order is Order.DAY else (days.first, days.second)
    return np.asarray(days.third * 372 + month * 31 + day > today.year * 372 + today.month * 31 + today.day)


def _of_one_month(name: str, days: Parts) -> Order | None:
    """Complaints of few weeks lie in one month sooner than on one day of many; contracts begin on the first of many."""
    orders = {Order.DAY: (days.first, days.second), Order.MONTH: (days.second, days.first)}
    for order, (day, month) in orders.items():
        alike, others = (day, month) if name in OF_CONTRACTS else (month, day)
        is_alike = len(np.unique(alike)) == 1 and (name not in OF_CONTRACTS or int(alike[0]) == 1)
        if is_alike and len(np.unique(others)) >= FEWEST_IN_A_MONTH:
            return order
    return None


def iso(days: Parts, order: Order) -> str:
    """The example of ``days`` in ISO 8601, read in ``order``."""
    at = int(np.flatnonzero(days.first != days.second)[0])
    one, two, year = int(days.first[at]), int(days.second[at]), int(days.third[at])
    day, month = (one, two) if order is Order.DAY else (two, one)
    return f"{year}-{month:02d}-{day:02d}"


def formats(mark: str) -> str:
    """Both ways as a mapping says them."""
    return '"%d/%m/%Y" or "%m/%d/%Y"'.replace("/", mark)


def _way_out(name: str, days: Parts) -> str:
    return f"write dates as YYYY-MM-DD, or say in a mapping under [columns.{name}] format = {formats(days.mark)}"
