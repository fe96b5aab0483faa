"""One change of an incident as rows of the operations database; writing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from collector.published import INCIDENT_DEVICES, INCIDENTS
from collector.reading import Device, IncidentChange, OpenIncident

Entry = dict[str, Any]


def entry(change: IncidentChange, devices: Mapping[str, Device], at: float | None = None) -> Entry:
    """``change`` as plain values, with the areas and subscribers of the devices as they are now."""
    times = [change.started_at, *(t for _, t in change.joined), *(t for _, t in change.left)]
    root = devices.get(change.root) if change.root is not None else None
    return {
        "id": change.incident_id,
        "kind": change.kind,
        "scope": change.scope,
        "root": change.root,
        "measure": change.measure,
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
    _join(connection, entry)
    _leave(connection, entry)
    if entry["area"] is None:
        del values["area"]  # the root left the inventory: its area stays as it was
    connection.execute(sa.update(INCIDENTS).where(this).values(**values, **_totals(connection, entry)))


def open_incidents(connection: sa.Connection, detected_by: str) -> tuple[OpenIncident, ...]:
    """The incidents of this collector that are not ended, with the devices that are in them."""
    incidents = connection.execute(
        sa.select(INCIDENTS)
        .where(INCIDENTS.c.ended_at.is_(None), INCIDENTS.c.detected_by == detected_by)
        .order_by(INCIDENTS.c.started_at)
    ).all()
    members: dict[str, list[tuple[str, float]]] = {incident.incident_id: [] for incident in incidents}
    ours = sa.select(INCIDENTS.c.incident_id).where(
        INCIDENTS.c.ended_at.is_(None), INCIDENTS.c.detected_by == detected_by
    )
    rows = sa.select(INCIDENT_DEVICES).where(
        INCIDENT_DEVICES.c.incident_id.in_(ours), INCIDENT_DEVICES.c.ended_at.is_(None)
    )
    for row in connection.execute(rows):
        members[row.incident_id].append((row.device_id, row.started_at.timestamp()))
    return tuple(
        OpenIncident(
            incident.incident_id,
            incident.kind,
            incident.scope,
            incident.root_device_id,
            incident.started_at.timestamp(),
            tuple(sorted(members[incident.incident_id])),
            incident.measure,
        )
        for incident in incidents
    )


def _join(connection: sa.Connection, entry: Entry) -> None:
    if not entry["joined"]:
        return
    table = INCIDENT_DEVICES
    known = {
        (row.device_id, row.started_at)
        for row in connection.execute(
            sa.select(table.c.device_id, table.c.started_at).where(table.c.incident_id == entry["id"])
        )
    }
    rows = [
        {
            "incident_id": entry["id"],
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


def _leave(connection: sa.Connection, entry: Entry) -> None:
    """End memberships; one that lasted no time (its incident went into another) is taken out."""
    table = INCIDENT_DEVICES
    is_open = (
        (table.c.incident_id == entry["id"])
        & (table.c.device_id == sa.bindparam("device"))
        & table.c.ended_at.is_(None)
    )
    left = [{"device": name, "until": _moment(until)} for name, until in entry["left"]]
    if left:
        until = sa.bindparam("until", type_=table.c.ended_at.type)
        connection.execute(sa.delete(table).where(is_open & (table.c.started_at == until)), left)
        connection.execute(sa.update(table).where(is_open & (table.c.started_at < until)).values(ended_at=until), left)


def _totals(connection: sa.Connection, entry: Entry) -> dict[str, Any]:
    """Devices and subscribers that were ever in the incident, and the customer-minutes that they were without.

    A degradation takes no service away: it has customers affected, and no minutes lost.
    """
    table = INCIDENT_DEVICES
    rows = connection.execute(
        sa.select(table.c.device_id, table.c.subscribers, table.c.started_at, table.c.ended_at).where(
            table.c.incident_id == entry["id"]
        )
    ).all()
    until = _moment(entry["at"])
    lost = rows if entry["kind"] != "degradation" else []
    minutes = sum(
        row.subscribers * max(0.0, ((row.ended_at or until) - row.started_at).total_seconds()) / 60 for row in lost
    )
    return {
        "devices_affected": len({row.device_id for row in rows}),
        "subscribers_affected": sum({row.device_id: row.subscribers for row in rows}.values()),
        "customer_minutes_lost": minutes,
    }


def _customers(device: Device | None) -> tuple[str, int]:
    return ("", 0) if device is None else (device.area, device.subscribers)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
