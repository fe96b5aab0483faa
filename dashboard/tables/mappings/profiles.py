"""Mapping profiles: how a CRM's own export is to be read, declared in TOML and checked before anything is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import settings_file
from collector.published import TableSpec
from dashboard.tables.checks.cells.ids import COLUMNS, Way
from dashboard.tables.checks.columns.scales import SCALES
from dashboard.tables.readers.sheets import UnreadableError
from dashboard.tables.schema import CHOICES, RECORDS, given_columns

PACKAGED = Path(__file__).parent
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600}
SPECIAL_FORMATS = ("unix", "unix_milliseconds", "excel")
INSTANTS = ("unix", "unix_milliseconds")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Where one of our columns comes from.

    ``otherwise`` are the columns, joined likewise, of an export that has none of ``source``, as of another version of the
    program; ``format`` is not theirs: their dates are read as any export's. Either ``constant``, or ``source``: one column of the export, or several that are joined by ``join`` (those that
    are blank are left out). Then, in this order: ``values`` (the whole cell, whatever the case), ``words`` (the first
    of our values of whose words or phrases the cell has one), ``default`` for what neither knows, ``blank`` for blank
    cells. Without ``default`` what is not known is refused, unless ``keep`` lets it stand as it is. ``format`` says
    how dates are written (as in strptime, or unix), one or several to be tried in order; ``timezone`` where their
    clock hangs. ``after`` names one of our timestamps to which the cell's number of ``unit`` is added. How ids are
    rewritten, so that they are those of the other exports, is said by the fields of ``ids.Way``. ``scale`` confirms of
    scores and stars that they are of the scale that is meant, where they do not look so. ``divide`` is what amounts are
    divided by (100: they are in cents); 1 confirms that they are right as they stand.
    """

    source: tuple[str, ...] = ()
    join: str = " "
    constant: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    default: str | None = None
    blank: str | None = None
    keep: bool = False
    format: tuple[str, ...] = ()
    timezone: str | None = None
    after: str | None = None
    unit: str = "minutes"
    strip_decimals: bool = False
    digits: bool = False
    remove: str = ""
    lower: bool = False
    upper: bool = False
    strip_zeros: bool = False
    pad: int = 0
    scale: str | None = None
    divide: float | None = None
    otherwise: tuple[str, ...] = ()

    @property
    def way(self) -> Way:
        return Way(**{field.name: getattr(self, field.name) for field in fields(Way)})


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole profile. Columns of the export that no column here takes stay at the door.

    ``skip`` names rows that are no records: column = the values (whatever the case) by which they are known. ``blank``
    are the words of the export that stand for an empty cell, instead of those that are known for it (blanks.WORDS).
    ``services``: several services of one customer are one customer, who pays their sum ("sum").
    ``encoding`` is that of a text file, where it cannot be told. ``ignore`` are columns that say nothing of who has gone, though they look so.
    """

    kind: str
    columns: dict[str, ColumnMapping]
    title: str = ""
    cite: str = ""
    based_on: str | None = None
    timezone: str | None = None
    decimal: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    skip: dict[str, tuple[str, ...]] = field(default_factory=dict)
    blank: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    services: str | None = None


def packaged() -> dict[str, str]:
    """The profiles that come with Bairro: name -> kind."""
    return {path.stem: tomllib.loads(path.read_text("utf-8"))["kind"] for path in sorted(PACKAGED.glob("*.toml"))}


def load(named: str, kind: str) -> Mapping:
    """The profile in the file ``named``, or the packaged one of that name, for records of ``kind``.

    Raises UnreadableError, saying what is wrong where.
    """
    try:
        path = _path(named)
        mapping = _built(settings_file.read(path), path)
    except settings_file.SettingsError as error:
        raise UnreadableError(f"the mapping cannot be used: {error}") from None
    if mapping.kind != kind:
        raise UnreadableError(f"the mapping {named} is for {mapping.kind}, not for {kind}")
    return mapping


def parse(text: str, named: str) -> Mapping:
    """The profile that ``text`` (TOML) is; ``named`` stands for it in messages. Raises settings_file.SettingsError."""
    return _built(tomllib.loads(text), Path(named))


def _built(tables: dict[str, Any], path: Path) -> Mapping:
    mapping = settings_file.build(_tables(tables, path), Mapping, path, choices=_CHOICES)
    _check(mapping, path)
    return mapping


_CHOICES = {"kind": tuple(RECORDS), "decimal": ("point", "comma"), "services": ("sum",)}


def _path(named: str) -> Path:
    own, ours = Path(named), PACKAGED / f"{named}.toml"
    if not own.suffix and not own.exists() and "/" not in named:
        if ours.exists():
            return ours
        raise settings_file.SettingsError(
            f"no mapping is called {named}; there are {', '.join(packaged())}, or a file's path"
        )
    return own


def _tables(tables: dict[str, Any], path: Path) -> dict[str, Any]:
    """The file's tables with single texts as lists of one, laid over the profile that it is based on."""
    for column in _dicts(tables.get("columns")).values():
        for key in ("source", "otherwise", "format"):
            if isinstance(column.get(key), str):
                column[key] = [column[key]]
        words = column.get("words")
        if isinstance(words, dict):
            column["words"] = {name: [said] if isinstance(said, str) else said for name, said in words.items()}
    if isinstance(tables.get("skip"), dict):
        tables["skip"] = {name: [one] if isinstance(one, str) else one for name, one in tables["skip"].items()}
    base = tables.get("based_on")
    if base is None:
        return tables
    if not isinstance(base, str) or base not in packaged():
        raise settings_file.SettingsError(
            f"{path}: based_on: no packaged mapping is called {base!r}; {', '.join(packaged())}"
        )
    under = _tables(settings_file.read(PACKAGED / f"{base}.toml"), path)
    columns = {**under["columns"], **_dicts(tables.get("columns"))}
    return {**under, **tables, "columns": {name: column for name, column in columns.items() if column}}


