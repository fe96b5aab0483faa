"""A journal of JSON lines that survives `kill -9`: appended and synced, read back up to the first torn line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from collector.publish.quarantine import Aside


def _as_it_is(value: dict[str, Any]) -> dict[str, Any]:
    return value


class LineJournal:
    """One file of JSON objects, one a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(
        self, take: Callable[[dict[str, Any]], dict[str, Any]] = _as_it_is, aside: Aside | None = None
    ) -> list[dict[str, Any]]:
        """What it holds; a last line cut short by a crash is left out. Raises OSError.

        ``take`` brings a line up to today, and raises ValueError where it cannot. A file with a line that cannot be
        read is set aside as it is, and another begun with the lines that can.
        """
        try:
            *lines, last = self.path.read_bytes().split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return []
        found, faults = [], []
        for number, line in enumerate([*lines, last], 1):
            try:
                value = json.loads(line or b"null")
                if isinstance(value, dict):
                    found.append(take(value))
                elif value is not None:
                    faults.append((number, "is no JSON object"))
            except ValueError as error:
                is_torn = number > len(lines)
                if not is_torn:
                    faults.append((number, "is no JSON" if isinstance(error, json.JSONDecodeError) else str(error)))
        if faults:
            self._begin_anew(found, faults, aside or Aside())
        return found

    def _begin_anew(self, found: list[dict[str, Any]], faults: list[tuple[int, str]], aside: Aside) -> None:
        for number, why in faults:
            aside.skip("incidents", self.path, number, why)
        if aside.put(self.path, "incidents", why=f"{len(faults)} lines cannot be read") is not None:
            self.append(found)

    def append(self, values: Sequence[dict[str, Any]]) -> None:
        """Add ``values`` and wait until the disk has them. Raises OSError."""
        if not values:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                file.write(b"\n")
            file.write(b"".join(json.dumps(value).encode() + b"\n" for value in values))
            file.flush()
            os.fsync(file.fileno())

    def replace(self, values: Sequence[dict[str, Any]]) -> None:
        """Hold ``values`` and nothing else. Raises OSError; it is then as it was."""
        if not values:
            if self.path.exists():
                os.truncate(self.path, 0)
            return
        beside = self.path.with_name(f".{self.path.name}.tmp")
        beside.unlink(missing_ok=True)
        LineJournal(beside).append(values)
        beside.replace(self.path)
