"""Areas with so few complaints that those which join nobody may be theirs: a region that moved to another system keeps
its customers and loses its complaints, while the provider's share of rows that join still looks well."""

from __future__ import annotations

import math
from collections.abc import Mapping

SHARE = 0.5
"""Of what the others lead one to expect: areas that are truly quiet are seldom below it, and one that lost its rows is."""
CHANCE = 0.01


def in_doubt(counted: Mapping[str, int], weight: Mapping[str, float], lost: int) -> tuple[str, ...]:
    """The areas whose count is below half of that expected, beyond chance, and not if the ``lost`` rows were theirs.

    ``weight`` is what counts are proportional to: customer-days, or the area's own earlier complaints.
    """
    if not lost:
        return ()
    rows, whole = sum(counted.values()), sum(weight.values())
    return tuple(
        area
        for area, own in sorted(weight.items())
        if 0 < own < whole
        and _is_in_doubt(counted.get(area, 0), (rows - counted.get(area, 0)) * own / (whole - own), lost)
    )


def _is_in_doubt(counted: int, expected: float, lost: int) -> bool:
    least = SHARE * expected
    return counted < least <= counted + lost and chance_of_at_most(counted, least) < CHANCE


def chance_of_at_most(counted: int, mean: float) -> float:
    """Poisson's chance of ``counted`` events or fewer."""
    return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(counted + 1))
