"""The operations database's schema: made, brought up to date and checked, by one process at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bairro_error import BairroError
from collector.published import connect

MIGRATIONS = Path(__file__).parents[2] / "migrations"
ADVISORY_LOCK = 0x6261_6972_726F  # "bairro"

__all__ = ["SchemaError", "check_schema", "connect", "migrate", "schema_version"]


class SchemaError(BairroError, RuntimeError):
    """The operations database cannot be used; the message names it (without its password) and what to do."""


def migrate(url: str) -> str:
    """Create the schema at ``url`` or bring it up to date, under a lock; returns what was done, as a sentence.

    Raises SchemaError where the database cannot be reached or its schema is newer than this program knows.
    """
    engine = _engine(url)
    name = _shown(engine)
    try:
        with _locked(engine) as connection:
            before = schema_version(connection)
            newest = _known(before, name)
            if before == newest:
                return f"{name}: the schema is up to date ({newest})"
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise SchemaError(f"{name}: {_cause(error)}") from error
    finally:
        engine.dispose()
    return f"{name}: created the schema ({newest})" if before is None else f"{name}: upgraded {before} to {newest}"


def check_schema(url: str) -> None:
    """Raise SchemaError unless the schema at ``url`` is the one that this program knows."""
    engine = _engine(url)
    name = _shown(engine)
    try:
        if engine.dialect.name == "sqlite" and not _is_there(engine):
            raise SchemaError(f"{name}: there is no database yet; run: bairro migrate")
        with engine.connect() as connection:
            version = schema_version(connection)
    except sa.exc.SQLAlchemyError as error:
        raise SchemaError(f"{name}: {_cause(error)}") from error
    finally:
        engine.dispose()
    newest = _known(version, name)
    if version != newest:
        held = "has no schema yet" if version is None else f"has schema {version}, this program wants {newest}"
        raise SchemaError(f"{name}: {held}; run: bairro migrate")


def _engine(url: str) -> sa.Engine:
    try:
        return connect(url)
    except ImportError as error:
        raise SchemaError(f"the database URL needs a Python package that is not installed: {error.name}") from None
    except sa.exc.ArgumentError as error:
        raise SchemaError(f"the database URL cannot be used: {error}") from None


def _shown(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _is_there(engine: sa.Engine) -> bool:
    file = engine.url.database
    return not file or file == ":memory:" or Path(file).exists()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def schema_version(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _known(version: str | None, name: str) -> str:
    """The newest schema of this program. Raises SchemaError if it does not know ``version``."""
    script = ScriptDirectory.from_config(_config())
    known = [step.revision for step in script.walk_revisions()]
    if version is not None and version not in known:
        raise SchemaError(
            f"{name}: has schema {version}, which this program does not know (it knows up to {known[0]}); "
            "upgrade bairro before using this database"
        )
    return known[0]


def _cause(error: Exception) -> str:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split())


@contextmanager
def _locked(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that no other migrating process has beside it: a lock file (SQLite) or an advisory lock."""
    if engine.dialect.name == "sqlite" and (file := engine.url.database):
        path = Path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path.touch(mode=0o666)  # SQLite itself would keep the group from writing, whatever the umask
            with engine.connect() as connection:
                yield connection
        return
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()
        try:
            yield connection
        finally:
            if engine.dialect.name == "postgresql":
                connection.rollback()
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
                connection.commit()
