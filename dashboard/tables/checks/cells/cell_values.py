"""Cells of text turned into typed columns: dates, timestamps, numbers, categories; what cannot be is a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.cells import currencies
from dashboard.tables.checks.cells.date_orders import MONTHS, Order

MOMENT = (
    r"^(?:(?P<year>\d{4})[-/.] ?(?P<month>\d{1,2})[-/.] ?(?P<day>\d{1,2})\.?"
    r"|(?P<compact>\d{8})"
    r"|(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})[-/.](?P<late_year>\d{4}|\d{2})"
    r"|(?P<named_day>\d{1,2})[- ](?P<named_month>[A-Za-z]{3})[a-z]*[- ](?P<named_year>\d{4}|\d{2}))"
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second_of_minute>\d{2})(?P<fraction>[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?$"
)
WAYS = ("year", "compact", "first", "named_day")
THOUSANDS_BLANK = r"^([+-]?\d{1,3})[ '\x{a0}\x{202f}\x{2009}\x{2019}](\d{3})(\D.*)?$"
NO_CENTS = r"(\d)[.,]\s?[-–—]{1,2}(\s|$)"
"""59.- and 59,-- as people write whole amounts."""
THREE_AFTER_DOT = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
UNCLEAR = "is thousands or decimals? Write it without {}, or say in a mapping decimal = 'point' or 'comma'"
UNCLEAR_REASONS = frozenset(UNCLEAR.format(mark) for mark in ",.")
INDIAN = r"^[+-]?\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?$"
"""Lakhs and crores: 1,02,999.00."""
SERIAL_DAY = r"^[1-7]\d{4}(?:[.,]\d+)?$"
"""Days as Excel counts them: 10,000 to 79,999 are the years 1927 to 2118."""
NOVEMBER = " marras"
"""In Finnish; of other languages' months those that begin as an English one are the same."""
UNIX = r"^1\d{9}(?:\d{3})?(?:\.\d+)?$"
"""Seconds, or thousandths of them, since 1970: of the years 2001 to 2033."""
SIX_DIGITS = r"^\d{6}$"
ZONE_AT_END = r"\d.*:\d{2}(?:[.,]\d+)?(?:\s*[AaPp]\.?[Mm]\.?)?\s+\(?[A-Z]{2,5}\)?$"
MONTH_ALONE = r"^(?:[A-Za-z]{3,9}[-/. ']+(?:\d{4}|\d{2})|\d{4}[-/.]\d{1,2}|\d{1,2}[-/.]\d{4})$"
EARLIEST, LATEST = np.datetime64("1900-01-01"), np.datetime64("2200-01-01")


@dataclass(frozen=True)
class Parsed:
    """A typed column (null where blank or refused) and a reason per refused kind of cell, as masks over the rows."""

    values: pa.Array
    faults: tuple[tuple[np.ndarray, str], ...] = ()


def parse_dates(column: pa.Array, *, order: Order, zone: ZoneInfo) -> Parsed:
    """Calendar days; a time of day beside one is left out, after conversion to ``zone`` where it carries its own.

    Where all that carry one say midnight (2024-03-05T00:00:00Z), they are days that a program wrote as instants, and stay.
    """
    return _by_distinct(column, pa.date32(), lambda texts: _days(texts, order, zone))


def parse_timestamps(column: pa.Array, *, order: Order, zone: ZoneInfo) -> Parsed:
    """Instants in UTC; a text without a zone of its own is local time in ``zone`` (the earlier one when it comes twice)."""
    return _by_distinct(column, pa.timestamp("us", tz="UTC"), lambda texts: _instants(texts, order, zone))


