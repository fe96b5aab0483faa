"""Rates of neighbourhoods: counts become rates that borrow strength from the provider, with honest intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]

SPREAD_CELLS = 60
SPREAD_PRIOR_SCALE = 0.5
LEVEL_NODES, LEVEL_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
NEGLIGIBLE_WEIGHT = 1e-5


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """What counts say of the ratio of each area's rate to the expected one; arrays are (areas,) unless said.

    ``shape`` is k of the Gamma between areas at its marginal maximum, infinite where the counts vary no more than
    chance; ``level`` is the mean ratio there. ``spreads`` (1/sqrt(k)), ``levels`` and ``weights`` (components,) are
    the posterior over both, which ``mean``, ``low``, ``high`` (95%) and ``draws`` integrate over.
    """

    observed: Floats
    expected: Floats
    shape: float
    level: float
    spreads: Floats
    levels: Floats
    weights: Floats
    mean: Floats
    low: Floats
    high: Floats

    def draws(self, count: int, seed: int) -> Floats:
        """(count, areas) joint draws of the ratios; the same seed gives the same draws."""
        random = np.random.default_rng(seed)
        component = random.choice(self.weights.size, size=count, p=self.weights)
        shape, rate = _components(self.observed, self.expected, self.spreads[component], self.levels[component])
        return random.standard_gamma(shape) / rate

    def at_maximum(self) -> Floats:
        """The plug-in empirical-Bayes ratios of Clayton and Kaldor (1987): shape and level held at their maximum."""
        if np.isinf(self.shape):
            return np.full(self.observed.shape, self.level)
        return (self.shape + self.observed) / (self.shape / self.level + self.expected)


def shrink(observed: npt.ArrayLike, expected: npt.ArrayLike) -> Shrinkage:
    """Fit O_a ~ Poisson(r_a E_a), r_a ~ Gamma(mean level, variance level^2 / k), to counts and expected counts.

    The interval of a small area must know that k and the level are themselves estimates: both are integrated over
    a grid, with a half-Cauchy(0.5) prior on 1/sqrt(k) (Gelman 2006) and a flat one on the log of the level.
    Areas with no expected events say nothing and get the provider's own distribution.
    Raises ValueError where shapes differ or a number is negative or not finite.
    """
    counts, means = np.asarray(observed, float), np.asarray(expected, float)
    if counts.shape != means.shape or counts.ndim != 1:
        raise ValueError("observed and expected must be two lists of the same length")
    if not (np.isfinite(counts).all() and np.isfinite(means).all() and (counts >= 0).all() and (means >= 0).all()):
        raise ValueError("observed and expected counts must be finite and not negative")
    informative = means > 0
    told, exposed = counts[informative], means[informative]
    shape, level = maximum(told, exposed)
    spreads, levels, weights = _posterior(told, exposed)
    shapes, rates = _components(counts, np.where(informative, means, 0.0), spreads, levels)
    mean = weights @ (shapes / rates)
    low, high = (_mixture_quantile(q, shapes, rates, weights) for q in (0.025, 0.975))
    return Shrinkage(counts, means, shape, level, spreads, levels, weights, mean, low, high)


def log_likelihood(observed: Floats, expected: Floats, spread: float, level: float) -> float:
    """Negative-binomial log-likelihood of the counts, less terms free of the parameters; spread 0 is Poisson."""
    mean = level * expected
    if spread <= 0:
        return float(np.sum(observed * np.log(mean) - mean))
    k = spread**-2
    return float(
        np.sum(
            special.gammaln(observed + k)
            - special.gammaln(k)
            - observed * np.log(k)
            - (observed + k) * np.log1p(mean / k)
            + observed * np.log(mean)
        )
    )


def maximum(observed: Floats, expected: Floats) -> tuple[float, float]:
    """(k, level) at the marginal maximum; k is infinite where the counts vary no more than Poisson's.

    The derivative of the log-likelihood in 1/k at zero is half of sum((O - mu E)^2 - O): where it is not positive,
    nothing is gained by leaving Poisson.
    """
    if observed.size == 0 or observed.sum() == 0:
        return np.inf, 1.0 if observed.size == 0 else 0.0
    pooled = float(observed.sum() / expected.sum())
    if observed.size < 2 or np.sum((observed - pooled * expected) ** 2 - observed) <= 0:
        return np.inf, pooled

    def loss(log_spread: float) -> float:
        spread = float(np.exp(log_spread))
        return -log_likelihood(observed, expected, spread, profile_level(observed, expected, spread))

    best = optimize.minimize_scalar(
        loss, bounds=(np.log(1e-3), np.log(20.0)), method="bounded", options={"xatol": 1e-9}
    )
    spread = float(np.exp(best.x))
    return spread**-2, profile_level(observed, expected, spread)


def profile_level(observed: Floats, expected: Floats, spread: float) -> float:
    """The level that maximises the likelihood for a given spread (Newton on its logarithm)."""
    level = float(observed.sum() / expected.sum())
    for _ in range(100):
        factor = 1.0 / (1.0 + spread**2 * level * expected)
        score = float(np.sum((observed - level * expected) * factor))
        information = float(np.sum(level * expected * factor))
        step = np.clip(score / information, -1.0, 1.0)
        level *= float(np.exp(step))
        if abs(step) < 1e-12:
            break
    return level


def _posterior(observed: Floats, expected: Floats) -> tuple[Floats, Floats, Floats]:
    """Components (spread, level) and their weights; each spread carries the level's nodes of Gauss and Hermite."""
    if observed.size == 0 or observed.sum() == 0:
        total = float(expected.sum())
        return _no_events(total)
    pooled = observed.sum() / expected.sum()
    excess = np.sum((observed - pooled * expected) ** 2 - observed) / np.sum((pooled * expected) ** 2)
    widest = max(1.5, 4.0 * float(np.sqrt(max(excess, 0.0))))
    grid = (np.arange(SPREAD_CELLS) + 0.5) / SPREAD_CELLS
    grid = widest * grid**1.5
    cell = np.gradient(grid)
    prior = 1.0 / (1.0 + (grid / SPREAD_PRIOR_SCALE) ** 2)
    parts = [_levels(observed, expected, float(spread)) for spread in grid]
    spreads = np.repeat(grid, LEVEL_NODES.size)
    levels = np.concatenate([levels for levels, _ in parts])
    log_weights = np.concatenate([log_weights for _, log_weights in parts])
    log_weights += np.repeat(np.log(prior * cell), LEVEL_NODES.size)
    weights = np.exp(log_weights - log_weights.max())
    kept = weights > NEGLIGIBLE_WEIGHT * weights.max()
    return spreads[kept], levels[kept], weights[kept] / weights[kept].sum()


