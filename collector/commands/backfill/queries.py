"""The file of queries: which PromQL expression gives which column of ``quality_hours``, and whose series it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import settings_file
from collector.published import QUALITY_HOURS

SILENCE = "silence_seconds"
"""Not a column: silence of any cause, which is split into ``down_seconds`` and ``silent_seconds``."""

KEYS = ("hour", "device_id")
COLUMNS = (*(name for name in QUALITY_HOURS.column_names if name not in KEYS), SILENCE)
FIELDS = ("device_id", "address")


@dataclass(frozen=True, slots=True)
class Match:
    """Whose a series is: the device whose ``field`` is what ``label`` says, or the first group of ``pattern`` in it."""

    label: str = "instance"
    field: str = "address"
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One expression, evaluated at the end of each hour; so a window of ``[1h]`` is that hour.

    Where ``interface_label`` is given, of a device's series only that of its ``uplink_interface`` counts. What the
    expression gives is multiplied by ``scale``.
    """

    query: str
    scale: float = 1.0
    interface_label: str | None = None
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How Prometheus lets us in: by name and password, or by a token; secrets come from environment or files."""

    username: str | None = None
    password_env: str | None = None
    password_file: Path | None = None
    token_env: str | None = None
    token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Queries:
    """All of the file; every column has its match."""

    columns: dict[str, Column]
    match: Match = Match()
    access: Access = Access()


def load(path: Path) -> Queries:
    """Read the file. Raises settings_file.SettingsError naming file and key."""
    found = settings_file.load(path, Queries)
    unknown = [name for name in found.columns if name not in COLUMNS]
    if unknown:
        raise settings_file.SettingsError(
            f"{path}: columns.{unknown[0]}: no such column; there are: {', '.join(COLUMNS)}"
        )
    if "observed_seconds" not in found.columns:
        raise settings_file.SettingsError(
            f"{path}: columns.observed_seconds: is required: without it no hour was observed"
        )
    for name in ("down_seconds", "silent_seconds"):
        if SILENCE in found.columns and name in found.columns:
            raise settings_file.SettingsError(f"{path}: columns.{name}: is computed from {SILENCE}; give one of them")
    _check_access(found.access, path)
    columns = {}
    for name, column in found.columns.items():
        match = column.match or found.match
        _check_match(match, f"{path}: {'match' if column.match is None else f'columns.{name}.match'}")
        if not column.query.strip():
            raise settings_file.SettingsError(f"{path}: columns.{name}.query: is empty")
        columns[name] = replace(column, match=match)
    return replace(found, columns=columns)


def _check_match(match: Match, where: str) -> None:
    if match.field not in FIELDS:
        raise settings_file.SettingsError(f"{where}.field: must be one of {', '.join(FIELDS)}, not {match.field!r}")
    try:
        groups = re.compile(match.pattern or "()").groups
    except re.error as error:
        raise settings_file.SettingsError(f"{where}.pattern: is not a regular expression: {error}") from None
    if groups < 1:
        raise settings_file.SettingsError(f"{where}.pattern: has no group (...) that says what the device is called")


def _check_access(access: Access, path: Path) -> None:
    passwords = (access.password_env, access.password_file)
    given = [value for value in (*passwords, access.token_env, access.token_file) if value is not None]
    if len(given) > 1:
        raise settings_file.SettingsError(f"{path}: access: names more than one secret")
    if (access.username is None) != (passwords == (None, None)):
        raise settings_file.SettingsError(
            f"{path}: access: username needs password_env or password_file, and they need it"
        )
