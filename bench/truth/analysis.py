"""The whole analysis held to known truth: named effects, leavers expected and avoidable, and the ranking beside naive ones.

    python -m bench.truth.analysis effects --seeds 400 --jobs 2 --output effects.jsonl
    python -m bench.truth.analysis nothing --seeds 400 --jobs 2 --output nothing.jsonl
    python -m bench.truth.analysis ranking --seeds 40 --areas 200 --jobs 2 --output ranking.jsonl

``effects`` keeps the true effects of the demo's rules, ``nothing`` sets those of quality to zero (and leaves leavers out), ``ranking`` compares
the share of the true avoidable leavers that each ranking's top tenth of neighbourhoods holds. Prints Markdown and verdicts;
a stopped run goes on from its JSON lines, which tell the version that made them. Tests are read against 1,000
(leaving) and 2,000 simulations in ``nothing``, and 500 in ``effects``, where intervals matter; a build takes 2,000 and 4,000.
"""

from __future__ import annotations

import argparse
import functools
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bench import resume
from bench.truth import analysis_report, demo_worlds
from bench.truth.naive_rankings import naive_rankings
from dashboard.config import AnalysisSettings
from dashboard.models.areas import rank_areas
from dashboard.models.complaints import complaint_model, effect_model
from dashboard.models.fixes import avoidable
from dashboard.models.fixes.avoidable import EVERYTHING
from dashboard.models.leaving import churn
from dashboard.models.leaving.fitted_hazard import Predictor
from dashboard.models.leaving.forecast import expected_leavers
from dashboard.models.statistics import clusters, hazard
from dashboard.panel import assemble as panels
from demo import world
from demo.rules import Rules

TOP_SHARE = 0.1
FEWEST_STAYS = 40_000
"""Weeks of those who stayed, about 25 for each of those who left; a build has at least 200,000, or 10 for each."""
LEAST_TRUE_LEAVERS = 0.05
"""An area with fewer true avoidable leavers in 90 days has nothing to cover."""


