"""What `bairro backtest` prints: each way to rank, by each measure, in the words of *Looking back*."""

from __future__ import annotations

import math
from collections.abc import Callable

from dashboard.analysis.backtest_run import WORDS, rows_of, verdict
from dashboard.figures.style import words
from dashboard.models.leaving.rolling_origin import MEASURES, MODELS, Backtest

SHARES = frozenset({"capture", "precision"})
"""Measures that are shares, written in percent; their differences in points."""


def told(found: Backtest) -> str:
    """The backtest as a table of text, with the verdict."""
    days = found.origins["origin"].drop_duplicates()
    lines = [*found.notes, f"{len(days)} past dates: {', '.join(f'{day:%Y-%m-%d}' for day in days)}"]
    for measure in MEASURES:
        lines.append(f"{WORDS[measure]}:")
        for row in rows_of(found, measure):
            form, more = _form(measure), _form(measure, is_gain=True)
            ends = "" if math.isnan(row["low"]) else f" ({form(row['low'])} to {form(row['high'])})"
            gain = ""
            if not math.isnan(row["gain_low"]):
                unit = " points" if measure in SHARES else ""
                gain = (
                    f"; Bairro's gain {more(row['gain'])}{unit} ({more(row['gain_low'])} to {more(row['gain_high'])})"
                )
            lines.append(f"  {WORDS[row['scorer']]:28s} {form(row['value'])}{ends}{gain}")
    for name in MODELS:
        own = found.calibration[found.calibration["scorer"] == name]
        if len(own):
            lines.append(f"chances given by {WORDS[name]}: {_chances(own['slope'].iloc[0], own['level'].iloc[0])}")
    return "\n".join([*lines, verdict(found)])


def _chances(slope: float, level: float) -> str:
    if not (math.isfinite(slope) and math.isfinite(level)):
        return "whether they came true could not be computed"
    return f"slope {slope:.2f} (1 is right); {words.odds_off(level)}"


def _form(measure: str, *, is_gain: bool = False) -> Callable[[float], str]:
    """How values of a measure are written, or differences of them: shares in percent, losses as times the average."""
    if measure in SHARES:
        return (lambda value: f"{100 * value:+.0f}") if is_gain else (lambda value: f"{value:.0%}")
    if is_gain:
        return lambda value: f"{value:+.2f}"
    return (lambda value: f"{value:.2f}") if measure == "auc" else (lambda value: f"×{value:.2f}")
