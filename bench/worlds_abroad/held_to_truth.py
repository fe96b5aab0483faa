"""One world imported and built as a user would, and what the results tell held to its truth."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import resume
from bench.worlds_abroad import oracle, outage_costs, plain_rankings
from bench.worlds_abroad.simulation import exports, futures, worlds
from bench.worlds_abroad.simulation.futures import EVERYTHING
from bench.worlds_abroad.simulation.hours import Flags
from bench.worlds_abroad.simulation.layout import WEEKS, Floats
from bench.worlds_abroad.simulation.mechanisms import MEASURES
from bench.worlds_abroad.simulation.population import YEAR
from bench.worlds_abroad.simulation.worlds import World
from dashboard import config
from dashboard.analysis import build
from dashboard.results import stored_results
from dashboard.tables.imports import records

Row = dict[str, Any]
NOTHING = 0.05
"""An area in which fewer leavers than that would be kept has nothing to save."""


def measure(job: tuple[str, int], *, areas: int, customers: int, keep: Path | None = None) -> Row:
    """Everything that is held to the truth in one world; with ``keep`` its files stay there."""
    name, seed = job
    started = time.process_time()
    world = worlds.simulate(name, seed, areas=areas, customers=customers)
    folder = Path(tempfile.mkdtemp(prefix="bairro-abroad-"))
    try:
        results = built(exports.write(world, folder))
        row = (
            {"mechanism": name, "seed": seed, "seeds": "final" if seed % 2 == 0 else "looked at"}
            | {"areas": areas, "customers": customers}
            | resume.version()
        )
        row |= compared(world, results)
        if keep is not None:
            shutil.copytree(folder, keep / f"{name}-{seed}", dirs_exist_ok=True)
            exports.write_truth(world, keep / f"{name}-{seed}", targets_of(results))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    row["cpu_seconds"] = round(time.process_time() - started, 1)
    return row


def built(settings_file: Path) -> stored_results.Results:
    """Import and build in this process by what the commands call. Raises RuntimeError where a file is not taken in whole."""
    settings = config.load(settings_file)
    for kind in exports.KINDS:
        report = records.import_records(kind, settings_file.parent / f"{kind}.csv", settings, as_of=exports.AS_OF)
        if report.rejected or report.is_unusable or report.failure:
            raise RuntimeError(str(report))
    build.build(settings, lambda step: None)
    results = stored_results.load(settings.data)
    if results is None:
        raise RuntimeError(f"{settings.data}: no results")
    return results


def targets_of(results: stored_results.Results) -> dict[str, float]:
    """To what each measure is to come down, as the results state it."""
    stated = results.avoidable.dropna(subset=["target"]).groupby("measure")["target"].first()
    return {name: float(value) for name, value in stated.items() if name in MEASURES}


def compared(world: World, results: stored_results.Results) -> Row:
    """The results beside the truth; raises RuntimeError where they do not end with the world's last day."""
    if date.fromisoformat(results.manifest["cut_off"]) != exports.LAST_DAY:
        raise RuntimeError(f"the results end on {results.manifest['cut_off']}, not on {exports.LAST_DAY}")
    chance = futures.expected(world.future)
    return {
        "analysis": build.ANALYSIS,
        "matters": list(world.mechanism.matters),
        "form": world.mechanism.form,
        "window": world.mechanism.window,
        "expected": _expected(world, results, chance),
        "avoidable": (saved := _avoidable(world, results))["told"],
        "oracle": _oracle(world, targets_of(results)),
        "ranking": _ranking(world, results, saved["true"], saved["mean"]),
        "at_risk": _at_risk(world, results, chance),
        "steps": _steps(world, results, chance),
        "tests": _tests(world, results),
        "dose": {str(one["measure"]): str(one["verdict"]) for one in results.dose_checks.to_dict("records")},
        "nps": _nps(world, results),
        "outages": _outages(world, results),
        "wording": results.manifest.get("wording", {}),
        "failed": [note["text"] for note in results.manifest["notes"] if note["code"] == "model_failed"],
    }


