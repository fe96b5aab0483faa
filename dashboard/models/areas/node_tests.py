"""Whether more customers leave behind a device than behind any by chance, beyond what network, contracts and calendar explain.

    u_a = (O_a - E_a) / (1 + E_a / k),    I_a = E_a / (1 + E_a / k),    z_v = sum u / sqrt(sum I (1 - sum I / total I))

O and E are a neighbourhood's departures of the last year and those that the hazard of leaving gives; 1/k is how much neighbourhoods differ
altogether, and z_v what those behind a node have beyond chance. It is read against the same
neighbourhoods dealt out to the nodes at random: where any of them might stand anywhere, something is found in 5 of 100 cases,
whatever the neighbourhoods' own levels are distributed like. The p of a node is that of the largest z of all nodes;
once one is found, the others are looked at again without its neighbourhoods (Westfall and Young 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from dashboard.models.areas.network_tree import FEWEST_BEHIND, FEWEST_PLACED, Flags, Tree
from dashboard.models.areas.shrunken_rates import maximum

Floats = npt.NDArray[np.float64]

LEVEL = 0.05
DEALS = 1999
AT_ONCE = 250
LAST_PERIODS = 13
"""Of four weeks: a year."""


@dataclass(frozen=True, slots=True)
class Alike:
    """By node (nodes,): z as ``scores``, ``p_values`` that more leave behind it, corrected for having looked at all, ``p_areas`` that its
    areas do not differ, whether the rest still loses more ``without_any`` one of its areas, and how many of them lose more
    than expected (``above``).
    """

    scores: Floats
    p_values: Floats
    p_areas: Floats
    without_any: Flags
    above: npt.NDArray[np.int64]

    @property
    def named(self) -> Flags:
        """(nodes,) behind which more leave in all areas alike."""
        return np.asarray((self.p_values <= LEVEL) & (self.p_areas >= LEVEL) & self.without_any)


def alike(tree: Tree, counts: Floats, expected: Floats, *, seed: int) -> Alike:
    """Of ``counts`` and ``expected`` (periods, areas)."""
    told = tree.placed
    behind = tree.behind[:, told]
    counted, usual = (values[-LAST_PERIODS:, told].sum(axis=0) for values in (counts, expected))
    first = _Scores.of(counted, usual, behind)
    observed, usual = first.observed, first.usual
    return Alike(
        first.of_nodes(first.away[None])[0],
        _stepped_down(first, np.random.default_rng([seed, 6])),
        np.array([_same(observed[mine], usual[mine]) for mine in behind]),
        np.array([_without_any(observed[mine], usual[mine]) for mine in behind], dtype=bool),
        (behind & (observed > usual)).sum(axis=1),
    )


@dataclass(frozen=True, slots=True)
class _Scores:
    """Standardised residuals ``away`` of ``observed`` from ``usual`` departures, and their ``information`` (areas,).

    ``behind`` (nodes, areas) are the areas of each node; ``nodes`` (areas, nodes) the same, for products.
    """

    observed: Floats
    usual: Floats
    behind: Flags
    away: Floats
    information: Floats
    nodes: sparse.csc_array

    @classmethod
    def of(cls, observed: Floats, usual: Floats, behind: Flags) -> _Scores:
        """Where areas lose in the mean what is usual."""
        usual = usual * observed.sum() / usual.sum()
        variance = 1 + usual / maximum(observed, usual)[0]
        away = (observed - usual) / np.sqrt(usual * variance)
        return cls(observed, usual, behind, away, usual / variance, sparse.csc_array(behind.T.astype(float)))

    def of_nodes(self, away: Floats) -> Floats:
        """z (deals, nodes) of residuals (deals, areas)."""
        total, own = self.information.sum(), self.information @ self.nodes
        score = away * np.sqrt(self.information)
        score = score - score.sum(axis=1, keepdims=True) / total * self.information
        return np.asarray((score @ self.nodes) / np.sqrt(own * (1 - own / total)))

    def largest_by_chance(self, random: np.random.Generator) -> Floats:
        """The largest z (deals,) where the same areas stand behind the nodes at random."""
        found = []
        for start in range(0, DEALS, AT_ONCE):
            shape = (min(AT_ONCE, DEALS - start), self.away.size)
            away = random.permuted(np.broadcast_to(self.away, shape), axis=1)
            found.append(self.of_nodes(away).max(axis=1))
        return np.concatenate(found)

    def only(self, nodes: npt.NDArray[np.intp], areas: Flags) -> _Scores:
        """Of some nodes and areas, as if there were no others."""
        return _Scores.of(self.observed[areas], self.usual[areas], self.behind[nodes][:, areas])


def _stepped_down(first: _Scores, random: np.random.Generator) -> Floats:
    """(nodes,) p-values of the largest z; beside a node that is found others would look usual, so that it is taken out."""
    p_values, left, reached = np.ones(len(first.behind)), np.ones(first.usual.size, dtype=bool), 0.0
    open_nodes, scores = np.arange(len(first.behind)), first
    while True:
        own, largest = scores.of_nodes(scores.away[None])[0], scores.largest_by_chance(random)
        p_values[open_nodes] = np.maximum((1 + (largest[:, None] >= own).sum(axis=0)) / (DEALS + 1), reached)
        best = open_nodes[own.argmax()]
        reached = float(p_values[best])
        left &= ~first.behind[best]
        apart = open_nodes[~(first.behind[open_nodes] & first.behind[best]).any(axis=1)]
        open_nodes = apart[left.sum() - first.behind[apart].sum(axis=1) >= FEWEST_BEHIND]
        if reached > LEVEL or not open_nodes.size or left.sum() < FEWEST_PLACED or not first.observed[left].any():
            return p_values
        scores = first.only(open_nodes, left)


def _same(observed: Floats, usual: Floats) -> float:
    """The p-value that areas (n,) differ among each other, given what they lose together."""
    if observed.sum() == 0:
        return 1.0
    shared = usual * observed.sum() / usual.sum()
    return float(stats.chi2.sf(np.sum((observed - shared) ** 2 / shared), observed.size - 1))


def _without_any(observed: Floats, usual: Floats) -> bool:
    """Whether the rest of a node's areas (n,) loses more than usual beyond chance (one-sided, 5%), whichever is left out."""
    rest, expected = observed.sum() - observed, usual.sum() - usual
    return bool((stats.poisson.sf(rest - 1, expected) <= LEVEL).all())
