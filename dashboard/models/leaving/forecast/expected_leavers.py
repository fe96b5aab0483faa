"""What the hazard says of each neighbourhood: departures expected so far, and in the next 90 days as things stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, sparse

from dashboard.models.leaving.covariates import WITHIN
from dashboard.models.leaving.fitted_hazard import Predictor
from dashboard.models.leaving.forecast import drifting_ratio
from dashboard.models.leaving.forecast.horizon import stretches
from dashboard.models.leaving.forecast.later_quality import LaterQuality, later_quality
from dashboard.models.leaving.standardise import HORIZON_DAYS, weights_of

Floats = npt.NDArray[np.float64]

PART = 100_000
MIDDLE_DAYS = 14
"""From the day on which a four-week period asks what is known of its customers to its middle."""
SINGULAR = 1e-9


@dataclass(frozen=True, slots=True)
class ExpectedLeavers:
    """By area: departures that the hazard gives, without the area's own ratio.

    ``past`` (periods, areas) are those of the four-week periods at risk and ``counts`` the departures that there were,
    both without customers whose quality was not observed then; ``next`` (areas,) are those of the next 90 days,
    ``customers`` the chance of each customer of today (customers,) with their area's position. ``past_slopes`` and
    ``next_slopes`` (areas, columns) say by how much their logarithms move with the coefficients; ``error`` (columns,
    directions) is a square root of the coefficients' covariance.
    """

    areas: tuple[str, ...]
    past: Floats
    counts: Floats
    next: Floats
    customers: Floats
    area_of_customer: npt.NDArray[np.int64]
    past_slopes: Floats
    next_slopes: Floats
    error: Floats

    def factors(self, count: int, seed: int) -> tuple[Floats, Floats]:
        """What drawn coefficients make of past and next (count, areas each), as factors."""
        moved = np.random.default_rng([seed, 1]).standard_normal((count, self.error.shape[1])) @ self.error.T
        return np.exp(moved @ self.past_slopes.T), np.exp(moved @ self.next_slopes.T)


def expect(
    predictor: Predictor,
    customer_periods: pd.DataFrame,
    customers_now: pd.DataFrame,
    areas: list[str],
    *,
    area_weeks: pd.DataFrame | None = None,
) -> ExpectedLeavers:
    """Apply the hazard to the past and to the customers of today.

    ``area_weeks`` tell what quality did within the periods; without them it stays as it was on their first day.

    A customer's next 90 days are cut where their contract ends or a change of price grows old (``horizon``).
    Leaving for other reasons competes at the provider's own rate. Where an area's quality was not observed a
    customer counts as having their area's mean.
    """
    weight, quality = weights_of(customer_periods), predictor.design.quality
    days = weight * customer_periods["days_at_risk"].to_numpy(dtype=float)
    left = weight * customer_periods["left_voluntarily"].to_numpy(dtype=float)
    area = _positions(customer_periods["area"], areas)
    starts, period = np.unique(customer_periods["period"].to_numpy(), return_inverse=True)
    past, counts = np.zeros((starts.size, len(areas))), np.zeros((starts.size, len(areas)))
    past_slopes = np.zeros((len(areas), len(predictor.coefficients)))
    within, later = _later(predictor, customer_periods, areas, area_weeks)
    for part in _parts(len(customer_periods)):
        rows = _lived(customer_periods.iloc[part])
        is_known = ~np.isnan(quality.steps(rows)).any(axis=1)
        columns = predictor.columns(rows)
        means = is_known * days[part] * np.exp(columns @ predictor.coefficients)
        means *= later.factors[period[part], area[part]]
        place = period[part] * len(areas) + area[part]
        past += _summed(means, place, past.size).reshape(past.shape)
        counts += _summed(is_known * left[part], place, past.size).reshape(past.shape)
        past_slopes += _by_area(columns, means, area[part], len(areas))
    past_slopes[:, within] += (past[..., None] * later.slopes).sum(axis=0)
    past_slopes = _shares(past_slopes, past.sum(axis=0))
    others = float(customer_periods["left_otherwise"].sum()) / max(days.sum(), 1e-300)
    here = _positions(customers_now["area"], areas)
    chance, next_slopes = np.zeros(len(customers_now)), np.zeros((len(areas), len(predictor.coefficients)))
    for part in _parts(len(customers_now)):
        chance[part], mean_columns = _next(predictor, customers_now.iloc[part], others)
        next_slopes += _by_area(mean_columns, chance[part], here[part], len(areas))
    next_slopes = _shares(next_slopes, _summed(chance, here, len(areas)))
    return ExpectedLeavers(
        tuple(areas),
        past,
        counts,
        _summed(chance, here, len(areas)),
        chance,
        here,
        past_slopes,
        next_slopes,
        _root(_covariance(predictor.information, past_slopes, past, drifting_ratio.ratios_now(counts, past))),
    )


def _lived(periods: pd.DataFrame) -> pd.DataFrame:
    """The periods as weeks: the first weeks after a price change are not the whole period, so its age is its middle's."""
    rows = periods.rename(columns={"period": "week"})
    if "price_held_days" not in rows:
        return rows
    return rows.assign(price_held_days=rows["price_held_days"].astype(float) + MIDDLE_DAYS)


