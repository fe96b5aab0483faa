"""How each neighbourhood loses customers by now: its ratio drifts, so that old departures count less than new ones, and may jump."""

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


CHANCES: Floats = np.array([0.003, 0.01, 0.03])
"""Of a jump, for each area and period: they are weighed by how well they predict."""
JUMP_SHAPE = 5.0
"""Of the Gamma distribution of a jumped ratio about the one before: a standard deviation of 0.45."""
EARLIER_CHANCE = 0.01
"""Of an earlier jump, where one has happened since."""
LATEST_JUMPS = 13
"""A jump may have happened in the last so many periods, a year."""


@dataclass(frozen=True, slots=True)
class RatiosNow:
    """What counts by period say of each area's ratio to the expected at their end.

    ``spreads`` (1/sqrt(k)), ``memories`` (the share of what is known that one period leaves to the next) and
    ``weights`` (components,) are their posterior. ``shares`` (components, jumps, areas) are the chances that an area's
    last jump was before one of the last periods; the first place is none. Given it the ratio is gamma distributed with
    ``shapes`` and ``rates``, of the same form; ``scales`` (of the same form) is what of the rate moves with the expected counts.
    """

    spreads: Floats
    memories: Floats
    weights: Floats
    shares: Floats
    shapes: Floats
    rates: Floats
    scales: Floats

    @property
    def mean(self) -> Floats:
        """Posterior mean (areas,) of the ratios."""
        return np.asarray(self.weights @ (self.shares * self.shapes / self.rates).sum(axis=1))

    @property
    def jumped(self) -> Floats:
        """(areas,) the chance that the ratio has jumped."""
        return np.asarray(1.0 - self.weights @ self.shares[:, 0])

    def draws(self, count: int, seed: int, factors: Floats | None = None) -> Floats:
        """(count, areas) joint draws of the ratios; the same seed gives the same draws.

        ``factors`` (count, areas) are what each draw makes of the expected counts; none: they are known.
        """
        random = np.random.default_rng(seed)
        chosen = random.choice(self.weights.size, size=count, p=self.weights)
        areas = np.arange(self.shapes.shape[2])
        jump = np.zeros((count, areas.size), dtype=np.int64)
        if self.shares.shape[1] > 1:
            chance = random.random((count, areas.size))
            jump = (self.shares.cumsum(axis=1)[chosen] < chance[:, None]).sum(axis=1)
            jump = np.minimum(jump, self.shares.shape[1] - 1)
        shapes, rates, scales = (
            values[chosen[:, None], jump, areas] for values in (self.shapes, self.rates, self.scales)
        )
        usual = rates if factors is None else rates + scales * (factors - 1.0)
        return np.asarray(random.standard_gamma(shapes) / usual)


def ratios_now(observed: Floats, expected: Floats, chances: Floats = CHANCES) -> RatiosNow:
    """Fit counts (periods, areas), O ~ Poisson(r E), with a ratio r that drifts, may jump, and has mean one over areas.

    Before a period r ~ Gamma(k + w S, k + w X), where S and X are what the period before knew (its own prior's k
    left out): knowledge fades by w and r falls back towards the provider (the steady model of Smith and Miller
    1986, Harvey and Fernandes 1989, with a centre). Each period's counts are then negative binomial given the past,
    so that k and w have a likelihood, and both are integrated over a grid: a half-Cauchy(0.5) prior on 1/sqrt(k), a
    flat one on w. Memory 1 is the model in which nothing ever changes.

    One spread and one memory of all areas cannot follow one area that changes at once and for good (a competitor's
    launch). So an area's ratio may have jumped before any of the last 13 periods, with one of the ``chances``, to
    Gamma(5, 5 / m) with m what was known of it by then.
    """
    spreads, memories = (axis.ravel() for axis in np.meshgrid(SPREADS, MEMORIES, indexing="ij"))
    log_weights = np.log(np.gradient(SPREADS)).repeat(MEMORIES.size)
    log_weights -= np.log1p((spreads / SPREAD_PRIOR_SCALE) ** 2)
    steady = _Steady.of(observed, expected, spreads, memories)
    log_weights += steady.log_likelihood.sum(axis=1)
    kept = _weighty(log_weights)
    spreads, memories, log_weights, steady = spreads[kept], memories[kept], log_weights[kept], steady.only(kept)
    k = np.broadcast_to(spreads[:, None] ** -2, steady.counts.shape)
    states = [(np.zeros_like(steady.log_likelihood), k + steady.counts, k + steady.sums, steady.sums)]
    if (chances > 0).any():
        states += _jumped(observed, expected, spreads, memories)
    logs, shapes, rates, scales = (np.stack(values, axis=1) for values in zip(*states, strict=True))
    gains, chance_weights = _chances(logs, chances)
    log_weights += gains
    heavy = _weighty(log_weights)
    weights = np.exp(log_weights[heavy] - log_weights.max())
    shares = _shares(logs[heavy], chances, chance_weights[heavy])
    return RatiosNow(
        spreads[heavy], memories[heavy], weights / weights.sum(), shares, shapes[heavy], rates[heavy], scales[heavy]
    )


