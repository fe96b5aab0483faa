"""The door for the provider's records: a file is read, checked row by row and merged into the stored snapshot."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.config import DashboardSettings
from dashboard.tables import stand_ins
from dashboard.tables.checks.cells import date_orders
from dashboard.tables.checks.columns import money, yearly_prices
from dashboard.tables.checks.on_record import absences, ends_on_record, overturned, repeats
from dashboard.tables.imports import door, habits, identity, row_rules
from dashboard.tables.imports.import_notes import MAY_BE_NONE, notes_on, places_in_doubt, warnings_on
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.joining import agreement, join_counts, joins
from dashboard.tables.imports.personal import personal_cells
from dashboard.tables.imports.storage import import_log, kept_columns, merging, snapshots
from dashboard.tables.imports.typed import dates_of, typed_rows
from dashboard.tables.mappings.profiles import Mapping, load
from dashboard.tables.quality_hours import connect
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError
from dashboard.tables.readers.sources import Source
from dashboard.tables.schema import COUNTED, RECORDS, given_columns

read = snapshots.read


@dataclass(frozen=True)
class _Context:
    """What an import needs to know besides the file: the table, the day of the export, the zone, what is stored."""

    spec: TableSpec
    settings: DashboardSettings
    zone: ZoneInfo
    today: datetime.date
    as_of: datetime.date | None
    stored: pa.Table
    mapping_name: str | None
    has_mapping: bool
    by: str
    absent: str | None
    even_if_most: bool
    came_back: bool

    @property
    def tomorrow_at(self) -> datetime.datetime:
        return datetime.datetime.combine(self.today + datetime.timedelta(days=1), datetime.time(), self.zone)


def import_records(
    kind: str,
    source: Path | Source,
    settings: DashboardSettings,
    *,
    as_of: datetime.date | None = None,
    dry_run: bool = False,
    mapping: str | Mapping | None = None,
    absent: str | None = None,
    even_if_most: bool = False,
    came_back: bool = False,
    by: str = "",
) -> ImportReport:
    """Import ``source`` (a file or a database) as records of ``kind`` (areas, customers, prices, complaints, ...).

    ``as_of`` is the day on which the file was exported: nothing in it may be later, and customers without a
    ``valid_from`` column hold from then on. Without it the file may reach up to today. ``mapping`` is a profile, or
    the name or path of one. ``absent`` says what customers on record are that the file does not have: "left" (it has
    all active ones) or "stay" (it has a part of them); without it a file that lacks too many is refused. "left" is not
    believed of most of them unless ``even_if_most``. ``came_back`` says that customers who had left on record and have no
    end in the file are customers again, however many. A source that cannot be used is a report with a ``failure``, not an
    exception.
    """
    given = source if isinstance(source, Source) else Source(str(source))
    if kind not in RECORDS:
        return ImportReport(kind, given, failure=f"no such kind of record; there are {', '.join(RECORDS)}")
    blank = ImportReport(kind, given, is_dry_run=dry_run)
    zone = ZoneInfo(settings.timezone)
    with contextlib.ExitStack() as stack:
        try:
            profile = load(mapping, kind) if isinstance(mapping, str) else mapping
            today = as_of or datetime.datetime.now(zone).date()
            sheet = door.read_sheet(given, profile, RECORDS[kind], settings, today)
            if not dry_run:
                stack.enter_context(snapshots.importing(settings.data))
            context = _Context(
                RECORDS[kind],
                settings,
                zone,
                today,
                as_of,
                snapshots.read(kind, settings.data),
                mapping if isinstance(mapping, str) else None,
                mapping is not None,
                by,
                absent,
                even_if_most,
                came_back,
            )
            return _import(context, sheet, blank)
        except (UnreadableError, date_orders.OrderError, identity.KeyProblemError, snapshots.SnapshotError) as error:
            return replace(blank, failure=str(error))
        except OSError as error:
            return replace(blank, failure=f"cannot be stored: {error}")


def undo(kind: str, settings: DashboardSettings, *, by: str = "") -> str:
    """Take the newest import of ``kind`` back; returns what holds now, for people. Raises SnapshotError."""
    with snapshots.importing(settings.data):
        taken = snapshots.take_back(kind, settings.data)
        if taken is None:
            raise snapshots.SnapshotError(f"{kind}: nothing has been imported, so there is nothing to take back")
        import_log.note(import_log.Entry(_now(), kind, "undo", taken, by=by), settings.data)
        left = snapshots.newest(kind, settings.data)
        rows = snapshots.read(kind, settings.data).num_rows
    now = f"{rows:,} rows of snapshot {left.stem} hold again" if left else "there are none now, as before the first"
    return f"{kind}: snapshot {taken:06d} is taken back; {now}"


def _import(context: _Context, sheet: Sheet, report: ImportReport) -> ImportReport:
    _require_columns(sheet, context, has_mapping=context.has_mapping)
    _require_rows(sheet, context)
    key, has_new_key = _customer_key(context, sheet, report.is_dry_run)
    dates = dates_of(sheet, context.spec)
    orders = date_orders.read(dates, context.today, habits.customs_of(context.spec.name, context.settings))
    rows, faults = typed_rows(sheet, context.spec, zone=context.zone, as_of=context.as_of, orders=orders.of)
    rows = _hashed(rows, key, context.spec, sheet)
    with contextlib.closing(connect(context.settings.engine, context.settings.data / "scratch")) as connection:
        rows, kept = kept_columns.kept(connection, context.spec, rows, context.stored, sheet)
        ends = _with_ends(connection, context, rows, sheet)
        rows, faults, duplicates = _checked(connection, ends.rows, faults, context, sheet.unit)
        is_export = "valid_from" not in sheet.columns
        merged = merging.merge(connection, context.spec, rows, context.stored, is_export=is_export)
        imported = join_counts.Imported(context.spec.name, sheet, rows, merged.table, key, context.settings)
        table, ended, absence = _without_absent(connection, context, imported)
        back, few_back = _who_came_back(connection, context, table)
        if refusal := overturned.refusal(connection, context.spec, context.stored, table):
            raise UnreadableError(refusal)
        changed = overturned.told(connection, context.spec, context.stored, table)
        repeated = repeats.told(connection, context.spec, rows, context.stored)
    told = joins.of_import(replace(imported, after=table))
    in_doubt, on_days = repeats.told_of_single_days(context.spec, rows, context.stored)
    report = replace(
        report,
        described=sheet.described,
        unit=sheet.unit,
        rows_read=sheet.rows_read,
        added=merged.added,
        changed=merged.changed,
        unchanged=merged.unchanged,
        rejected=len({fault.line for fault in faults}),
        duplicates=duplicates,
        skipped=sheet.skipped,
        ended=ended,
        dropped_columns=sheet.unused,
        faults=tuple(faults),
        joins=told.joins,
        ways=joins.ways(imported, told.joins, context.stored) if report.is_dry_run else {},
        unjoined=told.notes,
        warnings=(
            *sheet.warnings,
            *warnings_on(context.spec, sheet),
            *_written_otherwise(context, imported),
            *ends.warnings,
            *back,
            *changed,
            *repeated,
            *in_doubt,
            *places_in_doubt(context.spec, rows, context.settings),
            *agreement.told_of_prices(imported),
            *money.told_where_unusual(rows, context.stored, sheet, context.settings.currency),
            *yearly_prices.told(rows, sheet),
            *money.told_where_far(rows, context.stored, _amounts(context.spec)),
        ),
        notes=(
            *absence,
            *kept,
            *ends.notes,
            *few_back,
            *on_days,
            *orders.notes,
            *notes_on(
                context.spec,
                sheet,
                rows,
                settings=context.settings,
                has_new_key=has_new_key and not report.is_dry_run,
            ),
        ),
    )
    return report if report.is_dry_run else _store(context, table, key, report, orders.evident)


def _with_ends(
    connection: duckdb.DuckDBPyConnection, context: _Context, rows: pa.Table, sheet: Sheet
) -> ends_on_record.Kept:
    """The rows with the ends on record of which the file cannot tell; as they are where all in it are customers."""
    if context.came_back and context.spec.name != "customers":
        raise UnreadableError("--came-back is for customers")
    if context.spec.name != "customers" or context.came_back or context.absent == absences.LEFT:
        return ends_on_record.Kept(rows)
    return ends_on_record.kept(connection, rows, context.stored, sheet.columns)


def _who_came_back(
    connection: duckdb.DuckDBPyConnection, context: _Context, after: pa.Table
) -> tuple[list[str], list[str]]:
    """Warnings and notes on customers who had left on record and are customers again.

    Raises UnreadableError where they are too many and nobody says that it is so.
    """
    if context.spec.name != "customers" or not context.stored.num_rows:
        return [], []
    number, ended = ends_on_record.returned(connection, context.stored, after, context.today)
    if context.came_back and number:
        return [], [f"{number:,} customers who had left on record are customers again, as --came-back says"]
    if refusal := ends_on_record.refusal(number, ended):
        raise UnreadableError(refusal)
    return ends_on_record.doubted(number, ended)


def _without_absent(
    connection: duckdb.DuckDBPyConnection, context: _Context, imported: join_counts.Imported
) -> tuple[pa.Table, int, tuple[str, ...]]:
    """The table after the import with absent customers ended where that was asked for, how many, and what to say of them.

    Raises UnreadableError where too many are absent and nobody said why.
    """
    as_of, key = context.as_of, imported.key
    has_history = "valid_from" in imported.sheet.columns
    if context.absent is not None and context.spec.name != "customers":
        raise UnreadableError("--absent is for customers")
    if context.even_if_most and context.absent != absences.LEFT:
        raise UnreadableError("--even-if-most is said beside --absent left")
    if context.absent == absences.LEFT and as_of is None:
        raise UnreadableError("--absent left needs --as-of: the day of the export, before which they left")
    if context.spec.name != "customers" or key is None or not context.stored.num_rows:
        return imported.after, 0, ()
    active, rows = absences.absent_customers(connection, context.stored, _given(imported, key), context.today)
    number = rows.num_rows
    limit = context.settings.joins.absent_customers
    if context.absent is None and active >= absences.FEWEST and number > limit * active:
        raise UnreadableError(
            absences.refusal(number, active, limit, str(joins.why_other_customers(imported, context.stored)))
        )
    if not number or (has_history and context.absent != absences.LEFT):
        return imported.after, 0, ()
    if context.absent != absences.LEFT or as_of is None:
        return (
            imported.after,
            0,
            (f"{number:,} customers of earlier imports are not in this file; they stay as last known",),
        )
    _check_left(context, imported, number, active, as_of)
    ended = absences.ended(connection, rows, as_of)
    after = merging.merge(connection, context.spec, ended, imported.after, is_export=False)
    said = f"{number:,} customers of earlier imports are not in this file: they ended before {as_of}, for a reason not known"
    return after.table, number, (said,)


def _check_left(
    context: _Context, imported: join_counts.Imported, number: int, active: int, as_of: datetime.date
) -> None:
    """Raises UnreadableError where the file does not show that the ``number`` absent customers of ``active`` left."""
    newest = absences.newest_export(context.stored)
    if newest is not None and as_of < newest:
        raise UnreadableError(absences.refusal_of_older(as_of, newest))
    if context.even_if_most:
        return
    reason = str(joins.why_other_customers(imported, context.stored))
    if refusal := absences.refusal_of_left(number, active, imported.sheet.rows_read, reason):
        raise UnreadableError(refusal)


def _amounts(spec: TableSpec) -> list[str]:
    return [column.name for column in spec.columns if column.type == "number"]


def _written_otherwise(context: _Context, imported: join_counts.Imported) -> tuple[str, ...]:
    """What is to be said of customers who count as new ones and are on record under an id that is written otherwise."""
    if context.spec.name != "customers" or not context.stored.num_rows or context.even_if_most:
        return ()
    reason = joins.why_other_customers(imported, context.stored)
    said = "customers count as new ones who are probably on record under an id that is written otherwise"
    return (f"{said}: {reason}",) if reason.is_writing else ()


def _given(imported: join_counts.Imported, key: bytes) -> pa.Array:
    """The customers of every row of the file, hashed; also of those that were refused."""
    sheet, rows = imported.sheet, imported.rows
    others = ~np.isin(sheet.lines, rows.column("line").to_numpy())
    written = sheet.columns["customer_id"].filter(pa.array(others)).drop_null()
    refused = identity.hash_ids(pa.concat_arrays([written, pa.array(sheet.refused_ids, pa.string())]), key)
    return pc.unique(pa.concat_arrays([rows.column("customer_id").combine_chunks(), refused]))


def _require_columns(sheet: Sheet, context: _Context, *, has_mapping: bool) -> None:
    known = [column.name for column in given_columns(context.spec) if column.name in sheet.columns]
    needed = [column.name for column in given_columns(context.spec) if column.required]
    if context.as_of is not None and "valid_from" in needed and context.spec.name == "customers":
        needed.remove("valid_from")
    missing = [name for name in needed if name not in known]
    hint = "" if has_mapping else "; bairro import --propose writes a mapping for it"
    if not known:
        raise UnreadableError(
            f"{sheet.header} names none of the columns of {context.spec.name}: {', '.join(needed)}, ...{hint}"
        )
    if missing == ["valid_from"] and context.spec.name == "customers":
        raise UnreadableError("the column valid_from is missing: say with --as-of DATE on which day it was exported")
    if missing and has_mapping:
        raise UnreadableError(f"the mapping does not say where {_listed('the column', missing)} taken from")
    if missing:
        raise UnreadableError(
            f"{_listed('the column', missing)} missing; {sheet.header} names {', '.join(sheet.columns)}{hint}"
        )
    if context.spec.name in ("complaints", "nps") and not {"customer_id", "area"} & set(known):
        raise UnreadableError("the column customer_id (or area) is missing")


def _require_rows(sheet: Sheet, context: _Context) -> None:
    """Raises UnreadableError for an empty file of what every provider has; a day without complaints may be one."""
    if not sheet.rows_read and context.spec.name not in MAY_BE_NONE and context.absent is None:
        raise UnreadableError(
            f"there is a header and no row under it, so there are no {context.spec.name} to import: did the export fail?"
        )


def _listed(noun: str, names: Sequence[str]) -> str:
    return f"{noun} {names[0]} is" if len(names) == 1 else f"{noun}s {', '.join(names)} are"


def _customer_key(context: _Context, sheet: Sheet, is_dry_run: bool) -> tuple[bytes | None, bool]:
    if "customer_id" not in context.spec.column_names:
        return None, False
    if "customer_id" not in sheet.columns and not context.settings.customer_key.exists():
        return None, False
    settings = context.settings
    known = _known_fingerprint(settings.data)
    return identity.load_key(settings.customer_key, settings.data, known=known, is_dry_run=is_dry_run)


def stored_key(settings: DashboardSettings) -> bytes:
    """The key that the stored records were made with. Raises KeyProblemError, also where there are none yet."""
    known = _known_fingerprint(settings.data)
    if known is None:
        raise identity.KeyProblemError("no customer has been imported yet, so there is no customer key to compare with")
    return identity.load_key(settings.customer_key, settings.data, known=known)[0]


def _known_fingerprint(data: Path) -> str | None:
    return next(filter(None, (_key_of(kind, data) for kind in RECORDS)), None)


def _key_of(kind: str, data: Path) -> str | None:
    stated = snapshots.read_metadata(kind, data).get(b"customer_key")
    return stated.decode() if stated else None


def _hashed(rows: pa.Table, key: bytes | None, spec: TableSpec, sheet: Sheet) -> pa.Table:
    """The rows with hashed ids; complaints and answers under an id that looks like nobody's name nobody."""
    if key is None:
        return rows
    at = rows.schema.get_field_index("customer_id")
    ids = rows.column("customer_id").combine_chunks()
    hashed = identity.hash_ids(ids, key)
    if spec.name in ("complaints", "nps") and "customer_id" in sheet.columns:
        nobody = [one for one in stand_ins.found(sheet.columns["customer_id"]) if stand_ins.looks_so(one)]
        is_nobody = pc.fill_null(pc.is_in(ids, pa.array(nobody, pa.string())), False)
        hashed = pc.if_else(is_nobody, stand_ins.NOBODY, hashed)
    return rows.set_column(at, "customer_id", hashed)