def against(rows: pd.DataFrame, name: str, true: Floats, areas: list[str]) -> Row:
    """Intervals of the areas that have one beside the truth: how many hold it, lie below or above it, sums and widths."""
    told = rows.set_index("area").reindex(areas)
    mean, low, high = (told[f"{name}{end}"].to_numpy(dtype=float) for end in ("", "_low", "_high"))
    is_told = ~np.isnan(low) & ~np.isnan(high)
    inside = (low <= true) & (true <= high)
    return {
        "areas": len(areas),
        "intervals": int(is_told.sum()),
        "held": int(inside[is_told].sum()),
        "below": int((high < true)[is_told].sum()),
        "above": int((low > true)[is_told].sum()),
        "told": round(float(mean[is_told].sum()), 3),
        "true": round(float(true[is_told].sum()), 3),
        "width": round(float((high - low)[is_told].sum()), 3),
    }


def _expected(world: World, results: stored_results.Results, chance: Floats) -> Row:
    areas = world.layout.area_names
    going_on = futures.by_area(world.future, futures.continuing(world.future))
    return {
        "future": against(results.ranking, "expected_leavers_90d", futures.by_area(world.future, chance), areas),
        "continuing": against(results.ranking, "expected_leavers_90d", going_on, areas),
    }


def _avoidable(world: World, results: stored_results.Results) -> Row:
    """By measure: against each kind of future, and how many areas without anything to save are told something."""
    areas, targets = world.layout.area_names, targets_of(results)
    saved = futures.kept(world.future, targets) if targets else {}
    told: Row = {}
    for measure in [*targets, EVERYTHING] if targets else []:
        rows = results.avoidable[results.avoidable["measure"] == measure]
        told[measure] = {
            kind: against(rows, "avoidable_leavers_90d", by_measure[measure], areas)
            for kind, by_measure in saved.items()
            if measure in by_measure
        }
        told[measure] |= _false_promises(rows, saved["future"][measure], areas)
    ours = results.avoidable[results.avoidable["measure"] == EVERYTHING].set_index("area").reindex(areas)
    mean = ours["avoidable_leavers_90d"].to_numpy(dtype=float)
    return {"told": told, "mean": mean, "true": saved.get("future", {}).get(EVERYTHING)}


def _oracle(world: World, targets: dict[str, float]) -> Row:
    """Summed widths of who knows the form, beside the same truths."""
    found = oracle.widths(world.future, targets)
    return {"expected": round(float(found.expected.sum()), 3), "kept": round(float(found.kept.sum()), 3)}


def _false_promises(rows: pd.DataFrame, true: Floats, areas: list[str]) -> Row:
    """Areas with nothing to save, and those of them whose interval promises something."""
    low = rows.set_index("area").reindex(areas)["avoidable_leavers_90d_low"].to_numpy(dtype=float)
    is_nothing = true < NOTHING
    return {"nothing": int(is_nothing.sum()), "promised": int((is_nothing & (low > NOTHING)).sum())}


def _ranking(world: World, results: stored_results.Results, true: Floats | None, mean: Floats) -> Row:
    """The share of what can be kept that the tenth of areas holds which each ranking puts first."""
    if true is None or true.sum() < 1.0:
        return {}
    areas = world.layout.area_names
    excess = results.ranking.set_index("area").reindex(areas)["excess_leavers_90d"].to_numpy(dtype=float)
    ours = mean if not np.isnan(mean).all() else excess
    found = {
        name: plain_rankings.held(score, true)
        for name, score in plain_rankings.scores(world, results.area_weeks, areas).items()
    }
    return {
        k: round(v, 4)
        for k, v in (found | {"ours": plain_rankings.held(ours, true), "best": plain_rankings.held(true, true)}).items()
    }


def _at_risk(world: World, results: stored_results.Results, chance: Floats) -> Row:
    """Verdicts, and those where customers leave no more than the provider's do of such tenure and contract."""
    day, who, people = 7 * WEEKS, world.future.there, world.people
    is_old = (day - people.started[who] >= YEAR).astype(np.int64)
    is_held = (people.contract[who] > day).astype(np.int64)
    base = futures.base_of(world.future, chance, [is_old, is_held])
    excess = futures.by_area(world.future, chance) - base
    verdict = results.ranking.set_index("area").reindex(world.layout.area_names)["verdict"]
    called = (verdict == "at_risk").to_numpy()
    return {"called": int(called.sum()), "false": int((called & (excess <= 0)).sum())}


