"""A TOML file read into frozen dataclasses: defaults are field values, an unknown key is an error that names it."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from bairro_error import BairroError

T = TypeVar("T")


class SettingsError(BairroError, ValueError):
    """A settings file that cannot be used; the message names the file, the key and what is wrong with it."""


NO_CONFIG = "; `bairro init FOLDER` writes a folder with one, and --config names another"
"""What to do where the configuration file is absent, for ``absent``."""


def load(path: Path, into: type[T], *, choices: dict[str, tuple[str, ...]] | None = None, absent: str = "") -> T:
    """Read ``path`` into the dataclass ``into``; tables become nested dataclasses, paths are relative to the file.

    ``choices`` maps dotted keys to the values that they may take, those of a dict to the keys that it may have; ``absent``
    as in ``read``. Raises SettingsError.
    """
    return build(read(path, absent=absent), into, path, choices=choices)


def read(path: Path, *, absent: str = "") -> dict[str, Any]:
    """The file's tables, unjudged. Raises SettingsError where it is not a TOML file that can be read.

    ``absent`` is what to do where there is no such file, in words that go on from there.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file{absent}") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except RecursionError:
        raise SettingsError(f"{path}: not TOML that can be read: its values lie too deep within one another") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from None


def build(
    values: Any, into: type[T], path: Path, *, key: str = "", choices: dict[str, tuple[str, ...]] | None = None
) -> T:
    """Turn tables that were read from ``path`` (at ``key`` in it) into ``into``. Raises SettingsError."""
    return _record(values, into, _Place(path, key), choices or {})


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where in the file a value stands, for messages and relative paths; a secret (``repr=False``) is never shown."""

    path: Path
    key: str
    is_secret: bool = False

    def at(self, key: str | int) -> _Place:
        part = f"[{key}]" if isinstance(key, int) else f".{key}" if self.key else key
        return _Place(self.path, f"{self.key}{part}", self.is_secret)

    def wrong(self, what: str, value: Any) -> SettingsError:
        return self.error(what if self.is_secret else f"{what}, not {value!r}")

    def error(self, what: str) -> SettingsError:
        return SettingsError(f"{self.path}: {self.key or 'the file'}: {what}")


def _record(values: Any, into: type[T], place: _Place, choices: dict[str, tuple[str, ...]]) -> T:
    if not isinstance(values, dict):
        raise place.error("must be a table")
    hints, fields = _declared(into)  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.82)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise place.at(key).error(f"unknown key; known here: {', '.join(fields)}{hint}")
    missing = [
        name
        for name, field in fields.items()
        if name not in values and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise place.at(missing[0]).error("is required")
    found = {}
    for name, value in values.items():
        own = dataclasses.replace(place.at(name), is_secret=not fields[name].repr)
        found[name] = _value(value, hints[name], own, choices)
    return into(**found)


@functools.cache
def _declared(into: type[Any]) -> tuple[dict[str, Any], dict[str, dataclasses.Field[Any]]]:
    """The types and the fields of a dataclass, by name; a file of many tables asks for the same ones many times."""
    return typing.get_type_hints(into), {field.name: field for field in dataclasses.fields(into)}


def _value(value: Any, hint: Any, place: _Place, choices: dict[str, tuple[str, ...]]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    allowed = choices.get(place.key)
    if origin is dict:
        return _table(value, arguments[1], place, choices)
    if allowed is not None and value not in allowed:
        raise place.wrong(f"must be one of {', '.join(allowed)}", value)
    if origin in (typing.Union, types.UnionType):
        return _value(value, next(a for a in arguments if a is not type(None)), place, choices)
    if origin is tuple:
        if not isinstance(value, list):
            raise place.error("must be a list")
        return tuple(_value(item, arguments[0], place.at(i), choices) for i, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return _record(value, hint, place, choices)  # type: ignore[arg-type]
    return _scalar(value, hint, place)


def _table(value: Any, hint: Any, place: _Place, choices: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise place.error("must be a table")
    known = choices.get(place.key, tuple(value))
    if unknown := [key for key in value if key not in known]:
        raise place.at(unknown[0]).error(f"unknown key; known here: {', '.join(known)}")
    return {key: _value(item, hint, place.at(key), choices) for key, item in value.items()}


def _scalar(value: Any, hint: Any, place: _Place) -> Any:
    if hint is Path:
        if not isinstance(value, str):
            raise place.wrong("must be a path in quotes", value)
        return (place.path.parent / Path(value).expanduser()).resolve()
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        names = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        raise place.wrong(f"must be {names.get(hint, hint)}", value)
    return value
