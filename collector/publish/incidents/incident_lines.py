"""Changes of incidents as lines of a journal, which this version or a later one can read again."""

from __future__ import annotations

from math import isfinite
from typing import Any

from collector.publish.incidents.incident_rows import LINE_VERSION, Entry

_NEEDED = ("id", "kind", "scope", "root", "started", "joined", "left", "ended")
_DEFAULTS = {"measure": None, "has_own_root": True, "area": None}
"""What Bairro 0.1 did not write from its first day on."""


def entry(line: dict[str, Any]) -> Entry:
    """A line of the journal of changes that the database lacks. Raises ValueError with what is wrong with it."""
    found = {**_DEFAULTS, **held(line)}
    if not _is_time(found.get("at")):
        raise ValueError("at: must be Unix seconds")
    for member in found["joined"]:
        if len(member) != 4 or not isinstance(member[2], str) or type(member[3]) is not int:
            raise ValueError("joined: a device has its id, since when, area and subscribers")
    return found


def held(line: dict[str, Any]) -> Entry:
    """A line of what is open, which knows no areas and subscribers. Raises ValueError likewise."""
    version = line.get("version", 1)
    if type(version) is not int or not 1 <= version <= LINE_VERSION:
        raise ValueError(f"is of version {version!r}; this program knows up to {LINE_VERSION}")
    if missing := [name for name in _NEEDED if name not in line]:
        raise ValueError(f"lacks {', '.join(missing)}")
    texts = {"id": False, "kind": False, "scope": False, "root": True, "measure": True, "area": True}
    for name, may_be_none in texts.items():
        value = line.get(name)
        if not isinstance(value, str) and not (value is None and may_be_none):
            raise ValueError(f"{name}: must be text")
    for name in ("started", "ended", "last_left"):
        value = line.get(name)
        if not _is_time(value) and not (value is None and name != "started"):
            raise ValueError(f"{name}: must be Unix seconds")
    for name in ("joined", "left"):
        if not isinstance(line[name], list) or not all(map(_is_member, line[name])):
            raise ValueError(f"{name}: must be a list of devices and times")
    return line


def attached(line: dict[str, Any]) -> dict[str, Any]:
    """A line of which row an incident went into. Raises ValueError likewise."""
    if not isinstance(line.get("id"), str) or not isinstance(line.get("row"), str):
        raise ValueError("names no incident and row")  # noqa: TRY004
    return line


def _is_member(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and isinstance(value[0], str) and _is_time(value[1])


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value) and abs(value) < 1e11
