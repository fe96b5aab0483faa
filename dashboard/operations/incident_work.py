"""What people enter about an incident beside taking it on: customers told, handed over, a note, and taking one back.

Each is a row of the audit, in the transaction that makes it; what was taken back stays there, and counts no more.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.published import ACKNOWLEDGEMENTS, AUDIT, INCIDENTS
from dashboard.operations import audit
from dashboard.operations.audit import EntryError

TAKEN_UP, TOLD, NOTE, HANDED_OVER, TAKEN_BACK = (
    "incident.acknowledge",
    "incident.told",
    "incident.note",
    "incident.hand_over",
    "incident.take_back",
)
MOST_TEXT, MOST_NAME = 2_000, 200

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """One entry that stands: which row of the audit, what was done, by whom, when, with what note, and to whom."""

    audit_id: int
    action: str
    by: str
    at: datetime
    note: str = ""
    to: str = ""


def standing(entries: Iterable[Row]) -> tuple[Done, ...]:
    """The entries of one incident that were not taken back, oldest first."""
    rows = [(row, _details(row)) for row in entries]
    gone = {details.get("audit_id") for row, details in rows if row["action"] == TAKEN_BACK}
    return tuple(
        Done(row["audit_id"], row["action"], row["actor"], row["at"], _text(details, "note"), _text(details, "to"))
        for row, details in rows
        if row["action"] in {TAKEN_UP, TOLD, NOTE, HANDED_OVER} and row["audit_id"] not in gone
    )


def told(engine: sa.Engine, incident: str, note: str, *, by: str, at: datetime) -> str:
    """Customers were told of ``incident`` (its id, or the beginning of it) at ``at``; returns the whole id.

    Raises audit.EntryError, as the others here do.
    """
    return _enter(engine, incident, TOLD, by=by, at=at, note=note)


def note(engine: sa.Engine, incident: str, text: str, *, by: str, at: datetime) -> str:
    """A note for colleagues."""
    if not text.strip():
        raise EntryError("write the note first")
    return _enter(engine, incident, NOTE, by=by, at=at, note=text)


def hand_over(engine: sa.Engine, incident: str, to: str, text: str, *, by: str, at: datetime) -> str:
    """Somebody else goes on with it: from now on it is ``to`` who has taken it on."""
    to = _name(to, "say to whom it is handed over")
    with engine.begin() as connection:
        incident_id = _incident(connection, incident)
        row = {"incident_id": incident_id, "acknowledged_by": to, "acknowledged_at": at, "note": _note(text)}
        acknowledgement_id = str(uuid.uuid4())
        connection.execute(sa.insert(ACKNOWLEDGEMENTS).values(acknowledgement_id=acknowledgement_id, **row))
        details = {"to": to, "note": _note(text), "acknowledgement_id": acknowledgement_id}
        audit.record(connection, HANDED_OVER, incident_id, by=named(by), at=at, details=details)
    return incident_id


def take_back(engine: sa.Engine, incident: str, *, by: str, at: datetime) -> Done:
    """Take back the newest entry of ``incident`` that stands; only who made it may. Returns it."""
    by = named(by)
    with engine.begin() as connection:
        incident_id = _incident(connection, incident)
        rows = connection.execute(sa.select(AUDIT).where(AUDIT.c.subject == incident_id).order_by(AUDIT.c.audit_id))
        entries = [dict(row) for row in rows.mappings()]
        done = standing(entries)
        if not done:
            raise EntryError("there is nothing to take back")
        last = done[-1]
        if last.by != by:
            raise EntryError(f"the newest entry is of {last.by}, who alone may take it back")
        details = next(_details(row) for row in entries if row["audit_id"] == last.audit_id)
        _forget_taking(connection, incident_id, last, details)
        told_of = {"audit_id": last.audit_id, "action": last.action}
        audit.record(connection, TAKEN_BACK, incident_id, by=by, at=at, details=told_of)
    return last


def _forget_taking(connection: sa.Connection, incident_id: str, last: Done, details: Mapping[str, Any]) -> None:
    """Who had it before has it again; the audit keeps that it was otherwise."""
    table = ACKNOWLEDGEMENTS.c
    if last.action == HANDED_OVER:
        wanted = table.acknowledgement_id == details.get("acknowledgement_id")
    elif last.action == TAKEN_UP:
        own = [table.incident_id == incident_id, table.acknowledged_by == last.by, table.acknowledged_at == last.at]
        wanted = sa.and_(*own)
    else:
        return
    connection.execute(sa.delete(ACKNOWLEDGEMENTS).where(wanted))


def _enter(engine: sa.Engine, incident: str, action: str, *, by: str, at: datetime, note: str) -> str:
    with engine.begin() as connection:
        incident_id = _incident(connection, incident)
        audit.record(connection, action, incident_id, by=named(by), at=at, details={"note": _note(note)})
    return incident_id


def _incident(connection: sa.Connection, wanted: str) -> str:
    return audit.one_id(connection, INCIDENTS.c.incident_id, wanted, what="incident")


def named(name: str) -> str:
    """The name that an entry is kept under. Raises EntryError for none."""
    return _name(name, "say who you are first: it is kept with what you enter")


def _name(name: str, otherwise: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise EntryError(otherwise)
    if len(name) > MOST_NAME:
        raise EntryError(f"a name has at most {MOST_NAME} letters")
    return name


def _note(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise EntryError(f"a note has at most {MOST_TEXT:,} letters")
    return text.strip()


def _details(row: Row) -> dict[str, Any]:
    try:
        found = json.loads(row["details"] or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(details: Mapping[str, Any], name: str) -> str:
    found = details.get(name)
    return found if isinstance(found, str) else ""
