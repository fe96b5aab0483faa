"""In which order a column writes day, month and year, told from all of its cells; a guess is refused."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bairro_error import BairroError

NUMERIC = r"^(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})[-/.](?P<third>\d{4}|\d{2})(?:\D|$)"
NAMED = r"^(?P<first>\d{2})(?P<mark>[- ])(?P<second>[A-Za-z]{3})[a-z]*[- ](?P<third>\d{2})(?:\D|$)"
YEAR_AHEAD = r"^\d{4}[-/.](?P<second>\d{1,2})[-/.](?P<third>\d{1,2})(?:\D|$)"
ISO = r"^\d{4}-\d{2}-(?P<day>\d{2})"
MONTHS = pa.array(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
AHEAD = frozenset({"contract_until", "ended_on", "valid_from"})
"""Columns whose days may lie in the future."""
MARGIN = 9.0
"""By how much one order has to be likelier, as a logarithm: 8,000 times."""
YEAR_FIRST_RARE = {"/": 3.0, ".": 4.0, "-": 1.5, " ": 3.0}
"""How much rarer two digits of the year stand first than last, by the mark between (as a logarithm)."""
YEARS_BACK = 6.0
"""A year six years back is a third as likely to be in records as this one."""
IMPOSSIBLE = 12.0
FEWEST_HALVES = (8, 3)
"""So many cells that are dates, and so many that are text, before the column is said to be converted by halves."""


class OrderError(BairroError, ValueError):
    """Dates of which nobody can tell in which order they are written; the message names the column."""


class Order(enum.Enum):
    DAY = "day/month/year"
    MONTH = "month/day/year"
    YEAR = "year/month/day"

    @property
    def format(self) -> str:
        """As a mapping says it, of years of two digits."""
        return {"day": "%d/%m/%y", "month": "%m/%d/%y", "year": "%y/%m/%d"}[self.name.lower()]


@dataclass(frozen=True)
class _Parts:
    """The different days of a column that writes them in three numbers, and the first of them as it is written."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    third: npt.NDArray[np.int64]
    mark: str
    example: str
    is_named: bool = False


def decided(columns: Mapping[str, pa.Array], today: datetime.date) -> dict[str, Order]:
    """The order of every column: by what stands in it, else by the other columns of the file.

    A dot between numbers is never month first. ``today`` is the day of the export. Raises OrderError where a column has
    several orders, or where no date of the file tells.
    """
    for name, column in columns.items():
        _refuse_halves(name, column)
        _refuse_year_day_month(name, column)
    is_year_first = _years_first(columns, today)
    for name in columns:
        if is_year_first.get(name) and len(_before_years(columns[name], r"\d{4}")[0]):
            raise OrderError(
                f"{name}: mixes year/month/day with dates whose year comes last; write dates as YYYY-MM-DD"
            )
    others = {name: column for name, column in columns.items() if not is_year_first.get(name)}
    return {name: Order.YEAR for name in columns if is_year_first.get(name)} | _days_or_months_first(others)


def said(columns: Mapping[str, pa.Array], orders: Mapping[str, Order]) -> list[str]:
    """How the columns with years of two digits were read, each with an example."""
    notes = []
    for name, column in columns.items():
        if (parts := _two_digits(column)) is not None:
            day = _day(parts, orders[name])
            notes.append(
                f"{name}: {parts.example} is read as {day} ({orders[name].value}); where that is wrong, a mapping says under"
                f" [columns.{name}] format = {_formats(parts)}"
            )
    return notes


def _years_first(columns: Mapping[str, pa.Array], today: datetime.date) -> dict[str, bool]:
    """Of the columns with years of two digits whether these stand first."""
    found, unclear = {}, {}
    for name, column in columns.items():
        if (parts := _two_digits(column)) is None:
            continue
        ahead = name in AHEAD
        by_year = _likelihood(parts, Order.YEAR, today, ahead=ahead) - YEAR_FIRST_RARE[parts.mark]
        by_other = max(_likelihood(parts, order, today, ahead=ahead) for order in (Order.DAY, Order.MONTH))
        if abs(by_year - by_other) < MARGIN:
            unclear[name] = parts
        else:
            found[name] = by_year > by_other
    for name, parts in unclear.items():
        if len(set(found.values())) != 1:
            raise OrderError(_question(name, parts))
    return found | dict.fromkeys(unclear, True in found.values())


def _question(name: str, parts: _Parts) -> str:
    years = [_day(parts, Order.YEAR), _day(parts, Order.DAY)]
    return (
        f"{name}: is {parts.example} {years[0]} or {years[1]}? Nothing in the file tells whether the year comes first or"
        f" last; write dates as YYYY-MM-DD, or say in a mapping under [columns.{name}] format = "
        f'"{_format(parts, Order.YEAR)}" or "{_format(parts, Order.DAY)}"'
    )


def _format(parts: _Parts, order: Order) -> str:
    written = order.format.replace("/", parts.mark)
    return written.replace("%m", "%b") if parts.is_named else written


def _formats(parts: _Parts) -> str:
    """The orders that these days may be written in, as a mapping says them."""
    orders = [Order.YEAR, Order.DAY, *([] if parts.is_named else [Order.MONTH])]
    *first, last = (f'"{_format(parts, order)}"' for order in orders)
    return f"{', '.join(first)} or {last}"


