"""Whether an effect of quality differs among areas, and each area's own where it does.

    b_a = b (1 + d_a),   d_a ~ Normal(0, t^2)

The score of d_a at zero, within the area and given its departures, has the information I_a as variance where all are alike. So
the sum of squared scores tells whether they are (Cox 1983, Biometrika 70), read against a scaled chi-squared with the same mean and
variance (Satterthwaite 1946). An area's own slope is then drawn towards the common one. Where the test finds nothing areas may
differ all the same: they do in a share of the draws, the posterior chance of it where both were as likely before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

FALSE_ALARMS = 0.05
SPREADS: Floats = (np.arange(30) + 0.5) / 20
"""Of areas' own slopes in shares of the common one, as far as they are looked for."""
NEWTON_STEPS = 4
FEWEST_AREAS = 10


@dataclass(frozen=True, slots=True)
class OwnSlopes:
    """Of one term: the p-value that all areas are alike, and by area (areas,) the mean and error of d_a if they are not.

    ``spread`` is t, and 0 where that was not asked. ``chance`` is that of areas being unlike: 1 where the test says so.
    """

    p_value: float
    spread: float
    mean: Floats
    error: Floats
    chance: float = 1.0

    @property
    def differs(self) -> bool:
        """Whether the test says so."""
        return self.spread > 0 and self.p_value < FALSE_ALARMS

    @property
    def may_differ(self) -> bool:
        return self.spread > 0

    def draws(self, random: np.random.Generator, count: int, places: Codes) -> Floats:
        """(count, n) of 1 + d_a, not below 0, for areas at ``places`` (n,); -1: an area of which nothing is known."""
        mean = np.append(self.mean, 0.0)[places]
        error = np.append(self.error, self.spread)[places]
        own = np.maximum(1.0 + mean + error * random.standard_normal((count, places.size)), 0.0)
        return np.where(random.random((count, 1)) < self.chance, own, 1.0)


ALIKE = OwnSlopes(float("nan"), 0.0, np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True)
class Term:
    """One term in its form: what it adds to the log hazard of each row (n,) if its effect is ``times`` (n,) as large."""

    curvature: float
    products: Floats

    def added(self, times: Floats) -> tuple[Floats, Floats]:
        """And its slope in ``times``."""
        own = self.products * times
        bent = 1.0 + self.curvature * np.abs(own)
        value = np.sign(own) * np.log(bent) / self.curvature if self.curvature > 0 else own
        return np.asarray(value), self.products / bent


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows (n,): weighted events, weighted log means in the common model, and their area."""

    events: Floats
    log_means: Floats
    area: Codes

    def summed(self, values: Floats) -> Floats:
        return np.bincount(self.area, values, minlength=int(self.area.max()) + 1).astype(float)


def test(rows: Counted, term: Term) -> OwnSlopes:
    """Test, and each area's own slope."""
    usual, _ = term.added(np.ones(rows.events.size))
    score, information, kurtosis = _score(rows, term, np.zeros(int(rows.area.max()) + 1), usual)
    told = information > 0
    if told.sum() < FEWEST_AREAS:
        return ALIKE
    total = float(information.sum())
    variance = 2 * float((information**2).sum()) + float(kurtosis.sum())
    freedom, scale = 2 * total**2 / variance, variance / (2 * total)
    p_value = float(stats.chi2.sf(float((score**2).sum()) / scale, freedom))
    spread, chance = _spread(score, information)
    own = np.zeros(told.size)
    for _ in range(NEWTON_STEPS):
        score, information, _ = _score(rows, term, own, usual)
        own = np.clip(own + (score - own / spread**2) / (information + spread**-2), -1.0, 3.0)
    error = 1.0 / np.sqrt(information + spread**-2)
    return OwnSlopes(p_value, spread, own, error, 1.0 if p_value < FALSE_ALARMS else chance)


def _spread(score: Floats, information: Floats) -> tuple[float, float]:
    """The root of the mean of t^2 over a grid, by the likelihood of the scores ~ Normal(0, I + t^2 I^2), and the chance of t > 0."""
    own = SPREADS[:, None] ** 2
    logs = (-np.log1p(own * information) + score**2 * own / (1 + own * information)).sum(axis=1) / 2
    weights = np.exp(logs - logs.max())
    odds = float(np.exp(min(logs.max(), 50.0)) * weights.mean())
    return float(np.sqrt(weights @ SPREADS**2 / weights.sum())), odds / (1.0 + odds)


def _score(rows: Counted, term: Term, own: Floats, usual: Floats) -> tuple[Floats, Floats, Floats]:
    """Score, information and fourth cumulant (areas,) of each area's slope, given how many left there."""
    added, slope = term.added(1.0 + own[rows.area])
    means = np.exp(rows.log_means + added - usual)
    events, total = rows.summed(rows.events), rows.summed(means)
    means = means * np.divide(events, total, out=np.zeros_like(total), where=total > 0)[rows.area]
    there = rows.summed(means)
    middle = np.divide(rows.summed(means * slope), there, out=np.zeros_like(there), where=there > 0)
    net = slope - middle[rows.area]
    return rows.summed((rows.events - means) * net), rows.summed(means * net**2), rows.summed(means * net**4)
