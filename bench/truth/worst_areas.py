"""How well the ranking finds the areas that truly lose most, beside a ranking by outage minutes.

    python -m bench.truth.worst_areas --seeds 20 --jobs 2

Prints a Markdown table, a world a row, and a verdict.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pandas as pd

from bench import resume
from bench.truth import demo_worlds
from dashboard.config import AnalysisSettings
from dashboard.models.areas import rank_areas
from dashboard.models.leaving import churn
from dashboard.models.leaving.forecast import expected_leavers
from demo import world
from demo.rules import Rules

WORST, SHOWN = 6, 8
LEAST_FOUND = 4.0


def measure(seed: int) -> resume.Row:
    """How many of the worst six are in the top eight of each ranking, in one world."""
    started = time.perf_counter()
    panel, made = demo_worlds.panel_of(Rules(), seed)
    analysis, names = AnalysisSettings(), sorted(set(panel.customer_periods["area"]) | set(panel.area_weeks["area"]))
    predictor = churn.predictor(panel.customer_weeks)
    ahead = predictor and expected_leavers.expect(
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
    ).rows.set_index("area")
    true = world.area_truth(made, panel.cut_off)["excess_leavers_90d"]
    worst = set(true.nlargest(WORST).index)
    naive = ranked["outage_minutes_per_customer"].sort_index().nlargest(SHOWN)
    top = ranked["rank"].dropna().astype(int).nsmallest(SHOWN)
    both = ranked.join(true.rename("true")).dropna(subset=["excess_leavers_90d"])
    within = (both["excess_leavers_90d_low"] <= both["true"]) & (both["true"] <= both["excess_leavers_90d_high"])
    return {
        "seed": seed,
        "ranking": len(worst & set(top.index)),
        "outage_minutes": len(worst & set(naive.index)),
        "at_risk": int((ranked["verdict"] == "at_risk").sum()),
        "falsely_at_risk": int((both["true"][both["verdict"] == "at_risk"] <= 0).sum()),
        "correlation": round(float(both["true"].corr(both["excess_leavers_90d"], method="spearman")), 3),
        "covered": round(float(within.mean()), 3),
        "seconds": round(time.perf_counter() - started, 1),
    }


def report(rows: list[resume.Row]) -> bool:
    """Print table and verdict; True where the targets are met."""
    table = pd.DataFrame(rows)
    print(
        f"\n| seed | worst {WORST} in the ranking's top {SHOWN} | in the outage minutes' | rank correlation"
        " | intervals that hold the truth | called at risk (falsely) |\n|---|---|---|---|---|---|"
    )
    for row in rows:
        print(
            f"| {row['seed']} | {row['ranking']} | {row['outage_minutes']} | {row['correlation']:.2f}"
            f" | {row['covered']:.0%} | {row['at_risk']} ({row['falsely_at_risk']}) |"
        )
    mean = table.mean(numeric_only=True)
    print(
        f"| mean | {mean['ranking']:.2f} | {mean['outage_minutes']:.2f} | {mean['correlation']:.2f}"
        f" | {mean['covered']:.0%} | {mean['at_risk']:.1f} ({mean['falsely_at_risk']:.1f}) |"
    )
    fewer = [row["seed"] for row in rows if row["ranking"] < row["outage_minutes"]]
    is_met = bool(mean["ranking"] >= LEAST_FOUND and not fewer)
    print(
        f"\n{'Met' if is_met else 'NOT met'}: {mean['ranking']:.2f} of {WORST} on average (at least {LEAST_FOUND:g});"
        f" fewer than outage minutes in {len(fewer)} of {len(rows)} worlds {fewer or ''}"
    )
    return is_met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="how many worlds; default: 20")
    parser.add_argument("--first", type=int, default=1, help="the first seed; default: 1")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: 1")
    parser.add_argument("--output", type=Path, help="JSON lines, a world each; a stopped run goes on from it")
    chosen = parser.parse_args()
    rows = resume.run(measure, range(chosen.first, chosen.first + chosen.seeds), chosen.jobs, chosen.output)
    return 0 if report(rows) else 1


if __name__ == "__main__":
    resume.keep_to_one_core()
    sys.exit(main())
