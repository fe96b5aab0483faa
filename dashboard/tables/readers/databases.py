"""A table or query of a provider's own database, read through SQLAlchemy in one read-only transaction."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from dashboard.tables.readers.columnar import sheet_of
from dashboard.tables.readers.sheets import Sheet, UnreadableError

CHUNK = 20_000
OWN = ("table", "query")
READ_ONLY: dict[str, dict[str, Any]] = {"postgresql": {"postgresql_readonly": True}}


def is_url(source: str) -> bool:
    return re.match(r"[a-z][a-z0-9+]*://", source) is not None


def without_secrets(source: str) -> str:
    """The URL as it may be shown: without its password and without what it asks."""
    try:
        return sa.make_url(source).difference_update_query(OWN).set(password=None).render_as_string()
    except (sa.exc.ArgumentError, ValueError):
        return "the URL"


def read_database(source: str, *, table: str | None = None, query: str | None = None) -> Sheet:
    """The rows of ``table`` (or schema.table) or of ``query``, else of those that the URL names as ?table= or ?query=.

    Nothing is written: the transaction is read-only where the database knows such a thing, and is rolled back.
    Raises UnreadableError, never with the password in it.
    """
    url, statement, described = _what(source, table, query)
    if url.get_backend_name() == "sqlite":
        url = _existing(url)
    try:
        engine = sa.create_engine(url, connect_args=_patience(url))
    except ModuleNotFoundError as error:
        hint = "pip install bairro[postgresql]" if url.get_backend_name() == "postgresql" else f"install {error.name}"
        raise UnreadableError(f"needs a Python package that is not installed: {hint}") from None
    except sa.exc.SQLAlchemyError as error:
        raise UnreadableError(f"is not a database URL that can be used: {_said(error)}") from None
    try:
        with engine.connect() as connection:
            connection.execution_options(stream_results=True, **READ_ONLY.get(url.get_backend_name(), {}))
            found = connection.execute(statement)
            names = list(found.keys())
            rows = _table(names, found.partitions(CHUNK))
            connection.rollback()
    except (sa.exc.SQLAlchemyError, UnicodeDecodeError) as error:
        raise UnreadableError(f"the database says: {_said(error)}") from None
    finally:
        engine.dispose()
    return sheet_of(rows, described, f"the columns of {described}")


def _what(source: str, table: str | None, query: str | None) -> tuple[sa.URL, sa.Executable, str]:
    try:
        url = sa.make_url(source)
    except (sa.exc.ArgumentError, ValueError):
        raise UnreadableError("is not a database URL: dialect://user@host/database") from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    named = {name: value for name in OWN if (value := url.query.get(name)) is not None}
    url = url.difference_update_query(OWN)
    table, query = (table, query) if table or query else (_one(named.get("table")), _one(named.get("query")))
    if bool(table) == bool(query):
        raise UnreadableError("say with --table NAME or --query SQL (one of them) which rows of the database to read")
    if query:
        return url, sa.text(query.replace(":", r"\:")), f"query on {url.get_backend_name()}"
    schema, _, name = str(table).rpartition(".")
    chosen: sa.Select[Any] = sa.select(sa.literal_column("*")).select_from(sa.table(name, schema=schema or None))
    return url, chosen, f"{url.get_backend_name()}, table {table}"


def _existing(url: sa.URL) -> sa.URL:
    """The URL of a SQLite file, opened to be read alone: SQLite would make an empty file of a name that is none."""
    name = url.database or ""
    if url.query.get("uri") or name in ("", ":memory:"):
        raise UnreadableError("names no file: sqlite:///FILE, or sqlite:////FOLDER/FILE from the root")
    path = Path(name).absolute()
    if not path.is_file():
        raise UnreadableError(f"there is no such file: {path}")
    return url.set(database=f"{path.as_uri()}?mode=ro", query={**url.query, "uri": "true"})


def _one(value: str | Sequence[str] | None) -> str | None:
    return value if value is None or isinstance(value, str) else value[0]


def _patience(url: sa.URL) -> dict[str, Any]:
    return {"connect_timeout": 15} if url.get_backend_name() == "postgresql" else {}


def _said(error: Exception) -> str:
    """The driver's own first line, without the statement, its parameters or the URL."""
    origin = getattr(error, "orig", None) or error
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0][:300]


def _table(names: Sequence[str], parts: Iterator[Sequence[Any]]) -> pa.Table:
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    made = [
        pa.table(
            [pa.array([_text(cell) for cell in column], pa.string()) for column in zip(*part, strict=True)], schema
        )
        for part in parts
        if part
    ]
    return pa.concat_tables(made) if made else schema.empty_table()


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    if isinstance(cell, float):
        return None if math.isnan(cell) else str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, (bytes, memoryview, list, dict, tuple, set)):
        return None
    return str(cell)
