"""`bairro backtest`: its arguments, and what becomes of errors."""

from __future__ import annotations

import argparse
from typing import Any

EXIT_OK = 0


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add the command to bairro's."""
    what_for = "test on past dates how well departures would have been predicted, compared with other rankings"
    command = commands.add_parser("backtest", parents=[parent], help=what_for)
    command.add_argument("--origins", type=_count, default=6, help="days to go back to, four weeks apart; default: 6")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit code is 0. Raises BuildError where there is nothing to go back in."""
    from dashboard import config
    from dashboard.analysis import backtest_run
    from dashboard.commands import backtest_lines

    def say(text: str) -> None:
        print(text, flush=True)

    folder, found = backtest_run.run(config.load(arguments.config), say, most=arguments.origins)
    print(f"{backtest_lines.told(found)}\nstored in {folder}")
    return EXIT_OK


def _count(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError(f"must be between 1 and 100, not {text}")
    return value
