"""A journal of JSON lines that survives `kill -9`: appended and synced, read back up to the first torn line."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class LineJournal:
    """One file of JSON objects, one a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """What it holds; a line cut short by a crash is left out. Raises OSError."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = []
        for line in lines:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                found.append(value)
        return found

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
