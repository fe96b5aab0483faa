"""A backtest as `bairro backtest` stores it: six days, better than two of the simpler rankings and not than the others."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from dashboard.results import backtest_results

FIRST = date(2026, 1, 5)
VALUES = {
    # scorer: AUC, lift, capture, area_lift, precision, and the hazard's gain in area_lift
    "hazard": (0.71, 2.9, 0.29, 1.62, 0.45, None),
    "challenger": (0.72, 3.0, 0.30, 1.58, 0.40, (-0.18, 0.27)),
    "outage_minutes": (0.52, 1.1, 0.11, 1.21, 0.22, (0.12, 0.71)),
    "complaints": (0.54, 1.3, 0.13, 1.33, 0.28, (0.02, 0.55)),
    "churn": (0.55, 1.4, 0.14, 1.49, 0.38, (-0.09, 0.35)),
    "tenure": (0.58, 1.6, 0.16, 1.02, 0.11, (0.28, 0.93)),
}
MEASURES = ("auc", "lift", "capture", "area_lift", "precision")


def frames(*, origins: int = 6) -> dict[str, pd.DataFrame]:
    """Every table of BACKTEST_TABLES."""
    days = [pd.Timestamp(FIRST + timedelta(days=28 * number)) for number in range(origins)]
    rows, by_day = [], []
    for scorer, (*values, ends) in VALUES.items():
        for measure, value in zip(MEASURES, values, strict=True):
            low, high = (None, None) if measure == "precision" else (value * 0.9, value * 1.1)
            gain = None if ends is None else VALUES["hazard"][MEASURES.index(measure)] - value
            gains = (gain, *((None, None) if ends is None or measure == "precision" else ends))
            rows.append((scorer, measure, value, low, high, *gains, origins))
            by_day += [
                (day, scorer, measure, value * (0.9 + 0.04 * n), 11_800 + 40 * n, 240 + 3 * n)
                for n, day in enumerate(days)
            ]
    tenths = [
        (scorer, tenth, 7_000, 0.004 * tenth, 0.0042 * tenth, 0.0036 * tenth, 0.0048 * tenth, 1.04, 0.03)
        for scorer in ("hazard", "challenger")
        for tenth in range(1, 11)
    ]
    made = {"backtest": rows, "backtest_origins": by_day, "backtest_calibration": tenths}
    return {
        spec.name: pd.DataFrame(made[spec.name], columns=list(spec.column_names))
        for spec in backtest_results.BACKTEST_TABLES
    }


def write(data: Path, *, origins: int = 6) -> Path:
    manifest = {
        "built_at": "2026-10-20T04:10:00+00:00",
        "cut_off": "2026-10-19",
        "ahead_days": 84,
        "inputs": {"customers": "a"},
        "areas": [24] * origins,
        "tenths_by_areas": True,
        "notes": ["2025-12-08: left out: too few customers left before it to fit a model, or nobody left after it"],
    }
    return backtest_results.write(data, frames(origins=origins), manifest)
