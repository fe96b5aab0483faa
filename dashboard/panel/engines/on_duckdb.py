"""The panel's statements on DuckDB, in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dashboard.config import EngineSettings
from dashboard.panel import quality_cache
from dashboard.panel.engines.sql_engine import FilesChangedError
from dashboard.tables import quality_hours as history
from dashboard.tables.stored_hours import HourFiles


class DuckdbEngine:
    """See `Engine`; weeks of the history that did not change are taken from the cache."""

    def __init__(self, settings: EngineSettings, scratch: Path) -> None:
        self._connection = history.connect(settings, scratch)

    def register(self, name: str, table: pa.Table) -> None:
        self._connection.register(name, table)

    def make(self, statement: str) -> None:
        with _told_of_changed_files():
            self._connection.execute(statement)

    def forget(self, name: str) -> None:
        self._connection.execute(f"DROP TABLE {name}")

    def attach_history(
        self,
        quality: pa.Table | str | Path | HourFiles | None,
        cache: Path | None,
        now: datetime | None,
        *,
        keeps_weeks: bool = True,
    ) -> None:
        with _told_of_changed_files():
            quality_cache.attach(self._connection, quality, cache, now=now, keeps_weeks=keeps_weeks)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()

    def table(self, query: str) -> pa.Table:
        with _told_of_changed_files():
            return self._connection.sql(query).to_arrow_table()

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def _told_of_changed_files() -> Iterator[None]:
    try:
        yield
    except duckdb.IOException as error:
        raise FilesChangedError(str(error)) from error