def _day(parts: _Parts, order: Order) -> str:
    """The first day of ``parts`` in ISO 8601, as ``order`` reads it."""
    year, month, day = (int(one[0]) for one in _read(parts, order))
    return f"{year}-{month:02d}-{day:02d}"


def _two_digits(column: pa.Array) -> _Parts | None:
    distinct = pc.unique(column.drop_null())
    for pattern in (NUMERIC, NAMED):
        matched = pc.extract_regex(distinct, pattern)
        third = pc.struct_field(matched, "third")
        is_short = pc.fill_null(pc.equal(pc.utf8_length(third), 2), False)
        found, texts = matched.filter(is_short), distinct.filter(is_short)
        # Where the first number is written as 5 and not as 05, it is no year.
        if not len(found) or pc.min(pc.utf8_length(pc.struct_field(found, "first"))).as_py() < 2:
            continue
        is_named = pattern is NAMED
        fields = [_numbers(pc.struct_field(found, part)) for part in ("first", "third")]
        named = pc.index_in(pc.utf8_lower(pc.struct_field(found, "second")), MONTHS)
        second = _numbers(pc.add(pc.fill_null(named, 12), 1) if is_named else pc.struct_field(found, "second"))
        days = np.unique(np.stack([fields[0], second, fields[1]]), axis=1, return_index=True)
        (first, second, third), at = days
        order = np.argsort(at)
        example = str(texts[int(at.min())].as_py()).split(" ")[0] if not is_named else str(texts[0].as_py())[:9]
        mark = str(pc.struct_field(found, "mark")[0].as_py())
        return _Parts(first[order], second[order], third[order], mark, example, is_named)
    return None


def _numbers(texts: pa.Array) -> npt.NDArray[np.int64]:
    return np.asarray(pc.cast(texts, pa.int64()).to_numpy(zero_copy_only=False))


def _read(parts: _Parts, order: Order) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Year, month and day."""
    first, second, third = parts.first, parts.second, parts.third
    year, month, day = {
        Order.DAY: (third, second, first),
        Order.MONTH: (third, second, first) if parts.is_named else (third, first, second),
        Order.YEAR: (first, second, third),
    }[order]
    return np.where(year < 70, 2000 + year, 1900 + year), month, day


def _likelihood(parts: _Parts, order: Order, today: datetime.date, *, ahead: bool) -> float:
    """The logarithm of how likely the different days are in this order: days and months are spread over the calendar, or
    always the first; years are few, in the past, and rather in the near one."""
    year, month, day = _read(parts, order)
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


def _days_or_months_first(columns: Mapping[str, pa.Array]) -> dict[str, Order]:
    """By a number above 12 in the place of the day; in columns without one as the others of the file have it."""
    found: dict[str, Order] = {}
    undecided = []
    for name, column in columns.items():
        first, second = _before_years(column)
        is_day, is_month = bool((first > 12).any()), bool((second > 12).any())
        if is_day and is_month:
            raise OrderError(f"{name}: mixes day/month with month/day; {_way_out(name)}")
        if is_day or is_month:
            found[name] = Order.DAY if is_day else Order.MONTH
        elif len(first):
            undecided.append(name)
    orders = set(found.values())
    if undecided and len(orders) != 1:
        raise OrderError(
            f"{undecided[0]}: day/month or month/day? No date in it has a day after the 12th; {_way_out(undecided[0])}"
        )
    usual = orders.pop() if len(orders) == 1 else Order.DAY
    return {name: found.get(name, usual) for name in columns}


def _way_out(name: str) -> str:
    return f'write dates as YYYY-MM-DD, or say in a mapping under [columns.{name}] format = "%d/%m/%Y" or "%m/%d/%Y"'


def _before_years(column: pa.Array, year: str = r"\d+") -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The two numbers before the year, of the different cells that have no dots."""
    found = pc.extract_regex(pc.unique(column.drop_null()), NUMERIC).drop_null()
    found = found.filter(pc.not_equal(pc.struct_field(found, "mark"), "."))
    found = found.filter(pc.match_substring_regex(pc.struct_field(found, "third"), f"^{year}$"))
    return _numbers(pc.struct_field(found, "first")), _numbers(pc.struct_field(found, "second"))


def _refuse_year_day_month(name: str, column: pa.Array) -> None:
    """Raises OrderError for 2026-13-04 beside 2026-03-04: the second would be read as 4 March."""
    found = pc.extract_regex(pc.unique(column.drop_null()), YEAR_AHEAD).drop_null()
    second, third = (_numbers(pc.struct_field(found, part)) for part in ("second", "third"))
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
    first, second = _before_years(column)
    if len(dates) < FEWEST_HALVES[0] or len(first) < FEWEST_HALVES[1]:
        return
    if _numbers(pc.struct_field(dates, "day")).max() <= 12 and ((first > 12).all() or (second > 12).all()):
        raise OrderError(
            f"{name}: {len(dates):,} cells are dates, none with a day after the 12th, and {len(first):,} are text, all with one:"
            " a spreadsheet has probably swapped day and month of the first. Export the file again and import it without"
            " opening it in a spreadsheet"
        )
