"""The door for the provider's records: a file is read, checked row by row and merged into the stored snapshot."""

from __future__ import annotations

import contextlib
import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import numpy as np
import pyarrow as pa

from collector.published import Column, TableSpec
from dashboard.config import DashboardSettings
from dashboard.tables import identity, merging, outlines, rules, snapshots, values
from dashboard.tables.delimited import Fault, Sheet, UnreadableError, read_bytes, read_sheet
from dashboard.tables.quality import connect
from dashboard.tables.schema import CATEGORIES, END_REASONS, RECORDS

CHOICES = {"category": CATEGORIES, "end_reason": END_REASONS}
SHOWN = 10

read = snapshots.read


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or in a dry run would do. Rows read = added + changed + unchanged + rejected.

    ``failure`` says why nothing of the file could be used. ``exit_code``: 0 all rows are in, 1 some were refused,
    2 nothing could be done. Printed it is a text for people; ``summary`` is its first line.
    """

    kind: str
    source: Path
    rows_read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    is_dry_run: bool = False
    described: str = ""
    dropped_columns: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    reject_file: Path | None = None
    snapshot: Path | None = None
    failure: str | None = None

    @property
    def accepted(self) -> int:
        return self.added + self.changed

    @property
    def exit_code(self) -> int:
        return 2 if self.failure else 1 if self.rejected else 0

    @property
    def summary(self) -> str:
        if self.failure:
            return f"{self.kind}: {self.source}: {self.failure}"
        would = "would be " if self.is_dry_run else ""
        return (
            f"{self.kind}: {self.source.name} ({self.described}): {self.rows_read:,} rows read: {would}{self.added:,} added,"
            f" {self.changed:,} changed, {self.unchanged:,} unchanged, {self.rejected:,} rejected"
        )

    def __str__(self) -> str:
        if self.failure:
            return self.summary
        lines = [self.summary]
        if self.dropped_columns:
            lines.append(f"  columns left at the door: {', '.join(self.dropped_columns)}")
        reasons = Counter((fault.column, fault.reason) for fault in self.faults)
        for (column, reason), rows in reasons.most_common(SHOWN):
            first = min(fault.line for fault in self.faults if (fault.column, fault.reason) == (column, reason))
            lines.append(f"  refused, {rows:,} x from line {first}: {column or 'the row'} {reason}")
        if len(reasons) > SHOWN:
            lines.append(f"  refused: {len(reasons) - SHOWN} more reasons")
        lines += [f"  {note}" for note in self.notes]
        if self.reject_file:
            lines.append(f"  every refused row: {self.reject_file}")
        if self.is_dry_run:
            lines.append("  dry run: nothing was written")
        elif not self.accepted:
            lines.append("  nothing new: the records stay as they are")
        else:
            lines.append(f"  stored: {self.snapshot}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Context:
    """What an import needs to know besides the file: the table, the day of the export, the zone, what is stored."""

    spec: TableSpec
    settings: DashboardSettings
    zone: ZoneInfo
    today: datetime.date
    as_of: datetime.date | None
    stored: pa.Table

    @property
    def tomorrow_at(self) -> datetime.datetime:
        return datetime.datetime.combine(self.today + datetime.timedelta(days=1), datetime.time(), self.zone)


def import_records(
    kind: str,
    source: Path,
    settings: DashboardSettings,
    *,
    as_of: datetime.date | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import the file ``source`` as records of ``kind`` (areas, customers, prices, complaints or nps).

    ``as_of`` is the day on which the file was exported: nothing in it may be later, and customers without a
    ``valid_from`` column hold from then on. Without it the file may reach up to today. A file that cannot be used
    is a report with a ``failure``, not an exception.
    """
    if kind not in RECORDS:
        return ImportReport(kind, source, failure=f"no such kind of record; there are {', '.join(RECORDS)}")
    blank = ImportReport(kind, source, is_dry_run=dry_run)
    zone = ZoneInfo(settings.timezone)
    with contextlib.ExitStack() as stack:
        try:
            content = read_bytes(source)
            if not dry_run:
                stack.enter_context(snapshots.importing(settings.data))
            context = _Context(
                RECORDS[kind],
                settings,
                zone,
                as_of or datetime.datetime.now(zone).date(),
                as_of,
                snapshots.read(kind, settings.data),
            )
            return _import(context, content, blank)
        except (UnreadableError, values.OrderError, identity.KeyProblemError, snapshots.SnapshotError) as error:
            return replace(blank, failure=str(error))
        except OSError as error:
            return replace(blank, failure=f"cannot be stored: {error}")


