"""The checks of the dose as rows of result tables: a row for each measure, and for each bin of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from dashboard.measures import DOWN
from dashboard.models.complaints.measure_lags import Term
from dashboard.models.leaving.doses.dose_check import FEWEST_BINS, Check
from dashboard.models.leaving.doses.felt_hours import ALL_OF_EIGHT, Felt
from dashboard.models.leaving.fitted_hazard import Predictor

PASSES, FAILS, UNTESTED = "passes", "fails", "untested"
CHECK_COLUMNS = ["measure", "verdict", "weeks", "longer_than_hours", "bins", "statistic", "p_value", "note"]
BIN_COLUMNS = ["measure", "bin", "unit", "low", "high", "observed", "expected", "ratio", "ratio_low", "ratio_high"]
Z95 = 1.959964
FITTED = 1e-3
"""Errors below this share of chance: two groups are fitted as they are, and their ratios have no interval."""


def checks(predictor: Predictor) -> pd.DataFrame:
    """Rows of the dose_checks result table."""
    rows = [
        (
            term.name,
            verdict(check),
            _felt(term, predictor).weeks,
            _felt(term, predictor).longer_than,
            len(check.low),
            check.statistic,
            check.p_value,
            _note(check, is_told),
        )
        for term, check, is_told in _each(predictor)
    ]
    made = pd.DataFrame(rows, columns=CHECK_COLUMNS)
    return made.assign(longer_than_hours=made["longer_than_hours"].astype("Int64"))


def _felt(term: Term, predictor: Predictor) -> Felt:
    return predictor.doses.felt if term is DOWN else ALL_OF_EIGHT


def verdict(check: Check) -> str:
    return UNTESTED if not check.is_tested else PASSES if check.passes else FAILS


def _note(check: Check, is_told: bool) -> str | None:
    if check.is_tested:
        return None
    if not is_told:
        return "its effect has no estimate"
    if len(check.low) >= FEWEST_BINS:
        return f"it has no more than {len(check.low)} values, which are fitted as they are whatever the relationship"
    return f"its values or the departures are too few for {FEWEST_BINS} groups"


def bins(predictor: Predictor) -> pd.DataFrame:
    """Rows of the dose_bins result table, in the units of the measures."""
    parts = [_bins(term, check) for term, check, _ in _each(predictor)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=BIN_COLUMNS)


def _bins(term: Term, check: Check) -> pd.DataFrame:
    ends = np.sort(np.stack([check.low, check.high]) * term.per, axis=0)
    is_expected = check.expected > 0
    is_free = is_expected & (check.error > FITTED * np.sqrt(np.maximum(check.expected, 0.0)))
    ratio = np.divide(check.observed, check.expected, out=np.full(ends.shape[1], np.nan), where=is_expected)
    error = np.divide(check.error, check.expected, out=np.full(ends.shape[1], np.nan), where=is_free)
    return pd.DataFrame(
        {
            "measure": term.name,
            "bin": np.arange(1, len(ratio) + 1),
            "unit": term.unit,
            "low": ends[0],
            "high": ends[1],
            "observed": check.observed,
            "expected": check.expected,
            "ratio": ratio,
            "ratio_low": np.maximum(ratio - Z95 * error, 0.0),
            "ratio_high": ratio + Z95 * error,
        },
        columns=BIN_COLUMNS,
    )


def _each(predictor: Predictor) -> Iterator[tuple[Term, Check, bool]]:
    return zip(
        predictor.design.quality.terms, predictor.doses.checks, (bool(t) for t in predictor.is_estimated), strict=True
    )
