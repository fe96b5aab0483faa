"""The panel without what rests on a join of which too little is known (see join_coverage): null, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from dashboard.panel.assemble import Panel
from dashboard.panel.join_coverage import (
    ANSWERERS,
    ANSWERS,
    ANSWERS_OF_AREAS,
    COMPLAINERS,
    COMPLAINERS_OF_AREAS,
    COMPLAINTS,
    COMPLAINTS_OF_AREAS,
    PRICES,
    REASONS,
    WEEKS_OF_ANSWERS,
    WEEKS_OF_AREAS,
    WEEKS_OF_COMPLAINTS,
)
from dashboard.tables.panel_tables import AREA_WEEKS

LOOKED_BACK = 56
_OF_CUSTOMERS = ("complaints_before", "quality_complaints_before", "answer_hours_before")

_NPS = [name for name in AREA_WEEKS.column_names if name.startswith("nps_")]
_ENDS = ["left_voluntarily", "left_otherwise"]


def withheld(panel: Panel) -> Panel:
    """The panel with null, or no row, where it rests on a join that is not known, everywhere or in some areas."""
    panel = _without_reasons(_in_weeks(_in_areas(panel)))
    weeks = panel.area_weeks
    if not panel.knows(COMPLAINTS):
        weeks = _without(weeks, [name for name in AREA_WEEKS.column_names if name.startswith("complaints_")])
    if not panel.knows(ANSWERS):
        weeks = _without(weeks, _NPS)
    if not panel.knows(COMPLAINERS):
        weeks = _without(weeks, [name for name in AREA_WEEKS.column_names if name.startswith("quiet_")])
    unknown = [] if panel.knows(COMPLAINERS) else list(_OF_CUSTOMERS)
    unknown += [] if panel.knows(ANSWERERS) else ["nps_score_before"]
    unknown += [] if panel.knows(PRICES) else ["price_gap"]
    answers = panel.survey_answers if panel.knows(ANSWERS) else panel.survey_answers.iloc[:0]
    complaints = panel.quality_complaints if panel.knows(COMPLAINERS) else panel.quality_complaints.iloc[:0]
    if not panel.knows(PRICES):
        weeks = _without(weeks, ["price_gap_mean"])
    return replace(
        panel,
        area_weeks=weeks,
        survey_answers=_without(answers, [] if panel.knows(COMPLAINERS) else ["complaints_before"]),
        quality_complaints=complaints,
        customer_periods=_without(panel.customer_periods, unknown),
        customer_weeks=_without(panel.customer_weeks, unknown),
        customers_now=_without(panel.customers_now, unknown),
    )


def _without_reasons(panel: Panel) -> Panel:
    """The panel without who left of their own will, where that is not known of too many departures."""
    if panel.knows(REASONS):
        return panel
    return replace(
        panel,
        area_weeks=_without(panel.area_weeks, ["leavers_voluntary", "leavers_other"]),
        customer_periods=_without(panel.customer_periods, _ENDS),
        customer_weeks=_without(panel.customer_weeks, _ENDS),
        departures=panel.departures.assign(exit_reason=None),
    )


def _in_areas(panel: Panel) -> Panel:
    """The panel without the complaints of single areas that are not known."""
    uncounted = panel.areas_without(COMPLAINTS_OF_AREAS)
    unnamed = uncounted | panel.areas_without(COMPLAINERS_OF_AREAS)
    unanswered = panel.areas_without(ANSWERS_OF_AREAS)
    if unanswered:
        panel = replace(
            panel,
            area_weeks=_without_of(panel.area_weeks, _NPS, unanswered),
            survey_answers=panel.survey_answers[~panel.survey_answers["area"].isin(unanswered)],
        )
    if not unnamed:
        return panel
    counts = [name for name in AREA_WEEKS.column_names if name.startswith("complaints_")]
    quiet = [name for name in AREA_WEEKS.column_names if name.startswith("quiet_")]
    return replace(
        panel,
        area_weeks=_without_of(_without_of(panel.area_weeks, counts, uncounted), quiet, unnamed),
        survey_answers=_without_of(panel.survey_answers, ["complaints_before"], unnamed),
        quality_complaints=panel.quality_complaints[~panel.quality_complaints["area"].isin(unnamed)],
        customer_periods=_without_of(panel.customer_periods, _OF_CUSTOMERS, unnamed),
        customer_weeks=_without_of(panel.customer_weeks, _OF_CUSTOMERS, unnamed),
        customers_now=_without_of(panel.customers_now, _OF_CUSTOMERS, unnamed),
    )


def _in_weeks(panel: Panel) -> Panel:
    """The panel without the complaints and answers of weeks that are not known, and without what looks back on such a week."""
    weeks = panel.area_weeks
    answers = weeks["week"].isin(pd.DatetimeIndex(sorted(panel.weeks_without(WEEKS_OF_ANSWERS))))
    panel = replace(panel, area_weeks=_blanked(weeks, _NPS, answers)) if answers.any() else panel
    everywhere = panel.weeks_without(WEEKS_OF_COMPLAINTS)
    if everywhere:
        panel = _without_complaints_of(panel, pd.DatetimeIndex(sorted(everywhere)), None)
    for area in sorted(panel.areas_without(WEEKS_OF_AREAS)):
        own = pd.DatetimeIndex(sorted(panel.weeks_without(WEEKS_OF_AREAS, area)))
        panel = _without_complaints_of(panel, own, area)
    return panel


def _without_complaints_of(panel: Panel, gaps: pd.DatetimeIndex, area: str | None) -> Panel:
    """The panel without the complaints of the weeks ``gaps``, in ``area`` (None: everywhere)."""

    def here(frame: pd.DataFrame, days: pd.Series) -> pd.Series:
        found = _looks_back(days, gaps)
        return found if area is None else found & (frame["area"] == area)

    counts = [name for name in AREA_WEEKS.column_names if name.startswith("complaints_")]
    quiet = [name for name in AREA_WEEKS.column_names if name.startswith("quiet_")]
    weeks = panel.area_weeks
    in_gap = weeks["week"].isin(gaps) & (True if area is None else weeks["area"] == area)
    weeks = _blanked(weeks, counts, in_gap)
    weeks = _blanked(weeks, quiet, in_gap | here(weeks, weeks["week"]))
    today, periods, by_week, answers = (
        panel.customers_now,
        panel.customer_periods,
        panel.customer_weeks,
        panel.survey_answers,
    )
    now = pd.Series(pd.Timestamp(panel.cut_off) + pd.Timedelta(days=1), index=today.index)
    return replace(
        panel,
        area_weeks=weeks,
        survey_answers=_blanked(answers, ["complaints_before"], here(answers, answers["answered_on"])),
        customer_periods=_blanked(periods, _OF_CUSTOMERS, here(periods, periods["period"])),
        customer_weeks=_blanked(by_week, _OF_CUSTOMERS, here(by_week, by_week["week"])),
        customers_now=_blanked(today, _OF_CUSTOMERS, here(today, now)),
    )


def _looks_back(days: pd.Series, gaps: pd.DatetimeIndex) -> pd.Series:
    """Whether one of the 56 days before each of ``days`` lies in a week of ``gaps``."""
    found = pd.Series(data=False, index=days.index)
    for monday in gaps:
        found |= (days > monday) & (days - pd.Timedelta(days=LOOKED_BACK) < monday + pd.Timedelta(days=7))
    return found


def _without_of(frame: pd.DataFrame, columns: Sequence[str], areas: frozenset[str]) -> pd.DataFrame:
    return _blanked(frame, columns, frame["area"].isin(areas))


def _blanked(frame: pd.DataFrame, columns: Sequence[str], blank: pd.Series) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].mask(blank) for name in columns if name in frame})


def _without(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return frame.assign(**{name: _blank(frame[name]) for name in columns if name in frame})


def _blank(column: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(column.dtype):
        return pd.Series(np.nan, index=column.index, dtype=column.dtype)
    return pd.Series(pd.array([None] * len(column), dtype="Int64"), index=column.index)