def _import(context: _Context, content: bytes, report: ImportReport) -> ImportReport:
    is_geojson = context.spec.name == "areas" and outlines.looks_like_geojson(content)
    sheet = outlines.read_features(content) if is_geojson else read_sheet(content)
    _require_columns(sheet, context)
    key, has_new_key = _customer_key(context, sheet, report.is_dry_run)
    rows, faults = _typed(sheet, context)
    rows = _hashed(rows, key)
    with contextlib.closing(connect(context.settings.engine, context.settings.data / "scratch")) as connection:
        rows, faults = _checked(connection, rows, faults, context)
        merged = merging.merge(
            connection, context.spec, rows, context.stored, is_export="valid_from" not in sheet.columns
        )
        notes = _notes(context, sheet, rows, has_new_key and not report.is_dry_run)
    rejected = len({fault.line for fault in faults})
    report = replace(
        report,
        described="GeoJSON, lines are features" if is_geojson else sheet.described,
        rows_read=len(sheet.lines) + len(sheet.faults),
        added=merged.added,
        changed=merged.changed,
        unchanged=merged.unchanged,
        rejected=rejected,
        dropped_columns=tuple(name for name in sheet.columns if name not in context.spec.column_names),
        faults=tuple(faults),
        notes=notes,
    )
    return report if report.is_dry_run else _store(context, merged.table, key, report)


def _require_columns(sheet: Sheet, context: _Context) -> None:
    known = [name for name in sheet.columns if name in context.spec.column_names]
    needed = [column.name for column in context.spec.columns if column.required]
    if context.as_of is not None and "valid_from" in needed and context.spec.name == "customers":
        needed.remove("valid_from")
    missing = [name for name in needed if name not in known]
    if not known:
        raise UnreadableError(f"line 1 names none of the columns of {context.spec.name}: {', '.join(needed)}, ...")
    if missing == ["valid_from"] and context.spec.name == "customers":
        raise UnreadableError("the column valid_from is missing: say with --as-of DATE on which day it was exported")
    if missing:
        raise UnreadableError(f"{_listed('the column', missing)} missing; line 1 names {', '.join(sheet.columns)}")
    if context.spec.name in ("complaints", "nps") and not {"customer_id", "area"} & set(known):
        raise UnreadableError("the column customer_id (or area) is missing")


def _listed(noun: str, names: Sequence[str]) -> str:
    return f"{noun} {names[0]} is" if len(names) == 1 else f"{noun}s {', '.join(names)} are"


def _customer_key(context: _Context, sheet: Sheet, is_dry_run: bool) -> tuple[bytes | None, bool]:
    if "customer_id" not in context.spec.column_names:
        return None, False
    if "customer_id" not in sheet.columns and not context.settings.customer_key.exists():
        return None, False
    known = next(filter(None, (_key_of(kind, context.settings.data) for kind in RECORDS)), None)
    return identity.load_key(context.settings.customer_key, context.settings.data, known=known, is_dry_run=is_dry_run)


def _key_of(kind: str, data: Path) -> str | None:
    stated = snapshots.read_metadata(kind, data).get(b"customer_key")
    return stated.decode() if stated else None


def _typed(sheet: Sheet, context: _Context) -> tuple[pa.Table, list[Fault]]:
    """Every declared column typed, with ``line``; rows with a cell that is not what it should be are left out."""
    dates = {
        column.name: sheet.columns[column.name]
        for column in context.spec.columns
        if column.type in ("date", "timestamp") and column.name in sheet.columns
    }
    is_day_first = values.day_comes_first(dates)
    faults = list(sheet.faults)
    is_good = np.ones(len(sheet.lines), dtype=bool)
    typed = {}
    for column in context.spec.columns:
        parsed = _parse(column, sheet, context, is_day_first.get(column.name, False))
        typed[column.name] = parsed.values
        for mask, reason in parsed.faults:
            faults += [Fault(int(line), column.name, reason) for line in sheet.lines[mask]]
            is_good &= ~mask
    typed["line"] = pa.array(sheet.lines)
    return pa.table(typed).filter(pa.array(is_good)), faults


def _parse(column: Column, sheet: Sheet, context: _Context, is_day_first: bool) -> values.Parsed:
    rows = len(sheet.lines)
    if column.name not in sheet.columns:
        if column.name == "valid_from":
            return values.Parsed(pa.array([context.as_of] * rows, pa.date32()))
        return values.Parsed(merging.nulls(column, rows))
    texts = sheet.columns[column.name]
    parsed = _parse_cells(column, texts, context, is_day_first, sheet.separator)
    if not column.required:
        return parsed
    blank = (texts.is_null().to_numpy(zero_copy_only=False), "is blank")
    return values.Parsed(parsed.values, (*parsed.faults, blank))


