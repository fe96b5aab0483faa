"""Whom to call after an incident: the provider's own list, hashed with the key, beside who was served at the time.

Nothing that leads back to a person is stored: the list's ids are hashed in memory, and the ids in the answer are those
that the list brought.
"""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa

from bairro_error import BairroError
from collector.published import INCIDENT_DEVICES, INCIDENTS
from dashboard import spreadsheet
from dashboard.config import DashboardSettings
from dashboard.operations import audit
from dashboard.tables import quality_hours
from dashboard.tables.imports import customer_key, hashed_ids, records
from dashboard.tables.readers import repeated_columns
from dashboard.tables.readers.sheets import Sheet, column_name

COLUMNS = ("customer_id", "why", "device_id", "area", "from", "to", "minutes", "left_on")
WORDS = {"outage": "without service", "planned": "without service during planned work", "degradation": "degraded"}


class OutreachError(BairroError, ValueError):
    """Nobody can be found, or nothing written; the message says why."""


# Who was served by one of the devices while it was out, by what the records said of those days.
SERVED = """
WITH held AS (
    SELECT customer_id, area, device_id, greatest(valid_from, started_on) AS from_day,
        coalesce(lead(valid_from) OVER spell, DATE '9999-12-31') AS to_day,
        last_value(ended_on) OVER (spell ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS left_on,
        row_number() OVER spell = 1 AS is_first
    FROM customers
    WINDOW spell AS (PARTITION BY customer_id, started_on ORDER BY valid_from)
)
SELECT held.customer_id, held.area, held.left_on, hits.*,
    held.from_day <= hits.last_day AS is_known_then
FROM held
JOIN hits USING (device_id)
WHERE held.to_day > hits.first_day AND coalesce(held.left_on, DATE '9999-12-31') >= hits.first_day
    AND (held.from_day <= hits.last_day OR held.is_first)
"""


@dataclass(frozen=True)
class _Hit:
    """One device that customers hung on, the device of the incident that it is attributed to, and how long it was out."""

    device_id: str
    out_device: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Outreach:
    """The rows to call (as in COLUMNS, those longest out first) and what is to be said of them."""

    incident_id: str
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def outreach(
    engine: sa.Engine, settings: DashboardSettings, incident: str, listed: Sheet, *, id_column: str, now: datetime
) -> Outreach:
    """The customers of ``listed`` who were served by devices of ``incident`` (its id, or the beginning of it) when it
    happened: their ``device_id`` at the time, or a device behind one of the incident's.

    Raises OutreachError and audit.EntryError.
    """
    own = _own_ids(listed, column_name(id_column), settings)
    row, members = _incident(engine, incident)
    hits = _hits(members, settings.data)
    zone = ZoneInfo(settings.timezone)
    served = _served(hits, settings, zone, now)
    then = [one for one in served if one["is_known_then"]]
    affected = {one["customer_id"] for one in then}
    late = {one["customer_id"] for one in served} - affected
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in then:
        if one["customer_id"] in own:
            calls[own[one["customer_id"]]].append(one)
    rows = [_call(own_id, found, row["kind"], zone, now) for own_id, found in calls.items()]
    out = {member["device_id"] for member in members}
    notes = [
        f"{len(out):,} devices of the incident, {len({hit.device_id for hit in hits}):,} with those behind them;"
        f" {len(affected):,} customers were served by them according to the records, {len(rows):,} of these are on the list"
    ]
    known = set(records.read("customers", settings.data).column("customer_id").to_pylist())
    if unknown := len(set(own) - known):
        notes.append(
            f"{unknown:,} {'id' if unknown == 1 else 'ids'} of the list {'is' if unknown == 1 else 'are'} not among the imported customers"
        )
    if late:
        notes.append(
            f"{len(late):,} customers on those devices are on record only from a later day on, and are left out"
        )
    if not rows:
        notes.append(_why_nobody(own, known, affected))
    rows.sort(key=lambda call: (-int(call[6]), call[0]))
    return Outreach(row["incident_id"], tuple(rows), tuple(notes))


def write(found: Outreach, path: Path, settings: DashboardSettings) -> None:
    """Write the rows as CSV that only its owner may read. Raises OutreachError for a place inside the data folder."""
    if path.resolve().is_relative_to(settings.data.resolve()):
        raise OutreachError(f"{path}: lies inside the data folder, where no customer's own id may be; choose another")
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(spreadsheet.rows([COLUMNS, *found.rows]))
    except OSError as error:
        raise OutreachError(f"{path}: cannot be written: {error.strerror}") from None


def _own_ids(listed: Sheet, name: str, settings: DashboardSettings) -> dict[str, str]:
    """The list's own ids by their hash."""
    if name not in listed.columns:
        there = ", ".join(listed.columns)
        raise OutreachError(f"the list has no column {name}; {listed.header} names {there}: say which with --id-column")
    ids = repeated_columns.as_one(listed, name).drop_null().unique()
    if not len(ids):
        raise OutreachError(f"the list is empty: no row has a {name}")
    key = customer_key.stored_key(settings)
    return dict(zip(hashed_ids.hash_ids(ids, key).to_pylist(), ids.to_pylist(), strict=True))


