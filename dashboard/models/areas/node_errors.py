"""How uncertain what the hazard explains is where neighbourhoods behind one device lose customers alike.

The hazard's coefficients are as sure as if every neighbourhood had a ratio of its own. Where a node has one, neighbourhoods behind it say the same
thing twice: if most of those with one technology stand behind one node, its losses and the technology's are hardly told apart. Integrating a
node's ratio out takes v (sum I s)(sum I s)' / (1 + v sum I) from the information, with s the slopes of the neighbourhoods' departures, I = E / (1 + E u)
and u and v the variances of the ratios' logarithms behind a node and between nodes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dashboard.models.areas.network_tree import Tree
from dashboard.models.areas.shrunken_rates import maximum
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers

Floats = npt.NDArray[np.float64]

MOST_TAKEN = 0.95
"""Of what is known of a direction of coefficients: that nothing is known of one at all is no finding of so rough a variance."""


def error(tree: Tree, ahead: ExpectedLeavers) -> Floats:
    """A square root (columns, directions) of the coefficients' covariance that allows for nodes that differ.

    With R the root without them and R'T = U S V', T what nodes take from the information, it is R (I - U S^2 U')^(-1/2).
    """
    placed, groups = tree.placed, tree.lowest[tree.placed] == np.arange(len(tree.nodes))[:, None]
    counts, usual = (values[:, placed].sum(axis=0) for values in (ahead.counts, ahead.past))
    behind, between = _variances(counts, usual * counts.sum() / usual.sum(), groups)
    information = usual / (1 + usual * behind)
    of_nodes = groups @ information
    taken = (ahead.past_slopes[placed] * information[:, None]).T @ groups.T
    taken = taken * np.sqrt(between / (1 + between * of_nodes))
    directions, shares, _ = np.linalg.svd(ahead.error.T @ taken, full_matrices=False)
    wider = 1 / np.sqrt(1 - np.minimum(shares**2, MOST_TAKEN)) - 1
    return np.asarray(ahead.error + (ahead.error @ directions * wider) @ directions.T)


def _variances(counts: Floats, usual: Floats, groups: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Of areas behind a node, and between nodes (groups, areas): by moments, of what areas differ altogether."""
    shape, _ = maximum(counts, usual)
    information = usual / (1 + usual / shape)
    score = (counts - usual) / (1 + usual / shape)
    score = score - score.sum() / information.sum() * information
    pairs, alike = (
        float(np.sum((groups @ values) ** 2) - np.sum(groups @ values**2)) for values in (information, score)
    )
    between = max(alike / pairs, 0.0) if pairs > 0 else 0.0
    return max(1 / shape - between, 0.0), between
