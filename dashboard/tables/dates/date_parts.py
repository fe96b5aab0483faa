"""Dates of three numbers, as they are written: what stands first, second and third, before anybody knows what it is."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bairro_error import BairroError

NUMERIC = r"^(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})[-/.](?P<third>\d{4}|\d{2})(?:\D|$)"
NAMED = r"^(?P<first>\d{2})(?P<mark>[- ])(?P<second>[A-Za-z]{3})[a-z]*[- ](?P<third>\d{2})(?:\D|$)"
MONTHS = pa.array(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])


class OrderError(BairroError, ValueError):
    """Dates of which nobody can tell in which order they are written; the message names the column."""


class Order(enum.Enum):
    DAY = "day/month/year"
    MONTH = "month/day/year"
    YEAR = "year/month/day"

    @property
    def format(self) -> str:
        """As a mapping says it, of years of two digits."""
        return {"day": "%d/%m/%y", "month": "%m/%d/%y", "year": "%y/%m/%d"}[self.name.lower()]


@dataclass(frozen=True)
class Parts:
    """The different days of a column that writes them in three numbers, and the first of them as it is written."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    third: npt.NDArray[np.int64]
    mark: str
    example: str
    is_named: bool = False


def two_digits(column: pa.Array) -> Parts | None:
    """The days whose years have two digits; None where there are none, or where the first number can be no year."""
    distinct = pc.unique(column.drop_null())
    for pattern in (NUMERIC, NAMED):
        matched = pc.extract_regex(distinct, pattern)
        third = pc.struct_field(matched, "third")
        is_short = pc.fill_null(pc.equal(pc.utf8_length(third), 2), False)
        found, texts = matched.filter(is_short), distinct.filter(is_short)
        # Where the first number is written as 5 and not as 05, it is no year.
        if not len(found) or pc.min(pc.utf8_length(pc.struct_field(found, "first"))).as_py() < 2:
            continue
        is_named = pattern is NAMED
        fields = [numbers(pc.struct_field(found, part)) for part in ("first", "third")]
        named = pc.index_in(pc.utf8_lower(pc.struct_field(found, "second")), MONTHS)
        second = numbers(pc.add(pc.fill_null(named, 12), 1) if is_named else pc.struct_field(found, "second"))
        days = np.unique(np.stack([fields[0], second, fields[1]]), axis=1, return_index=True)
        (first, second, third), at = days
        order = np.argsort(at)
        example = str(texts[int(at.min())].as_py()).split(" ")[0] if not is_named else str(texts[0].as_py())[:9]
        mark = str(pc.struct_field(found, "mark")[0].as_py())
        return Parts(first[order], second[order], third[order], mark, example, is_named)
    return None


def year_last(column: pa.Array, year: str = r"\d+") -> Parts:
    """The days with the year at the end and without dots, which are never month first; ``year`` is a pattern of years.

    Nonsense (13/14/2026) is left out. The example is the first that reads differently day first and month first.
    """
    distinct = pc.unique(column.drop_null())
    matched = pc.extract_regex(distinct, NUMERIC)
    is_one = pc.and_(
        pc.fill_null(pc.not_equal(pc.struct_field(matched, "mark"), "."), False),
        pc.fill_null(pc.match_substring_regex(pc.struct_field(matched, "third"), f"^{year}$"), False),
    )
    found = matched.filter(is_one)
    first, second, third = (numbers(pc.struct_field(found, part)) for part in ("first", "second", "third"))
    third = np.where(third < 70, 2000 + third, np.where(third < 100, 1900 + third, third))
    possible = (first <= 12) | (second <= 12)
    texts = distinct.filter(is_one).filter(pa.array(possible))
    days = np.stack([first[possible], second[possible], third[possible]])
    days, at = np.unique(days, axis=1, return_index=True)
    days, at = days[:, np.argsort(at)], np.sort(at)
    differs = at[days[0] != days[1]]
    example = str(texts[int(differs[0])].as_py()).split(" ")[0] if len(differs) else ""
    mark = str(pc.struct_field(found, "mark")[0].as_py()) if len(found) else "/"
    return Parts(days[0], days[1], days[2], mark, example)


def numbers(texts: pa.Array) -> npt.NDArray[np.int64]:
    return np.asarray(pc.cast(texts, pa.int64()).to_numpy(zero_copy_only=False))