def _levels(observed: Floats, expected: Floats, spread: float) -> tuple[Floats, Floats]:
    """Levels at the nodes of Gauss and Hermite around their best, and the logarithms of their weights."""
    centre = profile_level(observed, expected, spread)
    deviation = 1.0 / np.sqrt(np.sum(centre * expected / (1.0 + spread**2 * centre * expected)))
    levels = centre * np.exp(LEVEL_NODES * deviation)
    likelihood = np.array([log_likelihood(observed, expected, spread, float(level)) for level in levels])
    return levels, np.log(LEVEL_WEIGHTS * deviation) + LEVEL_NODES**2 / 2 + likelihood


def _no_events(expected_total: float) -> tuple[Floats, Floats, Floats]:
    """Nothing happened anywhere: the level's posterior is Gamma(1/2, total), Jeffreys' for a Poisson rate."""
    ranks = (np.arange(40) + 0.5) / 40
    levels = special.gammaincinv(0.5, ranks) / max(expected_total, 0.5)
    return np.full(40, 0.05), levels, np.full(40, 1 / 40)


def _components(observed: Floats, expected: Floats, spreads: Floats, levels: Floats) -> tuple[Floats, Floats]:
    """Shape and rate (components, areas) of the Gamma posterior of each area's ratio."""
    k = spreads[:, None] ** -2
    return k + observed[None, :], k / levels[:, None] + expected[None, :]


def _mixture_quantile(q: float, shapes: Floats, rates: Floats, weights: Floats) -> Floats:
    """The q-quantile (areas,) of a mixture of Gammas, by bisection on the logarithm."""
    means = shapes / rates
    low = np.log(np.maximum(means.min(axis=0), 1e-12)) - 12.0
    high = np.log(np.maximum((means + 12 * np.sqrt(shapes) / rates).max(axis=0), 1e-12)) + 1.0
    for _ in range(45):
        middle = (low + high) / 2
        below = weights @ special.gammainc(shapes, rates * np.exp(middle)) < q
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(np.exp((low + high) / 2))
