"""One change of an incident as rows of the operations database; writing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from collector.config import Shard
from collector.published import INCIDENT_DEVICES, INCIDENTS
from collector.reading import Device, IncidentChange, OpenIncident

Entry = dict[str, Any]
LINE_VERSION = 1
"""The version of an entry in a journal; entries of Bairro 0.1 have none and count as version 1."""


def entry(
    change: IncidentChange, devices: Mapping[str, Device], at: float | None = None, *, has_own_root: bool = True
) -> Entry:
    """``change`` as plain values, with the areas and subscribers of the devices as they are now.

    ``has_own_root`` is False where another shard owns the root.
    """
    times = [change.started_at, *(t for _, t in change.joined), *(t for _, t in change.left)]
    root = devices.get(change.root) if change.root is not None else None
    return {
        "version": LINE_VERSION,
        "id": change.incident_id,
        "kind": change.kind,
        "scope": change.scope,
        "root": change.root,
        "measure": change.measure,
        "has_own_root": has_own_root,
        "area": root.area if root is not None else None,
        "started": change.started_at,
        "ended": change.ended_at,
        "at": max(times) if at is None else at,
        "joined": [[name, since, *_customers(devices.get(name))] for name, since in change.joined],
        "left": [[name, until] for name, until in change.left],
    }


def write(connection: sa.Connection, entry: Entry, detected_by: str) -> None:
    """Bring incident and members up to ``entry`` and add up who is affected."""
    values = {
        "root_device_id": entry["root"],
        "scope": entry["scope"],
        "area": entry["area"],
        "kind": entry["kind"],
        "measure": entry.get("measure"),
        "started_at": _moment(entry["started"]),
        "ended_at": None if entry["ended"] is None else _moment(entry["ended"]),
    }
    this = INCIDENTS.c.incident_id == entry["id"]
    if connection.execute(sa.select(INCIDENTS.c.area).where(this)).first() is None:
        totals = {"devices_affected": 0, "subscribers_affected": 0, "customer_minutes_lost": 0.0}
        row = {"incident_id": entry["id"], "detected_by": detected_by, **values, **totals}
        connection.execute(sa.insert(INCIDENTS).values(row))
    attach(connection, entry, entry["id"])
    if entry["area"] is None:
        del values["area"]  # the root left the inventory: its area stays as it was
    members = _members(connection, entry["id"])
    if entry["ended"] is not None:
        values["ended_at"] = _end(members, _moment(entry["ended"]))
    totals = _totals(entry["kind"], members, _moment(entry["at"]))
    connection.execute(sa.update(INCIDENTS).where(this).values(**values, **totals))


def attach(connection: sa.Connection, entry: Entry, incident_id: str) -> None:
    """Bring the members up to ``entry``, in the incident ``incident_id``, which another may have written."""
    _join(connection, entry, incident_id)
    _leave(connection, entry, incident_id)


def settle(connection: sa.Connection, detected_by: str, *, open_here: Collection[str], at: float, since: float) -> int:
    """Update rows of this collector with what all shards have recorded of their devices; returns how many changed.

    An incident ends when no shard has a device in it any more and it is not open here. Rows that ended before
    ``since`` are left as they are.
    """
    rows = connection.execute(
        sa.select(INCIDENTS).where(
            INCIDENTS.c.detected_by == detected_by,
            INCIDENTS.c.kind != "blind",
            sa.or_(INCIDENTS.c.ended_at.is_(None), INCIDENTS.c.ended_at >= _moment(since)),
        )
    ).all()
    changed = 0
    for row in rows:
        members = _members(connection, row.incident_id)
        values = _totals(row.kind, members, _moment(at))
        is_open = row.incident_id in open_here
        values["ended_at"] = None if is_open else _end(members, row.ended_at or row.started_at)
        if any(getattr(row, name) != value for name, value in values.items()):
            this = INCIDENTS.c.incident_id == row.incident_id
            connection.execute(sa.update(INCIDENTS).where(this).values(**values))
            changed += 1
    return changed


def take_over(connection: sa.Connection, shard: Shard, is_own_root: Callable[[str | None], bool]) -> None:
    """Open incidents of shards that are no more fall to the present owner of their root."""
    rows = connection.execute(
        sa.select(INCIDENTS.c.incident_id, INCIDENTS.c.root_device_id).where(
            INCIDENTS.c.ended_at.is_(None), INCIDENTS.c.detected_by.not_in(shard.names)
        )
    ).all()
    for row in rows:
        if is_own_root(row.root_device_id):
            this = INCIDENTS.c.incident_id == row.incident_id
            connection.execute(sa.update(INCIDENTS).where(this).values(detected_by=shard.name))


def open_incidents(
    connection: sa.Connection, detected_by: str, is_polled: Callable[[str], bool] | None = None
) -> tuple[OpenIncident, ...]:
    """The incidents that are not ended and are this collector's, with the devices that are in them.

    Those of others are among them where a device is in them that ``is_polled`` here, with such devices alone.
    """
    open_rows = connection.execute(
        sa.select(INCIDENTS).where(INCIDENTS.c.ended_at.is_(None)).order_by(INCIDENTS.c.started_at)
    ).all()
    members: dict[str, list[tuple[str, float]]] = {row.incident_id: [] for row in open_rows}
    own = {row.incident_id for row in open_rows if row.detected_by == detected_by}
    is_open = sa.select(INCIDENTS.c.incident_id).where(INCIDENTS.c.ended_at.is_(None))
    rows = sa.select(INCIDENT_DEVICES).where(
        INCIDENT_DEVICES.c.incident_id.in_(is_open), INCIDENT_DEVICES.c.ended_at.is_(None)
    )
    for row in connection.execute(rows):
        if row.incident_id in own if is_polled is None else is_polled(row.device_id):
            members[row.incident_id].append((row.device_id, row.started_at.timestamp()))
    incidents = [row for row in open_rows if row.incident_id in own or members[row.incident_id]]
    ended = sa.func.max(INCIDENT_DEVICES.c.ended_at, type_=INCIDENT_DEVICES.c.ended_at.type)
    last = sa.select(INCIDENT_DEVICES.c.incident_id, ended.label("at")).where(
        INCIDENT_DEVICES.c.incident_id.in_(is_open)
    )
    last_left = {
        row.incident_id: row.at.timestamp()
        for row in connection.execute(last.group_by(INCIDENT_DEVICES.c.incident_id))
        if row.at is not None
    }
    return tuple(
        OpenIncident(
            incident.incident_id,
            incident.kind,
            incident.scope,
            incident.root_device_id,
            incident.started_at.timestamp(),
            tuple(sorted(members[incident.incident_id])),
            incident.measure,
            last_left.get(incident.incident_id),
        )
        for incident in incidents
    )


def _join(connection: sa.Connection, entry: Entry, incident_id: str) -> None:
    if not entry["joined"]:
        return
    table = INCIDENT_DEVICES
    known = {
        (row.device_id, row.started_at)
        for row in connection.execute(
            sa.select(table.c.device_id, table.c.started_at).where(table.c.incident_id == incident_id)
        )
    }
    rows = [
        {
            "incident_id": incident_id,
            "device_id": name,
            "started_at": _moment(since),
            "area": area,
            "subscribers": subscribers,
        }
        for name, since, area, subscribers in entry["joined"]
        if (name, _moment(since)) not in known
    ]
    if rows:
        connection.execute(sa.insert(table), rows)


def _leave(connection: sa.Connection, entry: Entry, incident_id: str) -> None:
    """End memberships; one that lasted no time (its incident went into another) is taken out."""
    table = INCIDENT_DEVICES
    is_open = (
        (table.c.incident_id == incident_id)
        & (table.c.device_id == sa.bindparam("device"))
        & table.c.ended_at.is_(None)
    )
    left = [{"device": name, "until": _moment(until)} for name, until in entry["left"]]
    if left:
        until = sa.bindparam("until", type_=table.c.ended_at.type)
        connection.execute(sa.delete(table).where(is_open & (table.c.started_at == until)), left)
        connection.execute(sa.update(table).where(is_open & (table.c.started_at < until)).values(ended_at=until), left)


def _members(connection: sa.Connection, incident_id: str) -> Sequence[Any]:
    """The rows of the devices that are or were in the incident, those of other shards among them."""
    table = INCIDENT_DEVICES
    return connection.execute(
        sa.select(table.c.device_id, table.c.subscribers, table.c.started_at, table.c.ended_at).where(
            table.c.incident_id == incident_id
        )
    ).all()


def _end(members: Sequence[Any], at: datetime) -> datetime | None:
    """When an incident that ended here ``at`` ended for all; None while a device of another shard is in it."""
    if any(member.ended_at is None for member in members):
        return None
    return max([at, *(member.ended_at for member in members)])


def _totals(kind: str, members: Sequence[Any], until: datetime) -> dict[str, Any]:
    """Devices and subscribers that were ever in the incident, and the customer-minutes that they were without.

    A degradation takes no service away: it has customers affected, and no minutes lost.
    """
    lost = members if kind != "degradation" else []
    minutes = sum(
        row.subscribers * max(0.0, ((row.ended_at or until) - row.started_at).total_seconds()) / 60 for row in lost
    )
    return {
        "devices_affected": len({row.device_id for row in members}),
        "subscribers_affected": sum({row.device_id: row.subscribers for row in members}.values()),
        "customer_minutes_lost": minutes,
    }


def _customers(device: Device | None) -> tuple[str, int]:
    return ("", 0) if device is None else (device.area, device.subscribers)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
