"""An operator takes up an incident: who, when, and with what note."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from collector.published import ACKNOWLEDGEMENTS, INCIDENTS
from dashboard.operations import audit


def acknowledge(engine: sa.Engine, incident: str, note: str, *, by: str, at: datetime) -> tuple[str, datetime | None]:
    """Store the acknowledgement of ``incident`` (its id, or the beginning of it); returns the whole id, and when the
    incident ended: None while it is open.

    The same person may acknowledge an incident again with another note. Raises audit.EntryError.
    """
    note = note.strip()
    with engine.begin() as connection:
        incident_id = audit.one_id(connection, INCIDENTS.c.incident_id, incident, what="incident")
        row = {
            "acknowledgement_id": str(uuid.uuid4()),
            "incident_id": incident_id,
            "acknowledged_by": by,
            "acknowledged_at": at,
            "note": note,
        }
        connection.execute(sa.insert(ACKNOWLEDGEMENTS).values(row))
        audit.record(connection, "incident.acknowledge", incident_id, by=by, at=at, details={"note": note})
        ended_at = connection.scalar(sa.select(INCIDENTS.c.ended_at).where(INCIDENTS.c.incident_id == incident_id))
    return incident_id, ended_at
