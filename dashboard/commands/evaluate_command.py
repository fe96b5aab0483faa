"""`bairro evaluate`: its arguments, and what becomes of errors."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2


def add_to(commands: Any) -> None:
    """Add the command to bairro's."""
    what_for = "judge how well departures can be predicted from a customer table that you already have"
    command = commands.add_parser("evaluate", help=what_for)
    command.add_argument("table", type=Path, metavar="TABLE", help="CSV or Parquet, one row per customer")
    command.add_argument(
        "--mapping", type=Path, required=True, metavar="M", help="a TOML file that says what each column is"
    )
    command.add_argument("--holdout", type=Path, metavar="FILE", help="judge on this table; default: cross-validation")
    command.add_argument("--score", type=Path, metavar="FILE", help="also score these customers; they need no outcome")
    what_for = "true share of customers who leave, if the table holds more leavers than that (0.02: two in a hundred)"
    command.add_argument("--true-rate", type=_share, metavar="RATE", help=what_for)
    command.add_argument("--folds", type=_folds, default=5, help="of the cross-validation; default: 5")
    command.add_argument("--inner", type=_folds, default=3, help="folds to tune on, within each; default: 3")
    command.add_argument("--seed", type=int, default=1, help="of the folds; default: 1")
    command.add_argument("--out", type=Path, default=Path("evaluation"), help="folder to write; default: evaluation")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit code is 0, 1 (rows or cells were left out) or 2 (it could not be done)."""
    from dashboard.analysis import evaluate_table

    wanted = evaluate_table.Wanted(
        arguments.table,
        arguments.mapping,
        arguments.out,
        holdout=arguments.holdout,
        score=arguments.score,
        true_rate=arguments.true_rate,
        folds=arguments.folds,
        inner=arguments.inner,
        seed=arguments.seed,
    )
    try:
        report, has_faults = evaluate_table.evaluate(wanted)
    except OSError as error:
        print(f"bairro: {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_UNUSABLE
    print(report)
    return EXIT_PROBLEMS if has_faults else EXIT_OK


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, as 0.02 for two in a hundred; not {text}")
    return value


def _folds(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 2 <= value <= 20:
        raise argparse.ArgumentTypeError(f"must be between 2 and 20, not {text}")
    return value
