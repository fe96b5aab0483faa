"""Columns of the customers' states with words or codes that nobody knows: told, since a guess would be wrong for somebody."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.columns.subjects import is_of_customer, is_of_something_else, is_of_states
from dashboard.tables.checks.columns.who_left.departures import plain

_WORDS = tomllib.loads((Path(__file__).parents[2] / "words.toml").read_text(encoding="utf-8"))["status"]
_KNOWN = tuple(
    word
    for key in ("here", "gone", "waiting", "interrupted", "never", "gone_whole", "harmless")
    for word in _WORDS[key]
)
_NOT_GONE = re.compile(
    rf"(?:(?:{'|'.join(_WORDS['negations'])})|(?:{'|'.join(map(re.escape, _WORDS['hedges']))})\w*)\s+"
    rf"(?:{'|'.join(map(re.escape, _WORDS['gone']))})"
)
"""Not cancelled, tijdelijk stopgezet: still a customer."""
_CODES = (*_WORDS["here_codes"], "a")
"""Codes that say active by themselves."""
_BESIDE_THEM = (*_WORDS["here_codes"], *_WORDS["here_letters"], *_WORDS["harmless_codes"])
"""What says nothing of going beside one of those, or beside one that says gone."""
MOST, SHOWN = 12, 5
MANY, FEWEST = 0.2, 3
"""Words of such a share of the rows, and of so many rows, or more, have to be looked at by a person."""


@dataclass(frozen=True)
class Told:
    """What is said of a column, if anything; a warning where a person has to look at it."""

    said: tuple[str, ...] = ()
    is_warning: bool = False


def told(name: str, cells: pa.Array, gone: Collection[str]) -> Told:
    """On the words of ``cells`` (of rows without an end) that are neither among the ``gone`` nor known to mean something else."""
    counts = {str(one["values"]): int(one["counts"]) for one in pc.value_counts(cells.drop_null()).to_pylist()}
    if not 2 <= len(counts) <= MOST or is_of_something_else(name) or not _is_of_customers_state(name):
        return Told()
    codes = _CODES if not gone and not any(_bare(text) in _CODES for text in counts) else _BESIDE_THEM
    unknown = {text: rows for text, rows in counts.items() if text not in gone and not _is_known(text, codes)}
    if is_of_sessions(name):
        unknown = {
            text: rows for text, rows in counts.items() if text.strip().lower().startswith(tuple(_WORDS["gone"]))
        }
    if not unknown:
        return Told()
    some = ", ".join(f'"{text}" ({rows:,})' for text, rows in sorted(unknown.items(), key=lambda one: -one[1])[:SHOWN])
    said = (
        f"{name}: whether {some} {'says' if len(unknown) == 1 else 'say'} that a customer has gone is not known, so these rows"
        f' count as customers: say in a mapping [skip] "{name}" = [...] with those who have gone, or ignore = ["{name}"]'
        " where none has"
    )
    rows = sum(unknown.values())
    is_many = rows >= max(FEWEST, MANY * sum(counts.values()))
    return Told((said,), is_warning=is_many or is_of_sessions(name))


def is_of_sessions(name: str) -> bool:
    """Whether the column may say whether somebody is online just now: disconnected is nobody who has gone then."""
    return any(word in plain(name) for word in _WORDS["sessions"]) and is_of_states(name)


def _is_known(text: str, codes: Collection[str]) -> bool:
    bare = _bare(text)
    return bare.startswith(_KNOWN) or bare in codes or _NOT_GONE.match(bare) is not None


def _bare(text: str) -> str:
    return text.strip().lower().replace("\u0307", "")  # of a Turkish capital İ


def _is_of_customers_state(name: str) -> bool:
    """Whether all of its name is about a customer's state; "state" and "estado" alone are also places."""
    return name not in _WORDS["also_places"] and is_of_customer(name, _WORDS["columns"])
