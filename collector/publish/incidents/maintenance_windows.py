"""The maintenance windows out of the operations database, and out of a file of their own while it is away."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from collector.published import MAINTENANCE_WINDOWS, connect
from collector.quality.maintenance import TARGET_KINDS, Window
from recurrence import Weekly

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)
_COLUMNS = (
    "window_id",
    "target_kind",
    "target",
    "starts_at",
    "ends_at",
    "weekdays",
    "local_start",
    "duration_seconds",
    "time_zone",
    "cancelled_at",
)

Row = dict[str, Any]


class WindowSource:
    """Reads the windows that hold now, will hold, or held in the last 30 days; only reads, and blocks.

    What was read last is kept in ``copy``, so that a start without the database knows it too.
    """

    def __init__(self, url: str, copy: Path) -> None:
        self._engine = connect(url)
        self._copy = copy
        self._rows: list[Row] | None = None
        self._failure = ""
        self._told: set[str] = set()
        self.read_at: float | None = None
        """When they were last read from the database; None: not by this process."""

    def read(self, at: float) -> tuple[Window, ...]:
        """The windows at ``at``, Unix seconds; while the database is away, those that were read last."""
        try:
            rows = self._query(datetime.fromtimestamp(at, UTC))
        except sa.exc.SQLAlchemyError as error:
            self._complain(error)
            if self._rows is None:
                self._rows = self._read_copy()
        else:
            self.read_at = at
            if self._failure:
                log.warning("maintenance windows are read from the operations database again")
                self._failure = ""
            if rows != self._rows:
                self._write_copy(rows)
                self._rows = rows
        found = (self._window(row) for row in self._rows)
        return tuple(window for window in found if window is not None)

    @property
    def known(self) -> int:
        """How many windows are known."""
        return len(self._rows or ())

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _query(self, now: datetime) -> list[Row]:
        table = MAINTENANCE_WINDOWS
        is_of_use = table.c.ends_at.is_(None) | (table.c.ends_at > now - KEPT)
        columns = [table.c[name] for name in _COLUMNS]
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(*columns).where(is_of_use).order_by(table.c.window_id)).mappings()
            return [{name: _plain(value) for name, value in row.items()} for row in rows]

    def _window(self, row: Row) -> Window | None:
        try:
            return _window(row)
        except (KeyError, TypeError, ValueError) as error:
            name = str(row.get("window_id"))
            if name not in self._told:
                self._told.add(name)
                log.warning("maintenance window %s is left out: %s", name, error)
            return None

    def _read_copy(self) -> list[Row]:
        try:
            rows = json.loads(self._copy.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            log.warning("%s: the maintenance windows of the last run cannot be read: %s", self._copy, error)
            return []
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def _write_copy(self, rows: list[Row]) -> None:
        beside = self._copy.with_suffix(".new")
        try:
            self._copy.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("w", encoding="utf-8") as file:
                json.dump(rows, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._copy)
        except OSError as error:
            log.warning("%s: the maintenance windows cannot be kept for the next start: %s", self._copy, error)

    def _complain(self, error: Exception) -> None:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
        failure = " ".join(str(cause).split())
        if failure != self._failure:
            log.warning("maintenance windows cannot be read, those known before stay in force: %s", failure)
            self._failure = failure


def _plain(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value


def _window(row: Row) -> Window:
    """Raises KeyError, TypeError or ValueError for a row that is not a window."""
    kind = row["target_kind"]
    if kind not in TARGET_KINDS:
        raise ValueError(f"its target is a {kind}; known are {', '.join(TARGET_KINDS)}")
    weekly = None
    if row["weekdays"] is not None:
        days = tuple(row["weekdays"].split(","))
        weekly = Weekly(days, row["local_start"], row["duration_seconds"], row["time_zone"])
    elif row["ends_at"] is None:
        raise ValueError("it has no end and no weekly pattern")
    return Window(
        row["window_id"],
        kind,
        row["target"],
        float(row["starts_at"]),
        inf if row["ends_at"] is None else float(row["ends_at"]),
        weekly,
        inf if row["cancelled_at"] is None else float(row["cancelled_at"]),
    )
