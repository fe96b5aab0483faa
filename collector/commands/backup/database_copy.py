"""The operations database as one SQLite file, whichever it is, and back: what a backup holds and restores."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bairro_error import BairroError
from collector.publish.incidents import migrate
from collector.published import OPERATIONS, SCHEMA_VERSION

ROWS = 1000


class CopyError(BairroError, ValueError):
    """The database cannot be copied or restored; the message says why."""


def schema_of(url: str) -> str | None:
    """The schema of the database at ``url``; None where there is no database yet. Raises CopyError."""
    file = sa.make_url(url).database
    if url.startswith("sqlite") and not (file and Path(file).exists()):
        return None
    with _told(url), migrate.connect(url).connect() as connection:
        return migrate.schema_version(connection)


def copy_out(url: str, to: Path) -> None:
    """Copy the database at ``url`` to the SQLite file ``to`` as it is at one moment, while others write into it.

    Raises CopyError.
    """
    with _told(url):
        if url.startswith("sqlite"):
            _copy_file(Path(str(sa.make_url(url).database)), to)
            return
        migrate.check_schema(url)
        migrate.migrate(f"sqlite:///{to}")
        source = migrate.connect(url).execution_options(isolation_level="REPEATABLE READ")
        _copy_rows(source, migrate.connect(f"sqlite:///{to}"))


def copy_in(file: Path, url: str) -> None:
    """Put the rows of a backup's SQLite file into the database at ``url``, which must hold none. Raises CopyError."""
    with _told(url):
        migrate.migrate(f"sqlite:///{file}")
        migrate.migrate(url)
        target = migrate.connect(url)
        with target.connect() as connection:
            for table in OPERATIONS.sorted_tables:
                if connection.execute(sa.select(table).limit(1)).first() is not None:
                    raise CopyError(
                        f"{shown(url)}: the table {table.name} holds rows already; name a database that is empty"
                    )
        _copy_rows(migrate.connect(f"sqlite:///{file}"), target)


def shown(url: str) -> str:
    """The URL without its password."""
    return sa.make_url(url).render_as_string(hide_password=True)


def check_schema_known(schema: str, what: str) -> None:
    """Raise CopyError where this program cannot use a database of ``schema``."""
    if schema > SCHEMA_VERSION:
        raise CopyError(
            f"{what}: its database has schema {schema}, and this version knows up to {SCHEMA_VERSION}: upgrade Bairro first"
        )


def _copy_file(source: Path, to: Path) -> None:
    """By SQLite's own backup, which begins again where a writer comes between, in one step, so that none can."""
    with (
        contextlib.closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True, timeout=30)) as opened,
        contextlib.closing(sqlite3.connect(to)) as copied,
    ):
        opened.backup(copied)
        copied.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing left beside it
        found = copied.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise CopyError(f"{source}: is damaged ({found}); restore it from an earlier backup")


def _copy_rows(source: sa.Engine, target: sa.Engine) -> None:
    with source.connect() as reading, target.begin() as writing:
        for table in OPERATIONS.sorted_tables:
            for rows in reading.execution_options(yield_per=ROWS).execute(sa.select(table)).mappings().partitions():
                writing.execute(sa.insert(table), [dict(row) for row in rows])
            _count_on(writing, table)
    source.dispose()
    target.dispose()


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Numbers that PostgreSQL gives itself go on after those that were brought along."""
    for column in table.primary_key:
        if connection.dialect.name == "postgresql" and table.autoincrement_column is column:
            highest = connection.scalar(sa.select(sa.func.max(column)))
            if highest is not None:
                sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
                connection.execute(sa.select(sa.func.setval(sequence, highest)))


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
        raise CopyError(f"{shown(url)}: {' '.join(str(cause).split())}") from None
