"""On which side of no difference an estimate lies with its interval: the one place where an interval becomes a verdict."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any

TOLERANCE = 1e-9
"""By how much an estimate may lie beyond its own interval, relative to the larger of both: rounding, no more."""


class Side(enum.Enum):
    """What an interval says of the difference: more, less, either, or nothing because it is not known."""

    ABOVE = "above"
    BELOW = "below"
    EITHER = "either"
    UNKNOWN = "unknown"


def side_of(estimate: Any, low: Any, high: Any, *, none: float = 0.0) -> Side:
    """The side of ``none`` (0 for differences, 1 for ratios) on which all of the interval lies.

    An interval that holds or touches ``none`` says neither. Infinite ends are ends: such an interval is one-sided.
    Where the estimate or an end is missing, the ends are in the wrong order, or the estimate lies outside its own
    interval, nothing is known.
    """
    values = [_number(value) for value in (low, estimate, high)]
    if any(math.isnan(value) for value in values) or not math.isfinite(values[1]):
        return Side.UNKNOWN
    bottom, middle, top = values
    slack = TOLERANCE * max(1.0, *(abs(value) for value in values if math.isfinite(value)))
    if bottom > top or not bottom - slack <= middle <= top + slack:
        return Side.UNKNOWN
    if bottom > none:
        return Side.ABOVE
    return Side.BELOW if top < none else Side.EITHER


def side_in(row: Mapping[Any, Any], column: str, *, none: float = 0.0) -> Side:
    """`side_of` the estimate in ``column`` of a table's row, and the ends beside it."""
    return side_of(row[column], row[f"{column}_low"], row[f"{column}_high"], none=none)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):  # None, NA, NaT
        return math.nan
