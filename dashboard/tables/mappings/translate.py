"""An export's rows rewritten under a mapping profile: our columns, our words, dates that need no guessing."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from collector import counted
from collector.published import TableSpec
from dashboard.tables.checks.cells import blanks, cell_values, date_orders, ids
from dashboard.tables.checks.cells.date_orders import Customs, Order
from dashboard.tables.checks.columns import categories
from dashboard.tables.checks.columns.who_left import statuses
from dashboard.tables.dates import written_clocks
from dashboard.tables.dates.spelled import plain, with_english_names
from dashboard.tables.mappings.profiles import INSTANTS, UNITS, ColumnMapping, Mapping
from dashboard.tables.readers import repeated_columns
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError, column_name, has_content, joined
from dashboard.tables.schema import CHOICES


@dataclass
class _Work:
    """The sheet that is read, and what is found to be wrong or worth telling on the way."""

    sheet: Sheet
    mapping: Mapping
    spec: TableSpec
    zone: ZoneInfo
    today: datetime.date
    customs: Customs
    faults: list[Fault]
    notes: list[str]
    warnings: list[str]
    areas: Collection[str]

    def refuse(self, wrong: np.ndarray, column: str, reason: str) -> None:
        self.faults += [Fault(line, column, reason) for line in self.sheet.lines[wrong].tolist()]


def translate(
    sheet: Sheet,
    mapping: Mapping,
    spec: TableSpec,
    zone: ZoneInfo,
    *,
    today: datetime.date,
    customs: Customs,
    areas: Collection[str] = (),
) -> Sheet:
    """``sheet`` with the columns of ``spec`` that ``mapping`` takes; ``zone`` is the provider's, ``areas`` those on record,
    ``customs`` how it writes dates.

    Rows with a cell that the mapping cannot take are faults, rows that it skips are counted. Raises UnreadableError
    where a column that is needed is not in the export, date_orders.OrderError where nobody can tell day from month.
    """
    sheet, notes = _without_skipped(sheet, mapping)
    work = _Work(
        sheet,
        mapping,
        spec,
        ZoneInfo(mapping.timezone) if mapping.timezone else zone,
        today,
        customs,
        [],
        notes,
        [],
        areas,
    )
    columns: dict[str, pa.Array] = {}
    for name in sorted(mapping.columns, key=lambda name: mapping.columns[name].after is not None):
        made = _column(work, name, mapping.columns[name], columns)
        if made is not None:
            columns[name] = made
    if "end_reason" in columns:
        columns["end_reason"] = _of_ends(columns, sheet.columns, mapping.columns["end_reason"])
    taken = {
        column_name(source) for column in mapping.columns.values() for source in (*column.source, *column.otherwise)
    }
    taken |= {again for name in taken for again in repeated_columns.of(sheet, name)}
    unused = {name: column for name, column in sheet.columns.items() if name not in taken}
    made = replace(
        sheet,
        columns=columns,
        has_decimal_comma=sheet.has_decimal_comma if mapping.decimal is None else mapping.decimal == "comma",
        is_decimal_stated=mapping.decimal is not None,
        divisors={name: column.divide for name, column in mapping.columns.items() if column.divide is not None},
        unused=(*sheet.unused, *unused),
        services=mapping.services,
        warnings=(*sheet.warnings, *work.warnings),
    )
    made = _looked_through(made, sheet, mapping, unused)
    return made.without(work.faults, work.notes)


def _of_ends(made: Table[str, pa.Array], export: Table[str, pa.Array], wanted: ColumnMapping) -> pa.Array:
    """Reasons of leaving without those that the mapping alone gives to customers who have not gone: it means those who have."""
    reasons = made["end_reason"]
    ends = [made[name] for name in ("ended_on", "notice_on") if name in made]
    sources = [export[column_name(source)] for source in wanted.source if column_name(source) in export]
    return pc.if_else(has_content([*ends, *sources], len(reasons)), reasons, pa.scalar(None, pa.string()))


def _looked_through(made: Sheet, sheet: Sheet, mapping: Mapping, unused: Table[str, pa.Array]) -> Sheet:
    """The translated rows beside the columns that stay at the door: who has gone by them, what they know of complaints."""
    if mapping.kind == "customers":
        ignored = {column_name(one) for one in mapping.ignore}
        beside = {name: cells for name, cells in unused.items() if name not in ignored}
        return statuses.without_non_customers(made, beside)
    if mapping.kind == "complaints" and "category" in made.columns:
        sources = [column_name(source) for source in mapping.columns["category"].source]
        read = {name: sheet.columns[name] for name in sources if name in sheet.columns}
        return categories.told_where_other(made, read, unused, is_mapped=True)
    return made


def _without_skipped(sheet: Sheet, mapping: Mapping) -> tuple[Sheet, list[str]]:
    skipped = np.zeros(len(sheet.lines), dtype=bool)
    for source, known in mapping.skip.items():
        if column_name(source) in sheet.columns:
            lowered = pc.utf8_lower(sheet.columns[column_name(source)])
            found = pc.is_in(lowered, pa.array([value.lower() for value in known], pa.string()))
            skipped |= found.to_numpy(zero_copy_only=False)
    if not skipped.any():
        return sheet, []
    kept = pa.array(~skipped)
    columns = {name: column.filter(kept) for name, column in sheet.columns.items()}
    number = int(skipped.sum())
    note = (
        f"{counted.of(number, 'row')} left out as no {mapping.kind}, by the mapping's skip ({', '.join(mapping.skip)})"
    )
    return replace(sheet, columns=columns, lines=sheet.lines[~skipped], skipped=number), [note]


def _column(work: _Work, name: str, wanted: ColumnMapping, made: Table[str, pa.Array]) -> pa.Array | None:
    """Our column ``name`` as text; None where it is optional and the export does not have it."""
    rows = len(work.sheet.lines)
    if wanted.constant is not None:
        return pa.array([wanted.constant] * rows, pa.string())
    if not _has_any(work, wanted.source) and _has_any(work, wanted.otherwise):
        wanted = replace(wanted, source=wanted.otherwise, otherwise=(), format=())
    there = [source for source in wanted.source if column_name(source) in work.sheet.columns]
    missing = [source for source in wanted.source if source not in there]
    if missing and there and wanted.words:  # any of the texts may hold the words
        work.notes.append(f"{name} is read from {', '.join(there)}: the export has no column {missing[0]!r}")
    elif missing:
        if any(column.name == name and column.required for column in work.spec.columns):
            raise UnreadableError(
                f"the mapping takes {name} from {missing[0]!r}, which is not there;"
                f" {work.sheet.header} names {', '.join(work.sheet.columns)}"
            )
        work.notes.append(f"{name} is not read: the export has no column {missing[0]!r}")
        return None
    kind = next(column.type for column in work.spec.columns if column.name == name)
    text = joined([_filled(work, name, kind, source) for source in there], wanted.join)
    if name in ids.COLUMNS:
        text = ids.rewritten(ids.cleaned(text), wanted.way)
    if wanted.values or wanted.words or wanted.default is not None:
        text = _ours(work, name, text, wanted)
    if wanted.blank is not None:
        blank = int(text.null_count)
        text = pc.fill_null(text, wanted.blank)
        if blank:
            work.notes.append(f"{name}: {counted.of(blank, 'blank cell', 'are')} {wanted.blank!r} by the mapping")
    if wanted.after is not None:
        return _after(work, name, text, wanted, made)
    if kind in ("date", "timestamp"):
        return _dated(work, name, text, wanted)
    return text


def _has_any(work: _Work, sources: Collection[str]) -> bool:
    return any(column_name(source) in work.sheet.columns for source in sources)


def _filled(work: _Work, name: str, kind: str, source: str) -> pa.Array:
    """The export's column with null for words that stand for an empty cell, but for those that the mapping knows."""
    is_read_for_words = bool(work.mapping.columns[name].words)
    before = (repeated_columns.as_text if is_read_for_words else repeated_columns.as_one)(
        work.sheet, column_name(source)
    )
    words = blanks.WORDS if work.mapping.blank is None else work.mapping.blank
    keep = [*work.mapping.columns[name].values, *(work.areas if name == "area" else ())]
    after = blanks.blanked(before, name, kind, words=words, keep=keep)
    if note := blanks.told(name, before, after):
        work.notes.append(note)
    return after


