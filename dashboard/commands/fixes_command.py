"""`bairro fixes`: its arguments, the order of what would help, and the plan for a budget."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.commands import choose_fixes
    from dashboard.config import DashboardSettings
    from dashboard.figures.fixes import Fix, Fixes
    from dashboard.results.stored_results import Results

COSTS_ALONE = "Amounts of money below are the costs of the works, never what kept customers would pay."
EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add the command to bairro's."""
    what_for = "what would help, most customers kept first; with a budget, the works to pick for it"
    command = commands.add_parser("fixes", parents=[parent], help=what_for)
    command.add_argument("--budget", metavar="AMOUNT", help="in the currency of the settings; needs --costs")
    command.add_argument("--costs", type=Path, metavar="FILE", help="CSV: area, measure, cost; needs --budget")
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

    try:
        budget = 0 if arguments.budget is None else choose_fixes.amount("--budget", arguments.budget)
    except ValueError as error:
        return _refuse(str(error))
    if (arguments.budget is None) != (arguments.costs is None):
        return _refuse("--budget and --costs go together; without both, the order of what would help is shown")
    settings = config.load(arguments.config)
    results = load(settings.data)
    if results is None:
        why = "; ".join(passed_over(settings.data)) or "there are no results yet"
        return _refuse(f"{settings.data}: {why}: run “bairro build” first")
    told = figures.all_fixes(results, settings.currency, settings.analysis.minimum_customers)
    if not figures.found_measures(results) or results.avoidable.empty:
        print(told.sentence)
        return EXIT_PROBLEMS
    newer = age.older(build_log.newer_inputs(settings.data, results.manifest), settings.timezone)
    if arguments.budget is None:
        print("\n".join(line for line in (*_order(told, results, with_unproven=arguments.unproven), newer) if line))
        return EXIT_OK if told.proven or told.ordered or (arguments.unproven and told.unproven) else EXIT_PROBLEMS
    try:
        works = choose_fixes.read_costs(arguments.costs, results)
    except ValueError as error:
        return _refuse(str(error))
    minimum = settings.analysis.minimum_customers
    made = choose_fixes.plan(results, works, budget, minimum=minimum, with_unproven=arguments.unproven)
    print(f"{figures.HOW_OFTEN_HELD} {COSTS_ALONE}")
    print(f"{figures.ALWAYS} {figures.supposed(results)}")
    print("\n".join(_lines(made, results, settings, budget)))
    if told.summary.caution:
        print(told.summary.caution)
    if newer:
        print(newer)
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
    lines = _aligned(rows) if made.packages else ["None of the works fits the budget."]
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


def _order(told: Fixes, results: Results, *, with_unproven: bool) -> list[str]:
    """What would help, most customers kept first, as a table of text, and what the numbers mean."""
    from dashboard.figures import build_dates
    from dashboard.figures import fixes as figures

    fixes = (*told.proven, *(told.unproven if with_unproven else ()))
    without_numbers = [fix.sentence for fix in told.ordered]
    if not fixes:
        return without_numbers or [
            f"{told.sentence} No measure that was found would keep even a twentieth of a customer."
        ]
    rows = [("Where", "What", "Customers kept in 90 days", "Of those expected to leave", "Mean", "Target", "")]
    for fix in fixes:
        kept = f"{fix.leavers} ({fix.leavers_span})"
        rows.append((fix.name, fix.what, kept, fix.expected, fix.value, fix.target, _remarks(fix)))
    left_out = (
        [] if with_unproven or not told.unproven else [f"Left out: {len(told.unproven):,} not proven (--unproven)."]
    )
    caution = [told.summary.caution] if told.summary.caution else []
    lag = build_dates.lag(results)
    return [
        figures.HELD_TOO_RARELY,
        f"{figures.ALWAYS} {figures.supposed(results)}",
        *_aligned(rows),
        *without_numbers,
        *left_out,
        *figures.left_out(told),
        *caution,
        *([lag] if lag else []),
    ]


def _remarks(fix: Fix) -> str:
    said = ("" if fix.is_proven else "not proven", fix.at_target[1] if fix.is_at_target else "")
    return "; ".join(filter(None, said))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of cells as lines: the first two columns from the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _what(measure: str) -> str:
    from dashboard.figures import fixes as figures
    from dashboard.figures.style import words

    return figures.EVERYTHING_NAME if measure == figures.EVERYTHING else words.driver(measure).name


def _span(ends: tuple[float, float, float]) -> str:
    from dashboard.figures.style import numbers

    return f"{numbers.leavers(ends[0])} ({numbers.interval(ends[1], ends[2])})"
