"""Instants that programs write as seconds, or thousandths of them, since 1970 (Unix time, POSIX.1 4.16)."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.compute as pc

WAYS = {"unix": (r"^\d{9,10}(?:\.\d{1,9})?$", 1), "unix_milliseconds": (r"^\d{12,13}$", 1000)}
"""By its name in a mapping how each is written, from 1973 on, and how many are a second."""
FIRST = datetime.date(1995, 1, 1)
AHEAD = datetime.timedelta(days=366)
"""Records of providers lie between that day and a year ahead: numbers beyond are ids, phones or dates without marks."""


def way(cells: pa.Array, today: datetime.date) -> str | None:
    """How all of the filled cells say an instant; None where one of them does not, or lies beyond what records may say."""
    given = _without_zeros(cells).drop_null()
    return next((name for name in WAYS if len(given) and _are(given, name, today)), None)


def as_text(cells: pa.Array, name: str) -> pa.Array:
    """The instants that the cells say, in ISO 8601; blank where a 0 says that there is none."""
    written = pc.strftime(_seconds(_without_zeros(cells), name).cast(pa.timestamp("s")), "%Y-%m-%d %H:%M:%S")
    return pc.binary_join_element_wise(written, "Z", "")


def _without_zeros(cells: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(cells, "0"), pa.scalar(None, pa.string()), cells)


def _are(given: pa.Array, name: str, today: datetime.date) -> bool:
    if not pc.all(pc.match_substring_regex(given, WAYS[name][0])).as_py():
        return False
    low, high = (pc.min_max(_seconds(given, name))[key].as_py() for key in ("min", "max"))
    return _at(FIRST) <= low and high <= _at(today + AHEAD)


def _seconds(cells: pa.Array, name: str) -> pa.Array:
    whole = pc.replace_substring_regex(cells, r"\.\d+$", "").cast(pa.int64())
    return pc.divide(whole, WAYS[name][1])


def _at(day: datetime.date) -> float:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp()
