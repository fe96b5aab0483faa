"""Until when a build knows the records, and when it was made, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from dashboard.figures.style import numbers

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results


def cut_off(results: Results) -> str | None:
    """The last day that counts, YYYY-MM-DD."""
    value = results.manifest.get("cut_off")
    return None if value is None else str(value)


def analysed(results: Results) -> str:
    """'Analysed until 1 Nov 2026', or that there is nothing yet."""
    return "Nothing analysed yet" if is_nothing(results) else f"Analysed until {numbers.day(cut_off(results))}"


def is_nothing(results: Results) -> bool:
    """Whether records end before departures and quality are both on record, so that no day is analysed."""
    entry, end = results.manifest.get("entry"), cut_off(results)
    return bool(entry and end and str(end) < str(entry))


def lag(results: Results) -> str:
    """Why the analysis ends before the records do, and of when its network values are; results of an early version say less.

    The first input to end decides, as in the panel.
    """
    day, ends = cut_off(results), [str(end) for end in results.manifest.get("last_complete", {}).values() if end]
    if day is None:
        return ""
    if is_nothing(results):
        return (
            "There is nothing to analyse yet: one of the records ends too early. The build notes on Evidence say which."
        )
    days = (pd.Timestamp(min(ends)) - pd.Timestamp(day)).days if ends else 0
    before = (
        f", {numbers.count(days)} days before the records do, because late entries may be missing" if days > 0 else ""
    )
    return (
        f"The analysis ends on {numbers.day(day)}{before}; network values are means of the eight weeks before that day and may"
        " have changed since."
    )


def built_at(results: Results) -> datetime:
    """When the build was stored; its folder bears the stamp."""
    return datetime.strptime(results.folder.name, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
