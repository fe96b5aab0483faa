"""The door for the provider's records: a file is read, checked row by row and merged into the stored snapshot."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector import counted
from collector.published import TableSpec
from dashboard.config import DashboardSettings
from dashboard.tables import stand_ins
from dashboard.tables.checks.cells import date_orders
from dashboard.tables.checks.columns import cut_short, money, prices_of_months, throughout, yearly_prices
from dashboard.tables.checks.columns.who_left import lost_departures, terms
from dashboard.tables.checks.on_record import overturned, reasons_on_record, repeats
from dashboard.tables.imports import door, habits, hashed_ids, lost_weeks, row_rules, services
from dashboard.tables.imports.absent_customers import told_of_gone, who_came_back, with_ends, without_absent
from dashboard.tables.imports.context import Context
from dashboard.tables.imports.customer_key import customer_key
from dashboard.tables.imports.import_notes import notes_on, places_in_doubt, told_of_blanked, warnings_on
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.joining import (
    agreement,
    join_counts,
    joins,
    partly_taxed,
    silent_areas,
    silent_reasons,
    without_tax,
)
from dashboard.tables.imports.personal import personal_cells
from dashboard.tables.imports.requirements import require_columns, require_rows
from dashboard.tables.imports.storage import import_log, kept_columns, merging, snapshots
from dashboard.tables.imports.storing import store, written_at
from dashboard.tables.imports.typed import dates_of, typed_rows
from dashboard.tables.mappings.profiles import Mapping, load
from dashboard.tables.quality_hours import connect
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError
from dashboard.tables.readers.sources import Source
from dashboard.tables.schema import COUNTED, RECORDS

read = snapshots.read


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
            context = Context(
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
        except (UnreadableError, date_orders.OrderError, hashed_ids.KeyProblemError, snapshots.SnapshotError) as error:
            return replace(blank, failure=str(error))
        except OSError as error:
            return replace(blank, failure=f"cannot be stored: {error}")


def undo(kind: str, settings: DashboardSettings, *, by: str = "") -> str:
    """Take the newest import of ``kind`` back; returns what holds now, for people. Raises SnapshotError."""
    with snapshots.importing(settings.data):
        taken = snapshots.take_back(kind, settings.data)
        if taken is None:
            raise snapshots.SnapshotError(f"{kind}: nothing has been imported, so there is nothing to take back")
        import_log.note(import_log.Entry(written_at(), kind, "undo", taken, by=by), settings.data)
        left = snapshots.newest(kind, settings.data)
        rows = snapshots.read(kind, settings.data).num_rows
    now = (
        f"{counted.of(rows, 'row')} of snapshot {left.stem} {'holds' if rows == 1 else 'hold'} again"
        if left
        else "there are none now, as before the first"
    )
    return f"{kind}: snapshot {taken:06d} is taken back; {now}"


def _import(context: Context, sheet: Sheet, report: ImportReport) -> ImportReport:
    require_columns(sheet, context, has_mapping=context.has_mapping)
    require_rows(sheet, context)
    key, has_new_key = customer_key(context, sheet, report.is_dry_run)
    dates = dates_of(sheet, context.spec)
    orders = date_orders.read(dates, context.today, habits.customs_of(context.spec.name, context.settings))
    typed = typed_rows(sheet, context.spec, zone=context.zone, as_of=context.as_of, orders=orders.of)
    rows, early = row_rules.without_early(typed.rows, context.spec.name)
    faults, blanked = typed.faults, typed.blanked | early
    rows = _hashed(rows, key, context.spec, sheet)
    with contextlib.closing(connect(context.settings.engine, context.settings.data / "scratch")) as connection:
        rows, further, of_services = services.summed(connection, rows, sheet, context.today)
        rows, kept = kept_columns.kept(connection, context.spec, rows, context.stored, sheet)
        rows, same_reasons = reasons_on_record.kept(connection, rows, context.stored, sheet.unknown_reasons)
        ends = with_ends(connection, context, rows, sheet)
        rows, faults, duplicates = _checked(connection, ends.rows, faults, context, sheet.unit)
        lost = lost_departures.of_import(context.spec, sheet, faults)
        if lost.refusal:
            raise UnreadableError(lost.refusal)
        is_export = "valid_from" not in sheet.columns
        merged = merging.merge(connection, context.spec, rows, context.stored, is_export=is_export)
        imported = join_counts.Imported(context.spec.name, sheet, rows, merged.table, key, context.settings)
        table, ended, absence = without_absent(connection, context, imported)
        gone = told_of_gone(connection, context, imported)
        back, few_back = who_came_back(connection, context, table)
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
        skipped=sheet.skipped + further,
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
            *lost.warnings,
            *told_of_blanked(blanked, sheet.unit),
            *ends.warnings,
            *gone,
            *back,
            *changed,
            *repeated,
            *in_doubt,
            *places_in_doubt(context.spec, rows, context.settings),
            *agreement.told_of_prices(imported),
            *without_tax.told(imported),
            *(partly_taxed.told(rows) if context.spec.name == "customers" else ()),
            *silent_areas.told(context.spec.name, table, context.settings),
            *(silent_reasons.told(table, context.settings.joins.reasons) if context.spec.name == "customers" else ()),
            *cut_short.told(context.spec, sheet.rows_read, rows, context.today, _first_customer(context)),
            *lost_weeks.told(context.spec.name, table),
            *money.told_where_unusual(rows, context.stored, sheet, context.settings.currency),
            *_on_the_whole(context, rows, table, sheet),
            *money.told_where_far(rows, context.stored, _amounts(context.spec)),
        ),
        notes=(
            *absence,
            *of_services,
            *services.hinted(faults, sheet),
            *kept,
            *same_reasons,
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
    return report if report.is_dry_run else store(context, table, key, report, orders.evident)


def _first_customer(context: Context) -> datetime.date | None:
    """When the first customer on record began."""
    customers = (
        context.stored if context.spec.name == "customers" else snapshots.read("customers", context.settings.data)
    )
    first: datetime.date | None = pc.min(customers.column("started_on")).as_py()
    return first


def _on_the_whole(context: Context, rows: pa.Table, after: pa.Table, sheet: Sheet) -> tuple[str, ...]:
    if context.spec.name == "prices":
        return tuple(throughout.told_of_prices(rows, sheet))
    if context.spec.name != "customers":
        return ()
    knows_areas = snapshots.read("areas", context.settings.data).num_rows > 0
    return (
        *yearly_prices.told(rows, sheet),
        *prices_of_months.told(rows, sheet),
        *terms.told(rows),
        *throughout.told(rows, after, sheet, context.today, knows_areas=knows_areas),
    )


def _amounts(spec: TableSpec) -> list[str]:
    return [column.name for column in spec.columns if column.type == "number"]


def _written_otherwise(context: Context, imported: join_counts.Imported) -> tuple[str, ...]:
    """What is to be said of customers who count as new ones and are on record under an id that is written otherwise."""
    if context.spec.name != "customers" or not context.stored.num_rows or context.even_if_most:
        return ()
    reason = joins.why_other_customers(imported, context.stored)
    said = "customers count as new ones who are probably on record under an id that is written otherwise"
    return (f"{said}: {reason}",) if reason.is_writing else ()


def _hashed(rows: pa.Table, key: bytes | None, spec: TableSpec, sheet: Sheet) -> pa.Table:
    """The rows with hashed ids; complaints and answers under an id that looks like nobody's name nobody."""
    if key is None:
        return rows
    at = rows.schema.get_field_index("customer_id")
    ids = rows.column("customer_id").combine_chunks()
    hashed = hashed_ids.hash_ids(ids, key)
    if spec.name in ("complaints", "nps") and "customer_id" in sheet.columns:
        nobody = [one for one in stand_ins.found(sheet.columns["customer_id"]) if stand_ins.looks_so(one)]
        is_nobody = pc.fill_null(pc.is_in(ids, pa.array(nobody, pa.string())), False)
        hashed = pc.if_else(is_nobody, stand_ins.NOBODY, hashed)
    return rows.set_column(at, "customer_id", hashed)


def _checked(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, faults: list[Fault], context: Context, unit: str
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
