"""How honest the effect model is: worlds without any effect of quality, and the intervals and tests on them.

    python -m bench.truth.coverage --seeds 400 --jobs 2 --output coverage.jsonl

Prints a Markdown table and a verdict. With --true-effects the worlds keep their effects and the intervals are
held to those.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from pathlib import Path

import numpy as np
from scipy import stats

from bench import resume
from bench.truth import demo_worlds
from dashboard.models.complaints import complaint_model
from demo.customers import MEASURES
from demo.rules import Rules

COVERAGE_RANGE = (0.93, 0.97)
MOST_REJECTED = 0.08
MODELS = ("complaints", "complaints_placebo", "complaints_control")


def measure(seed: int, *, true_effects: bool = False) -> resume.Row:
    """Intervals and joint tests of the three models in one world."""
    started = time.perf_counter()
    rules = Rules() if true_effects else Rules().without_quality_effects()
    panel, _ = demo_worlds.panel_of(rules, seed)
    panel_seconds = time.perf_counter() - started
    fitted = complaint_model.fit(panel.area_weeks)
    return {
        "seed": seed,
        "true_effects": true_effects,
        "terms": {e.term.name: [e.rate_ratio, e.low, e.high] for e in fitted.main.effects},
        "found": [e.term.name for e in fitted.main.effects if e.is_found],
        "joint": {m.model: m.joint.p_value if m.joint else None for m in fitted.models},
        "finds": {m.model: m.finds_something for m in fitted.models},
        "panel_seconds": round(panel_seconds, 2),
        "seconds": round(time.perf_counter() - started, 2),
    }


def truth(true_effects: bool) -> dict[str, float]:
    """The log rate ratio of every term, by the rules."""
    effects = Rules().complaints if true_effects else Rules().without_quality_effects().complaints
    values = (effects.per_down_hour, effects.per_latency_10ms, effects.per_loss_point, effects.per_utilization_tenth)
    return dict(zip(MEASURES, values, strict=True))


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    interval = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def report(rows: list[resume.Row], true_effects: bool) -> bool:
    """Print tables and verdict; True where the targets are met."""
    planted = truth(true_effects)
    print(f"\n{len(rows)} worlds, quality effects {'as in the rules' if true_effects else 'all zero'}\n")
    print("| term | true ratio | mean estimate | interval covers the truth | found |\n|---|---|---|---|---|")
    covered_all = []
    for name, log_ratio in planted.items():
        ends = np.array([row["terms"][name] for row in rows], dtype=float)
        known = ends[~np.isnan(ends).any(axis=1)]
        covered = (known[:, 1] <= np.exp(log_ratio)) & (np.exp(log_ratio) <= known[:, 2])
        covered_all.append(covered)
        found = sum(name in row["found"] for row in rows)
        mean = np.exp(np.log(known[:, 0]).mean())
        print(f"| {name} | {np.exp(log_ratio):.3f} | {mean:.3f} | {_share(covered.sum(), len(covered))} | {found} |")
    coverage = float(np.concatenate(covered_all).mean())
    print(f"\nCoverage over all terms: {coverage:.1%}\n")
    print("| model | joint test below 0.05 | joint test or a term found |\n|---|---|---|")
    rejected = {}
    for model in MODELS:
        p_values = [row["joint"][model] for row in rows if row["joint"][model] is not None]
        rejected[model] = (sum(p < 0.05 for p in p_values), len(p_values))
        print(
            f"| {model} | {_share(*rejected[model])} | {_share(sum(row['finds'][model] for row in rows), len(rows))} |"
        )
    print(
        f"\n{np.mean([row['seconds'] for row in rows]):.1f} s a world, {np.mean([row['panel_seconds'] for row in rows]):.1f} of it world and panel"
    )
    if true_effects:
        return True
    upper = wilson(*rejected["complaints"])[1]
    is_met = COVERAGE_RANGE[0] <= coverage <= COVERAGE_RANGE[1] and upper <= MOST_REJECTED
    print(
        f"\n{'Met' if is_met else 'NOT met'}: coverage {coverage:.1%} (93% to 97%);"
        f" joint test's upper bound {upper:.1%} (at most 8%)"
    )
    return is_met


def _share(hits: int, trials: int) -> str:
    low, high = wilson(int(hits), trials)
    return f"{hits / trials:.1%} ({low:.1%} to {high:.1%})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=400, help="how many worlds; default: 400")
    parser.add_argument("--first", type=int, default=1, help="the first seed; default: 1")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: 1")
    parser.add_argument("--output", type=Path, help="JSON lines, a world each; a stopped run goes on from it")
    parser.add_argument(
        "--true-effects", action="store_true", help="keep the rules' effects and hold intervals to them"
    )
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    one = functools.partial(measure, true_effects=chosen.true_effects)
    rows = resume.run(one, seeds, chosen.jobs, chosen.output)
    return 0 if report(rows, chosen.true_effects) else 1


if __name__ == "__main__":
    resume.keep_to_one_core()
    sys.exit(main())
