"""`bairro fetch`: the sources of records that dashboard.toml names, fetched now or on their schedule."""

from __future__ import annotations

import argparse
import datetime
import sys
from typing import TYPE_CHECKING, Any

from bairro_error import BairroError
from dashboard.commands.operators_command import EXIT_OK, EXIT_REFUSED, actor

if TYPE_CHECKING:
    from dashboard.config import DashboardSettings
    from dashboard.source_settings import SourceSettings


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add the command to bairro's."""
    command = commands.add_parser("fetch", parents=[parent], help="import records from the sources of the settings")
    command.add_argument("names", nargs="*", metavar="NAME", help="sources to fetch; default: all of them")
    command.add_argument("--list", action="store_true", help="print the sources and what became of them")
    command.add_argument("--new-columns", action="store_true", help="take a source whose columns have changed")
    command.add_argument("--scheduled", action="store_true", help="keep fetching, each when it is due")
    command.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    command.set_defaults(run=fetch)


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch the sources that are named, or list them, or go on as they are due; the exit code is the worst of an import."""
    from dashboard import config
    from dashboard.analysis import fetch_schedule
    from dashboard.tables.imports import fetching

    settings = config.load(arguments.config)
    known = {source.name: source for source in settings.sources}
    if unknown := [name for name in arguments.names if name not in known]:
        print(f"bairro: no source is called {unknown[0]}; there are {', '.join(known) or 'none'}", file=sys.stderr)
        return EXIT_REFUSED
    if not known:
        print(f"bairro: {arguments.config} names no [[sources]]", file=sys.stderr)
        return EXIT_REFUSED
    if arguments.list:
        print("\n".join(_line(source, settings) for source in settings.sources))
        return EXIT_OK
    if arguments.scheduled:
        tried = fetch_schedule.last_tried({name: one.at for name, one in fetching.last(settings.data).items()})
        return fetch_schedule.repeat(
            settings, tried, lambda source: _tried(source, settings, arguments), parent=arguments.parent
        )
    return max(_fetched(known[name], settings, arguments) for name in arguments.names or known)


def _tried(source: SourceSettings, settings: DashboardSettings, arguments: argparse.Namespace) -> int:
    """The same where others have to be fetched after it, whatever happens."""
    try:
        return _fetched(source, settings, arguments)
    except (BairroError, OSError) as error:
        print(f"{source.kind}: {source.name}: {error}", flush=True)
        return EXIT_REFUSED


def _fetched(source: SourceSettings, settings: DashboardSettings, arguments: argparse.Namespace) -> int:
    from dashboard.tables.imports import fetching

    now = datetime.datetime.now(datetime.UTC)
    by = f"{actor(arguments)}, source {source.name}"
    report = fetching.fetch(source, settings, now=now, takes_new_columns=arguments.new_columns, by=by)
    print(report, flush=True)
    return report.exit_code


def _line(source: SourceSettings, settings: DashboardSettings) -> str:
    from dashboard.tables.imports import fetching

    when = f"every {source.every_hours:g} h" if source.every_hours else f"at {source.at}" if source.at else "when asked"
    last = fetching.last(settings.data).get(source.name)
    became = "never fetched" if last is None else f"{last.at}: {last.failure or 'imported'}"
    return f"{source.name:<16} {source.kind:<12} {when:<14} {became}"
