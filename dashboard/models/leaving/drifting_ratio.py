"""How each neighbourhood loses customers by now: its ratio drifts, so that old departures count less than new ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

SPREADS: Floats = 1.5 * ((np.arange(30) + 0.5) / 30) ** 1.5
SPREAD_PRIOR_SCALE = 0.5
MEMORIES: Floats = np.linspace(0.1, 1.0, 19)
NEGLIGIBLE_WEIGHT = 1e-5


@dataclass(frozen=True, slots=True)
class Current:
    """What counts by period say of each area's ratio to the expected at their end.

    ``spreads`` (1/sqrt(k)), ``memories`` (the share of what is known that one period leaves to the next) and
    ``weights`` (components,) are their posterior; ``counts`` and ``expected`` (components, areas) the faded sums.
    """

    spreads: Floats
    memories: Floats
    weights: Floats
    counts: Floats
    expected: Floats

    @property
    def mean(self) -> Floats:
        """Posterior mean (areas,) of the ratios."""
        k = self.spreads[:, None] ** -2
        return np.asarray(self.weights @ ((k + self.counts) / (k + self.expected)))

    def draws(self, count: int, seed: int, factors: Floats | None = None) -> Floats:
        """(count, areas) joint draws of the ratios; the same seed gives the same draws.

        ``factors`` (count, areas) are what each draw makes of the expected counts; none: they are known.
        """
        random = np.random.default_rng(seed)
        chosen = random.choice(self.weights.size, size=count, p=self.weights)
        k = self.spreads[chosen, None] ** -2
        usual = self.expected[chosen] if factors is None else self.expected[chosen] * factors
        return np.asarray(random.standard_gamma(k + self.counts[chosen]) / (k + usual))


def current(observed: Floats, expected: Floats) -> Current:
    """Fit counts (periods, areas), O ~ Poisson(r E), with a ratio r that drifts and has mean one over areas.

    Before a period r ~ Gamma(k + w S, k + w X), where S and X are what the period before knew (its own prior's k
    left out): knowledge fades by w and r falls back towards the provider (the steady model of Smith and Miller
    1986, Harvey and Fernandes 1989, with a centre). Each period's counts are then negative binomial given the past,
    so that k and w have a likelihood, and both are integrated over a grid: a half-Cauchy(0.5) prior on 1/sqrt(k), a
    flat one on w. Memory 1 is the model in which nothing ever changes.
    """
    spreads, memories = (axis.ravel() for axis in np.meshgrid(SPREADS, MEMORIES, indexing="ij"))
    k, w = spreads[:, None] ** -2, memories[:, None]
    counts = np.zeros((spreads.size, observed.shape[1]))
    sums = np.zeros_like(counts)
    log_weights = np.log(np.gradient(SPREADS)).repeat(MEMORIES.size)
    log_weights -= np.log1p((spreads / SPREAD_PRIOR_SCALE) ** 2)
    for events, usual in zip(observed, expected, strict=True):
        log_weights += _log_predictive(events, usual, k + w * counts, k + w * sums).sum(axis=1)
        counts, sums = w * counts + events, w * sums + usual
    weights = np.exp(log_weights - log_weights.max())
    kept = weights > NEGLIGIBLE_WEIGHT * weights.max()
    return Current(spreads[kept], memories[kept], weights[kept] / weights[kept].sum(), counts[kept], sums[kept])


def _log_predictive(events: Floats, usual: Floats, shape: Floats, rate: Floats) -> Floats:
    """Negative-binomial log-probability (components, areas) of the events, less terms free of the parameters."""
    return np.asarray(
        special.gammaln(shape + events)
        - special.gammaln(shape)
        - shape * np.log1p(usual / rate)
        - events * np.log(rate + usual)
    )