def _checked(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, faults: list[Fault], context: _Context, unit: str
) -> tuple[pa.Table, list[Fault], int]:
    """Rows that keep to the rules, say no key twice and make possible lives; the faults; how many were said twice."""
    spec = context.spec
    personal = personal_cells(rows, spec)
    rows = _without(rows, personal)
    broken = row_rules.broken_rules(connection, spec.name, rows, today=context.today, tomorrow_at=context.tomorrow_at)
    rows = _without(rows, broken)
    if COUNTED.get(spec.name):
        rows = row_rules.numbered(connection, rows)
    doubled = row_rules.doubles(connection, spec, rows, unit)
    rows = _without(rows, [*doubled.at_odds, *(Fault(line, None, "") for line in doubled.lines_alike)])
    overlapping = row_rules.overlapping_spells(connection, rows, context.stored) if spec.name == "customers" else []
    found = [*faults, *personal, *broken, *doubled.at_odds, *overlapping]
    found.sort(key=lambda fault: (fault.line, fault.column or ""))
    return _without(rows, overlapping), found, len(doubled.lines_alike)


def _without(rows: pa.Table, faults: Sequence[Fault]) -> pa.Table:
    if not faults:
        return rows
    refused = np.isin(rows.column("line").to_numpy(), np.array([fault.line for fault in faults]))
    return rows.filter(pa.array(~refused))


