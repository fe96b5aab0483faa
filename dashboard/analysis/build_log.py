"""How builds go: one at a time, what became of the last one, and whether inputs have come in since the results were made."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bairro_error import BairroError
from collector import file_lock
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import RECORDS

LAST = ".last-attempt.json"
LATE_DAYS = 8


class BusyError(BairroError, RuntimeError):
    """Another build is running on the same data."""


@contextlib.contextmanager
def one_at_a_time(data: Path) -> Iterator[None]:
    """Hold the lock on building; it goes with the process, however that ends. Raises BusyError where another has it."""
    try:
        with file_lock.alone(data / "results" / ".lock", what="bairro build", at=time.time()):
            yield
    except file_lock.HeldError as error:
        raise BusyError(f"another build is running on {data}: {error}") from None


def record(data: Path, failure: str | None) -> None:
    """Keep what became of a build that ended now: why it failed, or None."""
    folder = data / "results"
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".attempt-{os.getpid()}"
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    beside.write_text(json.dumps({"at": at, "failure": failure}), encoding="utf-8")
    os.replace(beside, folder / LAST)


def last_at(data: Path) -> float | None:
    """When the last build ended, well or not (Unix seconds); None where there was none."""
    try:
        stated = json.loads((data / "results" / LAST).read_text(encoding="utf-8"))
        return datetime.datetime.fromisoformat(stated["at"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError):
        return None


def last_failure(data: Path) -> tuple[datetime.datetime, str] | None:
    """When and why the last build failed; None where it went well or there was none."""
    try:
        stated = json.loads((data / "results" / LAST).read_text(encoding="utf-8"))
        return (datetime.datetime.fromisoformat(stated["at"]), str(stated["failure"])) if stated["failure"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Newer:
    """An input that results are older than: a kind of records and when its newest rows were imported, or an import was
    taken back; or quality_hours and the first day that the results do not know.
    """

    name: str
    since: datetime.datetime | datetime.date
    is_taken_back: bool = False


def newer_inputs(data: Path, manifest: Mapping[str, Any]) -> list[Newer]:
    """The inputs that results of this manifest are older than: kinds of records imported since it was begun, and
    quality_hours where more than a week of days came after those it knew. Looks at names and times alone."""
    stated = manifest.get("begun_at") or manifest.get("built_at")
    if stated is None:
        return []
    begun = datetime.datetime.fromisoformat(str(stated)).timestamp()
    found = []
    for kind in RECORDS:
        newest, folder = snapshots.newest(kind, data), snapshots.folder_of(kind, data)
        with contextlib.suppress(OSError):
            imported = 0.0 if newest is None else newest.stat().st_mtime
            changed = max(imported, folder.stat().st_mtime)  # that of the folder where a snapshot was taken out
            if changed > begun:
                at = datetime.datetime.fromtimestamp(imported if imported > begun else changed, datetime.UTC)
                found.append(Newer(kind, at, is_taken_back=imported <= begun))
    known = manifest.get("last_complete", {}).get("quality_hours")
    days = [folder.name[5:15] for folder in (data / "quality").glob("date=????-??-??")]
    if known and days:
        with contextlib.suppress(ValueError):
            last = datetime.date.fromisoformat(known)
            if (datetime.date.fromisoformat(max(days)) - last).days >= LATE_DAYS:
                found.append(Newer("quality_hours", last + datetime.timedelta(days=1)))
    return found
