"""The incidents that notices may be due for, as the operations database has them, with what was told of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.published import ACKNOWLEDGEMENTS, INCIDENT_DEVICES, INCIDENTS, NOTICES
from dashboard.operations import silences
from dashboard.operations.inventory_sites import Network

Told = Mapping[str, tuple[str, ...]]
"""By receiver: the events that it was told of one incident, or that wait in the queue, in their order."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident now. ``customers`` is how many it ever touched, None where the inventory counts none;
    ``customers_now`` and ``devices_now`` those of the devices that are in it still. ``is_root_in`` says whether its root
    is among these (None: it never was). ``into`` is the open incident that its root belongs to instead.
    """

    incident_id: str
    kind: str
    scope: str
    measure: str | None
    root: str | None
    areas: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None
    detected_by: str
    devices: int
    devices_now: int
    customers: int | None
    customers_now: int
    minutes_lost: float
    is_root_in: bool | None
    is_at_customer: bool
    is_silenced: bool
    taken_up_by: str | None
    into: str | None


def read(
    connection: sa.Connection, network: Network, receivers: Collection[str], at: datetime
) -> list[tuple[Incident, Told]]:
    """The open incidents, and those that ended and of which some receiver was told the beginning only."""
    rows = list(connection.execute(sa.select(INCIDENTS).where(_wanted(receivers))).mappings())
    keys = [row["incident_id"] for row in rows]
    if not keys:
        return []
    members, takers, told = _members(connection, keys), _takers(connection, keys), _told(connection, keys)
    silent = silences.held(connection, at)
    now_in = _now_in(connection, [row["root_device_id"] for row in rows if row["ended_at"] is not None])
    found: list[tuple[Incident, Told]] = []
    for row in rows:
        key = row["incident_id"]
        values = _values(row, members.get(key, []), network, silent)
        values |= {"taken_up_by": takers.get(key), "into": now_in.get(row["root_device_id"])}
        found.append((Incident(**values), told.get(key, {})))
    return found


def _wanted(receivers: Collection[str]) -> sa.ColumnElement[bool]:
    later = NOTICES.alias()
    is_ended = (
        sa.exists()
        .where(later.c.receiver == NOTICES.c.receiver, later.c.incident_id == NOTICES.c.incident_id)
        .where(later.c.number > NOTICES.c.number, later.c.event == "ended")
    )
    begun = sa.select(NOTICES.c.incident_id).where(
        NOTICES.c.receiver.in_(receivers), NOTICES.c.event.in_(("opened", "reopened")), ~is_ended
    )
    return sa.or_(INCIDENTS.c.ended_at.is_(None), INCIDENTS.c.incident_id.in_(begun))


def _values(row: Mapping[Any, Any], members: Sequence[Any], network: Network, silent: list[Any]) -> dict[str, Any]:
    inside = {one.device_id: one.subscribers for one in members if one.ended_at is None}
    root = row["root_device_id"]
    own = (row["area"],) if row["area"] else ()
    areas = tuple(sorted({one.area for one in members if one.area})) or own
    site = network.sites.get(root) if root else None
    return {
        **{name: row[name] for name in ("incident_id", "kind", "scope", "measure", "started_at", "ended_at")},
        "root": root,
        "areas": areas,
        "detected_by": row["detected_by"],
        "devices": row["devices_affected"],
        "devices_now": len(inside),
        "customers": row["subscribers_affected"] if network.is_counted or row["subscribers_affected"] else None,
        "customers_now": sum(inside.values()),
        "minutes_lost": row["customer_minutes_lost"],
        "is_root_in": root in inside if any(one.device_id == root for one in members) else None,
        "is_at_customer": root in network.customers_devices,
        "is_silenced": bool(silences.covering(silent, root=root, site=site, areas=areas)),
    }


def _members(connection: sa.Connection, keys: list[str]) -> dict[str, list[Any]]:
    table = INCIDENT_DEVICES.c
    query = sa.select(table.incident_id, table.device_id, table.area, table.subscribers, table.ended_at)
    found: dict[str, list[Any]] = {}
    for row in connection.execute(query.where(table.incident_id.in_(keys))):
        found.setdefault(row.incident_id, []).append(row)
    return found


def _takers(connection: sa.Connection, keys: list[str]) -> dict[str, str]:
    """Who said last that they have taken it up, by incident."""
    notes = ACKNOWLEDGEMENTS.c
    query = sa.select(notes.incident_id, notes.acknowledged_by).where(notes.incident_id.in_(keys))
    return {str(key): str(by) for key, by in connection.execute(query.order_by(notes.acknowledged_at))}


def _told(connection: sa.Connection, keys: list[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    table = NOTICES.c
    query = sa.select(table.incident_id, table.receiver, table.event).where(table.incident_id.in_(keys))
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for key, receiver, event in connection.execute(query.order_by(table.number)):
        of = found.setdefault(key, {})
        of[receiver] = (*of.get(receiver, ()), event)
    return found


def _now_in(connection: sa.Connection, roots: list[str]) -> dict[str, str]:
    """The open incidents that these devices are in, by device."""
    members = INCIDENT_DEVICES.c
    query = (
        sa.select(members.device_id, members.incident_id)
        .join(INCIDENTS, INCIDENTS.c.incident_id == members.incident_id)
        .where(INCIDENTS.c.ended_at.is_(None), members.ended_at.is_(None), members.device_id.in_(roots))
    )
    return {str(device): str(key) for device, key in connection.execute(query)}
