"""What sets a neighbourhood apart: each driver against the provider, and what that difference does to complaints."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.models.complaints import Effect

Floats = npt.NDArray[np.float64]

RECENT_WEEKS = 8
MAD_TO_DEVIATION = 1.4826
PRICE_GAP, LOCKED_IN = "price_gap", "locked_in"


def area_drivers(area_weeks: pd.DataFrame, customers: pd.DataFrame, effects: tuple[Effect, ...]) -> pd.DataFrame:
    """Rows of the area_drivers result table, strongest first in each area.

    ``customers`` are those at the cut-off, ``effects`` those of the complaints model. Effects that stand come first,
    by what the area's difference does; then the rest by how far the area stands out. ``locked_in`` is last always:
    the ranking is standardised for it, so that it is context and no reason.
    """
    recent = _recent(area_weeks)
    if recent.empty:
        return pd.DataFrame(columns=_COLUMNS)
    parts = [_quality(recent, effect) for effect in effects]
    gap, gap_mean = _weighted(recent, "price_gap_mean", recent["customer_days"])
    parts.append(_driver(PRICE_GAP, gap, gap_mean, "currency per month"))
    held = customers["is_locked_in"].dropna().astype(float)
    by_area = held.groupby(customers.loc[held.index, "area"]).mean().reindex(gap.index)
    parts.append(_driver(LOCKED_IN, by_area, held.mean() if len(held) else np.nan, "ratio"))
    rows = pd.concat(parts, ignore_index=True)
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
]


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


def _quality(recent: pd.DataFrame, effect: Effect) -> pd.DataFrame:
    weight = recent["customer_days"].astype(float) * recent["observed_ratio"].astype(float).fillna(0.0)
    value, provider = _weighted(recent, effect.term.column, weight)
    rows = _driver(effect.term.name, value, provider, effect.term.unit)
    steps = (rows["value"] - rows["provider_value"]) / effect.term.per
    with np.errstate(over="ignore"):
        ends = [np.exp(steps * np.log(end)) for end in (effect.low, effect.high)]
        rows["rate_ratio"] = np.exp(steps * np.log(effect.rate_ratio))
    rows["rate_ratio_low"], rows["rate_ratio_high"] = np.minimum(*ends), np.maximum(*ends)
    rows["is_found"] = effect.is_found
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
    keys = pd.DataFrame(
        {
            "area": rows["area"],
            "is_context": rows["driver"] == LOCKED_IN,
            "is_weak": ~(rows["is_found"].astype(bool) & (rows["rate_ratio"] > 1)),
            "ratio": -rows["rate_ratio"].where(rows["is_found"].astype(bool), 1.0).fillna(1.0),
            "standing": -rows["standing"].fillna(-np.inf),
        }
    )
    keys.loc[keys["is_weak"], "ratio"] = 0.0
    order = keys.sort_values(["area", "is_context", "is_weak", "ratio", "standing"], kind="stable")
    return np.asarray((order.groupby("area").cumcount() + 1).reindex(rows.index), dtype=np.int64)
