"""Reading the operations database for people: within seconds, never writing, and in words where it cannot be read."""

from __future__ import annotations

import sqlalchemy as sa

from collector.published import SCHEMA_VERSION
from dashboard.tables.recorded_incidents import read_only

LOCKED_SECONDS, CONNECT_SECONDS, STATEMENT_SECONDS = 1.0, 2, 3

MISSING = (
    "there is no operations database at {name}. The collector creates one when it starts. "
    "If there was one, restore it, then restart the collector"
)
UNREAD = "the operations database {name} cannot be read"
HANGS = "the operations database {name} does not answer"
CHECK = "Check that it runs and can be reached from here, and `database` in dashboard.toml"


def engine(url: sa.URL) -> sa.Engine:
    """Of an SQLite file a connection for each reading, so that a file put in its place is seen."""
    url = read_only(url)
    if url.get_backend_name() == "sqlite":
        url = url.update_query_dict({"timeout": str(LOCKED_SECONDS)})
        return sa.create_engine(url, poolclass=sa.pool.NullPool)
    if url.get_backend_name() == "postgresql":
        options = f"{url.query.get('options', '')} -c statement_timeout={STATEMENT_SECONDS * 1000}".strip()
        url = url.update_query_dict({"options": options, "connect_timeout": str(CONNECT_SECONDS)})
    return sa.create_engine(url, pool_pre_ping=True, pool_timeout=CONNECT_SECONDS)


def begin_snapshot(connection: sa.Connection) -> None:
    """Let all that follows see the database as it is at one moment."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def other_schema(connection: sa.Connection, name: str) -> str | None:
    """Why the database cannot be read by this program, where it has another schema; a database that states none is read."""
    version = _version(connection)
    return None if version in {SCHEMA_VERSION, None} else _other_schema(name, str(version))


def _version(connection: sa.Connection) -> str | None:
    """The schema's version; None where nobody wrote one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _other_schema(name: str, version: str) -> str:
    if version < SCHEMA_VERSION:
        return f"the operations database {name} has the older schema {version} (wanted: {SCHEMA_VERSION}). Run: bairro migrate"
    return (
        f"the operations database {name} has schema {version}, which this dashboard does not know (it knows "
        f"{SCHEMA_VERSION}). Upgrade bairro where the dashboard runs, and restart it"
    )


def why(error: sa.exc.SQLAlchemyError, name: str, *, is_file: bool) -> str:
    """What is wrong with the database, and what to do."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    if not is_file:
        return f"{UNREAD.format(name=name)}: {said}. {CHECK}"
    if "locked" in said:
        do = "Another program has locked it (a copy, an open sqlite3 shell): close that program; it is then read again"
    elif "no such table" in said:
        do = "It holds no tables of Bairro. Restore the right file or run bairro migrate, then restart the collector"
    elif "unable to open" in said:
        do = "Let the user that runs the dashboard read the file and its folder"
    else:
        do = "Put a copy of it back (docs/operations.md, What to keep safe), then restart the collector"
    return f"{UNREAD.format(name=name)}: {said}. {do}"