def _ours(work: _Work, name: str, text: pa.Array, wanted: ColumnMapping) -> pa.Array:
    """Each distinct cell in our words, once; what is not known takes the default, stands, or is refused."""
    encoded = text.dictionary_encode()
    distinct = encoded.dictionary
    lowered = [value.lower() for value in distinct.to_pylist()]
    known = {value.lower(): ours for value, ours in wanted.values.items()}
    known |= {ours.lower(): ours for ours in (*CHOICES.get(name, ()), *wanted.values.values())} | known
    found = [known.get(value) for value in lowered]
    for ours, words in wanted.words.items():
        said = _says_any(distinct, words)
        found = [ours if new and old is None else old for new, old in zip(said, found, strict=True)]
    if wanted.keep:
        found = [old if new is None else new for new, old in zip(found, distinct.to_pylist(), strict=True)]
    translated = pa.array(found, pa.string()).take(encoded.indices)
    unknown = pc.and_(pc.is_null(translated), pc.is_valid(text)).to_numpy(zero_copy_only=False)
    if not unknown.any():
        return translated
    if wanted.default is None and name == "end_reason":  # an unknown reason costs its cell, at the door, and no row
        return pc.coalesce(translated, text)
    if wanted.default is None:
        work.refuse(unknown, name, "is a value that the mapping does not know, and it states no default")
        return translated
    if name == "category" and wanted.values and not wanted.words:
        work.warnings.append(categories.said_of_unlisted(text, unknown, wanted.default))
        return pc.if_else(pa.array(unknown), pa.scalar(wanted.default, pa.string()), translated)
    first = int(work.sheet.lines[unknown][0])
    work.notes.append(
        f"{name}: {counted.of(int(unknown.sum()), 'row')} with what the mapping does not know {'is' if unknown.sum() == 1 else 'are'}"
        f" {wanted.default!r}, its default;"
        f" the first is on {work.sheet.unit} {first}"
    )
    return pc.if_else(pa.array(unknown), pa.scalar(wanted.default, pa.string()), translated)


