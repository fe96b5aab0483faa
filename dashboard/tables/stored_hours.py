"""The files of quality_hours under a data folder: those that can be read, and what is wrong with the others.

A build renames none of them: they are the collector's, which may be running, and sets its own aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from collector import parquet_footer, table_versions
from collector.published import QUALITY_HOURS
from dashboard.tables import page_checksums

SET_ASIDE = (".damaged", ".newer")
MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Damage:
    """A file whose hours are missing, as its day and name, and why."""

    file: str
    reason: str


class HourFiles:
    """The files as they are whenever they are asked for; what was found wrong with one is remembered."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "quality"
        self._known: dict[tuple[Path, int, int], str | None] = {}
        self._broken: dict[Path, str] = {}

    def __str__(self) -> str:
        return str(self._folder)

    def everything(self) -> list[Path]:
        """Every file there is now, sound or not."""
        return sorted(self._folder.glob("date=*/*.parquet"))

    def sound(self) -> list[Path]:
        """Those of which the footer is whole, of a version that is known here, and has the columns in their kinds."""
        found = {path: self._why_not(path) for path in self.everything()}
        self._broken = {path: why for path, why in found.items() if why}
        return [path for path, why in found.items() if why is None]

    def look_closely(self, files: Iterable[Path]) -> bool:
        """Read these files whole, as something in them could not be read; whether any turned out to be damaged.

        One that has gone meanwhile was compacted, and is not.
        """
        return self._mark({path: why for path in files if (why := _read_whole(path)) is not None})

    def hold_to_checksums(self, files: Iterable[Path]) -> bool:
        """Ask the checksums of these files' pages, where they have any; whether any turned out to be damaged."""
        return self._mark({path: why for path in files if (why := _spoilt(path)) is not None})

    def _mark(self, found: Mapping[Path, str]) -> bool:
        self._broken |= found
        for path, why in found.items():
            if (key := _identity(path)) is not None:
                self._known[key] = why
        return bool(found)

    def damages(self) -> list[Damage]:
        """What was found wrong, and what its collector has set aside, by day."""
        found = [Damage(_named(path), why) for path, why in self._broken.items() if path.exists() or path.is_symlink()]
        aside = (path for path in self._folder.glob("date=*/*.parquet.*") if path.suffix.startswith(SET_ASIDE))
        found += [Damage(_named(path), "was set aside by its collector") for path in aside]
        return sorted(found, key=lambda damage: damage.file)

    def _why_not(self, path: Path) -> str | None:
        """Why a file cannot be read; empty where it has gone meanwhile."""
        if not _is_day(path.parent.name):
            return "lies in no folder of a day (date=2026-01-31)"
        try:
            key = _identity(path)
        except OSError as error:  # a loop of links, or no permission
            return _in_words(error)
        if key is None:
            return ""
        if key not in self._known:
            self._known[key] = _footer(path)
        return self._known[key]


def note(damages: list[Damage]) -> str:
    """All of it in a sentence, for the page that shows what findings rest on."""
    named = "; ".join(f"{damage.file} {damage.reason}" for damage in damages[:MOST_TOLD])
    more = f"; and {len(damages) - MOST_TOLD} more" if len(damages) > MOST_TOLD else ""
    hours = "1 file of hourly quality is" if len(damages) == 1 else f"{len(damages)} files of hourly quality are"
    return f"{hours} missing from these results, and count as not observed: {named}{more}."


def _is_day(folder: str) -> bool:
    try:
        return folder == f"date={date.fromisoformat(folder.removeprefix('date='))}"
    except ValueError:
        return False


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _identity(path: Path) -> tuple[Path, int, int] | None:
    """None for a file that has gone. Raises OSError for one that cannot be looked at."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return path, stat.st_size, stat.st_mtime_ns


def _footer(path: Path) -> str | None:
    try:
        with parquet_footer.opened(path) as file:
            return table_versions.why_unreadable(file.schema_arrow, QUALITY_HOURS)
    except FileNotFoundError:
        return ""
    except (OSError, pa.ArrowException) as error:
        return _in_words(error)


def _spoilt(path: Path) -> str | None:
    try:
        return page_checksums.why_not(path)
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as error:
        return _in_words(error)


def _read_whole(path: Path) -> str | None:
    try:
        with parquet_footer.opened(path) as file:
            file.read([name for name in QUALITY_HOURS.column_names if name in file.schema_arrow.names])
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as error:
        return _in_words(error)
    return None


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read: {error.strerror}"
    return f"is no Parquet file that can be read ({' '.join(str(error).split())[:120]})"
