"""`bairro backfill`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector import counted, file_lock

if TYPE_CHECKING:
    from collector.commands.backfill.fill import Report

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2
DAYS = 90
MOST_SHOWN = 20


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add the command to bairro's."""
    what_for = "fill the quality history before the collector's first day from a Prometheus"
    command = commands.add_parser("backfill", parents=[parent], help=what_for)
    command.add_argument("--prometheus", required=True, metavar="URL", help="such as http://127.0.0.1:9090")
    command.add_argument(
        "--queries",
        required=True,
        type=Path,
        metavar="FILE",
        help="a TOML file that says which expression gives which column",
    )
    command.add_argument(
        "--from", dest="start", type=_moment, metavar="TIME", help=f"ISO 8601, UTC; default: {DAYS} days back"
    )
    command.add_argument(
        "--to", dest="end", type=_moment, metavar="TIME", help="likewise; default: as late as possible"
    )
    command.add_argument("--dry-run", action="store_true", help="ask and count; write nothing")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit code is 0, 1 (something was left out) or 2 (it could not be done)."""
    from collector import config
    from collector.commands.backfill import queries
    from collector.commands.backfill.fill import Backfill, newest_hour
    from collector.commands.backfill.prometheus import HOUR, Prometheus, PrometheusError
    from collector.inventory import devices_file
    from collector.inventory_url import parse_url

    settings = config.load(arguments.config)
    wanted = queries.load(arguments.queries)
    found = devices_file.load(settings.inventory, settings)
    try:
        is_url = parse_url(arguments.prometheus) is not None
    except ValueError as error:
        return _refuse(f"--prometheus: {error}")
    if not is_url:
        return _refuse("--prometheus: must be an http:// or https:// URL")
    if not found.devices:
        return _refuse("; ".join(str(problem) for problem in found.problems) or "the inventory holds no devices")
    newest = newest_hour(settings.data, time.time())
    until = newest if arguments.end is None else min(newest, int(arguments.end) // HOUR * HOUR)
    first = until - DAYS * 24 * HOUR if arguments.start is None else -int(-arguments.start // HOUR) * HOUR
    if first >= until:
        return _refuse(
            f"nothing to fill: from {_shown(first)} to {_shown(until)} (the collector keeps the newest hours)"
        )
    print(f"{counted.of(len(found.devices), 'device')}, {_shown(first)} to {_shown(until)}")
    devices = {device.device_id: device for device in found.devices}
    backfill = Backfill(settings.data, devices, wanted, Prometheus(arguments.prometheus, wanted.access))
    try:
        report = backfill.run(first, until, lambda line: print(line, flush=True), dry_run=arguments.dry_run)
    except file_lock.HeldError as error:
        return _refuse(f"another backfill is writing into {settings.data}: {error}")
    except (PrometheusError, OSError) as error:
        return _refuse(str(error))
    _print(report, list(wanted.columns))
    return EXIT_PROBLEMS if report.problems else EXIT_OK


def _print(report: Report, columns: list[str]) -> None:
    print(f"{report.rows:,} device-hours filled, {report.present:,} were there already")
    for name in columns:
        print(f"  {name}: {report.values[name]:,} values read")
    for problem in report.problems[:MOST_SHOWN]:
        print(problem)
    if len(report.problems) > MOST_SHOWN:
        print(f"and {len(report.problems) - MOST_SHOWN} more")


def _refuse(reason: str) -> int:
    print(f"bairro backfill: {reason}", file=sys.stderr)
    return EXIT_UNUSABLE


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: a time is written 2026-03-01 or 2026-03-01T12:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _shown(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"
