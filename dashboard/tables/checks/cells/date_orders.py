"""In which order a column writes day, month and year, told from all of its cells; a guess is refused."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.dates import day_or_month
from dashboard.tables.dates.customs import Customs
from dashboard.tables.dates.date_parts import MONTHS, Order, OrderError, Parts, numbers, two_digits, year_last
from dashboard.tables.dates.day_or_month import AHEAD

__all__ = ["MONTHS", "Customs", "Order", "OrderError", "Orders", "decided", "read"]

YEAR_AHEAD = r"^\d{4}[-/.](?P<second>\d{1,2})[-/.](?P<third>\d{1,2})(?:\D|$)"
ISO = r"^\d{4}-\d{2}-(?P<day>\d{2})"
MARGIN = 9.0
"""By how much one order has to be likelier, as a logarithm: 8,000 times."""
YEAR_FIRST_RARE = {"/": 3.0, ".": 4.0, "-": 1.5}
"""How much rarer two digits of the year stand first than last, by the mark between (as a logarithm)."""
FEW = 10
"""Below so many different days the year stands last unless it is likelier first."""
NAMED_RARE = 6.0
"""The same beside a month's name (05-Mar-24)."""
OF_LONG_AGO_RARE = 2.0
"""How much more in columns of contracts, whose years may lie long ago."""
HABIT = 12.0
"""What it counts that earlier files of the same kind showed their order."""
YEARS_BACK = 6.0
"""A year six years back is a third as likely to be in records as this one."""
IMPOSSIBLE = 12.0
FEWEST_HALVES = (8, 3)
"""So many cells that are dates, and so many that are text, before the column is said to be converted by halves."""


@dataclass(frozen=True)
class Orders:
    """The order of every column, what the report says of them, and the one that the days themselves show (or None)."""

    of: dict[str, Order]
    notes: tuple[str, ...]
    evident: Order | None


def decided(columns: Mapping[str, pa.Array], today: datetime.date, customs: Customs | None = None) -> dict[str, Order]:
    """The orders that ``read`` finds."""
    return read(columns, today, customs).of


def read(columns: Mapping[str, pa.Array], today: datetime.date, customs: Customs | None = None) -> Orders:
    """The order of every column: by what stands in it, else by the other columns of the file, else by ``customs``.

    A dot between numbers is never month first. ``today`` is the day of the export. Raises OrderError where a column has
    several orders, or where nothing tells.
    """
    customs = customs or Customs()
    for name, column in columns.items():
        _refuse_halves(name, column)
        _refuse_year_day_month(name, column)
    is_year_first = _years_first(columns, today, customs)
    for name in columns:
        if is_year_first.get(name) and len(year_last(columns[name], r"\d{4}").first):
            raise OrderError(
                f"{name}: mixes year/month/day with dates whose year comes last; write dates as YYYY-MM-DD"
            )
    others = {name: column for name, column in columns.items() if not is_year_first.get(name)}
    found = day_or_month.decided(others, today, customs)
    years = {name: Order.YEAR for name in columns if is_year_first.get(name)}
    shown = {*found.evident.values(), *years.values()}
    notes = _said(columns, years | found.orders, found.reasons)
    return Orders(years | found.orders, tuple(notes), shown.pop() if len(shown) == 1 else None)


def _said(columns: Mapping[str, pa.Array], orders: Mapping[str, Order], reasons: Mapping[str, str]) -> list[str]:
    """How the columns were read that may be read otherwise, each with an example."""
    notes = []
    for name, column in columns.items():
        order = orders[name]
        why = f", since {reasons[name]}" if name in reasons else ""
        short = two_digits(column)
        if short is not None and (order is Order.YEAR or not why):
            read_as = f"{short.example} is read as {_day(short, order)}"
        elif why:
            days = year_last(column)
            read_as = f"{days.example} is read as {day_or_month.iso(days, order)}"
        else:
            continue
        ways = _formats(short) if short is not None else day_or_month.formats(year_last(column).mark)
        notes.append(
            f"{name}: {read_as} ({order.value}){why}; where that is wrong, a mapping says under"
            f" [columns.{name}] format = {ways}"
        )
    return notes


def _years_first(columns: Mapping[str, pa.Array], today: datetime.date, customs: Customs) -> dict[str, bool]:
    """Of the columns with years of two digits whether these stand first; of few dates only where that is likelier by far."""
    found, unclear = {}, {}
    for name, column in columns.items():
        if (parts := two_digits(column)) is None:
            continue
        difference = _for_year_first(name, parts, today) + _of_habit(customs)
        if abs(difference) < MARGIN:
            unclear[name] = (parts, difference)
        else:
            found[name] = difference > 0
    decisions = set(found.values())
    for name, (parts, difference) in unclear.items():
        is_usual = difference <= 0 and len(parts.first) < FEW
        if len(decisions) == 2 or not (decisions or is_usual):
            raise OrderError(_question(name, parts))
    return found | dict.fromkeys(unclear, True in decisions)


def _of_habit(customs: Customs) -> float:
    if customs.remembered is None:
        return 0.0
    return HABIT if customs.remembered is Order.YEAR else -HABIT


