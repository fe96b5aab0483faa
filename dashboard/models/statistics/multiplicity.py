"""Corrections for having looked many times: Holm over named effects, Benjamini and Hochberg over neighbourhoods; p-values in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's (1979) adjusted p-values, which hold the family-wise error; a p-value that is nan stays nan."""
    p = np.asarray(p_values, float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = known.size - np.arange(known.size)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors)) if known.size else []
    return adjusted


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """Benjamini and Hochberg's (1995) adjusted p-values, which hold the share of false finds; nan stays nan."""
    p = np.asarray(p_values, float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    if known.size:
        order = known[np.argsort(-p[known], kind="stable")]
        factors = known.size / np.arange(known.size, 0, -1)
        adjusted[order] = np.minimum(1.0, np.minimum.accumulate(p[order] * factors))
    return adjusted


def said_p(p_value: float) -> str:
    """'p = 0.012', 'p < 0.001'."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