def _incident(engine: sa.Engine, wanted: str) -> tuple[sa.RowMapping, list[sa.RowMapping]]:
    try:
        with engine.connect() as connection:
            incident_id = audit.one_id(connection, INCIDENTS.c.incident_id, wanted, what="incident")
            chosen = sa.select(INCIDENTS).where(INCIDENTS.c.incident_id == incident_id)
            row = connection.execute(chosen).mappings().one()
            of_it = sa.select(INCIDENT_DEVICES).where(INCIDENT_DEVICES.c.incident_id == incident_id)
            members = list(connection.execute(of_it).mappings())
    except sa.exc.DatabaseError as error:
        raise OutreachError(f"the operations database cannot be read ({error.orig}); run bairro migrate") from None
    if row["kind"] == "blind":
        raise OutreachError(
            f"incident {incident_id} is a time when the collector itself had lost sight of the network: nobody is known to have been without service"
        )
    if not members:
        raise OutreachError(f"incident {incident_id} names no device")
    return row, members


def _hits(members: Iterable[sa.RowMapping], data: Path) -> list[_Hit]:
    """The incident's devices with their times, and whatever hung behind them then, with the times of the nearest."""
    spans = defaultdict(list)
    for member in members:
        spans[member["device_id"]].append((member["started_at"], member["ended_at"]))
    at = min(start for times in spans.values() for start, _ in times)
    children: dict[str, list[str]] = defaultdict(list)
    for device in (
        quality_hours.read_devices(data).select(["device_id", "parent", "valid_from", "valid_to"]).to_pylist()
    ):
        if device["parent"] and device["valid_from"] <= at and (device["valid_to"] is None or device["valid_to"] > at):
            children[device["parent"]].append(device["device_id"])
    hits = []
    for out_device, times in spans.items():
        hits += [_Hit(out_device, out_device, start, end) for start, end in times]
        behind, seen = list(children[out_device]), set(spans)
        while behind:
            device = behind.pop()
            if device not in seen:
                seen.add(device)
                hits += [_Hit(device, out_device, start, end) for start, end in times]
                behind += children[device]
    return hits


def _served(hits: list[_Hit], settings: DashboardSettings, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    customers = records.read("customers", settings.data)
    if not customers.num_rows:
        raise OutreachError("no customers have been imported yet, so it is not known which device serves whom")
    table = pa.table(
        {
            "device_id": pa.array([hit.device_id for hit in hits], pa.string()),
            "number": list(range(len(hits))),
            "first_day": pa.array([hit.started_at.astimezone(zone).date() for hit in hits], pa.date32()),
            "last_day": pa.array([(hit.ended_at or now).astimezone(zone).date() for hit in hits], pa.date32()),
        }
    )
    with contextlib.closing(quality_hours.connect(settings.engine)) as connection:
        connection.register("customers", customers)
        connection.register("hits", table)
        found = connection.sql(SERVED).to_arrow_table().to_pylist()
    return [{**one, "hit": hits[one["number"]]} for one in found]


def _call(own_id: str, found: list[dict[str, Any]], kind: str, zone: ZoneInfo, now: datetime) -> tuple[str, ...]:
    hits = sorted({one["hit"] for one in found}, key=lambda hit: (hit.started_at, hit.device_id))
    first, latest = hits[0], max(found, key=lambda one: one["hit"].started_at)
    span = sum(((hit.ended_at or now) - hit.started_at for hit in hits), timedelta())
    ended = None if any(hit.ended_at is None for hit in hits) else max(hit.ended_at for hit in hits if hit.ended_at)
    where = "" if first.out_device == first.device_id else f" behind {first.out_device}"
    times = f", {len(hits)} times" if len(hits) > 1 else ""
    why = f"device {first.device_id}{where} was {WORDS.get(kind, kind)}{times}{'' if ended else ', and still is'}"
    moments = (_local(first.started_at, zone), _local(ended, zone) if ended else "")
    left_on = str(latest["left_on"] or "")
    return (own_id, why, first.device_id, latest["area"], *moments, str(round(span.total_seconds() / 60)), left_on)


def _local(moment: datetime, zone: ZoneInfo) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(zone):%Y-%m-%d %H:%M}"


def _why_nobody(own: dict[str, str], known: set[str], affected: set[str]) -> str:
    if not set(own) & known:
        return (
            f"none of the list's {len(own):,} ids is among the imported customers: is it the same id as in their export,"
            " written the same way?"
        )
    if not affected:
        return (
            "no imported customer had one of these devices (or one behind them) as device_id when it happened:"
            " are the names those of the inventory?"
        )
    return f"{len(affected):,} customers were served by these devices, and none of them is on the list"
