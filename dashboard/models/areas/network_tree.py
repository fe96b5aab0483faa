"""Which neighbourhoods stand behind the same device of the network, of all that have one device above nine in ten of their customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

FEWEST_PLACED = 10
FEWEST_BEHIND = 3
"""Neighbourhoods that a node must have behind it, and as many that it must not."""
NOT_PLACED = (
    "its place in the network is not known: fewer than nine in ten of its customers are behind one device of the inventory,"
    " or have been over the year"
)
TOO_FEW_LEAVERS = "too few customers were to be expected to leave here to compare it with others"
TOO_FEW = (
    f"too few neighbourhoods have a known place in the network to compare them: {FEWEST_PLACED} are needed, whose customers hang on"
    " devices of the inventory"
)
NOTHING_SHARED = (
    f"no device of the network has {FEWEST_BEHIND} neighbourhoods behind it and {FEWEST_BEHIND} others not, so that there is"
    " nothing to compare"
)
ALONE = f"no device above it has {FEWEST_BEHIND} neighbourhoods behind it and {FEWEST_BEHIND} others not"


@dataclass(frozen=True, slots=True)
class Tree:
    """The ``areas``, which of them are ``placed`` (areas,), and the ``nodes`` with what is ``behind`` each (nodes, areas).

    ``lowest`` (areas,) is the place of the node with the fewest neighbourhoods that an area is behind, -1 where it is behind none.
    ``notes`` (areas,) say why an area is compared with nothing; None where it is. ``why`` says why nothing can be compared at all.
    """

    areas: tuple[str, ...]
    placed: Flags
    nodes: tuple[str, ...]
    behind: Flags
    lowest: Codes
    notes: tuple[str | None, ...]
    why: str | None


def tree(area_nodes: pd.DataFrame, areas: Sequence[str], enough: Flags) -> Tree:
    """Of the panel's ``area_nodes``; ``enough`` (areas,) says of which areas enough is known to compare them.

    Of devices with the same neighbourhoods behind them only the lowest is a node: what holds for one holds for the other.
    """
    names, grid = _grid(area_nodes, areas)
    placed = grid.any(axis=0) & enough
    behind = grid & placed
    sizes = behind.sum(axis=1)
    may = (sizes >= FEWEST_BEHIND) & (placed.sum() - sizes >= FEWEST_BEHIND)
    chosen = list({behind[place].tobytes(): place for place in np.flatnonzero(may)[::-1].tolist()}.values())
    kept = behind[chosen]
    lowest = np.full(len(areas), -1)
    for node in np.argsort(-kept.sum(axis=1), kind="stable"):
        lowest[kept[node]] = node
    why = TOO_FEW if placed.sum() < FEWEST_PLACED else NOTHING_SHARED if not chosen else None
    is_known = grid.sum(axis=0) > 0
    notes = tuple(
        (why or (ALONE if lowest[area] < 0 else None))
        if placed[area]
        else TOO_FEW_LEAVERS
        if is_known[area]
        else NOT_PLACED
        for area in range(len(areas))
    )
    return Tree(tuple(areas), placed, tuple(names[place] for place in chosen), kept, lowest, notes, why)


def _grid(area_nodes: pd.DataFrame, areas: Sequence[str]) -> tuple[list[str], Flags]:
    """The devices, the lowest first, and which areas are behind each (devices, areas)."""
    steps = area_nodes.groupby("node")["steps_up"].min()
    names = [str(node) for node in steps.reset_index().sort_values(["steps_up", "node"])["node"]]
    grid = np.zeros((len(names), len(areas)), dtype=bool)
    node, area = (
        pd.Index(known).get_indexer(pd.Index(area_nodes[name]))
        for known, name in ((names, "node"), (list(areas), "area"))
    )
    grid[node[area >= 0], area[area >= 0]] = True
    return names, grid
