"""Poll stage: profiles are read from TOML files and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import settings_file
from collector.credentials import check_patience
from collector.interface_filter import parse_filter
from collector.part_measures import HEALTH, PartMeasure, why_refused
from collector.poll.profile import (
    KINDS,
    MEMORY_HELPERS,
    ROW_FIELDS,
    SCALAR_FIELDS,
    SIGNAL_FIELDS,
    Profile,
    Source,
    Table,
)
from collector.poll.snmp.codec import parse_oid
from settings_file import SettingsError

BUILT_IN = Path(__file__).parent.parent / "profiles"


def load_profiles(*folders: Path) -> dict[str, Profile]:
    """Every ``*.toml`` of the built-in profiles and then of ``folders``, by file name; later ones replace earlier.

    Raises settings_file.SettingsError that names the file and the key.
    """
    profiles = {}
    for folder in (BUILT_IN, *folders):
        if not folder.is_dir():
            raise SettingsError(f"{folder}: no such folder of profiles")
        for path in sorted(folder.glob("*.toml")):
            profiles[path.stem] = load_profile(path)
    own_measures(profiles.values())
    return profiles


def own_measures(profiles: Iterable[Profile]) -> tuple[PartMeasure, ...]:
    """The measures that profiles declare. Raises settings_file.SettingsError where two mean different things by a name."""
    found: dict[str, PartMeasure] = {}
    for profile in profiles:
        for measure in profile.measures:
            if found.setdefault(measure.name, measure) != measure:
                raise SettingsError(
                    f"profile {profile.title!r}: measures: {measure.name!r} is declared by another profile too, with "
                    "another type, unit or help: they are one metric"
                )
    return tuple(found.values())


def load_profile(path: Path) -> Profile:
    """One profile. Raises settings_file.SettingsError that names the file and the key."""
    profile = settings_file.load(path, Profile)
    check_patience(profile, str(path))
    try:
        parse_filter(profile.interfaces)
    except ValueError as error:
        raise SettingsError(f"{path}: interfaces: {error}") from None
    for place, pattern in enumerate(profile.match.descriptions):
        _check_pattern(f"{path}: match.descriptions[{place}]", pattern)
    for key in ("answers", "lacks"):
        for place, oid in enumerate(getattr(profile.match, key)):
            _check_oid(f"{path}: match.{key}[{place}]", oid)
    _check_measures(profile, path)
    own = tuple(measure.name for measure in profile.measures)
    for place, scalar in enumerate(profile.scalars):
        parts = (*MEMORY_HELPERS, *HEALTH, *own)
        allowed = (*(SIGNAL_FIELDS[1:] if scalar.channel else SCALAR_FIELDS), *parts)
        _check(scalar, allowed, f"{path}: scalars[{place}]")
    for number, table in enumerate(profile.tables):
        key = f"{path}: tables[{number}]"
        if table.rows not in ROW_FIELDS:
            raise SettingsError(f"{key}.rows: must be one of {', '.join(ROW_FIELDS)}, not {table.rows!r}")
        if table.channel and table.rows not in ("signals", "parts"):
            raise SettingsError(f"{key}.channel: only for signals and parts")
        _check_pattern(f"{key}.leave_out", table.leave_out)
        _check_parts(table, own, key)
        names = [column.name for column in table.columns]
        for place, column in enumerate(table.columns):
            where = f"{key}.columns[{place}]"
            _check(column, (*ROW_FIELDS[table.rows], *(own if table.rows == "parts" else ())), where)
            if column.index_ends and table.rows == "interfaces":
                raise SettingsError(f"{where}.index_ends: not for interfaces")
            if column.instead_of is not None and column.instead_of not in names[:place]:
                raise SettingsError(f"{where}.instead_of: no column {column.instead_of!r} before this one")
    return profile


def _check_measures(profile: Profile, path: Path) -> None:
    for place, measure in enumerate(profile.measures):
        refused = why_refused(measure)
        if refused is not None:
            field, reason = refused
            raise SettingsError(f"{path}: line {_line(path, place, field)}: measures[{place}].{field}: {reason}")


def _line(path: Path, place: int, field: str) -> int:
    """The line of one field of the measure of that number; that of its heading where the field is not written there."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    headings = [number for number, line in enumerate(lines, 1) if line.strip() == "[[measures]]"]
    if place >= len(headings):
        return next((number for number, line in enumerate(lines, 1) if line.lstrip().startswith("measures")), 1)
    for number, line in enumerate(lines[headings[place] :], headings[place] + 1):
        if line.strip().startswith("["):
            break
        if line.partition("=")[0].strip() == field:
            return number
    return headings[place]


def _check_parts(table: Table, own: tuple[str, ...], key: str) -> None:
    """What only tables of parts have."""
    for name in ("only", "kinds"):
        if getattr(table, name) and table.rows != "parts":
            raise SettingsError(f"{key}.{name}: only for parts")
    _check_pattern(f"{key}.only", table.only)
    for kind, meant in table.kinds.items():
        found = re.fullmatch(r"!?([a-z0-9_]+)(/[0-9]+)?", meant)
        if found is None or found[1] not in (*KINDS, *own):
            raise SettingsError(f"{key}.kinds.{kind}: must be one of {', '.join((*KINDS, *own))}, not {meant!r}")


def _check(source: Source, allowed: tuple[str, ...], where: str) -> None:
    _check_oid(f"{where}.oid", source.oid)
    if source.field not in allowed:
        raise SettingsError(f"{where}.field: must be one of {', '.join(allowed)}, not {source.field!r}")
    for name in ("divisor", "below_zero_divisor"):
        if getattr(source, name) == 0:
            raise SettingsError(f"{where}.{name}: must not be 0")
    if source.bits not in (0, 32, 64):
        raise SettingsError(f"{where}.bits: must be 32 or 64, not {source.bits}")
    for number in source.values:
        if not number.lstrip("-").isdigit():
            raise SettingsError(f"{where}.values: {number!r} is no whole number")
    if not re.fullmatch(r"([0-9]+(\.[0-9]+)*)?", source.index_ends):
        raise SettingsError(f"{where}.index_ends: must be numbers with dots between, not {source.index_ends!r}")
    for name in (*source.true, *source.unknown):
        if name not in source.values.values():
            raise SettingsError(f"{where}: {name!r} is none of its values")


def _check_oid(where: str, oid: str) -> None:
    try:
        parse_oid(oid)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from None


def _check_pattern(where: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise SettingsError(f"{where}: not a regular expression: {error}") from None
