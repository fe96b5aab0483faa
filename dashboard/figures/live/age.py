"""What has come in since results were made, in words: pages, reports and tables to take away all say this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dashboard.figures import build_dates
from dashboard.figures.style import numbers

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.analysis.build_log import Newer
    from dashboard.results.stored_results import Results

NAMES: dict[str, str] = {
    "areas": "neighbourhoods",
    "customers": "customers",
    "prices": "prices",
    "complaints": "complaints",
    "nps": "survey answers",
    "reviews": "public reviews",
}


def newer(inputs: Sequence[Newer], timezone: str) -> str:
    """Which inputs are newer and since when: 'prices (imported 3 Nov 2026, 14:05)'; empty where none is."""
    said = [_said(one, timezone) for one in inputs]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def stamp(table: pd.DataFrame, results: Results, newer: str) -> None:
    """Add to a table that is taken away until when its records count, and what has come in since it was built."""
    table["records_until"] = build_dates.cut_off(results)
    table["newer_inputs"] = newer


def older(inputs: Sequence[Newer], timezone: str) -> str:
    """That results are older than these inputs, as a sentence; empty where none is newer."""
    if not inputs:
        return ""
    return f"Newer data have arrived since these results were built: {newer(inputs, timezone)} are not in them."


def _said(one: Newer, timezone: str) -> str:
    if isinstance(one.since, datetime):
        local = one.since.astimezone(ZoneInfo(timezone))
        what = "an import that was undone" if one.is_taken_back else "imported"
        return f"{NAMES.get(one.name, one.name)} ({what} {numbers.day(local)}, {local:%H:%M})"
    return f"the network's measurements from {numbers.day(one.since)} on"
