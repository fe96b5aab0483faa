"""Whether planned work is told apart from outages: worlds of their own, whose planned nights harm nobody.

    python -m bench.truth.planned_work --seeds 20 --output planned.jsonl

Nothing here is the demo's: a third of the neighbourhoods has no planned work, a third four hours of it in eight weeks, a
third eight, at night and announced. Who leaves and who complains goes by the unplanned hours alone. Prints what is told
of whom fewer outages would keep over the truth, by planned hours, and the effects beside those that were planted. With
``--untold`` the hours do not tell planned work apart, as those from before maintenance windows.
"""

from __future__ import annotations

import argparse
import functools
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bench import resume
from collector.published import QUALITY_HOURS
from dashboard.config import AnalysisSettings, DashboardSettings
from dashboard.models.areas import rank_areas
from dashboard.models.complaints import complaint_model
from dashboard.models.fixes import avoidable
from dashboard.models.leaving import churn
from dashboard.models.leaving.fitted_hazard import Predictor
from dashboard.models.leaving.forecast import expected_leavers
from dashboard.panel import assemble as panels
from dashboard.tables.schema import RECORDS, conform

Floats = npt.NDArray[np.float64]

AREAS, DEVICES_EACH, CUSTOMERS_EACH, WEEKS, TRAILING = 36, 3, 300, 60, 8
PLANNED_HOURS = (0, 4, 8)
"""Of planned work in eight weeks, by neighbourhood in turn."""
NIGHT_HOURS = 2
FIRST = date(2025, 1, 6)
LEAVING, COMPLAINING = 0.35, 0.12
"""Log ratios of one hour without service: a week over eight weeks for leaving, in this very week for complaints."""
WEEKLY_HAZARD, WEEKLY_COMPLAINTS = 0.005, 0.01


@dataclass(frozen=True, slots=True)
class World:
    """What the panel reads, and what is true: trailing unplanned hours a week (devices, weeks + 1), and who stays where."""

    records: dict[str, pa.Table]
    hours: pa.Table
    trailing: Floats
    level: Floats
    staying: npt.NDArray[np.int64]


