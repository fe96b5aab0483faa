"""Where a device stands in the network: what it hangs from, what hangs from it, and how much is behind it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.operations.live.live_state import MOST_LEVELS, customers_behind, shown_states

Row = Mapping[Hashable, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """``above`` are the rows of the devices that it hangs from, the topmost first; ``missing_parent`` is the last name
    on that way that no table has. ``below`` are the rows of those that hang from it directly.

    Rows have the columns of LIVE with ``state`` as pages show it and ``behind``, the customers behind the device.
    ``devices_behind`` counts all that hang from it, at any depth.
    """

    own: Row
    above: tuple[Row, ...]
    missing_parent: str | None
    below: pd.DataFrame
    devices_behind: int


def place(devices: pd.DataFrame, device_id: str) -> Place | None:
    """The place of ``device_id`` among ``devices`` (rows of LIVE); None where it is not among them."""
    table = devices.assign(state=shown_states(devices), behind=customers_behind(devices))
    table = table.set_index("device_id", drop=False).rename_axis(None)
    if device_id not in table.index:
        return None
    own = _row(table, device_id)
    above, missing = _above(table, own)
    return Place(own, above, missing, table[table["parent"] == device_id], _count_behind(table, device_id))


def _row(table: pd.DataFrame, device_id: str) -> Row:
    return dict(table.loc[[device_id]].to_dict("records")[0])


def _above(table: pd.DataFrame, own: Row) -> tuple[tuple[Row, ...], str | None]:
    found: list[Row] = []
    seen, parent = {own["device_id"]}, own["parent"]
    while isinstance(parent, str) and parent and parent not in seen and len(found) < MOST_LEVELS:
        if parent not in table.index:
            return tuple(reversed(found)), parent
        seen.add(parent)
        found.append(_row(table, parent))
        parent = found[-1]["parent"]
    return tuple(reversed(found)), None


def _count_behind(table: pd.DataFrame, device_id: str) -> int:
    """Level by level; a ring in the topology ends where it comes back."""
    seen, level = {device_id}, {device_id}
    for _ in range(MOST_LEVELS):
        level = set(table.index[table["parent"].isin(level)]) - seen
        if not level:
            break
        seen |= level
    return len(seen) - 1
