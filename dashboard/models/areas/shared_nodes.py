"""What is said of neighbourhoods behind the same device: whether more have left there, in all of them alike.

**This node, not these neighbourhoods** is said where more leave behind it than chance gives any node (see `node_tests`), where the departures
are shared out among its neighbourhoods as chance would, where the others still lose more without any one of them, and where the
interval of the year's ratio, drawn towards 1, lies above 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.models.areas import network_tree, node_errors
from dashboard.models.areas.network_tree import Tree
from dashboard.models.areas.node_tests import LAST_PERIODS, LEVEL, Alike, alike
from dashboard.models.areas.shrunken_rates import shrink
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers

Floats = npt.NDArray[np.float64]

COLUMNS = [
    "area",
    "node",
    "areas",
    "areas_above",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_value",
    "p_value_areas",
    "is_found",
    "note",
]
DRAWS = 2000
NOBODY_LEFT = "nobody left"
LEAST_EXPECTED = 1.0
"""Departures of a year: below that a single one lies many standard deviations off, whatever the settings say."""


@dataclass(frozen=True, slots=True)
class Shared:
    """``rows`` of the result table, and a ``note`` in words."""

    rows: pd.DataFrame
    note: str


def look(area_nodes: pd.DataFrame, ahead: ExpectedLeavers, *, minimum_expected: float, seed: int) -> Shared:
    """The tests, on the departures of the last year and those that the hazard gives."""
    usual = ahead.past[-LAST_PERIODS:].sum(axis=0)
    tree = network_tree.tree(area_nodes, ahead.areas, usual >= max(minimum_expected, LEAST_EXPECTED))
    if tree.why is None and ahead.counts[-LAST_PERIODS:, tree.placed].sum() == 0:
        tree = replace(tree, why=NOBODY_LEFT, notes=tuple(note or NOBODY_LEFT for note in tree.notes))
    if tree.why is not None:
        return Shared(
            _rows(tree), f"Whether more customers left behind a device of the network was not tested: {tree.why}."
        )
    tested = alike(tree, ahead.counts, ahead.past, seed=seed)
    rows = _rows(tree, tested, _ratios(tree, ahead, seed))
    return Shared(rows, _note(tree, rows))


def _ratios(tree: Tree, ahead: ExpectedLeavers, seed: int) -> Floats:
    """(draws, nodes) of the last year's ratio of each node to all that are compared, drawn towards 1.

    What the hazard explains is drawn with it: where neighbourhoods with worse quality happen to stand behind one node, it is not
    known how much of what they lose is quality's.
    """
    ahead = replace(ahead, error=node_errors.error(tree, ahead))
    counts, usual = (values[-LAST_PERIODS:, tree.placed].sum(axis=0) for values in (ahead.counts, ahead.past))
    usual, behind = usual * counts.sum() / usual.sum(), tree.behind[:, tree.placed]
    drawn = shrink(behind @ counts, behind @ usual).draws(DRAWS, seed)
    moved = usual * ahead.factors(DRAWS, seed)[0][:, tree.placed]
    moved *= usual.sum() / moved.sum(axis=1, keepdims=True)
    return np.asarray(drawn * (behind @ usual) / (moved @ behind.T))


def _rows(tree: Tree, tested: Alike | None = None, year: Floats | None = None) -> pd.DataFrame:
    """A row by area: of the node that is named, else of the lowest that it is behind."""
    rows = pd.DataFrame({"area": list(tree.areas), "node": None, "is_found": False, "note": tree.notes})
    rows = rows.reindex(columns=COLUMNS)
    if tested is None or year is None:
        return rows
    means, (low, high) = year.mean(axis=0), np.quantile(year, (0.025, 0.975), axis=0)
    node, named = tree.lowest.copy(), np.zeros(len(tree.areas), dtype=bool)
    for place in np.argsort(-tested.scores, kind="stable"):
        behind = tree.behind[place]
        if tested.named[place] and low[place] > 1.0 and not named[behind].any():
            node[behind], named[behind] = place, True
    inside = node >= 0
    of = node[inside]
    told = {
        "node": np.array(tree.nodes, dtype=object)[of],
        "areas": tree.behind.sum(axis=1)[of],
        "areas_above": tested.above[of],
        "ratio": means[of],
        "ratio_low": low[of],
        "ratio_high": high[of],
        "p_value": tested.p_values[of],
        "p_value_areas": tested.p_areas[of],
        "is_found": named[inside],
        "note": [None if named[area] else _why_not(tested, node[area]) for area in np.flatnonzero(inside)],
    }
    for name, values in told.items():
        rows.loc[inside, name] = values
    return rows


def _why_not(tested: Alike, node: int) -> str | None:
    """Why nothing is said of a node behind which more leave."""
    if tested.p_values[node] > LEVEL:
        return None
    if tested.p_areas[node] < LEVEL:
        return "more leave behind this device, but its neighbourhoods differ by more than chance: it is not the device alone"
    if not tested.without_any[node]:
        return "more leave behind this device only with one of its neighbourhoods"
    return "more leave behind this device, but its interval includes 1, or a device above or below it tells more"


def _note(tree: Tree, rows: pd.DataFrame) -> str:
    """How many devices were compared, and behind how many more left."""
    found = rows.loc[rows["is_found"].astype(bool), "node"].nunique()
    compared = f"{len(tree.nodes)} devices of the network with {int((tree.lowest >= 0).sum())} neighbourhoods behind them were compared"
    if not found:
        return f"{compared}: behind none of them did more customers leave, in all its neighbourhoods alike, than is explained."
    return (
        f"{compared}: behind {found} of them more customers left, in all its neighbourhoods alike, than is explained."
    )
