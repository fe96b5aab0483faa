"""A world as files: what `bairro import` and `bairro build` read, and the truth beside it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from bench.worlds_abroad.simulation import futures, hours
from bench.worlds_abroad.simulation.layout import FIRST, TECHNOLOGIES, WEEKS
from bench.worlds_abroad.simulation.population import NEVER, PLANS, VOLUNTARY, Customers
from bench.worlds_abroad.simulation.voices import CATEGORIES
from bench.worlds_abroad.simulation.worlds import World

LAST_DAY = FIRST + timedelta(days=7 * WEEKS - 1)
AS_OF = LAST_DAY + timedelta(days=1)
KINDS: tuple[str, ...] = ("areas", "customers", "prices", "complaints", "nps")
SETTINGS = """data = "data"
customer_key = "customer.key"
timezone = "UTC"

[analysis]
reporting_lag_days = 0
"""


def write(world: World, folder: Path) -> Path:
    """Settings, history and exports below ``folder``; returns the settings' file."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([world.seed, 3])
    hours.write(folder / "data", random, world.layout, world.course, world.record)
    frames = {
        "areas": pd.DataFrame({"area": world.layout.area_names, "name": world.layout.area_names}),
        "customers": _customers(world),
        "prices": pd.DataFrame(
            [(name, f"{date(2020, 1, 1)}", price) for name, price in PLANS],
            columns=["plan", "valid_from", "new_customer_price"],
        ),
        "complaints": _complaints(world, random),
        "nps": _answers(world),
    }
    for kind in KINDS:
        frames[kind].to_csv(folder / f"{kind}.csv", index=False)
    settings = folder / "dashboard.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    return settings


def _customers(world: World) -> pd.DataFrame:
    people: Customers = world.people
    has_left = people.left < NEVER
    price = np.array([price for _, price in PLANS])[people.plan] + people.surcharge
    area = world.layout.area[people.node]
    started = _days(people.started)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{line}" for line in range(people.node.size)],
            "area": np.array(world.layout.area_names)[area],
            "device_id": np.array(world.layout.node_names)[people.node],
            "technology": np.array(TECHNOLOGIES)[world.layout.technology[area]],
            "plan": np.array([name for name, _ in PLANS])[people.plan],
            "monthly_price": np.round(price, 2),
            "started_on": started,
            "ended_on": np.where(has_left, _days(np.where(has_left, people.left, 0)), ""),
            "end_reason": np.where(has_left, np.where(people.reason == VOLUNTARY, "voluntary", "moved"), ""),
            "contract_until": np.where(people.contract > -NEVER, _days(np.maximum(people.contract, -9000)), ""),
            "valid_from": started,
        }
    )
    return frame[(people.started < 7 * WEEKS) & (people.left >= people.started)]


def _complaints(world: World, random: np.random.Generator) -> pd.DataFrame:
    said = world.complaints
    opened = np.datetime64(FIRST, "s") + said.hour.astype("timedelta64[h]")
    answered = opened + np.round(3600 * random.exponential(8, said.who.size)).astype("timedelta64[s]")
    end = np.datetime64(AS_OF, "s")
    return pd.DataFrame(
        {
            "complaint_id": [f"k{line}" for line in range(said.who.size)],
            "customer_id": [f"c{line}" for line in said.who],
            "opened_at": [f"{at}Z" for at in opened],
            "category": np.array(CATEGORIES)[said.category],
            "first_answer_at": [f"{at}Z" if at < end else "" for at in answered],
        }
    )


def _answers(world: World) -> pd.DataFrame:
    given = world.answers
    return pd.DataFrame(
        {
            "response_id": [f"r{line}" for line in range(given.who.size)],
            "customer_id": [f"c{line}" for line in given.who],
            "answered_on": _days(given.day),
            "score": given.score,
        }
    )


def _days(days: np.ndarray) -> np.ndarray:
    return (np.datetime64(FIRST, "D") + days.astype("timedelta64[D]")).astype(str)


def write_truth(world: World, folder: Path, targets: dict[str, float]) -> None:
    """``truth.csv`` by area and ``truth.json``: nothing that a build reads."""
    chance, layout = futures.expected(world.future), world.layout
    saved = futures.kept(world.future, targets)
    frame = pd.DataFrame({"area": layout.area_names, "nps": world.nps})
    frame["expected_leavers_90d"] = futures.by_area(world.future, chance)
    for kind, by_measure in saved.items():
        for measure, values in by_measure.items():
            frame[f"kept_{kind}_{measure}"] = values
    frame["step_week"] = [
        f"{FIRST + timedelta(weeks=w)}" if (w := world.rules.steps.get(a)) else "" for a in range(layout.areas)
    ]
    frame.to_csv(folder / "truth.csv", index=False)
    told = {"seed": world.seed, "targets": targets, "mechanism": asdict(world.mechanism)}
    (folder / "truth.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
