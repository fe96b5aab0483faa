"""The history of imports, one JSON line each, and taking the newest one back."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from collector import counted
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import RECORDS

FILE = "imports.jsonl"


@dataclass(frozen=True)
class Entry:
    """One import that changed something, or one that was taken back (``action`` undo). No content of any row.

    ``snapshot`` is the number of the snapshot that it made, or that was taken back. ``joins`` holds by the key of a join
    how many rows named something on record, and of how many.
    """

    at: str
    kind: str
    action: str
    snapshot: int
    source: str = ""
    mapping: str | None = None
    as_of: str | None = None
    rows_read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    duplicates: int = 0
    skipped: int = 0
    by: str = ""
    joins: dict[str, list[int]] | None = None


def note(entry: Entry, data: Path) -> None:
    """Add ``entry`` to the history; call it under ``snapshots.importing``."""
    path = data / "records" / FILE
    line = json.dumps({name: value for name, value in asdict(entry).items() if value is not None}, ensure_ascii=False)
    torn = path.exists() and path.stat().st_size and path.read_bytes()[-1:] != b"\n"
    with open(path, "a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + line + "\n")
        file.flush()
        os.fsync(file.fileno())


def entries(data: Path, kind: str | None = None) -> list[Entry]:
    """The history, oldest first; a line that was torn by a crash is left out."""
    path = data / "records" / FILE
    known = {field.name for field in fields(Entry)}
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entry = Entry(**{name: value for name, value in json.loads(line).items() if name in known})
        except (ValueError, TypeError, AttributeError):
            continue
        if kind in (None, entry.kind):
            found.append(entry)
    return found


def told(data: Path, kind: str | None = None) -> str:
    """The history as text, newest first, with what can be taken back."""
    known = entries(data, kind)
    lines = [_line(entry, data) for entry in reversed(known)]
    older = [
        f"{name}: {len(left)} earlier snapshot{'s' if len(left) > 1 else ''} from before this history began"
        for name in ([kind] if kind else list(RECORDS))
        if (left := snapshots.numbers(name, data) - {entry.snapshot for entry in known if entry.kind == name})
    ]
    return "\n".join([*lines, *older]) or "nothing has been imported yet"


def _line(entry: Entry, data: Path) -> str:
    when = f"{entry.at[:16].replace('T', ' ')}  {entry.kind:<10} {entry.snapshot:06d}"
    by = f" by {entry.by}" if entry.by else ""
    if entry.action == "undo":
        return f"{when}  taken back{by}"
    standing = snapshots.numbers(entry.kind, data)
    if entry.snapshot == max(standing, default=0):
        state = "  [in force]"
    else:
        state = "  [kept]" if entry.snapshot in standing else ""
    told = [counted.of(entry.rows_read, "row"), f"{entry.added:,} added", f"{entry.changed:,} changed"]
    others = (
        (entry.unchanged, "unchanged"),
        (entry.rejected, "rejected"),
        (entry.duplicates, "the same again"),
        (entry.skipped, "skipped"),
    )
    told += [f"{number:,} {what}" for number, what in others if number]
    how = f" with the mapping {entry.mapping}" if entry.mapping else ""
    day = f", as of {entry.as_of}" if entry.as_of else ""
    return f"{when}  {entry.source}{how}{day}{by}: {', '.join(told)}{state}"
