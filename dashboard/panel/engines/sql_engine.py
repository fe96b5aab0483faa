"""What the panel's statements run on: DuckDB in this process, or a Spark cluster. The statements are the same."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from bairro_error import BairroError
from dashboard.tables.stored_hours import HourFiles


class EngineError(BairroError, RuntimeError):
    """An engine that cannot be had here; the message says what to install or to set."""


class FilesChangedError(OSError):
    """A file of the history vanished while it was read: the list of files is out of date."""


class Engine(Protocol):
    """Tables by name, made one from another by statements in DuckDB's dialect.

    The statements keep to what every engine does alike (see decision 530). A name that was made stays until
    it is forgotten or all is closed.
    """

    def register(self, name: str, table: pa.Table) -> None:
        """Make ``table`` known as ``name``, in place of what had that name."""

    def make(self, statement: str) -> None:
        """Run one statement that makes a table or a view."""

    def forget(self, name: str) -> None:
        """Give back what the table ``name`` takes of memory, as nothing reads it any more."""

    def attach_history(
        self,
        quality: pa.Table | str | Path | HourFiles | None,
        cache: Path | None,
        now: datetime | None,
        *,
        keeps_weeks: bool = True,
    ) -> None:
        """Make history_hours, history_days, history_refused and history_outages of ``quality`` (quality_hours, a glob of its
        files, or HourFiles) and of paths. Hours after ``now`` are left out.

        Raises TableError where the files cannot be read and FilesChangedError where one vanished meanwhile.
        """

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a small question."""

    def table(self, query: str) -> pa.Table:
        """The whole answer to ``query``, in this process's memory."""

    def close(self) -> None:
        """Give everything back."""
