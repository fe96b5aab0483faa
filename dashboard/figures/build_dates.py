"""Until when a build knows the records, and when it was made, in words."""

from __future__ import annotations

from collections.abc import Mapping
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


def period(results: Results) -> str:
    """'1 Dec 2025 to 1 Nov 2026', the days analysed; empty where there are none or the results do not tell."""
    entry, end = results.manifest.get("entry"), cut_off(results)
    return f"{numbers.day(entry)} to {numbers.day(end)}" if entry and end and not is_nothing(results) else ""


def is_nothing(results: Results) -> bool:
    """Whether records end before departures and quality are both on record, so that no day is analysed."""
    entry, end = results.manifest.get("entry"), cut_off(results)
    return bool(entry and end and str(end) < str(entry))


def lag(results: Results) -> str:
    """Why the analysis ends before the records do, and of when its network values are; results of an early version say less.

    The first input to end decides, as in the panel.
    """
    day, ends = cut_off(results), {k: str(end) for k, end in results.manifest.get("last_complete", {}).items() if end}
    if day is None:
        return ""
    if is_nothing(results):
        return (
            "There is nothing to analyse yet: one of the records ends too early. The build notes on Evidence say which."
        )
    return (
        f"The analysis ends on {numbers.day(day)}{_before(day, ends)}; network values are means of the eight weeks before that day and may"
        " have changed since."
    )


INPUTS: dict[str, str] = {
    "quality_hours": "the network's measurements",
    "customers": "the customer records",
    "complaints": "the complaints",
}


def _before(day: str, ends: Mapping[str, str]) -> str:
    """How long before the end of the records ``day`` is, and of which of them where the others go on."""
    end = min(ends.values(), default=day)
    days = (pd.Timestamp(end) - pd.Timestamp(day)).days
    if days <= 0:
        return ""
    first = [INPUTS.get(name, name) for name, last in ends.items() if last == end]
    which = "the records" if len(first) == len(ends) else " and ".join(first)
    return f", {numbers.of(days, 'day')} before {which} end ({numbers.day(end)}), because late entries may be missing"


def built_at(results: Results) -> datetime:
    """When the build was stored; its folder bears the stamp."""
    return datetime.strptime(results.folder.name, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
