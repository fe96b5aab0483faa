"""Which outages the event study takes: the incidents on record, and weekly down time where none is on record."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

from dashboard.measures import DOWN, PLANNED

LEAST_DOWN_HOURS = 0.25
"""Hours without service of the mean customer of a neighbourhood, in a week, from which it counts as hit."""
COLUMNS = ("area", "kind", "source", "week", "started_at", "customers", "customer_minutes")


KIND_COLUMNS: dict[str, str] = {"outage": DOWN.area_column, "planned": PLANNED.area_column}


def of_weeks(area_weeks: pd.DataFrame) -> pd.DataFrame:
    """Outages, and planned works, derived from weekly time without service, with COLUMNS and the source
    ``weekly_down_time``.

    A neighbourhood's week counts where a customer was down for LEAST_DOWN_HOURS in the mean; it began with the week.
    """
    told = [_of_weeks(area_weeks, kind, column) for kind, column in KIND_COLUMNS.items() if column in area_weeks]
    return pd.concat([one for one in told if len(one)] or told[:1], ignore_index=True)


def _of_weeks(area_weeks: pd.DataFrame, kind: str, column: str) -> pd.DataFrame:
    down = area_weeks[column].to_numpy(dtype=float, na_value=0.0)
    frame = area_weeks[down >= LEAST_DOWN_HOURS]
    customers = frame["customer_days"].to_numpy(dtype=float) / 7
    week = pd.to_datetime(frame["week"])
    return pd.DataFrame(
        {
            "area": frame["area"].to_numpy(),
            "kind": kind,
            "source": "weekly_down_time",
            "week": week.to_numpy(),
            "started_at": week.dt.tz_localize("UTC").to_numpy(),
            "customers": np.round(customers).astype(np.int64),
            "customer_minutes": 60 * customers * down[down >= LEAST_DOWN_HOURS],
        }
    )


def known(area_weeks: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    """The incidents ``recorded`` (the panel's outages), with COLUMNS; weekly down time where none is on record.

    A neighbourhood's week takes its down time as an outage only where no incident, planned work among them, reached
    into it: such are the weeks from before the collector kept incidents.
    """
    told = recorded.assign(source="incidents")[list(COLUMNS)]
    derived = _without(area_weeks, recorded)
    if not len(told) or not len(derived):  # of empty frames concat cannot tell the types
        return told if len(told) else derived
    return pd.concat([told, derived], ignore_index=True)


def _without(area_weeks: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    derived = of_weeks(area_weeks)
    spans = zip(recorded["area"], pd.to_datetime(recorded["week"]), pd.to_datetime(recorded["last_week"]), strict=True)
    touched = {(area, week) for area, first, last in spans for week in pd.date_range(first, last, freq="7D")}
    is_new = [(area, week) not in touched for area, week in zip(derived["area"], derived["week"], strict=True)]
    return derived[np.array(is_new, dtype=bool)]


def note(outages: pd.DataFrame, cut_off: datetime.date) -> str:
    """Where the event study, whose last day is ``cut_off``, knows its outages from, in words."""
    counts = outages.groupby(["source", "kind"]).size()
    struck, planned = int(counts.get(("incidents", "outage"), 0)), int(counts.get(("incidents", "planned"), 0))
    quiet = int(counts.get(("weekly_down_time", "planned"), 0))
    derived = int(counts.get(("weekly_down_time", "outage"), 0))
    if not len(outages):
        return "No outages are on record, so their effect cannot be estimated."
    if not struck and not planned:
        return (
            f"No incidents of the collector before {_after(cut_off)} are on record: the {derived:,} outages of neighbourhoods"
            " are derived from weekly down time, so the time within the week is not known. Planned work is separated where the hours record it."
        )
    said = f"The effect of outages is estimated from {_counted(struck, 'outage')} of neighbourhoods in the collector's incidents"
    said += f", and separately {_counted(planned + quiet, 'planned work')}" if planned + quiet else ""
    if derived:
        said += f"; {_counted(derived, 'week')} with down time and no incident on record count as outages too"
    return f"{said}."


def _after(cut_off: datetime.date) -> str:
    day = cut_off + datetime.timedelta(days=1)
    return f"{day.day} {day:%b %Y}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