def _parse_cells(
    column: Column, texts: pa.Array, context: _Context, is_day_first: bool, separator: str
) -> values.Parsed:
    if column.name in CHOICES:
        return values.parse_choices(texts, CHOICES[column.name])
    if column.name == "timezone":
        return _parse_timezones(texts)
    if column.name == "geometry":
        outlined, refused = outlines.parse_outlines(texts)
        positions = {reason: [at for at, why in refused.items() if why == reason] for reason in set(refused.values())}
        return values.Parsed(outlined, tuple((_mask(at, len(texts)), why) for why, at in sorted(positions.items())))
    if column.type == "date":
        return values.parse_dates(texts, is_day_first=is_day_first, zone=context.zone)
    if column.type == "timestamp":
        return values.parse_timestamps(texts, is_day_first=is_day_first, zone=context.zone)
    if column.type == "number":
        return values.parse_numbers(texts, has_decimal_comma=separator == ";")
    if column.type == "integer":
        return values.parse_integers(texts)
    return values.Parsed(texts)


def _parse_timezones(texts: pa.Array) -> values.Parsed:
    wrong = [at for at, name in enumerate(texts.to_pylist()) if name is not None and name not in available_timezones()]
    return values.Parsed(texts, ((_mask(wrong, len(texts)), "is not an IANA time zone"),))


def _mask(positions: Sequence[int], rows: int) -> np.ndarray:
    mask = np.zeros(rows, dtype=bool)
    mask[list(positions)] = True
    return mask


def _hashed(rows: pa.Table, key: bytes | None) -> pa.Table:
    if key is None:
        return rows
    at = rows.schema.get_field_index("customer_id")
    return rows.set_column(at, "customer_id", identity.hash_ids(rows.column("customer_id").combine_chunks(), key))


def _checked(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, faults: list[Fault], context: _Context
) -> tuple[pa.Table, list[Fault]]:
    """Rows that keep to the rules, that are not doubles of each other, and that make possible lives."""
    broken = rules.broken_rules(
        connection, context.spec.name, rows, today=context.today, tomorrow_at=context.tomorrow_at
    )
    rows = _without(rows, broken)
    doubled = rules.doubles(connection, context.spec, rows)
    rows = _without(rows, doubled)
    overlapping = rules.overlapping_spells(connection, rows, context.stored) if context.spec.name == "customers" else []
    found = [*faults, *broken, *doubled, *overlapping]
    return _without(rows, overlapping), sorted(found, key=lambda fault: (fault.line, fault.column or ""))


def _without(rows: pa.Table, faults: Sequence[Fault]) -> pa.Table:
    if not faults:
        return rows
    refused = np.isin(rows.column("line").to_numpy(), np.array([fault.line for fault in faults]))
    return rows.filter(pa.array(~refused))


def _notes(context: _Context, sheet: Sheet, rows: pa.Table, has_new_key: bool) -> tuple[str, ...]:
    notes = []
    if has_new_key:
        notes.append(
            f"made the customer key {context.settings.customer_key}: back it up apart from the data;"
            " without it later imports cannot be joined to these records"
        )
    if context.spec.name == "customers" and "valid_from" not in sheet.columns and context.stored.num_rows:
        known, given = (set(table.column("customer_id").to_pylist()) for table in (context.stored, rows))
        if absent := len(known - given):
            notes.append(f"{absent:,} customers of earlier imports are not in this file; they stay as last known")
    if context.spec.name != "areas" and "area" in context.spec.column_names:
        areas = set(snapshots.read("areas", context.settings.data).column("area").to_pylist())
        named = set(rows.column("area").drop_null().to_pylist())
        if areas and (unknown := sorted(named - areas)):
            notes.append(f"{len(unknown):,} areas are not among the imported ones, {unknown[0]!r} among them")
    return tuple(notes)


def _store(context: _Context, table: pa.Table, key: bytes | None, report: ImportReport) -> ImportReport:
    kind, data = context.spec.name, context.settings.data
    reject_file = snapshots.write_rejects(kind, data, report.faults) if report.faults else None
    metadata = dict(context.stored.schema.metadata or {})
    until = metadata.get(b"complete_until", b"").decode()
    if context.as_of:
        until = max(until, str(context.as_of - datetime.timedelta(days=1)))
    stated = {"complete_until": until, "customer_key": identity.fingerprint(key) if key else ""}
    metadata |= {name.encode(): text.encode() for name, text in stated.items() if text}
    is_new = report.accepted or metadata != (context.stored.schema.metadata or {})
    if not is_new or not (table.num_rows or snapshots.newest(kind, data)):
        return replace(report, reject_file=reject_file)
    snapshot = snapshots.write(kind, data, table.replace_schema_metadata(metadata))
    return replace(report, reject_file=reject_file, snapshot=snapshot)
