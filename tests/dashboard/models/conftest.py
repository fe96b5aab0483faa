"""A small provider with planted effects: area_weeks and customer_periods as the panel would make them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from dashboard.tables.schema import CATEGORIES

from ..sample_measures import PLANTED, not_taken

LAG_WEIGHTS = np.array([0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.04, 0.03, 0.03])
PER = np.array([measure.per for measure in PLANTED])


def _drift(random: np.random.Generator, shape: tuple[int, int], memory: float, spread: float) -> np.ndarray:
    path = np.zeros(shape)
    path[:, 0] = random.normal(0, spread, shape[0])
    for week in range(1, shape[1]):
        path[:, week] = memory * path[:, week - 1] + np.sqrt(1 - memory**2) * random.normal(0, spread, shape[0])
    return path


def _quality(random: np.random.Generator, areas: int, weeks: int) -> np.ndarray:
    """(areas, weeks, terms) in steps of each term: outages concentrated in a quarter of the areas, the rest drifts."""
    down = np.zeros((areas, weeks))
    for area in range(areas):
        for _ in range(random.poisson(3 if area < areas / 4 else 0.7)):
            down[area, random.integers(weeks)] += random.gamma(1.5, 3)
    load = np.clip(0.5 + random.normal(0, 0.1, (areas, 1)) + _drift(random, (areas, weeks), 0.9, 0.08), 0.05, 1)
    latency = 0.02 + 0.04 * np.clip(load - 0.6, 0, 1) + np.abs(_drift(random, (areas, weeks), 0.5, 0.003))
    loss = 0.002 + 0.03 * np.clip(load - 0.7, 0, 1) + 0.002 * np.abs(_drift(random, (areas, weeks), 0.3, 1))
    return np.stack([down, latency, loss, load], axis=-1) / PER


def _lagged(quality: np.ndarray) -> np.ndarray:
    weeks = quality.shape[1]
    parts = [
        weight * np.concatenate([np.repeat(quality[:, :1], lag, axis=1), quality[:, : weeks - lag]], axis=1)
        for lag, weight in enumerate(LAG_WEIGHTS)
    ]
    return np.sum(parts, axis=0)


@pytest.fixture
def make_area_weeks() -> Callable[..., pd.DataFrame]:
    """make(seed, effects=log ratios per step (4,), areas, weeks, customers, early=0): see LAG_WEIGHTS for the lags.

    ``early`` makes complaints follow the quality of ``early`` weeks ahead, which is what the placebo must notice;
    ``control_effects`` act on billing complaints, which is what the negative control must notice.
    """

    def make(
        seed: int,
        effects: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
        *,
        areas: int = 24,
        weeks: int = 52,
        customers: int = 500,
        early: int = 0,
        control_effects: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
    ) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        quality = _quality(random, areas, weeks + early)
        days = 7.0 * customers * random.uniform(0.5, 1.5, (areas, 1)) * np.ones((areas, weeks))
        pull = _lagged(quality)[:, early:] @ np.array(effects)
        usual = days * 0.0014 * np.exp(random.normal(0, 0.3, (areas, 1)) + random.normal(0, 0.1, weeks) + pull)
        others = days * 0.0004 * np.exp(_lagged(quality)[:, :weeks] @ np.array(control_effects))
        counts = {c: random.poisson(usual / 2 if c in CATEGORIES[:2] else others) for c in CATEGORIES}
        seen = quality[:, :weeks] * PER
        index = pd.MultiIndex.from_product(
            [[f"area-{a:02}" for a in range(areas)], pd.date_range("2025-01-06", periods=weeks, freq="7D")],
            names=["area", "week"],
        )
        frame = index.to_frame(index=False)
        return frame.assign(
            is_complete=True,
            customer_days=days.ravel(),
            observed_ratio=1.0,
            down_hours_variance=0.0,
            price_gap_mean=random.normal(3, 1, areas * weeks),
            **{f"complaints_{c}": counts[c].ravel() for c in CATEGORIES},
            **not_taken("area_column"),
            **{measure.area_column: seen[:, :, i].ravel() for i, measure in enumerate(PLANTED)},
        )

    return make


@pytest.fixture
def make_customer_periods() -> Callable[..., pd.DataFrame]:
    """make(seed, ratios (areas,), customers=per area): leaving by tenure and lock-in, times each area's ratio."""

    def make(seed: int, ratios: np.ndarray, *, customers: int = 400, periods: int = 12) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        start = pd.Timestamp("2025-01-06")
        rows = []
        people = len(ratios) * customers
        area = np.repeat(np.arange(len(ratios)), customers)
        tenure = random.integers(0, 2000, people)
        contract = random.integers(0, 500, people) * (random.random(people) < 0.6)
        alive = np.ones(people, bool)
        for period in range(periods):
            held = contract - 28 * period > 0
            hazard = 0.0006 * ratios[area] * np.where(held, 0.2, 1.0) * np.where(tenure + 28 * period < 365, 1.6, 1.0)
            leaves = random.random(people) < -np.expm1(-28 * hazard)
            moves = random.random(people) < 0.002
            rows.append(
                pd.DataFrame(
                    {
                        "customer_id": [f"c{i}" for i in range(people)],
                        "started_on": start - pd.to_timedelta(tenure, unit="D"),
                        "period": start + pd.Timedelta(days=28 * period),
                        "area": [f"area-{a:02}" for a in area],
                        "monthly_price": 40.0,
                        "price_gap": 3.0,
                        "tenure_days": tenure + 28 * period,
                        "is_locked_in": pd.array(held, dtype="boolean"),
                        "lock_in_days_left": pd.array(np.maximum(contract - 28 * period, 0), dtype="Int64"),
                        "days_at_risk": np.where(leaves, 14.0, 28.0),
                        "left_voluntarily": leaves,
                        "left_otherwise": moves & ~leaves,
                    }
                )[alive]
            )
            alive &= ~(leaves | moves)
        return pd.concat(rows, ignore_index=True)

    return make
