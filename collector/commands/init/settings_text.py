"""A settings file made from its declaration: every key with its default behind a ``#``, and what it may be."""

from __future__ import annotations

import dataclasses
import json
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

WIDTH = 116


def commented(
    settings: type[Any],
    given: Mapping[str, str],
    ranges: Mapping[str, tuple[float, float]],
    choices: Mapping[str, tuple[str, ...]],
    *,
    without: tuple[str, ...] = (),
) -> str:
    """The text of a TOML file for ``settings``: ``given`` are the keys that are set, the others show their defaults."""
    return "\n".join(_Text(given, ranges, choices).lines(settings, "", without)) + "\n"


@dataclasses.dataclass(frozen=True)
class _Text:
    given: Mapping[str, str]
    ranges: Mapping[str, tuple[float, float]]
    choices: Mapping[str, tuple[str, ...]]

    def lines(self, settings: type[Any], prefix: str, without: tuple[str, ...] = ()) -> Iterator[str]:
        hints = typing.get_type_hints(settings)
        fields = [field for field in dataclasses.fields(settings) if field.name not in without]
        tables = [field for field in fields if _is_table(hints[field.name])]
        for field in fields:
            if field not in tables:
                yield self._line(field, hints[field.name], f"{prefix}{field.name}")
        for field in tables:
            yield ""
            hint = hints[field.name]
            if dataclasses.is_dataclass(hint):
                yield from _remark(hint.__doc__ or "")
                yield f"[{prefix}{field.name}]"
                yield from self.lines(hint, f"{prefix}{field.name}.")  # type: ignore[arg-type]
            else:
                known = self.choices.get(f"{prefix}{field.name}")
                yield f"# [{prefix}{field.name}]" + (f"   # {', '.join(known)}" if known else "")

    def _line(self, field: dataclasses.Field[Any], hint: Any, key: str) -> str:
        if key in self.given:
            return f"{field.name} = {json.dumps(self.given[key])}"
        default = field.default
        is_unset = default is None or default is dataclasses.MISSING
        said = [f"{low:.15g} to {high:.15g}" for low, high in [self.ranges[key]]] if key in self.ranges else []
        said += [", ".join(self.choices[key])] if key in self.choices else []
        said += ["not set"] if is_unset else []
        text = f"# {field.name} = {_example(hint) if is_unset else _toml(default)}"
        return f"{text:<42} # {'; '.join(said)}" if said else text


def _is_table(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint) or typing.get_origin(hint) is dict


def _remark(doc: str) -> list[str]:
    """The first paragraph of a docstring as comments."""
    first = " ".join(doc.split("\n\n", maxsplit=1)[0].split()).replace("``", "")
    return [f"# {line}" for line in textwrap.wrap(first, WIDTH)]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return (
        f"{value:.15g}"
        if isinstance(value, float)
        else str(value)
        if isinstance(value, int)
        else json.dumps(str(value))
    )


def _example(hint: Any) -> str:
    """Something of the kind that a setting without a default takes."""
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if str in kinds or Path in kinds:
        return '"..."'
    return "0"