def simulate(seed: int, *, is_told: bool = True) -> World:
    """A world; ``is_told`` says whether its hours tell planned work apart."""
    random = np.random.default_rng(seed)
    devices = AREAS * DEVICES_EACH
    area = np.arange(devices) // DEVICES_EACH
    outage, planned = _down(random, area)
    weekly = outage.reshape(devices, WEEKS, 168).sum(axis=2)
    trailing = np.stack([weekly[:, max(0, w - TRAILING) : w].sum(axis=1) / TRAILING for w in range(WEEKS + 1)], axis=1)
    level = np.exp(random.normal(0, 0.25, AREAS))
    device = np.repeat(np.arange(devices), CUSTOMERS_EACH // DEVICES_EACH)
    left = _leaving(random, device, trailing, level[area])
    records = {
        "customers": _customers(random, device, left),
        "complaints": _complaints(random, device, left, weekly),
    }
    return World(records, _hours(random, outage, planned, is_told), trailing, level, device[left < 0])


def _down(random: np.random.Generator, area: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Hours (devices, hours) down by outage, and for planned work: whole nights of an area at a time."""
    outage = np.zeros((area.size, WEEKS * 168))
    bad = np.exp(random.normal(0, 0.6, area.max() + 1))
    for own in range(area.size):
        for _ in range(random.poisson(0.3 * bad[area[own]] * WEEKS)):
            start, length = int(random.integers(WEEKS * 168)), 1 + int(random.gamma(1.2, 2.0))
            outage[own, start : start + length] = 1.0
    planned = np.zeros_like(outage)
    for place in range(area.max() + 1):
        nights = PLANNED_HOURS[place % len(PLANNED_HOURS)] // NIGHT_HOURS
        for first in range(0, WEEKS, TRAILING):
            for night in random.choice(min(TRAILING, WEEKS - first) * 7, nights, replace=False):
                start = (first * 7 + int(night)) * 24 + 2
                planned[area == place, start : start + NIGHT_HOURS] = 1.0
    return np.where(planned > 0, 0.0, outage), planned


def _leaving(random: np.random.Generator, device: npt.NDArray[np.int64], trailing: Floats, level: Floats) -> Floats:
    """The day (customers,) on which each leaves, below 0 for who stays."""
    left = np.full(device.size, -1.0)
    for week in range(WEEKS):
        hazard = WEEKLY_HAZARD * level[device] * np.exp(LEAVING * trailing[device, week])
        goes = (left < 0) & (random.random(device.size) < -np.expm1(-hazard))
        left[goes] = week * 7 + random.integers(0, 7, int(goes.sum()))
    return left


def _customers(random: np.random.Generator, device: npt.NDArray[np.int64], left: Floats) -> pa.Table:
    began = [FIRST - timedelta(days=int(days)) for days in random.integers(200, 2500, device.size)]
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(device.size)],
            "area": [f"a{own // DEVICES_EACH:02}" for own in device],
            "device_id": [f"d{own:03}" for own in device],
            "technology": "fibre",
            "plan": "one",
            "monthly_price": 30.0,
            "started_on": began,
            "ended_on": [FIRST + timedelta(days=int(day)) if day >= 0 else None for day in left],
            "end_reason": np.where(left >= 0, "voluntary", None),
            "valid_from": began,
        }
    )
    return _table("customers", frame)


def _complaints(random: np.random.Generator, device: npt.NDArray[np.int64], left: Floats, weekly: Floats) -> pa.Table:
    rows = []
    for week in range(WEEKS):
        there = np.flatnonzero((left < 0) | (left >= (week + 1) * 7))
        rate = WEEKLY_COMPLAINTS * np.exp(COMPLAINING * weekly[device[there], week])
        for who in there[random.random(there.size) < -np.expm1(-rate)]:
            at = pd.Timestamp(FIRST, tz="UTC") + pd.Timedelta(hours=week * 168 + int(random.integers(168)))
            rows.append((f"k{len(rows)}", f"c{who}", at, "connection"))
    return _table("complaints", pd.DataFrame(rows, columns=["complaint_id", "customer_id", "opened_at", "category"]))


def _table(kind: str, frame: pd.DataFrame) -> pa.Table:
    table = pa.table({name: pa.array(frame[name].tolist(), from_pandas=True) for name in frame})
    until = FIRST + timedelta(weeks=WEEKS) - timedelta(days=1)
    return conform(table, RECORDS[kind]).replace_schema_metadata({"complete_until": f"{until}"})


def _hours(random: np.random.Generator, outage: Floats, planned: Floats, is_told: bool) -> pa.Table:
    devices, hours = outage.shape
    down = 3600.0 * (outage + planned)
    drift = np.repeat(random.normal(0, 1, (devices, WEEKS)), 168, axis=1)
    sent = np.round(np.where(down > 0, 0, 120)).astype(np.int64)
    frame = pd.DataFrame(
        {
            "hour": np.tile(pd.date_range(FIRST, periods=hours, freq="h", tz="UTC"), devices),
            "device_id": np.repeat([f"d{own:03}" for own in range(devices)], hours),
            "observed_seconds": 3600.0,
            "down_seconds": down.ravel(),
            "silent_seconds": 0.0,
            "planned_seconds": 3600.0 * planned.ravel() if is_told else np.nan,
            "pings_sent": sent.ravel(),
            "pings_lost": random.binomial(sent, 0.004).ravel(),
            "rtt_p95_seconds": np.where(down > 0, np.nan, 0.02 + 0.002 * drift).ravel(),
            "utilization_p95_ratio": np.where(down > 0, np.nan, np.clip(0.5 + 0.05 * drift[::-1], 0, 1)).ravel(),
        }
    )
    table = pa.table({name: pa.array(frame[name], from_pandas=True) for name in frame})
    return conform(table, QUALITY_HOURS)


def measure(seed: int, *, is_told: bool = True) -> resume.Row:
    """What is told of a world beside its truth."""
    made = simulate(seed, is_told=is_told)
    settings = DashboardSettings(
        data=Path(), customer_key=Path(), timezone="UTC", analysis=AnalysisSettings(reporting_lag_days=0)
    )
    panel = panels.build(made.records, made.hours, None, settings)
    leaving, complaining = churn.fit(panel.customer_weeks), complaint_model.fit(panel.area_weeks)
    row: resume.Row = {"seed": seed, "is_told": is_told} | resume.version()
    row["effects"] = {
        model.model: {e.term.name: [e.rate_ratio, e.low, e.high] for e in model.effects}
        for model in (leaving.main, complaining.main)
    }
    if leaving.predicting is not None:
        row |= _kept(panel, made, leaving.predicting)
    return row


def _kept(panel: panels.Panel, made: World, predictor: Predictor) -> resume.Row:
    """Customers that fewer outages would keep, told and true, and intervals that hold, by planned hours."""
    names = sorted(panel.area_weeks["area"].unique())
    ahead = expected_leavers.expect(
        predictor, panel.customer_periods, panel.customers_now, names, area_weeks=panel.area_weeks
    )
    ranked = rank_areas.rank(
        panel.customer_periods,
        panel.area_weeks,
        panel.cut_off,
        minimum_expected=2.0,
        seed=1,
        ahead=ahead,
        customers=panel.customers_now,
    )
    goal = avoidable.targets(predictor, panel.customers_now, {"down_hours": 0.0})
    told = avoidable.avoidable(ahead, predictor, panel.customers_now, ranked.expected, goal, seed=1)
    told = told[told["measure"] == "down_hours"].set_index("area").loc[names]
    true = truth(made)
    group = np.arange(AREAS) % len(PLANNED_HOURS)
    low, high = (told[f"avoidable_leavers_90d{end}"].to_numpy() for end in ("_low", "_high"))
    held, mean = (low <= true) & (true <= high), told["avoidable_leavers_90d"].to_numpy()
    return {
        "told": [float(mean[group == g].sum()) for g in range(len(PLANNED_HOURS))],
        "true": [float(true[group == g].sum()) for g in range(len(PLANNED_HOURS))],
        "held": [int(held[group == g].sum()) for g in range(len(PLANNED_HOURS))],
        "areas": [int((group == g).sum()) for g in range(len(PLANNED_HOURS))],
    }


def truth(made: World) -> Floats:
    """Customers (areas,) who would leave within 90 days as things are and would not without outages."""
    hours = made.trailing[made.staying, WEEKS]
    area = made.staying // DEVICES_EACH
    weeks = 90 / 7
    usual = WEEKLY_HAZARD * made.level[area] * weeks
    kept = np.exp(-usual) - np.exp(-usual * np.exp(LEAVING * hours))
    return np.bincount(area, kept, AREAS)


def report(rows: list[resume.Row]) -> None:
    """Print tables in Markdown."""
    known = [row for row in rows if "told" in row]
    print(f"\n{len(rows)} worlds, planned work {'told apart' if rows[0]['is_told'] else 'not told apart'}\n")
    print("| planned hours in eight weeks | told over true (standard error) | intervals that hold the truth |")
    print("|---|---|---|")
    for place, hours in enumerate(PLANNED_HOURS):
        told, true = (np.array([row[name][place] for row in known]) for name in ("told", "true"))
        ratio = told.sum() / true.sum()
        error = np.sqrt(((told - ratio * true) ** 2).sum()) / true.sum()
        held, areas = (sum(row[name][place] for row in known) for name in ("held", "areas"))
        print(f"| {hours} | {ratio:.2f} ({error:.2f}) | {held / areas:.0%} of {areas} |")
    print("\n| effect | planted log ratio | mean estimate (standard error) | intervals that hold it |")
    print("|---|---|---|---|")
    planted = {("leaving", "down_hours"): LEAVING, ("complaints", "down_hours"): COMPLAINING}
    for (model, term), true in (
        planted | dict.fromkeys([("leaving", "planned_hours"), ("complaints", "planned_hours")], 0.0)
    ).items():
        ends = np.log([row["effects"][model][term] for row in rows if term in row["effects"][model]] or [[np.nan] * 3])
        ends = ends[~np.isnan(ends).any(axis=1)]
        if not len(ends):
            continue
        held = ((ends[:, 1] <= true) & (true <= ends[:, 2])).mean()
        error = ends[:, 0].std(ddof=1) / np.sqrt(len(ends)) if len(ends) > 1 else np.nan
        print(f"| {model}: {term} | {true:.2f} | {ends[:, 0].mean():.3f} ({error:.3f}) | {held:.0%} of {len(ends)} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="how many worlds; default: 20")
    parser.add_argument("--first", type=int, default=1, help="the first seed; default: 1")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: 1")
    parser.add_argument("--untold", action="store_true", help="hours that do not tell planned work apart")
    parser.add_argument("--output", type=Path, help="JSON lines, a world each; a stopped run goes on from it")
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    report(resume.run(functools.partial(measure, is_told=not chosen.untold), seeds, chosen.jobs, chosen.output))
    return 0


if __name__ == "__main__":
    resume.keep_to_one_core()
    sys.exit(main())