def measure(seed: int, *, part: str, areas: int) -> resume.Row:
    """Everything that is held to the truth in one world."""
    started, cpu = time.perf_counter(), time.process_time()
    _keep_small(part)
    rules = Rules().without_quality_effects() if part == "nothing" else Rules()
    panel, made = demo_worlds.panel_of(rules, seed, areas=areas, devices=max(demo_worlds.DEVICES, 4 * areas))
    panel_seconds = time.perf_counter() - started
    row: resume.Row = {"seed": seed, "part": part, "areas": areas} | resume.version()
    if part == "ranking":
        predicting = churn.predictor(panel.customer_weeks)
    else:
        leaving = churn.fit(panel.customer_weeks, predicts=part == "effects")
        predicting, gap = leaving.predicting, leaving.price_gap
        models = [*leaving.models, *complaint_model.fit(panel.area_weeks).models]
        row["models"] = {model.model: _told(model) for model in models}
        row["price_gap"] = [gap.estimate, gap.low, gap.high] if gap is not None else None
    if predicting is not None:
        row |= _leavers(panel, made, predicting, part)
    row["panel_seconds"] = round(panel_seconds, 1)
    row["seconds"] = round(time.perf_counter() - started, 1)
    row["cpu_seconds"] = round(time.process_time() - cpu, 1)
    row["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return row


def _keep_small(part: str) -> None:
    """Make only what ``part`` is held to as large as it has to be."""
    panels.FEWEST_STAYS = FEWEST_STAYS
    if part == "nothing":
        panels.MOST_PERIODS = FEWEST_STAYS
    hazard.DRAWS, clusters.DRAWS = (1000, 2000) if part == "nothing" else (500, 500)


def _told(model: effect_model.EffectModel) -> resume.Row:
    return {
        "terms": {e.term.name: [e.rate_ratio, e.low, e.high] for e in model.effects},
        "found": [e.term.name for e in model.effects if e.is_found],
        "joint": model.joint.p_value if model.joint else None,
        "joint_above": model.joint.p_value_above if model.joint else None,
        "finds": model.finds_something,
    }


def _leavers(panel: panels.Panel, made: world.World, predictor: Predictor, part: str) -> resume.Row:
    """Expected, excess and avoidable leavers against the truth, and where they lie in each ranking."""
    analysis = AnalysisSettings()
    names = sorted(set(panel.customer_periods["area"]) | set(panel.area_weeks["area"]))
    ahead = expected_leavers.expect(
        predictor, panel.customer_periods, panel.customers_now, names, area_weeks=panel.area_weeks
    )
    ranked = rank_areas.rank(
        panel.customer_periods,
        panel.area_weeks,
        panel.cut_off,
        minimum_expected=analysis.minimum_expected_leavers,
        seed=analysis.seed,
        ahead=ahead,
        customers=panel.customers_now,
    )
    goal = avoidable.targets(predictor, panel.customers_now)
    saved = avoidable.avoidable(
        ahead, predictor, panel.customers_now, ranked.expected, goal, seed=analysis.seed
    ).set_index(["measure", "area"])
    told = ranked.rows.set_index("area")
    true = world.area_truth(made, panel.cut_off)
    truly_saved = world.avoidable_truth(made, panel.cut_off, goal.steps.tolist())
    row: resume.Row = {"coverage": {}, "ratio": {}}
    for name in ("expected_leavers_90d", "excess_leavers_90d"):
        row["coverage"][name] = _covered(told, name, true[name])
    row["ratio"]["expected"] = _ratio(told["expected_leavers_90d"], true["expected_leavers_90d"])
    for measure_name in truly_saved:
        own = saved.loc[measure_name]
        there = truly_saved[measure_name]
        is_there = there[there >= LEAST_TRUE_LEAVERS]
        row["coverage"][f"avoidable {measure_name}"] = _covered(own, "avoidable_leavers_90d", is_there)
        row["ratio"][f"avoidable {measure_name}"] = _ratio(own["avoidable_leavers_90d"], there)
    if part == "ranking":
        ours = saved.loc[EVERYTHING]["avoidable_leavers_90d"]
        scores = naive_rankings(panel) | {"ours": ours}
        row["held"] = {name: _held(score, truly_saved[EVERYTHING]) for name, score in scores.items()}
        row["held"]["best possible"] = _held(truly_saved[EVERYTHING], truly_saved[EVERYTHING])
    return row


def _covered(told: pd.DataFrame, name: str, true: pd.Series) -> list[float]:
    """How many intervals hold the truth, of how many, and their mean width over the mean truth."""
    both = told.join(true.rename("true"), how="inner").dropna(subset=[name])
    low, high = both[f"{name}_low"], both[f"{name}_high"]
    width = float((high - low).mean() / both["true"].abs().mean()) if len(both) else float("nan")
    return [int(((low <= both["true"]) & (both["true"] <= high)).sum()), len(both), round(width, 4)]


def _ratio(told: pd.Series, true: pd.Series) -> float:
    """All areas' leavers as told over the true ones."""
    total = float(true.reindex(told.dropna().index).sum())
    return round(float(told.sum()) / total, 4) if total > 0 else float("nan")


def _held(score: pd.Series, true: pd.Series) -> float:
    """The share of the true avoidable leavers in the tenth of the areas with the highest score."""
    count = max(1, round(TOP_SHARE * len(true)))
    top = score.reindex(true.index).sort_index().sort_values(ascending=False, kind="stable", na_position="last").index
    return round(float(true[top[:count]].sum() / np.maximum(true.sum(), 1e-300)), 5)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("effects", "nothing", "ranking"), help="what is measured")
    parser.add_argument("--seeds", type=int, help="how many worlds; default: 400, of the ranking 40")
    parser.add_argument("--first", type=int, default=1, help="the first seed; default: 1")
    parser.add_argument("--areas", type=int, help=f"neighbourhoods; default: {demo_worlds.AREAS}, of the ranking 200")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: 1")
    parser.add_argument("--output", type=Path, help="JSON lines, a world each; a stopped run goes on from it")
    chosen = parser.parse_args()
    is_ranking = chosen.part == "ranking"
    areas = chosen.areas or (200 if is_ranking else demo_worlds.AREAS)
    seeds = range(chosen.first, chosen.first + (chosen.seeds or (40 if is_ranking else 400)))
    one = functools.partial(measure, part=chosen.part, areas=areas)
    rows = resume.run(one, seeds, chosen.jobs, chosen.output)
    return 0 if analysis_report.report(rows, chosen.part) else 1


if __name__ == "__main__":
    resume.keep_to_one_core()
    sys.exit(main())
