"""What sets a neighbourhood apart: each driver against the provider, and what that does to leaving and complaints."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.models.complaints.effect_model import Effect
from dashboard.models.complaints.measure_lags import Term
from dashboard.models.statistics.interval_sides import Side, side_of

Floats = npt.NDArray[np.float64]

RECENT_WEEKS = 8
MAD_TO_DEVIATION = 1.4826
PRICE_GAP, LOCKED_IN = "price_gap", "locked_in"


def area_drivers(
    area_weeks: pd.DataFrame, customers: pd.DataFrame, effects: tuple[Effect, ...], leaving: tuple[Effect, ...] = ()
) -> pd.DataFrame:
    """Rows of the area_drivers result table, strongest first in each area.

    ``customers`` are those at the cut-off, ``effects`` those of the complaints model, ``leaving`` those of the hazard.
    Effects on leaving that stand come first, then those on complaints, each by what the area's difference does; then the
    rest by how far the area stands out. ``locked_in`` is last always: the ranking is standardised for it, so that it is
    context and no reason.
    """
    recent = _recent(area_weeks)
    if recent.empty:
        return pd.DataFrame(columns=_COLUMNS)
    on_leaving = {effect.term: effect for effect in leaving}
    on_complaints = {effect.term: effect for effect in effects}
    parts = [
        _quality(recent, term, on_complaints.get(term), on_leaving.get(term))
        for term in dict.fromkeys((*on_complaints, *on_leaving))
    ]
    gap, gap_mean = _weighted(recent, "price_gap_mean", recent["customer_days"])
    parts.append(_driver(PRICE_GAP, gap, gap_mean, "currency per month"))
    held = customers["is_locked_in"].dropna().astype(float)
    by_area = held.groupby(customers.loc[held.index, "area"]).mean().reindex(gap.index)
    parts.append(_driver(LOCKED_IN, by_area, held.mean() if len(held) else np.nan, "ratio"))
    rows = pd.concat(parts, ignore_index=True)
    _withhold(rows, area_weeks)
    rows["position"] = _positions(rows)
    return rows.sort_values(["area", "position"], ignore_index=True)[_COLUMNS]


_COLUMNS = [
    "area",
    "driver",
    "position",
    "value",
    "provider_value",
    "unit",
    "standing",
    "rate_ratio",
    "rate_ratio_low",
    "rate_ratio_high",
    "is_found",
    "leaving_rate_ratio",
    "leaving_rate_ratio_low",
    "leaving_rate_ratio_high",
    "is_found_leaving",
]


def _withhold(rows: pd.DataFrame, area_weeks: pd.DataFrame) -> None:
    """Nothing is said of complaints in areas in which they are not known."""
    told = set(area_weeks.loc[area_weeks["complaints_other"].notna(), "area"])
    withheld = ~rows["area"].isin(told)
    rows.loc[withheld, ["rate_ratio", "rate_ratio_low", "rate_ratio_high"]] = np.nan
    rows.loc[withheld, "is_found"] = False


def _recent(area_weeks: pd.DataFrame) -> pd.DataFrame:
    complete = area_weeks[area_weeks["is_complete"].astype(bool)]
    return complete[complete["week"].isin(sorted(complete["week"].unique())[-RECENT_WEEKS:])]


def _weighted(recent: pd.DataFrame, column: str, weight: pd.Series) -> tuple[pd.Series, float]:
    """The weighted mean by area and over all areas, of the weeks in which the value is known."""
    value = recent[column].astype(float)
    known = weight.astype(float).where(value.notna(), 0.0)
    sums = pd.DataFrame({"value": (value.fillna(0.0) * known), "weight": known}).groupby(recent["area"]).sum()
    total = sums["weight"].sum()
    means = sums["value"] / sums["weight"].where(sums["weight"] > 0)
    return means, float(sums["value"].sum() / total) if total > 0 else np.nan


def _quality(recent: pd.DataFrame, term: Term, complaints: Effect | None, leaving: Effect | None) -> pd.DataFrame:
    weight = recent["customer_days"].astype(float) * recent["observed_ratio"].astype(float).fillna(0.0)
    value, provider = _weighted(recent, term.area_column, weight)
    rows = _driver(term.name, value, provider, term.unit)
    if not term.is_more_worse:
        rows["standing"] = -rows["standing"]
    steps = (rows["value"] - rows["provider_value"]) / term.per
    for effect, column, found in (
        (complaints, "rate_ratio", "is_found"),
        (leaving, "leaving_rate_ratio", "is_found_leaving"),
    ):
        if effect is None:
            continue
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            ends = [np.exp(steps * np.log(end)) for end in (effect.low, effect.high)]
            rows[column] = np.exp(steps * np.log(effect.rate_ratio))
        rows[f"{column}_low"], rows[f"{column}_high"] = np.minimum(*ends), np.maximum(*ends)
        rows[found] = effect.is_found and side_of(effect.rate_ratio, effect.low, effect.high, none=1.0) is Side.ABOVE
    return rows


def _driver(name: str, value: pd.Series, provider: float, unit: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "area": value.index,
            "driver": name,
            "value": value.to_numpy(dtype=float),
            "provider_value": provider,
            "unit": unit,
            "standing": _standing(value.to_numpy(dtype=float), provider),
            "rate_ratio": np.nan,
            "rate_ratio_low": np.nan,
            "rate_ratio_high": np.nan,
            "is_found": False,
            "leaving_rate_ratio": np.nan,
            "leaving_rate_ratio_low": np.nan,
            "leaving_rate_ratio_high": np.nan,
            "is_found_leaving": False,
        }
    )


def _standing(values: Floats, provider: float) -> Floats:
    """Robust standard deviations above the provider: by the median absolute deviation, else by the ordinary one."""
    known = values[~np.isnan(values)]
    if known.size < 2:
        return np.full(values.shape, np.nan)
    spread = MAD_TO_DEVIATION * float(np.median(np.abs(known - np.median(known)))) or float(known.std(ddof=1))
    if spread <= 1e-9 * float(np.abs(known).max()):
        return np.where(np.isnan(values), np.nan, 0.0)
    return (values - provider) / spread


def _positions(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    harms = {
        column: rows[column].where(rows[found].astype(bool) & (rows[column] > 1), 1.0).astype(float)
        for column, found in (("leaving_rate_ratio", "is_found_leaving"), ("rate_ratio", "is_found"))
    }
    keys = pd.DataFrame(
        {
            "area": rows["area"],
            "is_context": rows["driver"] == LOCKED_IN,
            **{column: -ratio for column, ratio in harms.items()},
            "standing": -rows["standing"].fillna(-np.inf),
        }
    )
    order = keys.sort_values(["area", "is_context", *harms, "standing"], kind="stable")
    return np.asarray((order.groupby("area").cumcount() + 1).reindex(rows.index), dtype=np.int64)
