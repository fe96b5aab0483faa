"""What is worth telling of an import that is no fault: a new key, areas that nothing matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from collector.published import DEVICES, TableSpec
from dashboard.config import DashboardSettings
from dashboard.tables import quality_hours
from dashboard.tables.checks.columns import swapped
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.readers.sheets import Sheet

MAY_BE_NONE = ("complaints", "nps", "reviews")
"""Kinds of which a file without a row may be right."""


def notes_on(
    spec: TableSpec, sheet: Sheet, rows: pa.Table, *, settings: DashboardSettings, has_new_key: bool
) -> tuple[str, ...]:
    """Sentences on an import of ``rows`` (those that were not refused) read from ``sheet``."""
    notes = list(sheet.notes)
    if has_new_key:
        notes.append(
            f"made the customer key {settings.customer_key}: back it up apart from the data;"
            " without it later imports cannot be joined to these records"
        )
    return (*notes, *_unmatched(spec, rows, settings))


def warnings_on(spec: TableSpec, sheet: Sheet) -> tuple[str, ...]:
    """What a person has to look at of a file that gives nothing: it may be right, or a broken export."""
    if not sheet.rows_read and spec.name in MAY_BE_NONE:
        return (
            f"there is a header and no row under it: if there were {spec.name} since the last import, the export has failed;"
            " until when the records are complete stays as it was",
        )
    if 0 < sheet.skipped == sheet.rows_read:
        every = "the only row" if sheet.skipped == 1 else f"all {sheet.skipped:,} rows"
        return (f"the mapping's skip leaves out {every}, so there are no {spec.name} in the file",)
    return ()


def told_of_blanked(blanked: Mapping[tuple[str, str], Sequence[int]], unit: str) -> list[str]:
    """A warning per column and reason of cells that cost themselves and not their row; ``blanked`` are their lines."""
    said = []
    for (column, reason), lines in blanked.items():
        cells = "1 cell is" if len(lines) == 1 else f"{len(lines):,} cells are"
        said.append(f"{column}: {cells} blank now, as it {reason}, first on {unit} {lines[0]}; the rows are taken")
    return said


def places_in_doubt(spec: TableSpec, rows: pa.Table, settings: DashboardSettings) -> list[str]:
    """Warnings where latitude and longitude are the wrong way round, in the imported areas or those on record."""
    if spec.name not in ("areas", "customers"):
        return []
    areas = rows if spec.name == "areas" else snapshots.read("areas", settings.data)
    try:
        devices = quality_hours.read_devices(settings.data)
    except quality_hours.TableError:
        devices = DEVICES.arrow_schema().empty_table()
    return swapped.told(areas, devices, settings.timezone)


def _unmatched(spec: TableSpec, rows: pa.Table, settings: DashboardSettings) -> list[str]:
    """Areas and devices that nothing else knows, each with an example."""
    notes = []
    areas = _distinct(snapshots.read("areas", settings.data), "area")
    if spec.name != "areas" and areas:
        notes += _told(_distinct(rows, "area") - areas, "area is", "areas are", "not among the imported ones")
    try:
        devices = quality_hours.read_devices(settings.data) if spec.name in ("areas", "customers") else None
    except quality_hours.TableError:
        return notes
    if devices is None or not devices.num_rows:
        return notes
    notes += _told(
        _distinct(rows, "area") - _distinct(devices, "area"),
        "area matches",
        "areas match",
        "no device of the inventory",
    )
    return notes + _told(
        _distinct(rows, "device_id") - _distinct(devices, "device_id"),
        "device is",
        "devices are",
        "not in the inventory",
    )


def _told(unknown: set[str], one: str, many: str, what: str) -> list[str]:
    if len(unknown) == 1:
        return [f"1 {one} {what}: {min(unknown)!r}"]
    return [f"{len(unknown):,} {many} {what}, {min(unknown)!r} among them"] if unknown else []


def _distinct(table: pa.Table, name: str) -> set[str]:
    return set(pc.unique(table.column(name).drop_null()).to_pylist()) if name in table.column_names else set()
