"""`bairro fixes`: its arguments, and the plan that it prints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.commands import choose_fixes
    from dashboard.config import DashboardSettings
    from dashboard.results.stored_results import Results

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add the command to bairro's."""
    what_for = "pick the works that keep most customers for a budget"
    command = commands.add_parser("fixes", parents=[parent], help=what_for)
    command.add_argument("--budget", required=True, metavar="AMOUNT", help="in the currency of the settings")
    command.add_argument("--costs", required=True, type=Path, metavar="FILE", help="CSV: area, measure, cost")
    command.add_argument("--out", type=Path, metavar="FILE", help="CSV to write; default: what-to-fix.csv, here")
    command.add_argument("--unproven", action="store_true", help="also measures not found to affect leaving")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit code is 0, 1 (nothing could be picked) or 2 (it could not be done)."""
    from dashboard import config
    from dashboard.analysis import build_log
    from dashboard.commands import choose_fixes
    from dashboard.figures import fixes as figures
    from dashboard.figures.live import age
    from dashboard.results.stored_results import load, passed_over

    settings = config.load(arguments.config)
    results = load(settings.data)
    if results is None:
        why = "; ".join(passed_over(settings.data)) or "there are no results yet"
        return _refuse(f"{settings.data}: {why}: run “bairro build” first")
    told = figures.all_fixes(results, settings.currency, settings.analysis.minimum_customers)
    if not figures.found_measures(results) or results.avoidable.empty:
        print(told.sentence)
        return EXIT_PROBLEMS
    try:
        budget = choose_fixes.amount("--budget", arguments.budget)
        works = choose_fixes.read_costs(arguments.costs, results)
    except ValueError as error:
        return _refuse(str(error))
    minimum = settings.analysis.minimum_customers
    made = choose_fixes.plan(results, works, budget, minimum=minimum, with_unproven=arguments.unproven)
    print(figures.HELD_TOO_RARELY)
    print("\n".join(_lines(made, results, settings, budget)))
    if told.summary.caution:
        print(told.summary.caution)
    if older := age.older(build_log.newer_inputs(settings.data, results.manifest), settings.timezone):
        print(older)
    if not made.packages:
        return EXIT_PROBLEMS
    out = arguments.out or Path("what-to-fix.csv")
    try:
        choose_fixes.write_csv(made, results, out)
    except OSError as error:
        return _refuse(f"{out}: cannot be written: {error.strerror}")
    print(f"written to {out}")
    return EXIT_OK


def _refuse(text: str) -> int:
    print(f"bairro fixes: {text}", file=sys.stderr)
    return EXIT_UNUSABLE


def _lines(made: choose_fixes.Plan, results: Results, settings: DashboardSettings, budget: int) -> list[str]:
    """The plan as a table of text, its totals, and what it does not hold."""
    from dashboard.commands import choose_fixes
    from dashboard.figures.findings import area_names
    from dashboard.figures.style import numbers

    names = area_names(results)

    def money(value: float) -> str:
        return numbers.money(value, settings.currency)

    rows = [("Where", "What", "Cost", "Customers kept in 90 days")]
    for p in made.packages:
        what = " + ".join(_what(measure) for measure in p.measures)
        rows.append((names.get(p.area, p.area), what, money(p.cost / choose_fixes.CENTS), _span(p.leavers)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    aligned = [
        "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    lines = aligned if made.packages else ["None of the works fits the budget."]
    if made.packages:
        lines.append(
            f"For {money(made.cost / choose_fixes.CENTS)} of {money(budget / choose_fixes.CENTS)}: "
            f"{_span(choose_fixes.total(made))} customers in 90 days. Several measures in one area are combined, not added up. The "
            "interval of the total adds up those of the areas, because all rest on the same effects, so it is rather too wide."
        )
    if made.gap > 0:
        lines.append(
            f"There were too many choices to try them all: another could keep up to {numbers.leavers(made.gap)} customers more."
        )
    return [*lines, *(f"Left out: {reason}." for reason in made.left_out)]


def _what(measure: str) -> str:
    from dashboard.figures import fixes as figures
    from dashboard.figures.style import words

    return figures.EVERYTHING_NAME if measure == figures.EVERYTHING else words.driver(measure).name


def _span(ends: tuple[float, float, float]) -> str:
    from dashboard.figures.style import numbers

    return f"{numbers.leavers(ends[0])} ({numbers.interval(ends[1], ends[2])})"
