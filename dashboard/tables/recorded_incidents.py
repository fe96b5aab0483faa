"""The incidents that the collector wrote to the operations database, with the spans in which devices were in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from collector.published import INCIDENT_DEVICES, INCIDENTS
from dashboard.tables.panel_tables import INCIDENT_SPANS

UNREAD = b"unread"
"""The key in the table's metadata that says why the database could not be read."""


def read_only(url: sa.URL) -> sa.URL:
    """The same database, which nothing may write through it: SQLite in mode=ro, PostgreSQL by its session's setting."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true", "timeout": "5"})
    if url.get_backend_name() == "postgresql":
        return url.update_query_dict({"options": "-c default_transaction_read_only=on"})
    return url


def read(url: str, until: datetime) -> pa.Table:
    """The incidents that began before ``until``, as INCIDENT_SPANS, in the order of its key.

    Empty where there is no database yet; where it cannot be read, empty and the metadata say why (UNREAD).
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and not Path(parsed.database).exists():
        return INCIDENT_SPANS.arrow_schema().empty_table()
    members = INCIDENT_DEVICES.c
    wanted = (
        sa.select(
            INCIDENTS.c.incident_id,
            members.device_id,
            sa.func.coalesce(members.started_at, INCIDENTS.c.started_at, type_=INCIDENTS.c.started_at.type).label(
                "started_at"
            ),
            INCIDENTS.c.kind,
            members.area,
            members.subscribers,
            members.ended_at,
        )
        .select_from(INCIDENTS.outerjoin(INCIDENT_DEVICES, members.incident_id == INCIDENTS.c.incident_id))
        .where(INCIDENTS.c.started_at < until)
        .order_by(INCIDENTS.c.incident_id, members.device_id, members.started_at)
    )
    engine = sa.create_engine(read_only(parsed))
    try:
        with engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(wanted).mappings()]
    except sa.exc.SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        return INCIDENT_SPANS.arrow_schema().empty_table().replace_schema_metadata({UNREAD: cause})
    finally:
        engine.dispose()
    return pa.Table.from_pylist(rows, INCIDENT_SPANS.arrow_schema())


def why_unread(table: pa.Table) -> str | None:
    """What to say of incidents that could not be read; None where they were."""
    cause = (table.schema.metadata or {}).get(UNREAD)
    return None if cause is None else f"The incidents in the operations database could not be read: {cause.decode()}."


def whole_days_until(files: Iterable[Path]) -> datetime:
    """The start of the newest UTC day of the history, up to which incidents are read.

    What is written of today changes from minute to minute, and no result depends on it.
    """
    days = (_day(file.parent.name.removeprefix("date=")) for file in files)
    return max((day for day in days if day is not None), default=datetime(1970, 1, 1, tzinfo=UTC))


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
