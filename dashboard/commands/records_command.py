"""`bairro import` and `bairro outreach`: what they may be asked, and what they print."""

from __future__ import annotations

import argparse
import datetime
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import settings_file
from dashboard.commands.operators_command import EXIT_OK, EXIT_REFUSED, actor

if TYPE_CHECKING:
    from dashboard.config import DashboardSettings
    from dashboard.tables.imports.import_report import ImportReport
    from dashboard.tables.readers.sources import Source

KINDS = ("areas", "customers", "prices", "complaints", "nps", "reviews")
EXIT_PROBLEMS = 1
IMPORT_HELP = """FILE is CSV, Excel (.xlsx), OpenDocument (.ods), Parquet, for areas also GeoJSON; or the URL of a database
(postgresql://user@host/database) with --table or --query.

  bairro import complaints tickets.csv --propose > mapping.toml     write a draft mapping to check
  bairro import complaints tickets.csv --mapping mapping.toml --dry-run
  bairro import complaints tickets.csv --mapping freshdesk          or one that comes with Bairro
  bairro import --history                                           what was imported, newest first
  bairro import complaints --undo                                   undo the newest import
"""


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add the commands to bairro's."""
    command = commands.add_parser(
        "import",
        parents=[parent],
        help="import a file of records",
        epilog=IMPORT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("kind", nargs="?", choices=KINDS)
    command.add_argument("file", nargs="?", metavar="FILE", help="a file, or the URL of a database")
    command.add_argument(
        "--mapping", metavar="NAME|FILE", help="how to read the export: a mapping profile's name or file"
    )
    command.add_argument("--as-of", type=_date, help="the day of an export without history, YYYY-MM-DD")
    command.add_argument(
        "--absent",
        choices=("left", "stay"),
        help="what to do with customers on record that are missing in the file: they left, or they stay as last known",
    )
    command.add_argument(
        "--even-if-most",
        action="store_true",
        help="with --absent left: end the missing ones even if they are more than half of those on record",
    )
    command.add_argument(
        "--came-back",
        action="store_true",
        help="customers who had left on record and have no end in the file are customers again, however many",
    )
    command.add_argument("--dry-run", action="store_true", help="show what would happen; store nothing")
    command.add_argument("--propose", action="store_true", help="print a draft mapping for the file; store nothing")
    command.add_argument("--history", action="store_true", help="print what was imported, of all kinds or of one")
    command.add_argument("--undo", action="store_true", help="undo the newest import of the kind")
    command.add_argument("--mappings", action="store_true", help="print the profiles that come with Bairro")
    _add_source(command)
    command.set_defaults(run=import_records)
    command = commands.add_parser("outreach", parents=[parent], help="write which customers of your list to call")
    command.add_argument("incident", metavar="INCIDENT", help="its id, or the beginning of it")
    command.add_argument(
        "--customers", required=True, metavar="FILE", help="your list: a file, or the URL of a database"
    )
    command.add_argument("--id-column", default="customer_id", help="default: customer_id")
    command.add_argument("--out", type=Path, metavar="FILE", help="CSV to write; default: outreach-INCIDENT.csv, here")
    _add_source(command)
    command.set_defaults(run=outreach)


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sheet", help="of a workbook; default: the first that holds anything")
    command.add_argument("--encoding", help="of a text file, where it is not found out: cp1250, koi8-r, ...")
    command.add_argument("--table", help="of a database: TABLE or SCHEMA.TABLE")
    command.add_argument("--query", metavar="SQL", help="of a database: its rows, instead of a table's")


def import_records(arguments: argparse.Namespace) -> int:
    """Import, or tell the history, or take back, or propose: as it was asked."""
    from dashboard import config
    from dashboard.tables.imports import records

    if arguments.mappings:
        return _print_profiles()
    settings = config.load(arguments.config)
    if arguments.history:
        return _print_history(settings, arguments.kind)
    if arguments.kind is None:
        return _refused(f"say what to import: {', '.join(KINDS)}")
    if arguments.undo:
        if arguments.file is not None:
            return _refused("--undo undoes the newest import of a kind; leave the file out")
        print(records.undo(arguments.kind, settings, by=actor(arguments)))
        print("bairro build makes new results")
        return EXIT_OK
    if arguments.file is None:
        return _refused("say which file to import")
    today = datetime.datetime.now(ZoneInfo(settings.timezone)).date()
    if arguments.as_of is not None and arguments.as_of > today:
        return _refused(f"--as-of {arguments.as_of} lies in the future: it is the day on which the file was exported")
    if arguments.propose:
        return _propose(arguments, settings)
    report = records.import_records(
        arguments.kind,
        _source(arguments, arguments.file),
        settings,
        as_of=arguments.as_of,
        dry_run=arguments.dry_run,
        mapping=arguments.mapping,
        absent=arguments.absent,
        even_if_most=arguments.even_if_most,
        came_back=arguments.came_back,
        by=actor(arguments),
    )
    print(report)
    return report.exit_code


def outreach(arguments: argparse.Namespace) -> int:
    """Write the customers of the list to call; 1 where nobody is to be called, and why."""
    from collector.published import connect
    from dashboard import config
    from dashboard.figures.style import numbers
    from dashboard.operations import outreach as reaching
    from dashboard.tables.readers import sources
    from dashboard.tables.readers.sheets import UnreadableError

    settings = config.load(arguments.config)
    given = _source(arguments, arguments.customers)
    engine = connect(settings.database_url)
    try:
        listed = sources.read(given)
        now = datetime.datetime.now(datetime.UTC)
        found = reaching.outreach(engine, settings, arguments.incident, listed, id_column=arguments.id_column, now=now)
        path = arguments.out or Path(f"outreach-{found.incident_id[:8]}.csv")
        if found.rows:
            reaching.write(found, path, settings)
    except UnreadableError as error:
        return _refused(f"{given}: {error}")
    finally:
        engine.dispose()
    print("\n".join(found.notes))
    called = f"{numbers.of(len(found.rows), 'customer')} to call: {path}"
    print(called if found.rows else "nobody to call; no file was written")
    return EXIT_OK if found.rows else EXIT_PROBLEMS


def _source(arguments: argparse.Namespace, place: str) -> Source:
    from dashboard.tables.readers.sources import Source

    return Source(
        place, sheet=arguments.sheet, table=arguments.table, query=arguments.query, encoding=arguments.encoding
    )


def _print_profiles() -> int:
    from dashboard.tables.mappings import profiles

    for name, kind in profiles.packaged().items():
        print(f"{name:<12} {kind:<12} {profiles.load(name, kind).title}")
    return EXIT_OK


def _print_history(settings: DashboardSettings, kind: str | None) -> int:
    from dashboard.tables.imports.storage import import_log

    print(import_log.told(settings.data, kind))
    return EXIT_OK


def _propose(arguments: argparse.Namespace, settings: DashboardSettings) -> int:
    """The proposal on standard output, so that it can be kept in a file, and what it would do as remarks in it."""
    from dashboard.tables.imports import records
    from dashboard.tables.mappings import profiles, proposals
    from dashboard.tables.readers import sources
    from dashboard.tables.readers.sheets import UnreadableError
    from dashboard.tables.schema import RECORDS

    source = _source(arguments, arguments.file)
    try:
        sheet = sources.read(source, may_be_geojson=arguments.kind == "areas")
    except UnreadableError as error:
        return _refused(f"{source}: {error}")
    spec = RECORDS[arguments.kind]

    def tried(text: str, absent: str | None) -> ImportReport:
        profile = profiles.parse(text, "the proposal")
        return records.import_records(
            arguments.kind,
            source,
            settings,
            as_of=arguments.as_of,
            dry_run=True,
            mapping=profile,
            absent=absent,
            even_if_most=arguments.even_if_most and absent == "left",
            came_back=arguments.came_back,
        )

    today = arguments.as_of or datetime.datetime.now(ZoneInfo(settings.timezone)).date()
    proposed = functools.partial(proposals.propose, sheet, spec, source.name, today=today)
    text = proposed()
    try:
        profiles.parse(text, "the proposal")
    except settings_file.SettingsError:
        return _refused(
            f"{source}: none of the columns of {sheet.header} looks like one of {arguments.kind}: {', '.join(sheet.columns)};"
            " are these the columns' names? Lines above them have to go"
        )
    ways = tried(text, "stay" if arguments.kind == "customers" else None).ways
    text = proposed(ways) if ways else text
    report = tried(text, arguments.absent)
    print(text)
    print("\n".join(f"# {line}" for line in str(report).splitlines()))
    return report.exit_code


def _refused(reason: str) -> int:
    print(f"bairro: {reason}", file=sys.stderr)
    return EXIT_REFUSED


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: a day is written YYYY-MM-DD") from None