def _steps(world: World, results: stored_results.Results, chance: Floats) -> Row:
    """Expected leavers where a competitor's launch lasts, and where a campaign is over."""
    names, true = world.layout.area_names, futures.by_area(world.future, chance)
    verdict = results.ranking.set_index("area").reindex(names)["verdict"]
    is_found = _is_found_changed(results, names)
    found: Row = {}
    for kind, places in (("launch", sorted(world.rules.steps)), ("campaign", sorted(world.rules.campaigns))):
        own = [names[place] for place in places]
        found[kind] = against(results.ranking, "expected_leavers_90d", true[places], own)
        found[kind]["at_risk"] = int((verdict[own] == "at_risk").sum())
        found[kind]["found"] = int(is_found[places].sum())
    found["launch"]["each"] = [
        {
            "area": names[place],
            "weeks_ago": WEEKS - week,
            "ratio": round(world.mechanism.launch_ratio, 3),
            "expected": round(float(true[place]), 2),
            "verdict": str(verdict[names[place]]),
            "found": bool(is_found[place]),
        }
        for place, week in sorted(world.rules.steps.items())
    ]
    moved = {*world.rules.steps, *world.rules.campaigns}
    same = np.array([place not in moved for place in range(len(names))])
    found["unchanged"] = {"areas": int(same.sum()), "found": int(is_found[same].sum())}
    return found


def _is_found_changed(results: stored_results.Results, names: list[str]) -> Flags:
    """(areas,) whether more are said to have begun to leave than is explained."""
    rows = results.local_changes.set_index("area").reindex(names)["is_found"]
    return np.array([bool(found) if pd.notna(found) else False for found in rows], dtype=bool)


def _tests(world: World, results: stored_results.Results) -> Row:
    """Joint tests and named finds, and which of these name a measure that moves nobody."""
    matters = set(world.mechanism.matters)
    joint = results.joint_tests.set_index("model")
    named = results.effects[results.effects["is_found"].astype(bool)]
    found: Row = {}
    for model in joint.index:
        own = [str(term) for term in named.loc[named["model"] == model, "term"]]
        p_value = float(joint.loc[model, "p_value"])
        found[str(model)] = {
            "p_value": None if np.isnan(p_value) else round(p_value, 5),
            "is_found": bool(joint.loc[model, "is_found"]),
            "named": own,
            "false": [term for term in own if term not in matters],
        }
    return found


def _nps(world: World, results: stored_results.Results) -> Row:
    rows = results.area_nps.rename(columns={"nps_low": "score_low", "nps_high": "score_high", "nps": "score"})
    return against(rows, "score", world.nps, world.layout.area_names)


def _outages(world: World, results: stored_results.Results) -> Row:
    """Verdicts on all outages together, by outcome, and what an hour is told to cost beside what it does, by kind."""
    table = results.incident_effects[results.incident_effects["design"] == "following_weeks"]
    pooled = table[table["outage"] == "pooled:all"]
    found: Row = {str(row["outcome"]): str(row["verdict"]) for _, row in pooled.iterrows()}
    true = outage_costs.per_hour(world.rules, world.people, world.course)
    told = table[table["outcome"] == "leaving"].set_index("outage")
    found["hours"] = {
        kind: _hour(told.loc[f"pooled:{kind}"], 1000 * value)
        for kind, value in true.items()
        if f"pooled:{kind}" in told.index
    }
    return found


def _hour(row: pd.Series, true: float) -> Row:
    """Leavers for 1,000 hours of one customer without service, told and true; null where there is no answer."""
    ends = {name: row[f"excess_per_1000_hours{name}"] for name in ("", "_low", "_high")}
    told = {f"told{name}": None if pd.isna(value) else round(float(value), 4) for name, value in ends.items()}
    is_held = bool(ends["_low"] <= true <= ends["_high"])
    placebo = None if pd.isna(row["placebo_p_value"]) else round(float(row["placebo_p_value"]), 4)
    return told | {"true": round(true, 4), "held": is_held, "verdict": str(row["verdict"]), "placebo_p_value": placebo}
