"""Rankings that need no model, from what a build stores and from the provider's own list of customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.worlds_abroad.simulation.layout import WEEKS, Floats
from bench.worlds_abroad.simulation.worlds import World

MONTH, QUARTER = 4, 13


def scores(world: World, area_weeks: pd.DataFrame, areas: list[str]) -> dict[str, Floats]:
    """(areas,) for each ranking; the highest is to be looked at first."""
    complete = area_weeks[area_weeks["is_complete"].astype(bool)]
    customers = _customers(world, areas)
    down = _sum(complete, ["down_hours_per_customer"], QUARTER, areas)
    said = _sum(complete, [name for name in complete if name.startswith("complaints_")], MONTH, areas)
    left = _sum(complete, ["leavers_voluntary"], QUARTER, areas)
    newness = -_mean_tenure(world, areas)
    return {
        "outage minutes per customer": down,
        "outage minutes": down * customers,
        "last month's complaints per customer": said / np.maximum(customers, 1),
        "last month's complaints": said,
        "last quarter's churn rate": left / np.maximum(customers, 1),
        "last quarter's leavers": left,
        "shortest tenure": newness,
        "customers": customers,
    }


def held(score: Floats, true: Floats, share: float = 0.1) -> float:
    """The share of all that is true which the areas with the highest score hold."""
    count = max(1, round(share * true.size))
    top = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:count]
    return float(true[top].sum() / max(true.sum(), 1e-300))


def _sum(weeks: pd.DataFrame, columns: list[str], last: int, areas: list[str]) -> Floats:
    recent = weeks[weeks["week"].isin(sorted(weeks["week"].unique())[-last:])]
    total = recent[columns].astype(float).sum(axis=1).groupby(recent["area"]).sum()
    return np.asarray(total.reindex(areas, fill_value=0.0), dtype=float)


def _area(world: World) -> np.ndarray:
    return world.layout.area[world.people.node[world.future.there]]


def _customers(world: World, areas: list[str]) -> Floats:
    return np.bincount(_area(world), minlength=len(areas)).astype(float)


def _mean_tenure(world: World, areas: list[str]) -> Floats:
    tenure = 7 * WEEKS - world.people.started[world.future.there]
    return np.bincount(_area(world), tenure, len(areas)) / np.maximum(_customers(world, areas), 1)
