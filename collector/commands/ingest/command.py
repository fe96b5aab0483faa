"""`bairro ingest`: quality hours that another system has measured, from CSV or Parquet files."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collector.commands.ingest.mapping import Mapping
    from collector.commands.ingest.read_hours import Key, Sample, Values
    from collector.commands.ingest.store import Stored
    from collector.reading import Device

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2
MOST_SHOWN = 20


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add the command to bairro's."""
    what_for = "take quality hours of a TR-069 or USP server, or of speed tests, from CSV or Parquet files"
    command = commands.add_parser("ingest", parents=[parent], help=what_for)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    what_for = "a TOML file that says what the columns are; default: they are called as in docs/tables.md"
    command.add_argument("--mapping", type=Path, metavar="FILE", help=what_for)
    command.add_argument("--dry-run", action="store_true", help="read, check and count; write nothing")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit code is 0, 1 (rows were rejected) or 2 (it could not be done)."""
    from collector import config, file_lock
    from collector.commands.ingest import mapping
    from collector.commands.ingest.file_rows import SourceError
    from collector.commands.ingest.store import store
    from collector.inventory import devices_file

    settings = config.load(arguments.config)
    wanted = mapping.load(arguments.mapping)
    found = devices_file.load(settings.inventory, settings)
    if not found.devices:
        return _refuse("; ".join(str(problem) for problem in found.problems) or "the inventory holds no devices")
    devices = {device.device_id: device for device in found.devices}
    try:
        hours, rejected = _read(arguments.files, wanted, devices, settings.data)
        stored = store(settings.data, hours, dry_run=arguments.dry_run)
    except (SourceError, OSError) as error:
        return _refuse(str(error))
    except file_lock.HeldError as error:
        return _refuse(f"another ingest is writing into {settings.data}: {error}")
    _print(stored, rejected, dry_run=arguments.dry_run)
    return EXIT_PROBLEMS if rejected or stored.problems else EXIT_OK


def _read(
    files: list[Path], wanted: Mapping, devices: dict[str, Device], data: Path
) -> tuple[dict[Key, Values], list[str]]:
    """The hours of all files, and a sentence for each row that cannot be used. Raises SourceError."""
    from collector.commands.backfill.fill import newest_hour
    from collector.commands.ingest import file_rows
    from collector.commands.ingest.read_hours import RowReader, UnusableRowError

    samples: list[Sample] = []
    rejected: list[str] = []
    newest = newest_hour(data, time.time())
    reader = RowReader(wanted, (), devices, newest)
    for path in files:
        columns = file_rows.columns_of(path)
        reader = RowReader(wanted, columns, devices, newest)
        missing = reader.missing(columns)
        if missing:
            raise file_rows.SourceError(f"{path}: has no column {missing[0]!r}; it has: {', '.join(columns)}")
        for line, cells in file_rows.rows_of(path):
            if isinstance(cells, str):
                rejected.append(f"{path}:{line}: {cells}")
                continue
            try:
                samples.append(reader.sample(cells, f"{path}:{line}"))
            except UnusableRowError as error:
                rejected.append(f"{path}:{line}: {error.field}: {error}")
    return _hours(reader, samples, devices, rejected), rejected


def _hours(reader: Any, samples: list[Sample], devices: dict[str, Device], rejected: list[str]) -> dict[Key, Values]:
    from collector.commands.ingest.read_hours import UnusableRowError, checked

    hours: dict[Key, Values] = {}
    places: dict[Key, str] = {}
    for key, place, values in reader.hours(samples):
        try:
            row = checked(values, devices[key[1]])
        except UnusableRowError as error:
            rejected.append(f"{place}: {error.field}: {error}")
            continue
        if key in hours and hours[key] != row:
            rejected.append(f"{place}: hour: {key[1]} has this hour already at {places[key]}, with other values")
            continue
        hours[key], places[key] = row, places.get(key, place)
    return hours


def _print(stored: Stored, rejected: list[str], *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    print(
        f"{stored.new:,} device-hours {would}added, {stored.changed:,} {would}changed, {stored.same:,} were there already"
    )
    if stored.measured:
        print(f"{stored.measured:,} left out: a collector or a backfill has measured these hours itself")
    if stored.shorter:
        print(f"{stored.shorter:,} left out: more of these hours had been observed when they were ingested before")
    if rejected:
        print(f"{len(rejected):,} rejected:")
    for line in [*rejected[:MOST_SHOWN], *stored.problems[:MOST_SHOWN]]:
        print(line, file=sys.stderr)
    if len(rejected) > MOST_SHOWN:
        print(f"and {len(rejected) - MOST_SHOWN:,} more", file=sys.stderr)


def _refuse(reason: str) -> int:
    print(f"bairro ingest: {reason}", file=sys.stderr)
    return EXIT_UNUSABLE
