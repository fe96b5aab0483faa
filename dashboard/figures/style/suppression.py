"""Which areas are too small to be shown separately, so that no customer can be made out: the one rule for all that
management sees: pages, downloads, reports, plans and what callbacks answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

BY_AREA = (
    "area_rates",
    "ranking",
    "area_drivers",
    "avoidable",
    "loyalty",
    "contract_cliff",
    "area_nps",
    "returners",
    "incident_effects",
    "local_changes",
    "shared_nodes",
)
"""Tables of results that have rows of single areas, beside area_weeks."""
MERGED = ""
"""The area of weeks that belong to hidden areas: they count for the provider and for nobody else."""


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


def small_areas(results: Results, minimum: int) -> frozenset[str]:
    """The areas that are not shown separately to management."""
    return results.hidden or suppress(_customers(results), minimum)


def tellable(results: Results, minimum: int) -> Results:
    """``results`` without what single hidden areas would be told by; sums over the whole provider stay what they are.

    Where a device has a hidden area behind it, nothing is said of all its areas together: the others could be taken from it.
    """
    hidden = small_areas(results, minimum)
    if not hidden:
        return results
    tables: dict[str, Any] = {name: _without(getattr(results, name), hidden) for name in BY_AREA}
    nodes = results.shared_nodes.loc[results.shared_nodes["area"].isin(hidden), "node"].dropna()
    tables["shared_nodes"] = tables["shared_nodes"][~tables["shared_nodes"]["node"].isin(nodes)]
    weeks = results.area_weeks
    merged = weeks.assign(area=weeks["area"].mask(weeks["area"].isin(hidden), MERGED))
    return replace(results, hidden=hidden, area_weeks=merged, **tables)


def too_small(minimum: int) -> str:
    """Why an area is hidden, in words that do not tell which of the two holds."""
    return f"it has fewer than {minimum} customers, or showing it would reveal an area that has"


def _without(table: pd.DataFrame, hidden: frozenset[str]) -> pd.DataFrame:
    return table[~table["area"].isin(hidden)]


def _customers(results: Results) -> dict[str, int]:
    """Customers on the cut-off day or, where an area has none left, the most that it had in a week."""
    days = results.area_weeks.groupby("area")["customer_days"].max()
    most = {str(area): math.ceil(value / 7) for area, value in days.items()}
    today = zip(results.ranking["area"], results.ranking["customers"].astype(int), strict=True)
    return most | {area: people for area, people in today if people > 0}