def _says_any(distinct: pa.Array, words: tuple[str, ...]) -> list[bool]:
    """Whether each text has one of the words at the beginning of a word of its own, whatever the case."""
    escaped = ["".join(f"\\{c}" if not (c.isalnum() or c.isspace()) else c for c in word) for word in words]
    pattern = rf"(?i)(^|[^\pL\pN])({'|'.join(escaped)})"
    return [bool(found) for found in pc.match_substring_regex(distinct, pattern).to_pylist()]


def _dated(work: _Work, name: str, text: pa.Array, wanted: ColumnMapping) -> pa.Array:
    """Dates in ISO 8601: by the format that is stated, at the clock that is stated; else as they stand."""
    zone = ZoneInfo(wanted.timezone) if wanted.timezone else work.zone
    has_own_clock = wanted.timezone is not None or work.mapping.timezone is not None
    if not wanted.format and not has_own_clock:
        return text
    if not wanted.format:
        text, _ = written_clocks.with_own_zone(plain(text), zone)
        orders = date_orders.read({name: text}, work.today, work.customs)
        work.notes += orders.notes
        parsed = cell_values.parse_timestamps(text, order=orders.of[name], zone=zone)
        for wrong, reason in parsed.faults:
            work.refuse(wrong, name, reason)
        # A day without a time of day is a day wherever its clock hangs.
        is_day = pc.invert(pc.match_substring(text, ":"))
        return pc.if_else(is_day, text, _iso(parsed.values)) if _is_date(work, name) else _iso(parsed.values)
    if any("%b" in way or "%B" in way for way in wanted.format):
        text = with_english_names(text, full=any("%B" in way for way in wanted.format))
    moments = _by_format(text, wanted.format)
    wrong = np.isnat(moments) & text.is_valid().to_numpy(zero_copy_only=False)
    ways = " or ".join(wanted.format)
    work.refuse(wrong, name, f"is not written as {ways}")
    naive = pa.array(moments.astype("datetime64[s]"), pa.timestamp("s"))
    is_instant = wanted.format[0] in INSTANTS or any("%z" in way for way in wanted.format)
    if is_instant:
        return _iso(naive)
    has_time = any(part in way for way in wanted.format for part in ("excel", "%H", "%I", "%T", "%c", "%X", "%R"))
    if not has_time or not has_own_clock:
        return pc.strftime(naive, "%Y-%m-%d %H:%M:%S" if has_time else "%Y-%m-%d")
    return _iso(
        cell_values.parse_timestamps(pc.strftime(naive, "%Y-%m-%d %H:%M:%S"), order=Order.DAY, zone=zone).values
    )