def _for_year_first(name: str, parts: Parts, today: datetime.date) -> float:
    """By how much it is likelier that the year stands first than last, as a logarithm."""
    ahead = name in AHEAD
    rare = NAMED_RARE if parts.is_named else YEAR_FIRST_RARE[parts.mark]
    rare += OF_LONG_AGO_RARE if name in day_or_month.OF_CONTRACTS else 0.0
    by_year = _likelihood(parts, Order.YEAR, today, ahead=ahead) - rare
    return by_year - max(_likelihood(parts, order, today, ahead=ahead) for order in (Order.DAY, Order.MONTH))


def _question(name: str, parts: Parts) -> str:
    years = [_day(parts, Order.YEAR), _day(parts, Order.DAY)]
    return (
        f"{name}: is {parts.example} {years[0]} or {years[1]}? Nothing in the file tells whether the year comes first or"
        f" last; write dates as YYYY-MM-DD, or say in a mapping under [columns.{name}] format = "
        f'"{_format(parts, Order.YEAR)}" or "{_format(parts, Order.DAY)}"'
    )


def _format(parts: Parts, order: Order) -> str:
    written = order.format.replace("/", parts.mark)
    return written.replace("%m", "%b") if parts.is_named else written


def _formats(parts: Parts) -> str:
    """The orders that these days may be written in, as a mapping says them."""
    orders = [Order.YEAR, Order.DAY, *([] if parts.is_named else [Order.MONTH])]
    *first, last = (f'"{_format(parts, order)}"' for order in orders)
    return f"{', '.join(first)} or {last}"


def _day(parts: Parts, order: Order) -> str:
    """The first day of ``parts`` in ISO 8601, as ``order`` reads it."""
    year, month, day = (int(one[0]) for one in _calendar(parts, order))
    return f"{year}-{month:02d}-{day:02d}"


def _calendar(parts: Parts, order: Order) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Year, month and day."""
    first, second, third = parts.first, parts.second, parts.third
    year, month, day = {
        Order.DAY: (third, second, first),
        Order.MONTH: (third, second, first) if parts.is_named else (third, first, second),
        Order.YEAR: (first, second, third),
    }[order]
    return np.where(year < 70, 2000 + year, 1900 + year), month, day


def _likelihood(parts: Parts, order: Order, today: datetime.date, *, ahead: bool) -> float:
    """The logarithm of how likely the different days are in this order: days and months are spread over the calendar, or
    always the first; years are few, in the past, and rather in the near one."""
    year, month, day = _calendar(parts, order)
    is_none = (month < 1) | (month > 12) | (day < 1) | (day > 31)
    is_ahead = (year * 372 + month * 31 + day > today.year * 372 + today.month * 31 + today.day) & (not ahead)
    wrong = IMPOSSIBLE * float(np.count_nonzero(is_none | is_ahead))
    return _of_years(year, today) + _of_days(day[~is_none]) + _of_months(month[~is_none]) - wrong


def _of_years(year: npt.NDArray[np.int64], today: datetime.date) -> float:
    distinct = np.unique(year)
    away = np.where(distinct > today.year, 4 * (distinct - today.year), today.year - distinct)
    return float(-np.sum(away) / YEARS_BACK - len(year) * np.log(len(distinct)))


def _of_days(day: npt.NDArray[np.int64]) -> float:
    spread = float(np.log(0.97) - len(day) * np.log(31))
    firsts = np.count_nonzero(day == 1)
    habit = float(np.log(0.03) + firsts * np.log(0.9) + (len(day) - firsts) * np.log(0.1 / 30))
    return max(spread, habit)


def _of_months(month: npt.NDArray[np.int64]) -> float:
    is_one = len(month) > 0 and bool((month == month[0]).all())
    spread = float(np.log(0.5) - len(month) * np.log(12))
    return max(spread, float(np.log(0.5 / 12))) if is_one else spread


def _refuse_year_day_month(name: str, column: pa.Array) -> None:
    """Raises OrderError for 2026-13-04 beside 2026-03-04: the second would be read as 4 March."""
    found = pc.extract_regex(pc.unique(column.drop_null()), YEAR_AHEAD).drop_null()
    second, third = (numbers(pc.struct_field(found, part)) for part in ("second", "third"))
    if np.count_nonzero(second > 12) >= 2 and not (third > 12).any():
        raise OrderError(
            f"{name}: writes the day before the month after a year of four digits; write dates as YYYY-MM-DD, or say in a"
            f' mapping under [columns.{name}] format = "%Y-%d-%m"'
        )


def _refuse_halves(name: str, column: pa.Array) -> None:
    """Raises OrderError where a spreadsheet has taken dates for its own country's and left those that are none there.

    Of 13/04/2026 and 03/04/2026 a spreadsheet of month/day leaves the first a text and makes 4 March of the second. Then no
    date has a day after the 12th, and every text has one.
    """
    distinct = pc.unique(column.drop_null())
    dates = pc.extract_regex(distinct, ISO).drop_null()
    texts = year_last(column)
    first, second = texts.first, texts.second
    if len(dates) < FEWEST_HALVES[0] or len(first) < FEWEST_HALVES[1]:
        return
    if numbers(pc.struct_field(dates, "day")).max() <= 12 and ((first > 12).all() or (second > 12).all()):
        raise OrderError(
            f"{name}: {len(dates):,} cells are dates, none with a day after the 12th, and {len(first):,} are text, all with one:"
            " a spreadsheet has probably swapped day and month of the first. Export the file again and import it without"
            " opening it in a spreadsheet"
        )
