"""The arguments of the dashboard's commands, and how they read their words."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from dashboard.commands import (
    backtest_command,
    evaluate_command,
    fetch_command,
    fixes_command,
    forget_command,
    notices_command,
    users_command,
)
from dashboard.commands import operators_command as operators
from dashboard.commands import records_command as records

Run = Callable[[argparse.Namespace], int]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    *,
    build: Run,
    serve: Run,
    report: Run,
    forget: Run,
    operators_entry: Run,
) -> None:
    """Add the commands to bairro's."""
    dashboard = argparse.ArgumentParser(add_help=False)
    dashboard.add_argument("--config", type=Path, default=Path("dashboard.toml"), help="default: dashboard.toml")

    records.add_to(commands, dashboard)
    forget_command.add_to(commands, dashboard, forget)
    fetch_command.add_to(commands, dashboard)
    command = commands.add_parser("build", parents=[dashboard], help="analyse the records and the quality")
    command.add_argument("--force", action="store_true", help="build even if no input changed")
    when = command.add_mutually_exclusive_group()
    when.add_argument(
        "--every", type=_hours, metavar="HOURS", help="keep building at this interval, each time in a separate process"
    )
    when.add_argument("--at", metavar="HH:MM", help="keep building, every day at this time in the provider's time zone")
    command.add_argument("--engine", choices=("duckdb", "spark"), help="what joins the tables; default: the setting")
    command.add_argument("--master", metavar="URL", help="the Spark cluster: spark://HOST:PORT; default: the setting")
    command.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    command.set_defaults(run=build)
    command = commands.add_parser("serve", parents=[dashboard], help="serve the pages")
    command.add_argument("--address", help="address to listen on, instead of the one in the settings")
    what_for = "where a container's port is published, which decides who can reach the pages"
    command.add_argument("--published-on", metavar="ADDRESS", help=what_for)
    command.set_defaults(run=serve)
    command = commands.add_parser("report", parents=[dashboard], help="write the one-page report of an area")
    command.add_argument("--area", required=True, help="an area's id or name")
    command.add_argument("--out", type=Path, default=Path(), help="folder to write to; default: this one")
    command.set_defaults(run=report)
    fixes_command.add_to(commands, dashboard)
    operators.add_to(commands, dashboard, operators_entry)
    users_command.add_to(commands, dashboard, operators_entry)
    notices_command.add_to(commands, dashboard, operators_entry)
    backtest_command.add_to(commands, dashboard)
    evaluate_command.add_to(commands)


def _hours(text: str) -> float:
    """6 or 6h."""
    try:
        hours = float(text.removesuffix("h"))
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 8_760:
        raise argparse.ArgumentTypeError(f"{text!r}: hours between 0 and 8760, such as 6 or 0.5")
    return hours
