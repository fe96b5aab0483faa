"""Weeks between the first and the last complaint (or answer) on record that hold hardly any: told at each import until they are filled."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables import gaps_in_time

DAY_OF = {"complaints": "opened_at", "nps": "answered_on"}


def told(kind: str, after: pa.Table) -> tuple[str, ...]:
    """A warning with the dates of the gaps; ``after`` are those on record after the import."""
    if kind not in DAY_OF or not after.num_rows:
        return ()
    days = pc.value_counts(after.column(DAY_OF[kind]).cast(pa.date32()))
    per_day: dict[datetime.date, int] = {one["values"]: int(one["counts"]) for one in days.to_pylist() if one["values"]}
    look = gaps_in_time.gaps if kind == "complaints" else gaps_in_time.gaps_of_waves
    every = look(per_day, min(per_day), max(per_day)) if per_day else ()
    found = [gap for gap in every if _is_between(gap, per_day)]
    if not found:
        return ()
    noun = "complaints" if kind == "complaints" else "survey answers"
    return (
        f"{gaps_in_time.said(found, noun)}: was a part of the export left out? Import the {noun} of these weeks as well; until"
        f" then they count as not known, not as free of {noun}",
    )


def _is_between(gap: gaps_in_time.Gap, per_day: dict[datetime.date, int]) -> bool:
    """Whether the records begin before it and go on after it, by more than a few rows with a wrong date."""
    before = sum(count for day, count in per_day.items() if day < gap.first)
    after = sum(count for day, count in per_day.items() if day > gap.last)
    return min(before, after) >= gap.usual
