"""A source at the door: its rows in our columns, by a mapping or by their own names, and what is not what it seems."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.config import DashboardSettings
from dashboard.tables.checks.cells import ids
from dashboard.tables.checks.cells.blanks import without_blank_words
from dashboard.tables.checks.cells.doubtful import without_doubtful, without_print_out
from dashboard.tables.checks.columns import categories, money, scales, times_of_day
from dashboard.tables.checks.columns.alike import told_where_alike
from dashboard.tables.checks.columns.padded import told_where_unpadded
from dashboard.tables.checks.columns.who_left import departures, reasons, statuses
from dashboard.tables.dates import unix_seconds, written_clocks
from dashboard.tables.dates.spelled import plain
from dashboard.tables.imports import habits, place_areas
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.mappings import profiles
from dashboard.tables.mappings.translate import translate
from dashboard.tables.readers import repeated_columns, sources
from dashboard.tables.readers.sheets import Sheet, column_name
from dashboard.tables.readers.sources import Source
from dashboard.tables.schema import given_columns

OUTLINED = ("wkt", "geom", "the_geom", "wkt_geom", "geom_wkt", "geometry_wkt", "st_astext", "st_asgeojson", "geojson")


@dataclass(frozen=True)
class _Read:
    """The export as it was read, the rows ``made`` of it, and the columns of the export that nothing takes, by name."""

    export: Sheet
    made: Sheet
    unused: Mapping[str, pa.Array]
    scale: str | None = None


def read_sheet(
    source: Source,
    mapping: profiles.Mapping | None,
    spec: TableSpec,
    settings: DashboardSettings,
    today: datetime.date,
) -> Sheet:
    """The rows of ``source`` as records of ``spec``, in text. Raises UnreadableError, date_orders.OrderError."""
    if mapping is not None:
        source = replace(source, sheet=source.sheet or mapping.sheet, encoding=source.encoding or mapping.encoding)
    names = _looked_for(mapping, spec)
    export = without_print_out(sources.read(source, may_be_geojson=spec.name == "areas", names=names))
    if spec.name == "areas" and mapping is None:
        export = _with_outlines(export)
    on_record = snapshots.read("areas", settings.data)
    areas = pc.unique(on_record.column("area")).to_pylist() if spec.name != "areas" else []
    if mapping is not None:
        customs = habits.customs_of(spec.name, settings)
        zone = ZoneInfo(settings.timezone)
        made = translate(export, mapping, spec, zone, today=today, customs=customs, areas=areas)
        read = _mapped(export, made, mapping, today)
    else:
        read = _named(export, spec, areas, today)
    if spec.name == "customers":
        read = replace(read, made=place_areas.with_areas(read.made, read.export, on_record))
    dated = _with_plain_dates(_without_unix_seconds(read.made, spec, today), spec, ZoneInfo(settings.timezone))
    made = scales.checked(scales.without_words(dated), read.scale)
    if spec.name == "customers":
        made = reasons.told_where_none(reasons.without_unknown(made))
    if spec.name == "complaints":
        made = times_of_day.told_of_half_days(times_of_day.without_days_alone(made))
    made = money.checked(made, read.export, read.unused, spec, settings.currency)
    return told_where_unpadded(told_where_alike(without_doubtful(made, spec), spec))


def _looked_for(mapping: profiles.Mapping | None, spec: TableSpec) -> frozenset[str]:
    """The names by which the header is found: those that the mapping reads, else ours."""
    if mapping is None:
        return frozenset(column.name for column in given_columns(spec))
    return frozenset(
        column_name(source) for column in mapping.columns.values() for source in (*column.source, *column.otherwise)
    )


def _with_outlines(export: Sheet) -> Sheet:
    """The areas with the column in which QGIS or PostGIS write outlines as their geometry."""
    name = next((one for one in OUTLINED if one in export.columns), None)
    if name is None or "geometry" in export.columns:
        return export
    columns = {"geometry" if one == name else one: cells for one, cells in export.columns.items()}
    return replace(export, columns=columns, notes=(*export.notes, f"the outlines are read from {name}"))


def _without_unix_seconds(sheet: Sheet, spec: TableSpec, today: datetime.date) -> Sheet:
    """The sheet with instants as text where a column of them holds nothing but seconds since 1970, and says so."""
    columns, notes = dict(sheet.columns), []
    for column in given_columns(spec):
        if column.type not in ("date", "timestamp") or column.name not in columns:
            continue
        if (way := unix_seconds.way(columns[column.name], today)) is not None:
            columns[column.name] = unix_seconds.as_text(columns[column.name], way)
            unit = "seconds" if way == "unix" else "thousandths of a second"
            notes.append(f"{column.name} is read as {unit} since 1970 (UTC)")
    return replace(sheet, columns=columns, notes=(*sheet.notes, *notes)) if notes else sheet


def _with_plain_dates(sheet: Sheet, spec: TableSpec, zone: ZoneInfo) -> Sheet:
    columns, notes = dict(sheet.columns), []
    for column in given_columns(spec):
        if column.type not in ("date", "timestamp") or column.name not in columns:
            continue
        columns[column.name], own = written_clocks.with_own_zone(plain(columns[column.name]), zone)
        notes += [
            f"{column.name}: {name} means several zones, and is read as the provider's own ({zone.key})" for name in own
        ]
    return replace(sheet, columns=columns, notes=(*sheet.notes, *notes))


def _mapped(export: Sheet, made: Sheet, mapping: profiles.Mapping, today: datetime.date) -> _Read:
    unused = {name: export.columns[name] for name in made.unused if name in export.columns}
    if mapping.kind == "customers":
        ignored = {column_name(one) for one in mapping.ignore}
        made = departures.told_where_departures(export, made, [name for name in unused if name not in ignored], today)
    scale = next((column.scale for column in mapping.columns.values() if column.scale), None)
    return _Read(export, made, unused, scale)


def _named(export: Sheet, spec: TableSpec, areas: Collection[str], today: datetime.date) -> _Read:
    known = [column.name for column in given_columns(spec)]
    unused = {name: cells for name, cells in export.columns.items() if name not in known}
    ours = {name: repeated_columns.as_one(export, name) for name in known if name in export.columns}
    columns = {
        name: ids.cleaned(cells) if name in ids.COLUMNS else cells for name, cells in (export.columns | ours).items()
    }
    sheet = without_blank_words(replace(export, columns=columns, unused=(*export.unused, *unused)), spec, areas)
    made = sheet
    if spec.name == "customers":
        made = departures.told_where_departures(sheet, sheet, tuple(unused), today)
        made = statuses.without_non_customers(made, unused)
    if spec.name == "complaints" and "category" in sheet.columns:
        made = categories.told_where_other(made, {"category": sheet.columns["category"]}, unused, is_mapped=False)
    return _Read(sheet, made, unused)
