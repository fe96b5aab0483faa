"""Hazards along a curve: held to statsmodels' identity link, where that is the curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import statsmodels.api as sm

from dashboard.models.leaving.doses import dose
from dashboard.models.statistics import curved_hazard, hazard


def rows_of(seed: int, effect: float) -> hazard.Rows:
    """Stretches whose hazard is 0.01 (1 + effect x) a day, x in the second column."""
    random = np.random.default_rng(seed)
    x = random.exponential(1.0, 4000)
    days = random.uniform(1, 7, x.size)
    events = random.poisson(days * 0.01 * (1 + effect * x)).astype(float)
    columns = np.column_stack([np.ones(x.size), x])
    return hazard.Rows(events, days, np.ones(x.size), columns, np.arange(x.size) % 40, np.zeros(2, bool))


@dataclass(frozen=True)
class Linear:
    """log(1 + b x)."""

    x: np.ndarray

    def at(self, effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return dose.log_ratio(1.0, effects[0], self.x), dose.slope(1.0, effects[0], self.x)[:, None]

    def bends(self, effects: np.ndarray, residual: np.ndarray) -> np.ndarray:
        return np.array([residual @ dose.bend(1.0, effects[0], self.x)])


def test_a_hazard_that_adds_up_is_the_poisson_fit_with_identity_link():
    rows = rows_of(1, 0.8)
    x = rows.columns[:, 1].copy()
    found = curved_hazard.fit(rows, np.array([1]), Linear(x), hazard.fit(rows))
    link = sm.families.links.Identity()
    peer = sm.GLM(rows.events, np.column_stack([rows.days, rows.days * x]), family=sm.families.Poisson(link=link)).fit(
        start_params=[0.01, 0.008]
    )
    assert found.has_converged
    assert np.exp(found.fit.coefficients[0]) == pytest.approx(peer.params[0], rel=1e-5)
    assert found.fit.coefficients[1] == pytest.approx(peer.params[1] / peer.params[0], rel=1e-5)
    means = rows.days * (peer.params[0] + peer.params[1] * x)
    assert found.log_likelihood == pytest.approx(float(rows.events @ np.log(means) - means.sum()), abs=1e-6)


def test_what_was_dropped_stays_where_it_is():
    rows = rows_of(2, 0.8)
    x = rows.columns[:, 1].copy()
    wide = hazard.Rows(
        rows.events,
        rows.days,
        rows.weight,
        np.column_stack([rows.columns, np.full(x.size, 3.0)]),
        rows.cluster,
        np.zeros(3, bool),
    )
    straight = hazard.fit(wide)
    found = curved_hazard.fit(wide, np.array([1]), Linear(x), straight)
    alone = curved_hazard.fit(rows, np.array([1]), Linear(x), hazard.fit(rows))
    assert straight.dropped.tolist() == [False, False, True]
    assert found.fit.coefficients == pytest.approx([*alone.fit.coefficients, 0.0], abs=1e-6)
