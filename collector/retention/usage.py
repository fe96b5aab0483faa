"""What the data folder holds, by part and by day, and how long the room for it lasts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

DAYS_OF_PACE = 28
"""Over how many whole days what a day adds is averaged."""
PASSING = (".backup", ".restoring")


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of each part (the names directly in the folder) and of each day of hourly quality; ``free`` of the disk."""

    parts: dict[str, int]
    days: dict[date, int]
    free: int

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    def bytes_a_day(self, today: date) -> float | None:
        """What a whole day of hourly quality adds, by the days of the last four weeks; None where there is none."""
        recent = [size for day, size in self.days.items() if today - timedelta(days=DAYS_OF_PACE) <= day < today]
        return sum(recent) / len(recent) if recent else None

    def days_left(self, today: date, budget_bytes: float | None) -> float | None:
        """How many days there is room for at that pace: on the disk, or in the budget if that is less."""
        pace = self.bytes_a_day(today)
        if not pace:
            return None
        room = self.free if budget_bytes is None else min(self.free, budget_bytes - self.total)
        return max(0.0, room / pace)


def measure(data: Path) -> Usage:
    """Look at every file of ``data``. Raises OSError where the folder itself cannot be read."""
    parts = {path.name: _bytes(path) for path in sorted(data.iterdir()) if path.name not in PASSING}
    days = {day: _bytes(folder) for day, folder in days_of(data)}
    return Usage(parts, days, shutil.disk_usage(data).free)


def days_of(data: Path) -> Iterator[tuple[date, Path]]:
    """The folders of days of hourly quality, oldest first; what is named otherwise is nobody's day."""
    for folder in sorted((data / "quality").glob("date=????-??-??")):
        try:
            yield date.fromisoformat(folder.name.removeprefix("date=")), folder
        except ValueError:
            continue


def _bytes(path: Path) -> int:
    """Of a file, or of all files below a folder; what goes meanwhile counts as nothing."""
    total = 0
    for found in [path] if not path.is_dir() else (Path(at, name) for at, _, names in os.walk(path) for name in names):
        try:
            total += found.lstat().st_size
        except FileNotFoundError:
            continue
    return total
