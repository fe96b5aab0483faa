"""What a collector has open, on its own disk: for a start while the operations database is away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from collector.publish.incidents import incident_lines
from collector.publish.incidents.incident_rows import LINE_VERSION, Entry
from collector.publish.incidents.line_journal import LineJournal
from collector.publish.quarantine import Aside
from collector.reading import OpenIncident

LEAST_LINES = 1000


class OpenRecord:
    """A file of incident changes, one a line, of which only those of open incidents matter; shortened as it grows.

    It says what the database says, or will once it has the journal; where both can be read the database is believed.
    """

    def __init__(self, path: Path, aside: Aside | None = None) -> None:
        self.path = path
        self._aside = aside
        self._journal = LineJournal(path)
        self._open: dict[str, Entry] = {}
        self._lines = 0

    def read(self) -> tuple[OpenIncident, ...]:
        """The incidents that it holds open. Raises OSError."""
        lines = self._journal.read(incident_lines.held, self._aside)
        self._open, self._lines = {}, len(lines)
        for line in lines:
            self._fold(line)
        return tuple(
            OpenIncident(
                held["id"],
                held["kind"],
                held["scope"],
                held["root"],
                held["started"],
                tuple(sorted(held["members"].items())),
                held["measure"],
                held["last_left"],
            )
            for held in self._open.values()
        )

    def begin(self, found: Iterable[OpenIncident]) -> None:
        """Hold what the database had at the start. Raises OSError."""
        self._open = {incident.incident_id: _held(incident) for incident in found}
        self._shorten()

    def add(self, entries: Sequence[Entry]) -> None:
        """Record changes as they are reported. Raises OSError."""
        if not entries:
            return
        for entry in entries:
            self._fold(entry)
        self._lines += len(entries)
        rows = sum(len(held["members"]) for held in self._open.values())
        if not self._open or self._lines > LEAST_LINES + 2 * rows:
            self._shorten()
        else:
            self._journal.append(entries)

    def _shorten(self) -> None:
        lines = [
            {"version": LINE_VERSION, **held, "joined": list(held["members"].items()), "left": [], "ended": None}
            for held in self._open.values()
        ]
        self._journal.replace(lines)
        self._lines = len(lines)

    def _fold(self, entry: Entry) -> None:
        if entry["ended"] is not None:
            self._open.pop(entry["id"], None)
            return
        held = self._open.setdefault(entry["id"], {"id": entry["id"], "members": {}, "last_left": None})
        held |= {name: entry.get(name) for name in ("kind", "scope", "root", "measure", "started")}
        if entry.get("last_left") is not None:
            held["last_left"] = entry["last_left"]
        for name, until in entry["left"]:
            with contextlib.suppress(KeyError):
                del held["members"][name]
            held["last_left"] = max(until, held["last_left"] or until)
        for name, since, *_ in entry["joined"]:
            held["members"][name] = since


def _held(incident: OpenIncident) -> Entry:
    return {
        "id": incident.incident_id,
        "kind": incident.kind,
        "scope": incident.scope,
        "root": incident.root,
        "measure": incident.measure,
        "started": incident.started_at,
        "members": dict(incident.members),
        "last_left": incident.last_left_at,
    }
