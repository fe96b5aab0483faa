"""How often the tests sound where nothing is, and how well the checks see what they are there for, in worlds abroad.

    python -m bench.checks_abroad --check nulls --seeds 1-99 --output nulls.jsonl
    python -m bench.checks_abroad --check complaints,repairs --seeds 1-59

`nulls`: joint tests of leaving and complaints in worlds without effects whose areas differ by 0.4. `complaints`: where
complaining breeds complaining, how often the control and the placebo sound, and whether intervals hold the true effects.
`repairs`: visits after unusual complaints take latency off; how often the placebo sounds, and what else is then said.
Only the models are run, on tables made in memory (`weeks`), so that a world takes seconds. Seeds are odd ones: these are
figures for building.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench import resume
from bench.checks_abroad import customer_weeks
from bench.resume import Row
from bench.truth.coverage import wilson
from bench.worlds_abroad.__main__ import seeds_of
from bench.worlds_abroad.simulation import mechanisms, voices, worlds
from bench.worlds_abroad.simulation.layout import Floats
from bench.worlds_abroad.simulation.mechanisms import NULL
from bench.worlds_abroad.simulation.quality import Course
from bench.worlds_abroad.simulation.worlds import World
from dashboard.measures import MEASURES, PLANNED
from dashboard.models.complaints import complaint_model, effect_model
from dashboard.models.leaving import churn

LEVELS = 0.4
FEW_STAYS = 60_000
"""A third of what a build keeps: the test takes a third of the time, and its null rate is that of the method."""
LIVES = 6
"""How often the complaints of a world are drawn again to know what one step of a measure truly does to them."""
REPAIRS = (0.0, 0.125, 0.25, 0.5, 1.0)
"""Milliseconds that visits take off the evening latency of the three weeks after, per standard deviation of complaints."""
LATENCY = next(measure for measure in MEASURES if measure.name == "evening_latency")


def nulls(seed: int) -> Row:
    """Every joint test of a world without effects, whose areas have base levels of their own."""
    plain = mechanisms.drawn(NULL, seed, worlds.AREAS)
    world = worlds.of(replace(plain, levels=LEVELS), seed)
    fitted = [*complaint_model.fit(customer_weeks.area_weeks(world)).models]
    fitted += churn.fit(customer_weeks.customer_weeks(world, stays=FEW_STAYS), predicts=False).models
    return {"tests": {model.model: _test(model) for model in fitted}}


def _test(model: effect_model.EffectModel) -> Row:
    return {
        "p_value": round(model.joint.p_value, 5) if model.joint else None,
        "sounds": model.finds_something,
        "named": [effect.term.name for effect in model.effects if effect.is_found],
    }


def complaints(seed: int) -> Row:
    """Control, placebo and intervals where a complaint makes the next one likelier, with frailty in every other world."""
    plain = mechanisms.drawn("excitation", seed, worlds.AREAS)
    world = worlds.of(replace(plain, frailty=1.0 if seed % 4 == 1 else 0.0), seed)
    fitted = complaint_model.fit(customer_weeks.area_weeks(world))
    true = _steps(world)
    told = {
        effect.term.name: {
            "true": round(true[effect.term.name], 4),
            "ratio": round(float(np.log(effect.rate_ratio)), 4),
            "held": bool(np.log(effect.low) <= true[effect.term.name] <= np.log(effect.high)),
        }
        for effect in fitted.main.effects
        if effect.term is not PLANNED and not np.isnan(effect.low)
    }
    tests = {model.model: _test(model) for model in fitted.models}
    return {"tests": tests, "effects": told, "wording": fitted.wording}


def _steps(world: World) -> dict[str, float]:
    """By how much the logarithm of quality complaints rises where each measure is a step worse all the time."""
    usual = _quality_complaints(world, world.course)
    per = {measure.name: measure.per for measure in MEASURES}
    worse = {name: _quality_complaints(world, _worse(world.course, name, per[name])) for name in mechanisms.MEASURES}
    return {name: float(np.log(count / usual)) for name, count in worse.items()}


def _worse(course: Course, name: str, step: float) -> Course:
    if name == mechanisms.MEASURES[0]:
        return replace(course, short=course.short + step)
    return replace(course, level={**course.level, name: course.level[name] + step})


def _quality_complaints(world: World, course: Course) -> int:
    total = 0
    for life in range(LIVES):
        random = np.random.default_rng([world.seed, 6, life])
        said = voices.complain(random, world.rules, world.people, course)
        total += int(voices.OF_QUALITY[said.category].sum())
    return total


def repairs(seed: int) -> Row:
    """What is said by the size of repairs, where outages alone make people complain."""
    plain = mechanisms.drawn("exponential", seed, worlds.AREAS)
    world = worlds.of(replace(plain, ratios={"down_hours": plain.ratio("down_hours")}), seed)
    own, sizes = customer_weeks.area_weeks(world), {}
    for size in REPAIRS:
        fitted = complaint_model.fit(_repaired(own, size))
        latency = next(effect for effect in fitted.main.effects if effect.term is LATENCY)
        sizes[f"{size:g}"] = {
            "sounds": fitted.placebo.finds_something,
            "p_value": round(fitted.placebo.joint.p_value, 5) if fitted.placebo.joint else None,
            "effect": fitted.wording == "effect",
            "ratio": round(float(np.log(latency.rate_ratio)), 4),
            "named": latency.is_found,
        }
    return {"sizes": sizes}


def _repaired(frame: pd.DataFrame, size: float) -> pd.DataFrame:
    """The same with ``size`` ms less of latency in the three weeks after, per standard deviation more of complaints."""
    counts = _grid(frame, "complaints_connection") + _grid(frame, "complaints_slow")
    usual = counts.mean(axis=1, keepdims=True)
    unusual = (counts - usual) / np.sqrt(np.maximum(usual, 1e-9))
    mended = np.zeros_like(unusual)
    for lag in (1, 2, 3):
        mended[:, lag:] += unusual[:, :-lag]
    latency = _grid(frame, LATENCY.area_column) - size / 1000 * mended
    return frame.assign(**{LATENCY.area_column: np.maximum(latency, 0.001).ravel()})


def _grid(frame: pd.DataFrame, name: str) -> Floats:
    """(areas, weeks) of rows that are sorted by both."""
    return frame[name].to_numpy(dtype=float).reshape(frame["area"].nunique(), -1)


CHECKS: dict[str, Callable[[int], Row]] = {"nulls": nulls, "complaints": complaints, "repairs": repairs}


def one(job: tuple[str, int]) -> Row:
    check, seed = job
    return {"check": check, "seed": seed, "seeds": "looked at"} | resume.version() | CHECKS[check](seed)


def report(rows: list[Row]) -> None:
    for check, told in (("nulls", _told_tests), ("complaints", _told_complaints), ("repairs", _told_repairs)):
        if own := [row for row in rows if row["check"] == check]:
            print(f"\n{check}: {len(own)} worlds\n")
            told(own)


def _told_tests(rows: list[Row]) -> None:
    print("| model | joint test below 5% | something found |\n|---|---|---|")
    for model in rows[0]["tests"]:
        tests = [row["tests"][model] for row in rows]
        below = sum(test["p_value"] is not None and test["p_value"] < effect_model.LARGEST_P for test in tests)
        print(f"| {model} | {_share(below, len(rows))} | {_share(sum(t['sounds'] for t in tests), len(rows))} |")


def _told_complaints(rows: list[Row]) -> None:
    _told_tests(rows)
    print("\n| effect | intervals that hold the truth | told less true, mean | its standard error |\n|---|---|---|---|")
    for name in mechanisms.MEASURES:
        own = [row["effects"][name] for row in rows if name in row["effects"]]
        away = np.array([effect["ratio"] - effect["true"] for effect in own])
        error = away.std(ddof=1) / np.sqrt(away.size) if away.size > 1 else float("nan")
        held = _share(sum(effect["held"] for effect in own), len(own))
        print(f"| {name} | {held} | {away.mean():.4f} | {error:.4f} |")


def _told_repairs(rows: list[Row]) -> None:
    print(
        "| ms a standard deviation | placebo sounds | latency named | called an effect | log ratio |\n|---|---|---|---|---|"
    )
    for size in rows[0]["sizes"]:
        own = [row["sizes"][size] for row in rows]
        false = sum(one["named"] and one["effect"] for one in own)
        cells = [_share(sum(one[key] for one in own), len(own)) for key in ("sounds", "named")]
        mean = np.mean([one["ratio"] for one in own])
        print(f"| {size} | {cells[0]} | {cells[1]} | {_share(false, len(own))} | {mean:.3f} |")


def _share(count: int, total: int) -> str:
    """A share with Wilson's 95% interval."""
    if not total:
        return ""
    low, high = wilson(count, total)
    return f"{count / total:.3f} ({low:.3f} to {high:.3f})"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", default=",".join(CHECKS), help=f"{', '.join(CHECKS)}; default: all")
    parser.add_argument("--seeds", default="1,3,5", help="odd ones, such as 1,3,5 or 1-39; default: 1,3,5")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: 1")
    parser.add_argument("--output", type=Path, help="JSON lines, a world each; a stopped run goes on from it")
    chosen = parser.parse_args(arguments)
    names = chosen.check.split(",")
    if unknown := [name for name in names if name not in CHECKS]:
        parser.error(f"no check is called {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    try:
        seeds = seeds_of(chosen.seeds, is_final=False)
    except ValueError as error:
        parser.error(str(error))
    work = [(name, seed) for seed in seeds for name in names]
    report(resume.run(one, work, chosen.jobs, chosen.output, key=lambda row: (row["check"], row["seed"])))
    return 0


if __name__ == "__main__":
    resume.keep_to_one_core()
    sys.exit(main())
