"""Hours without service by neighbourhood and week, short and long ones apart, beside who was there and who left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import COMPARED, DOWN, PLANNED
from dashboard.models.complaints.measure_lags import LEAST_OBSERVED
from dashboard.tables.schema import QUALITY_CATEGORIES

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LONG_HOURS = 4.0
"""From more hours without service of a customer in a week on they count as long; `area_quality.sql` counts them."""
ALL, UNDER, OVER, PLANNED_KIND = "all", "under_4h", "over_4h", "planned"
LONG_COLUMNS = ("down_ratio", "long_down_ratio", "long_down_hours_per_customer")
WEEK_HOURS = 168.0


@dataclass(frozen=True, slots=True)
class Hours:
    """Grids (areas, weeks), every week from the first to the last one present.

    ``customers`` were there on the mean day; ``is_counted`` marks complete weeks with customers. ``events`` by outcome are
    nan where they are not known. ``hours`` by kind are those of the mean customer, ``hit`` the share of customers who had any; nan
    where not known, and a kind is absent where it is known nowhere. ``unseen`` are hours of the week in which the mean
    customer's connection was not observed. ``others`` (measures, areas, weeks) is what else may have moved, in steps.
    """

    areas: tuple[str, ...]
    weeks: pd.DatetimeIndex
    customers: Floats
    is_counted: Flags
    events: dict[str, Floats]
    hours: dict[str, Floats]
    hit: dict[str, Floats]
    unseen: Floats
    others: Floats


def hours_of(area_weeks: pd.DataFrame, outages: pd.DataFrame) -> Hours:
    """What area_weeks has on record; ``outages`` (as of `outage_list.known`) tell the hours of incidents in weeks of which
    less than half was observed.
    """
    areas = tuple(sorted(area_weeks["area"].unique()))
    stamps = pd.DatetimeIndex(pd.to_datetime(area_weeks["week"]))
    weeks = pd.date_range(stamps.min(), stamps.max(), freq="7D").as_unit(stamps.unit) if len(stamps) else stamps
    place = pd.Index(areas).get_indexer(pd.Index(area_weeks["area"])), weeks.get_indexer(stamps)

    def grid(column: str, blank: float = np.nan) -> Floats:
        cells = np.full((len(areas), len(weeks)), blank)
        if column in area_weeks:
            cells[place] = area_weeks[column].to_numpy(dtype=float, na_value=blank)
        return cells

    customers = grid("customer_days", 0.0) / 7
    observed = np.ones_like(customers) if "observed_ratio" not in area_weeks else grid("observed_ratio", 0.0)
    is_watched = observed >= LEAST_OBSERVED
    measured = {name: np.where(is_watched, grid(name), np.nan) for name in (DOWN.area_column, *LONG_COLUMNS)}
    hours, hit = _by_length(measured)
    planned = np.where(is_watched, grid(PLANNED.area_column), np.nan)
    if np.nansum(planned) > 0:
        hours[PLANNED_KIND] = planned
    _fill_from_incidents((hours, hit), _Where(areas, weeks, customers), outages)
    return Hours(
        areas=areas,
        weeks=weeks,
        customers=customers,
        is_counted=(grid("is_complete", 0.0) > 0) & (customers > 0),
        events={
            "complaints_quality": sum((grid(f"complaints_{c}") for c in QUALITY_CATEGORIES), np.zeros(observed.shape)),
            "leaving": grid("leavers_voluntary", 0.0),
        },
        hours=hours,
        hit=hit,
        unseen=WEEK_HOURS * (1 - np.clip(observed, 0.0, 1.0)),
        others=np.stack([grid(m.area_column) / m.per for m in COMPARED if m is not DOWN]),
    )


def _by_length(measured: dict[str, Floats]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Hours and shares of customers by kind, from the hours of all and from those of customers with more than four."""
    every = measured[DOWN.area_column]
    share, long_share, long = (measured[name] for name in LONG_COLUMNS)
    if np.isnan(long).all():
        return {ALL: every}, {}
    over = np.minimum(long, every)
    hit = {ALL: share, UNDER: np.maximum(share - long_share, 0.0), OVER: long_share}
    return {ALL: every, UNDER: every - over, OVER: over}, hit


@dataclass(frozen=True, slots=True)
class _Where:
    areas: tuple[str, ...]
    weeks: pd.DatetimeIndex
    customers: Floats


def _fill_from_incidents(
    known: tuple[dict[str, Floats], dict[str, Floats]], where: _Where, outages: pd.DataFrame
) -> None:
    """Put what incidents on record took into weeks that were not measured; such as have no incident stay unknown."""
    hours, hit = known
    told = outages[(outages["source"] == "incidents") & (outages["customers"] > 0)]
    rows = pd.Index(where.areas).get_indexer(pd.Index(told["area"]))
    columns = where.weeks.get_indexer(pd.DatetimeIndex(told["week"]))
    blank = {kind: np.isnan(values) for kind, values in hours.items()}
    told_of = zip(rows, columns, told["kind"], told["customers"], told["customer_minutes"] / 60, strict=True)
    for row, column, kind, customers, customer_hours in told_of:
        length = UNDER if customer_hours <= LONG_HOURS * customers else OVER
        for one in (PLANNED_KIND,) if kind == "planned" else (ALL, length):
            if row < 0 or column < 0 or one not in hours or not blank[one][row, column]:
                continue
            people = max(float(where.customers[row, column]), 1.0)
            for table, value in ((hours, customer_hours), (hit, customers)):
                if one in table:
                    table[one][row, column] = np.nan_to_num(table[one][row, column]) + float(value) / people
    for one in (UNDER, OVER):
        if one in hours:
            hours[one][np.isnan(hours[one]) & ~np.isnan(hours[ALL])] = 0.0
