"""Where things stand: areas of one technology each, their access nodes, and the nodes that five areas share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

FIRST = date(2025, 1, 6)
WEEKS = 56
BEFORE = 28
"""Weeks of quality before the first that anybody observed: what is remembered reaches back into them."""
NODES_EACH, AREAS_EACH = 3, 5
TECHNOLOGIES: tuple[str, ...] = ("fibre", "cable", "wireless")
HAZARDS = np.array([0.85, 1.0, 1.3])
"""By technology, whatever the quality: who compares areas without a thought blames quality for it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """``area`` (nodes,) of each access node, ``technology`` and ``root`` (areas,) of each area."""

    areas: int
    area: Codes
    technology: Codes
    root: Codes

    @property
    def nodes(self) -> int:
        return self.area.size

    @property
    def roots(self) -> int:
        return int(self.root.max()) + 1

    @property
    def area_names(self) -> list[str]:
        return [f"q{place:03}" for place in range(self.areas)]

    @property
    def node_names(self) -> list[str]:
        return [f"n{place:04}" for place in range(self.nodes)]


def lay_out(random: np.random.Generator, areas: int) -> Layout:
    technology = random.permutation(np.arange(areas) % len(TECHNOLOGIES))
    return Layout(areas, np.repeat(np.arange(areas), NODES_EACH), technology, np.arange(areas) // AREAS_EACH)