def parse_numbers(column: pa.Array, *, has_decimal_comma: bool, is_stated: bool = False) -> Parsed:
    """Finite numbers. With a decimal comma a dot groups thousands, otherwise a comma does.

    Signs of a currency are taken off. Where the column's own cells say which of the two it is (29,90 or 1.029,90), that
    holds for all of them, whatever the file's separator suggests. 1.234 (or 1,234) by itself says neither: it is refused
    unless another cell of the column settles it, or ``is_stated`` says that somebody stated which mark it is.
    """
    column = _bare(column)
    column = pc.if_else(pc.match_substring_regex(column, INDIAN), pc.replace_substring(column, ",", ""), column)
    group, point = (".", ",") if _has_comma(column, has_decimal_comma) else (",", ".")
    texts = column.drop_null()
    groups = is_stated or _groups_thousands(texts, group)
    if not groups and _groups_thousands(texts, point):
        group, point, groups = point, group, True
    plain, grouped = rf"^[+-]?\d+(?:\{point}\d+)?$", rf"^[+-]?\d{{1,3}}(?:\{group}\d{{3}})+(?:\{point}\d+)?$"
    other_point = rf"^[+-]?\d+\{group}\d+$"
    is_grouping = pc.any(pc.match_substring_regex(texts, rf"\d\{group}\d{{3}}(?:\{group}|\{point})")).as_py()
    uses_point = is_grouping or pc.any(pc.match_substring_regex(texts, rf"^[+-]?\d+\{point}\d+$")).as_py()

    may_be_thousands = point == "." and not groups and not _settles_point(texts)

    def parse(distinct: pa.Array) -> tuple[np.ndarray, list[tuple[np.ndarray, str]]]:
        is_plain, is_grouped, is_other = (
            pc.match_substring_regex(distinct, pattern).to_numpy(zero_copy_only=False)
            for pattern in (plain, grouped, other_point)
        )
        as_group = pc.replace_substring(pc.replace_substring(distinct, group, ""), point, ".")
        as_point = pc.replace_substring(distinct, group, ".")
        is_unclear = is_grouped & is_other & (not uses_point) & (not groups)
        by_point = is_other & ~is_grouped & (not uses_point)
        is_number = (is_plain | is_grouped | by_point) & ~is_unclear
        chosen = pc.if_else(pa.array(by_point), as_point, as_group)
        values = np.full(len(distinct), np.nan)
        values[is_number] = pc.cast(chosen.filter(pa.array(is_number)), pa.float64()).to_numpy()
        is_either = (
            pc.match_substring_regex(distinct, THREE_AFTER_DOT).to_numpy(zero_copy_only=False) & may_be_thousands
        )
        is_either |= _are_odd_thousands(distinct, texts, point) & (not is_stated)
        values[is_either] = np.nan
        return values, [
            (is_unclear, UNCLEAR.format(group)),
            (is_either, UNCLEAR.format(point)),
            (~is_number & ~is_unclear, "is not a number"),
        ]

    return _by_distinct(column, pa.float64(), parse)


def _are_odd_thousands(distinct: pa.Array, texts: pa.Array, point: str) -> np.ndarray:
    """Amounts with three digits after the mark where all others have one or two: 1,029 beside 29,90 is hardly a little over one."""
    three = np.array(pc.match_substring_regex(distinct, rf"^[+-]?[1-9]\d{{0,2}}\{point}\d{{3}}$"), dtype=bool)
    short, other = (
        pc.sum(pc.match_substring_regex(texts, rf"\{point}\d{{{digits}}}$")).as_py() or 0 for digits in ("1,2", "3,")
    )
    long = pc.any(pc.match_substring_regex(texts, rf"\{point}\d{{4,}}$|^[+-]?0\{point}\d{{3}}$")).as_py()
    return three & (short > other and not long)


def _groups_thousands(texts: pa.Array, mark: str) -> bool:
    """Whether ``mark`` stands before thousands: 1,299 beside 59, where cents would have two digits and 59 be 59,000.

    29,900 may be 29.900 with a blank thousandth, so one cell at least has to end otherwise; and nothing large may stand
    there without the mark.
    """
    three = pc.match_substring_regex(texts, rf"^[+-]?[1-9]\d{{0,2}}\{mark}\d{{2}}[1-9]$")
    whole = pc.match_substring_regex(texts, r"^[+-]?[1-9]\d{0,2}$")
    other = pc.match_substring_regex(
        texts, rf"^[+-]?(?:\d{{4,}}|0\{mark}\d+|.*\{mark}(?:\d{{1,2}}|\d{{4,}}))$|[.,].*[.,]"
    )
    return bool(pc.any(three).as_py() and pc.any(whole).as_py() and not pc.any(other).as_py())


