"""Coordinates that say where nobody lives: one point for all whose address was not found, or degrees cut to a decimal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FEWEST, SHARE = 20, 0.25
"""So many customers with coordinates, and so many of them at one point: more than live in one building."""

Degrees = npt.NDArray[np.float64]


def told(latitudes: Degrees, longitudes: Degrees) -> tuple[str, ...]:
    """Warnings on the coordinates (degrees; NaN where there are none) by which customers are placed in outlines."""
    is_known = np.isfinite(latitudes) & np.isfinite(longitudes) & ((latitudes != 0) | (longitudes != 0))
    points = np.column_stack([latitudes[is_known], longitudes[is_known]])
    if len(points) < FEWEST:
        return ()
    if np.allclose(points, np.round(points, 1), rtol=0, atol=1e-9):
        return (
            "area: all coordinates have one decimal at most, which is about 10 km, so in whose outline customers lie is not"
            " known: export the coordinates in full, or name the area of each customer",
        )
    most = int(np.unique(points, axis=0, return_counts=True)[1].max())
    if most < SHARE * len(points):
        return ()
    return (
        f"area: {most:,} of {len(points):,} customers have the same coordinates, and all of them count in the area of that point:"
        " is it where a program puts addresses that it does not find? Leave these coordinates blank, or name the area of each"
        " customer",
    )
