"""What the columns of a provider's own customer table mean: a TOML file read into a frozen record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import settings_file

DEFAULT_BLANK = ("NA", "N/A", "n/a", "NaN", "nan", "-", "?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The column that tells who left: its ``yes``, and its ``no`` where it has other values besides."""

    column: str
    yes: str
    no: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column is what; those not named are taken as numbers or categories by what stands in them.

    ``quality`` are numbers of which the effect within and between areas is told. ``blank`` are the words of the table
    for no value. ``decimal`` is the mark before the fraction.
    """

    id: str
    outcome: Outcome
    area: str | None = None
    quality: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    blank: tuple[str, ...] = DEFAULT_BLANK
    decimal: str = "."

    @property
    def named(self) -> dict[str, str]:
        """Every column that is named, with the key that names it."""
        single = {self.id: "id", self.outcome.column: "outcome.column"}
        single |= {self.area: "area"} if self.area is not None else {}
        for key in ("quality", "numbers", "categories", "left_out"):
            single |= dict.fromkeys(getattr(self, key), key)
        return single


def load(path: Path) -> Mapping:
    """Read a mapping. Raises settings_file.SettingsError naming the file, the key and what is wrong."""
    mapping = settings_file.load(path, Mapping, choices={"decimal": (".", ",")})
    roles: dict[str, str] = {}
    named = [(mapping.id, "id"), (mapping.outcome.column, "outcome.column")]
    named += [(mapping.area, "area")] if mapping.area is not None else []
    named += [(c, key) for key in ("quality", "numbers", "categories", "left_out") for c in getattr(mapping, key)]
    for column, key in named:
        known = roles.setdefault(normal(column), key)
        if known != key and {known, key} != {"quality", "numbers"}:
            raise settings_file.SettingsError(f"{path}: {key}: the column {column!r} is named under {known} already")
    if mapping.outcome.no is not None and mapping.outcome.no == mapping.outcome.yes:
        raise settings_file.SettingsError(f"{path}: outcome.no: is the same as outcome.yes")
    return mapping


def normal(column: str) -> str:
    """A column's name as tables are searched for it: case and blanks do not matter."""
    return "_".join(column.strip().lower().replace("-", " ").split())