def _settles_point(texts: pa.Array) -> bool:
    """Whether any cell says that the dot is before the fraction: 29.9, 0.125, 1,029. Only 29.900 says nothing."""
    has_dot = pc.match_substring_regex(texts, r"^[+-]?\d+\.\d+$")
    is_either = pc.match_substring_regex(texts, THREE_AFTER_DOT)
    is_grouped = pc.match_substring_regex(texts, r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
    return bool(pc.any(pc.or_(is_grouped, pc.and_not(has_dot, is_either))).as_py())


def _bare(column: pa.Array) -> pa.Array:
    """Amounts without their currency and without blanks or apostrophes between thousands."""
    whole = pc.replace_substring_regex(column, NO_CENTS, r"\1\2")
    bare = pc.utf8_trim_whitespace(currencies.bare(whole))
    if not pc.any(pc.match_substring_regex(bare, THOUSANDS_BLANK)).as_py():
        return bare
    for _ in range(4):
        bare = pc.replace_substring_regex(bare, THOUSANDS_BLANK, r"\1\2\3")
    return bare


def _has_comma(column: pa.Array, otherwise: bool) -> bool:
    """Whether the cells write decimals with a comma; ``otherwise`` where none of them says so, or they disagree."""
    said = {
        point: pc.any(
            pc.match_substring_regex(
                column, rf"^[+-]?(?:\d+\{point}(?:\d{{1,2}}|\d{{4,}})|\d{{1,3}}(?:\{group}\d{{3}})+\{point}\d+)$"
            )
        ).as_py()
        for point, group in ((",", "."), (".", ","))
    }
    return bool(said[","]) if said[","] != said["."] else otherwise


def parse_integers(column: pa.Array) -> Parsed:
    """Whole numbers; 9.0 is one."""

    def parse(distinct: pa.Array) -> tuple[np.ndarray, list[tuple[np.ndarray, str]]]:
        is_whole = pc.match_substring_regex(distinct, r"^[+-]?\d{1,15}(?:[.,]0+)?$").to_numpy(zero_copy_only=False)
        values = np.full(len(distinct), np.nan)
        heads = pc.replace_substring_regex(distinct.filter(pa.array(is_whole)), r"^\+|[.,]0+$", "")
        values[is_whole] = pc.cast(heads, pa.float64()).to_numpy()
        return values, [(~is_whole, "is not a whole number")]

    return _by_distinct(column, pa.int64(), parse)


def parse_choices(column: pa.Array, choices: Sequence[str]) -> Parsed:
    """One of ``choices``, whatever the case."""
    lowered = pc.utf8_lower(column)
    is_known = pc.or_(pc.is_in(lowered, pa.array(choices)), pc.is_null(lowered))
    known = pc.if_else(is_known, lowered, pa.scalar(None, pa.string()))
    wrong = pc.invert(is_known).to_numpy(zero_copy_only=False)
    return Parsed(known, ((wrong, f"is not one of {', '.join(choices)}"),))


def _by_distinct(column: pa.Array, kind: pa.DataType, parse) -> Parsed:  # type: ignore[no-untyped-def]
    """Parse each distinct text once. ``parse`` gives values (NaN or NaT where refused) and masks with reasons."""
    encoded = column.dictionary_encode()
    values, reasons = parse(encoded.dictionary)
    indices = encoded.indices
    typed = _typed(values, kind)
    positions = indices.fill_null(0).to_numpy(zero_copy_only=False)
    is_given = column.is_valid().to_numpy(zero_copy_only=False)
    faults = tuple((mask[positions] & is_given, reason) for mask, reason in reasons if mask.any())
    return Parsed(typed.take(indices) if len(typed) else pa.nulls(len(column), kind), faults)


def _typed(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(values.astype("datetime64[us]"), pa.timestamp("us")).cast(kind)
    if pa.types.is_date32(kind):
        return pa.array(values.astype("datetime64[D]"), kind)
    return pa.array(values, pa.float64(), from_pandas=True).cast(kind)


def _fields(texts: pa.Array) -> dict[str, pa.Array]:
    """The named groups of MOMENT as columns of text; all are empty where a text is no date."""
    found = pc.extract_regex(texts, MOMENT)
    return {field.name: pc.fill_null(pc.struct_field(found, field.name), "") for field in found.type}


def _number(texts: pa.Array) -> np.ndarray:
    return pc.cast(pc.if_else(pc.equal(texts, ""), "0", texts), pa.int64()).to_numpy(zero_copy_only=False)


def _is(texts: pa.Array, value: str) -> np.ndarray:
    return pc.equal(texts, value).to_numpy(zero_copy_only=False)


def _calendar(parts: dict[str, pa.Array], order: Order) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Year, month and day, whichever way they were written: of the ways only one is filled, the others count 0."""
    compact = parts["compact"]
    day_first = (order is Order.DAY) | _is(parts["mark"], ".")
    named = pc.index_in(pc.utf8_lower(parts["named_month"]), MONTHS)
    short = pc.binary_join_element_wise(parts["late_year"], parts["named_year"], "")
    last = _number(short)
    is_short = pc.equal(pc.utf8_length(short), 2).to_numpy(zero_copy_only=False)
    first, second = _number(parts["first"]) + _number(parts["named_day"]), _number(parts["second"])
    has_year_first = is_short & (order is Order.YEAR)
    late = np.where(has_year_first, first, last)
    late = np.where(is_short, np.where(late < 70, 2000 + late, 1900 + late), late)
    year = _number(parts["year"]) + _number(pc.utf8_slice_codeunits(compact, 0, 4)) + late
    is_named = ~_is(parts["named_day"], "")
    month = _number(parts["month"]) + _number(pc.utf8_slice_codeunits(compact, 4, 6))
    month += pc.fill_null(pc.add(named, 1), 0).to_numpy(zero_copy_only=False)
    month += np.where(day_first | has_year_first, second, np.where(is_named, 0, first))
    day = _number(parts["day"]) + _number(pc.utf8_slice_codeunits(compact, 6, 8))
    day += np.where(has_year_first, last, np.where(day_first | is_named, first, second))
    return year, month, day


def _local(texts: pa.Array, order: Order) -> tuple[np.ndarray, dict[str, pa.Array], list]:
    """Local date and time in microseconds (NaT where refused), the parts, and the masks with reasons."""
    parts = _fields(texts)
    year, month, day = _calendar(parts, order)
    is_date = ~_is(pc.binary_join_element_wise(*(parts[name] for name in WAYS), ""), "")
    is_date &= ~np.asarray(
        pc.match_substring(texts, NOVEMBER, ignore_case=True).to_numpy(zero_copy_only=False), dtype=bool
    )
    is_unknown = is_date & ~_is(parts["named_month"], "") & (month == 0)
    is_serial = np.asarray(pc.match_substring_regex(texts, SERIAL_DAY).to_numpy(zero_copy_only=False), dtype=bool)
    is_six, is_month_alone, is_unix, is_of_zone = (
        np.asarray(pc.match_substring_regex(texts, way).to_numpy(zero_copy_only=False), dtype=bool)
        for way in (SIX_DIGITS, MONTH_ALONE, UNIX, ZONE_AT_END)
    )
    is_buddhist = (year >= 2443) & (year < 2643)
    is_month = is_date & (year >= 1) & (month >= 1) & (month <= 12)
    months = ((np.where(is_month, year, 1970) - 1970) * 12 + np.where(is_month, month, 1) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (np.where(is_month, day, 1) - 1)
    hour, twelve = _number(parts["hour"]), ~_is(parts["half"], "")
    is_afternoon = _is(pc.utf8_lower(pc.utf8_slice_codeunits(parts["half"], 0, 1)), "p")
    hour = np.where(twelve, hour % 12 + np.where(is_afternoon, 12, 0), hour)
    minute, second = _number(parts["minute"]), _number(parts["second_of_minute"])
    is_end_of_day = (hour == 24) & (minute == 0) & (second == 0)
    exists = is_month & (days.astype("datetime64[M]") == months) & (day >= 1) & (minute < 60)
    exists &= (hour < 24) | is_end_of_day
    exists &= (second < 60) & ~(twelve & (_number(parts["hour"]) > 12))
    in_range = exists & (days >= EARLIEST) & (days < LATEST)
    moment = days.astype("datetime64[us]") + (hour * 3600 + minute * 60 + second).astype("timedelta64[s]")
    moment[~in_range] = np.datetime64("NaT")
    reasons = [
        (~(is_date | is_serial | is_six | is_month_alone | is_unix | is_of_zone), "is not a date"),
        (
            ~is_date & is_of_zone,
            "has a zone's short name that means several zones, or is not known (CST, IST, BST, ...): export times with an"
            " offset such as -06:00, or local times without a zone",
        ),
        (
            ~is_date & is_unix,
            "is a number, not a date: seconds since 1970? A mapping reads them with format = 'unix' (or 'unix_milliseconds')",
        ),
        (~is_date & is_month_alone, "is a month without a day"),
        (
            ~is_date & is_six,
            "is a number of six digits, not a date: a mapping reads it with format = '%y%m%d' (or '%d%m%y')",
        ),
        (
            ~is_date & is_serial,
            "is a number, not a date: days as Excel counts them? A mapping reads them with format = 'excel'",
        ),
        (is_date & ~exists & ~is_unknown, "is a date that does not exist"),
        (
            is_unknown,
            "has a month's name that is not known, or is another month in another language: write dates as YYYY-MM-DD",
        ),
        (exists & is_buddhist, "is a year of the Buddhist calendar: export years as 2025, not 2568"),
        (exists & ~in_range & ~is_buddhist, "is a date before 1900 or after 2199"),
    ]
    return moment, parts, reasons


def _instants(texts: pa.Array, order: Order, zone: ZoneInfo) -> tuple[np.ndarray, list]:
    moment, parts, reasons = _local(texts, order)
    has_zone = ~_is(parts["zone"], "")
    naive = pd.DatetimeIndex(moment)
    local = naive.tz_localize(zone, ambiguous=np.ones(len(naive), dtype=bool), nonexistent="shift_forward")
    utc = local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
    return np.where(has_zone, moment - _offsets(parts["zone"]), utc), reasons


def _days(texts: pa.Array, order: Order, zone: ZoneInfo) -> tuple[np.ndarray, list]:
    moment, parts, reasons = _local(texts, order)
    has_zone = ~_is(parts["zone"], "")
    has_zone &= bool((has_zone & (moment != moment.astype("datetime64[D]"))).any())
    # 24:00 is the end of the day that is written.
    moment = moment - np.where(~has_zone & _is(parts["hour"], "24"), 1, 0).astype("timedelta64[us]")
    there = pd.DatetimeIndex(moment - _offsets(parts["zone"]), tz="UTC").tz_convert(zone).tz_localize(None)
    return np.where(has_zone, there.to_numpy().astype("datetime64[us]"), moment).astype("datetime64[D]"), reasons


def _offsets(zones: pa.Array) -> np.ndarray:
    """What the texts Z, +02:00, -0330 or +00 are ahead of UTC."""
    hours, minutes = (pc.replace_substring_regex(zones, r"^(?:.(\d\d):?(\d\d)?|.*)$", part) for part in (r"\1", r"\2"))
    sign = np.where(_is(pc.utf8_slice_codeunits(zones, 0, 1), "-"), -1, 1)
    return (sign * (_number(hours) * 60 + _number(minutes))).astype("timedelta64[m]")
