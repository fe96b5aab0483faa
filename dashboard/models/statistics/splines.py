"""Restricted cubic splines (Harrell 2015, Regression Modeling Strategies, section 2.4.5)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def restricted_cubic_spline(values: Floats, knots: Floats) -> Floats:
    """(n, max(1, knots - 1)) columns: the value itself, then cubic parts that are straight outside the knots."""
    columns = [values]
    if knots.size >= 3:
        last, before = knots[-1], knots[-2]

        def cubed(knot: float) -> Floats:
            return np.maximum(values - knot, 0.0) ** 3

        for knot in knots[:-2]:
            part = (
                cubed(knot)
                - cubed(before) * (last - knot) / (last - before)
                + cubed(last) * (before - knot) / (last - before)
            )
            columns.append(part / (last - knots[0]) ** 2)
    return np.stack(columns, axis=-1)
