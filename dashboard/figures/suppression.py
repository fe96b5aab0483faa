"""Which areas are too small to be told of by themselves, so that no customer can be made out."""

from __future__ import annotations

from collections.abc import Mapping


def suppress(customers: Mapping[str, int], minimum: int) -> frozenset[str]:
    """The areas to hide or merge: those under ``minimum`` customers and, where needed, complementary ones.

    Whoever knows the provider's total could take the shown areas from it, which leaves the sum of the hidden ones:
    so at least two areas are hidden together, and they hold at least ``minimum`` customers. The smallest of the
    others are added until that is so (Willenborg and de Waal 2001, secondary suppression for one margin). An area
    without customers has nothing to hide but takes part in no sum either.
    """
    hidden = {area for area, people in customers.items() if 0 < people < minimum}
    if not hidden:
        return frozenset()
    others = sorted((people, area) for area, people in customers.items() if people >= minimum)
    for _, area in others:
        if len(hidden) >= 2 and sum(customers[a] for a in hidden) >= minimum:
            break
        hidden.add(area)
    return frozenset(hidden)