@dataclass(frozen=True, slots=True)
class _Steady:
    """What is known at the end without a jump: faded ``counts`` and expected ``sums``, both (components, areas)."""

    counts: Floats
    sums: Floats
    log_likelihood: Floats

    @classmethod
    def of(cls, observed: Floats, expected: Floats, spreads: Floats, memories: Floats) -> _Steady:
        k, w = spreads[:, None] ** -2, memories[:, None]
        counts = np.zeros((spreads.size, observed.shape[1]))
        sums, log = np.zeros_like(counts), np.zeros_like(counts)
        for events, usual in zip(observed, expected, strict=True):
            log += _log_predictive(events, usual, k + w * counts, k + w * sums)
            counts, sums = w * counts + events, w * sums + usual
        return cls(counts, sums, log)

    def only(self, kept: npt.NDArray[np.intp]) -> _Steady:
        return _Steady(self.counts[kept], self.sums[kept], self.log_likelihood[kept])


_State = tuple[Floats, Floats, Floats, Floats]
"""Log-likelihood less that without a jump, shape, rate, and what of the rate moves with the expected counts."""


def _jumped(observed: Floats, expected: Floats, spreads: Floats, memories: Floats) -> list[_State]:
    """What is known at the end if an area's ratio jumped before each of the last periods, all (components, areas)."""
    k, w = spreads[:, None] ** -2, memories[:, None]
    counts = np.zeros((spreads.size, observed.shape[1]))
    sums = np.zeros_like(counts)
    open_jumps: list[list[Floats]] = []
    for period, (events, usual) in enumerate(zip(observed, expected, strict=True)):
        if period and period >= len(observed) - LATEST_JUMPS:
            open_jumps.append(_begun(k + counts, k + sums, sums, open_jumps))
        steady = _log_predictive(events, usual, k + w * counts, k + w * sums)
        for jump in open_jumps:
            gained, after, usual_after, rate, _ = jump
            moved = _log_predictive(events, usual, JUMP_SHAPE + w * after, rate + w * usual_after)
            jump[:3] = gained + moved - steady, w * after + events, w * usual_after + usual
        counts, sums = w * counts + events, w * sums + usual
    return [
        (gained, JUMP_SHAPE + after, rate + usual_after, scale + usual_after)
        for gained, after, usual_after, rate, scale in open_jumps
    ]


def _begun(shape: Floats, rate: Floats, sums: Floats, earlier: list[list[Floats]]) -> list[Floats]:
    """A jump from what is known: without one before, or after one of the ``earlier`` ones (a campaign that ends)."""
    odds = [np.ones_like(shape), *(EARLIER_CHANCE * np.exp(gained) for gained, *_ in earlier)]
    means = [shape / rate, *((JUMP_SHAPE + after) / (start + usual) for _, after, usual, start, _ in earlier)]
    total = np.add.reduce(odds)
    inverse = JUMP_SHAPE * total / np.add.reduce([odd * mean for odd, mean in zip(odds, means, strict=True)])
    nothing = np.zeros_like(shape)
    return [np.log(total), nothing, nothing, inverse, inverse * sums / rate]


def _chances(logs: Floats, chances: Floats) -> tuple[Floats, Floats]:
    """By component what jumps add to its log-likelihood (components,), and the weights (components, chances) of a jump's chance."""
    jumps = logs.shape[1] - 1
    most = logs.max(axis=1)
    bare = np.exp(logs - most[:, None])
    none, some = bare[:, 0], bare[:, 1:].sum(axis=1)
    by_chance = np.stack([(np.log((1 - c * jumps) * none + c * some) + most).sum(axis=1) for c in chances], axis=1)
    top = by_chance.max(axis=1, keepdims=True)
    weights = np.exp(by_chance - top)
    return np.log(weights.mean(axis=1)) + top[:, 0], weights / weights.sum(axis=1, keepdims=True)


def _shares(logs: Floats, chances: Floats, weights: Floats) -> Floats:
    """(components, jumps, areas) the chances of each jump, over the chances that a jump may have."""
    jumps = logs.shape[1] - 1
    bare = np.exp(logs - logs.max(axis=1, keepdims=True))
    total = np.zeros_like(bare)
    for place, chance in enumerate(chances):
        own = bare * np.concatenate([[1 - chance * jumps], np.full(jumps, chance)])[:, None]
        total += weights[:, place, None, None] * own / own.sum(axis=1, keepdims=True)
    return total


def _weighty(log_weights: Floats) -> npt.NDArray[np.intp]:
    """The components that are not negligible."""
    return np.flatnonzero(np.exp(log_weights - log_weights.max()) > NEGLIGIBLE_WEIGHT)


def _log_predictive(events: Floats, usual: Floats, shape: Floats, rate: Floats) -> Floats:
    """Negative-binomial log-probability (components, areas) of the events, less terms free of the parameters."""
    return np.asarray(
        special.gammaln(shape + events)
        - special.gammaln(shape)
        - shape * np.log1p(usual / rate)
        - events * np.log(rate + usual)
    )