def _store(
    context: _Context, table: pa.Table, key: bytes | None, report: ImportReport, order: date_orders.Order | None
) -> ImportReport:
    kind, data = context.spec.name, context.settings.data
    reject_file = snapshots.write_rejects(kind, data, report.faults) if report.faults else None
    metadata = dict(context.stored.schema.metadata or {})
    until = metadata.get(b"complete_until", b"").decode()
    if context.as_of and report.rows_read and not report.is_unusable:
        until = max(until, str(context.as_of - datetime.timedelta(days=1)))
    stated = {
        "complete_until": until,
        "customer_key": identity.fingerprint(key) if key else "",
        habits.DATE_ORDER: order.name if order and report.accepted else "",
    }
    metadata |= {name.encode(): text.encode() for name, text in stated.items() if text}
    is_new = report.accepted or metadata != (context.stored.schema.metadata or {})
    if not is_new or not (table.num_rows or snapshots.newest(kind, data)):
        return replace(report, reject_file=reject_file)
    above = max((entry.snapshot for entry in import_log.entries(data, kind)), default=0)
    snapshot = snapshots.write(kind, data, table.replace_schema_metadata(metadata), above=above)
    import_log.note(_entry(context, report, int(snapshot.stem)), data)
    return replace(report, reject_file=reject_file, snapshot=snapshot)


def _entry(context: _Context, report: ImportReport, snapshot: int) -> import_log.Entry:
    return import_log.Entry(
        _now(),
        report.kind,
        "import",
        snapshot,
        source=report.source.name,
        mapping=context.mapping_name and Path(context.mapping_name).name,
        as_of=str(context.as_of) if context.as_of else None,
        rows_read=report.rows_read,
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        rejected=report.rejected,
        duplicates=report.duplicates,
        skipped=report.skipped,
        by=context.by,
        joins={join.key: [join.joined, join.rows] for join in report.joins} or None,
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
