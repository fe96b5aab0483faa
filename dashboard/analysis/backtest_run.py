"""`bairro backtest`: inputs become the panel, the panel is gone back in, and what was found is stored and told."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from dashboard.analysis import build
from dashboard.config import DashboardSettings
from dashboard.models.leaving import rolling_origin
from dashboard.models.leaving.rolling_origin import MEASURES, MODELS, NAIVE, Backtest
from dashboard.models.statistics.interval_sides import Side, side_in
from dashboard.panel import assemble as panels
from dashboard.panel import withholding
from dashboard.panel.engines.sql_engine import EngineError
from dashboard.results import backtest_results
from dashboard.tables import quality_hours
from dashboard.tables.imports.storage.snapshots import SnapshotError

WORDS = {
    "auc": "customers in order (AUC)",
    "lift": "lift of the tenth of customers ranked highest",
    "capture": "leavers in the tenth of customers ranked highest",
    "area_lift": "lift of the areas ranked highest (a tenth of customers)",
    "precision": "worst tenth of areas found",
    "hazard": "the hazard of leaving",
    "challenger": "boosted trees",
    "outage_minutes": "outage minutes",
    "complaints": "last month's complaints",
    "churn": "last quarter's departures",
    "tenure": "newest customers first",
}


@threadpool_limits.wrap(limits=1, user_api="blas")  # as model_runs.fit
def run(settings: DashboardSettings, progress: Callable[[str], None], *, most: int) -> tuple[Path, Backtest]:
    """Backtest on everything that is on record, and store it. Raises build.BuildError where nothing can be made."""
    progress("reading records and quality")
    try:
        now = datetime.datetime.now(datetime.UTC)
        inputs = build.read_inputs(settings, now)
        progress("joining them into the panel")
        panel = withholding.withheld(panels.build(inputs.records, inputs.quality, inputs.devices, settings, now=now))
    except (SnapshotError, panels.PanelError, quality_hours.TableError, EngineError) as error:
        raise build.BuildError(str(error)) from error
    lag = settings.analysis.reporting_lag_days
    past = rolling_origin.Past(panel.customer_weeks, panel.customer_periods, panel.area_weeks, panel.cut_off, lag)
    found = rolling_origin.backtest(past, most=most, seed=settings.analysis.seed, progress=progress)
    if found.measures.empty:
        raise build.BuildError("; ".join(found.notes))
    tables = {
        "backtest": found.measures,
        "backtest_origins": found.origins,
        "backtest_calibration": found.calibration,
    }
    manifest: dict[str, Any] = {
        "built_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cut_off": panel.cut_off.isoformat(),
        "reporting_lag_days": lag,
        "ahead_days": rolling_origin.AHEAD_DAYS,
        "seed": settings.analysis.seed,
        "inputs": dict(inputs.digests),
        "beats_naive": {measure: found.beats_naive(measure) for measure in MEASURES},
        "ranker": found.ranker,
        "areas": list(found.areas),
        "tenths_by_areas": True,
        "verdict": verdict(found),
        "notes": list(found.notes),
    }
    return backtest_results.write(settings.data, tables, manifest), found


def told(found: Backtest) -> str:
    """The backtest as a table of text, with the verdict."""
    days = found.origins["origin"].drop_duplicates()
    lines = [*found.notes, f"{len(days)} past dates: {', '.join(f'{day:%Y-%m-%d}' for day in days)}"]
    for measure in MEASURES:
        lines.append(f"{WORDS[measure]}:")
        for row in _rows(found, measure):
            ends = "" if math.isnan(row["low"]) else f" ({row['low']:.3f} to {row['high']:.3f})"
            gain = ""
            if not math.isnan(row["gain_low"]):
                gain = (
                    f"; gain of the hazard model {row['gain']:+.3f} ({row['gain_low']:+.3f} to {row['gain_high']:+.3f})"
                )
            lines.append(f"  {WORDS[row['scorer']]:28s} {row['value']:.3f}{ends}{gain}")
    for name in MODELS:
        own = found.calibration[found.calibration["scorer"] == name]
        if len(own):
            slope, level = own["slope"].iloc[0], own["level"].iloc[0]
            lines.append(f"calibration of {WORDS[name]}: slope {slope:.2f} (1 is right), log odds off by {level:.2f}")
    return "\n".join([*lines, verdict(found)])


def verdict(found: Backtest) -> str:
    """What may be claimed: only what every interval says."""
    parts = []
    for measure, who in (("auc", "customers"), ("area_lift", "areas")):
        unbeaten = [
            WORDS[row["scorer"]] for row in _rows(found, measure) if row["scorer"] in NAIVE and not row["gain_low"] > 0
        ]
        parts.append(
            f"{who}: better than every naive ranking"
            if found.beats_naive(measure)
            else f"{who}: not shown to be better than {', '.join(unbeaten)}"
        )
    return f"The hazard model ranks {'; '.join(parts)}. {_beside_trees(found)}"


def _beside_trees(found: Backtest) -> str:
    sides = [side_in(row, "gain") for row in _rows(found, "area_lift") if row["scorer"] == "challenger"]
    if not sides:
        return "It was not compared with boosted trees."
    said = {
        Side.ABOVE: "It ranks areas better than the boosted trees",
        Side.BELOW: "The boosted trees rank areas better; the pages still use the hazard model",
    }
    return f"{said.get(sides[0], 'In ranking areas it is not shown to differ from the boosted trees; the pages use the hazard model')}."


def _rows(found: Backtest, measure: str) -> list[dict[str, Any]]:
    """The measures' rows of one measure, in the scorers' order."""
    return [row for row in found.measures.to_dict("records") if row["measure"] == measure]  # type: ignore[misc]