def _by_format(text: pa.Array, formats: tuple[str, ...]) -> np.ndarray:
    """The instants (UTC) or local times that the texts say by the first format that fits; NaT where none does."""
    encoded = text.dictionary_encode()
    distinct = encoded.dictionary.to_pandas()
    found = pd.Series(pd.NaT, index=distinct.index, dtype="datetime64[s]")
    for way in formats:
        if way == "excel":
            days = pd.to_numeric(distinct.str.replace(",", ".", regex=False), errors="coerce")
            read = pd.to_datetime(days.where(days.between(1, 109_574)), unit="D", origin="1899-12-30", errors="coerce")
            read = read.dt.round("s")
        elif way in INSTANTS:
            numbers = pd.to_numeric(distinct, errors="coerce")
            seconds = numbers / (1000 if way == "unix_milliseconds" else 1)
            read = pd.to_datetime(seconds.where(seconds.abs() < 7e9), unit="s", errors="coerce")
        else:
            read = pd.to_datetime(distinct, format=way, errors="coerce", utc="%z" in way)
        read = read.dt.tz_localize(None).astype("datetime64[s]")
        found = found.fillna(read)
    positions = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    moments = found.to_numpy()[positions] if len(found) else np.full(len(text), np.datetime64("NaT", "s"))
    return np.where(text.is_valid().to_numpy(zero_copy_only=False), moments, np.datetime64("NaT", "s"))


def _after(work: _Work, name: str, text: pa.Array, wanted: ColumnMapping, made: Table[str, pa.Array]) -> pa.Array:
    """The instant that lies the cell's number of units after another column's."""
    numbers = cell_values.parse_numbers(
        text, has_decimal_comma=work.sheet.has_decimal_comma, is_stated=work.mapping.decimal is not None
    )
    for wrong, reason in numbers.faults:
        work.refuse(wrong, name, reason)
    start = plain(made[str(wanted.after)])
    order = date_orders.decided({str(wanted.after): start}, work.today, work.customs)[str(wanted.after)]
    begun = cell_values.parse_timestamps(start, order=order, zone=work.zone).values
    seconds = pc.multiply(numbers.values, float(UNITS[wanted.unit]))
    usable = pc.if_else(pc.less(pc.abs(seconds), 1e10), seconds, pa.scalar(None, pa.float64()))
    return _iso(pc.add(begun, pc.cast(pc.round(usable), pa.int64()).cast(pa.duration("s"))))


def _is_date(work: _Work, name: str) -> bool:
    return any(column.name == name and column.type == "date" for column in work.spec.columns)


def _iso(moments: pa.Array) -> pa.Array:
    naive = moments.cast(pa.timestamp("s", moments.type.tz), safe=False)
    utc = naive.cast(pa.timestamp("s")) if naive.type.tz else naive
    return pc.binary_join_element_wise(pc.strftime(utc, "%Y-%m-%d %H:%M:%S"), "Z", "")