def _dicts(value: Any) -> dict[str, dict[str, Any]]:
    return {name: item for name, item in value.items() if isinstance(item, dict)} if isinstance(value, dict) else {}


def _check(mapping: Mapping, path: Path) -> None:
    spec = RECORDS[mapping.kind]
    known = [column.name for column in given_columns(spec)]
    for name in mapping.columns:
        if name not in known:
            raise settings_file.SettingsError(
                f"{path}: columns.{name}: {mapping.kind} have no such column; they have {', '.join(known)}"
            )
    if mapping.services is not None and mapping.kind != "customers":
        raise settings_file.SettingsError(f"{path}: services: is for customers, not for {mapping.kind}")
    for name, column in mapping.columns.items():
        if reason := _fault(name, column, mapping.columns) or _fault_of_divisor(spec, name, column):
            raise settings_file.SettingsError(f"{path}: columns.{name}: {reason}")
    for zone in (mapping.timezone, *(column.timezone for column in mapping.columns.values())):
        if zone is not None and not _is_zone(zone):
            raise settings_file.SettingsError(f"{path}: timezone: no IANA time zone is called {zone!r}")


def _fault(name: str, column: ColumnMapping, columns: Table[str, ColumnMapping]) -> str | None:
    if bool(column.source) == (column.constant is not None):
        return "needs either source (a column of the export) or constant"
    if column.otherwise and not column.source:
        return "otherwise says what to take where source is not there, and there is no source"
    if column.unit not in UNITS:
        return f"unit must be one of {', '.join(UNITS)}, not {column.unit!r}"
    if column.after is not None and (
        column.after not in columns or columns[column.after].after or column.after == name
    ):
        return f"after must name another timestamp that the mapping takes from the export, not {column.after!r}"
    if column.way and name not in COLUMNS:
        return f"{column.way.options} is for ids: {', '.join(sorted(COLUMNS))}"
    if column.scale is not None and (name not in SCALES or column.scale != SCALES[name].name):
        named = ", ".join(f"{one.name} of {known}" for known, one in SCALES.items())
        return (
            f"scale confirms what is read, and that is {named}; values = {{...}} says what answers of another stand for"
        )
    if column.lower and column.upper:
        return "lower and upper: set only one of them"
    if not 0 <= column.pad <= 64:
        return f"pad must be between 0 and 64 digits, not {column.pad}"
    if any("%" not in way and way not in SPECIAL_FORMATS for way in column.format):
        return f"format is written as in strptime (%d/%m/%Y %H:%M) or is {' or '.join(SPECIAL_FORMATS)}"
    if len({way in INSTANTS or "%z" in way for way in column.format}) > 1:
        return "format: either all of them say their time zone (%z, unix) or none does"
    choices = CHOICES.get(name)
    ours = [*column.values.values(), *column.words, column.default, column.blank, column.constant]
    wrong = [value for value in ours if choices and value is not None and value.lower() not in choices]
    return f"{wrong[0]!r} is not one of {', '.join(choices or ())}" if wrong else None


def _fault_of_divisor(spec: TableSpec, name: str, column: ColumnMapping) -> str | None:
    numbers = [one.name for one in given_columns(spec) if one.type == "number"]
    if column.divide is None or (name in numbers and column.divide > 0):
        return None
    return (
        f"divide must be above 0, not {column.divide:g}"
        if name in numbers
        else f"divide is for {', '.join(numbers) or 'amounts'}"
    )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return False
    return True