def _later(
    predictor: Predictor, customer_periods: pd.DataFrame, areas: list[str], area_weeks: pd.DataFrame | None
) -> tuple[npt.NDArray[np.int64], LaterQuality]:
    """The columns (terms,) of quality within areas, and what it did within the periods."""
    within = predictor.design.places(WITHIN)
    effects = dict(zip(predictor.design.quality.terms, predictor.coefficients[within].tolist(), strict=True))
    longest = customer_periods.groupby("period")["days_at_risk"].max()
    if area_weeks is None:
        shape = (len(longest), len(areas))
        return within, LaterQuality(np.ones(shape), np.zeros((*shape, len(within))))
    return within, later_quality(area_weeks, longest, areas, effects)


def _covariance(information: Floats, slopes: Floats, past: Floats, ratios: drifting_ratio.RatiosNow) -> Floats:
    """Covariance (columns, columns) of the coefficients where each area has a ratio r ~ Gamma(k, k) of its own.

    Integrating r out takes E^2 s s' / (k + E) from the information, with E the area's departures expected and s the
    slopes of their logarithm: what an area's own ratio could explain as well, the coefficients do not know. The
    ranking draws both, so that both must come from one model; the clustered errors of the named effects, which
    trust no model, would count the areas' own ratios twice.
    """
    expected = past.sum(axis=0)
    variance = float(ratios.weights @ ratios.spreads**2)
    taken = slopes * (expected * np.sqrt(variance / (1 + variance * expected)))[:, None]
    left = information - taken.T @ taken
    scale = 1.0 / np.sqrt(np.where(np.diag(left) > 0, np.diag(left), 1.0))
    return np.asarray(linalg.pinvh(left * np.outer(scale, scale), rtol=SINGULAR) * np.outer(scale, scale))


def _parts(rows: int) -> list[slice]:
    """Rows in parts of which the columns stay small."""
    return [slice(start, start + PART) for start in range(0, rows, PART)]


def _next(predictor: Predictor, customers: pd.DataFrame, others: float) -> tuple[Floats, Floats]:
    """The chance (customers,) of leaving voluntarily within the horizon, and each one's columns weighted over it."""
    total, weighted = np.zeros(len(customers)), np.zeros((len(customers), len(predictor.coefficients)))
    for whose, days, frame in stretches(customers):
        columns = predictor.columns(frame)
        expected = days * np.exp(columns @ predictor.coefficients)
        total[whose] += expected
        weighted[whose] += expected[:, None] * columns
    all_exits = total + HORIZON_DAYS * others
    share = np.divide(total, all_exits, out=np.zeros_like(total), where=all_exits > 0)
    mean_columns = np.divide(weighted, total[:, None], out=np.zeros_like(weighted), where=total[:, None] > 0)
    return share * -np.expm1(-all_exits), mean_columns


def _by_area(columns: Floats, weights: Floats, area: npt.NDArray[np.int64], areas: int) -> Floats:
    """The weighted sum (areas, columns) of the columns."""
    rows = np.arange(len(columns) + 1)
    spread = sparse.csc_array((weights, area, rows), shape=(areas, len(columns)))
    return np.asarray(spread @ columns)


def _summed(values: Floats, place: npt.NDArray[np.int64], places: int) -> Floats:
    return np.bincount(place, weights=values, minlength=places).astype(float)


def _shares(sums: Floats, total: Floats) -> Floats:
    """Weighted means (areas, columns): the slopes of the logarithm of a sum of exponentials."""
    return np.divide(sums, total[:, None], out=np.zeros_like(sums), where=total[:, None] > 0)


def _positions(area: pd.Series, areas: list[str]) -> npt.NDArray[np.int64]:
    return np.asarray(pd.Index(areas).get_indexer(pd.Index(area.astype(object))), dtype=np.int64)


def _root(covariance: Floats) -> Floats:
    """A matrix whose product with its own transpose is the covariance, however many clusters made it."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
