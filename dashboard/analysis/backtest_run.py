"""`bairro backtest`: inputs become the panel, the panel is gone back in, and what was found is stored."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from dashboard.analysis import build
from dashboard.config import DashboardSettings
from dashboard.models.leaving import rolling_origin
from dashboard.models.leaving.rolling_origin import MEASURES, NAIVE, Backtest
from dashboard.models.statistics.interval_sides import Side, side_in
from dashboard.panel import assemble as panels
from dashboard.panel import join_coverage, withholding
from dashboard.panel.engines.sql_engine import EngineError
from dashboard.results import backtest_results
from dashboard.tables import quality_hours
from dashboard.tables.imports.storage.snapshots import SnapshotError

WORDS = {
    "auc": "AUC: how often a customer who left was ranked above one who stayed (0.50 is guessing)",
    "lift": "loss of the tenth of customers ranked highest, against the average",
    "capture": "leavers in the top tenth of customers, of all who left",
    "area_lift": "loss of the neighbourhoods ranked highest (a tenth of customers), against the average",
    "precision": "worst tenth of neighbourhoods found",
    "hazard": "Bairro",
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
        built = panels.build(
            inputs.records,
            inputs.quality,
            inputs.devices,
            settings,
            cache=settings.data / build.CACHE,
            keeps_weeks=False,  # a build may run beside it
            now=now,
        )
        panel = withholding.withheld(built)
    except (SnapshotError, panels.PanelError, quality_hours.TableError, EngineError) as error:
        raise build.BuildError(str(error)) from error
    require_reasons(panel)
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


def require_reasons(panel: panels.Panel) -> None:
    """Raise build.BuildError where it is not known of enough departures why: there is nothing to hold a ranking against."""
    for join in panel.joins:
        if join.name == join_coverage.REASONS and not join.is_known:
            raise build.BuildError(f"how many leave of their own will is not known: {join.text}")


def verdict(found: Backtest) -> str:
    """What may be claimed: only what every interval says."""
    parts = []
    for measure, who in (("auc", "customers"), ("area_lift", "neighbourhoods")):
        unbeaten = [
            WORDS[row["scorer"]]
            for row in rows_of(found, measure)
            if row["scorer"] in NAIVE and not row["gain_low"] > 0
        ]
        parts.append(
            f"{who}: better than every simpler ranking"
            if found.beats_naive(measure)
            else f"{who}: not shown to be better than {', '.join(unbeaten)}"
        )
    return f"Bairro ranks {'; '.join(parts)}. {_beside_trees(found)}"


def _beside_trees(found: Backtest) -> str:
    sides = [side_in(row, "gain") for row in rows_of(found, "area_lift") if row["scorer"] == "challenger"]
    if not sides:
        return "It was not compared with boosted trees."
    said = {
        Side.ABOVE: "It ranks neighbourhoods better than boosted trees do",
        Side.BELOW: "Boosted trees rank neighbourhoods better; the pages still use Bairro's own ranking, which can say why",
    }
    return f"{said.get(sides[0], 'In ranking neighbourhoods it is not shown to differ from boosted trees')}."


def rows_of(found: Backtest, measure: str) -> list[dict[str, Any]]:
    """The measures' rows of one measure, in the scorers' order."""
    return [row for row in found.measures.to_dict("records") if row["measure"] == measure]  # type: ignore[misc]
