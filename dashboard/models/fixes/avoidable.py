"""What would help: the departures that better quality would avoid in each neighbourhood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.models.complaints.measure_lags import Term
from dashboard.models.fixes import loss_error
from dashboard.models.leaving.churn import Predictor
from dashboard.models.leaving.expected_leavers import Prospect

Floats = npt.NDArray[np.float64]

EVERYTHING = "everything"
BINS = 32
GOOD_SHARE = 0.25
DRAWS_AT_ONCE = 256
COLUMNS = [
    "area",
    "measure",
    "target",
    "unit",
    "value",
    "avoidable_leavers_90d",
    "avoidable_leavers_90d_low",
    "avoidable_leavers_90d_high",
    "position",
]


@dataclass(frozen=True, slots=True)
class Targets:
    """Quality (terms,) in steps of each promised term to which it is to come down; who has it better keeps it."""

    steps: Floats


def promised(predictor: Predictor) -> list[int]:
    """The places of the terms of which less may be promised: planned work is done for a reason of its own."""
    return [place for place, term in enumerate(predictor.design.quality.terms) if term.may_be_promised]


def targets(predictor: Predictor, customers_now: pd.DataFrame, wanted: Mapping[str, float] | None = None) -> Targets:
    """The targets in ``wanted`` by term name, in the term's unit; else what the best quarter of the customers have."""
    terms, steps = _promised_terms(predictor), _promised_steps(predictor, customers_now)
    good = np.nanquantile(steps, GOOD_SHARE, axis=0) if len(steps) else np.zeros(len(terms))
    given = wanted or {}
    return Targets(
        np.array([given[t.name] / t.per if t.name in given else g for t, g in zip(terms, good, strict=True)])
    )


def avoidable(
    prospect: Prospect, predictor: Predictor, customers_now: pd.DataFrame, expected: Floats, goal: Targets, *, seed: int
) -> pd.DataFrame:
    """Rows by area and measure (each term alone, and ``everything``): leavers avoided in 90 days.

    avoidable = E (1 - mean of exp(w (target - q)) over those whose quality q is worse), with E the ``expected`` draws
    (draws, areas) of the ranking and w the effect of quality within areas, drawn from its own covariance; q is drawn too
    where it was counted (``measured``). It supposes that the quality of the last eight weeks continues otherwise.
    ``position`` orders all by the leavers avoided; an area without customers and a measure whose effect could not be
    estimated have no numbers.
    """
    own, terms, steps = promised(predictor), _promised_terms(predictor), _promised_steps(predictor, customers_now)
    effects = _effect_draws(predictor, len(expected), seed)[:, own]
    groups = _grouped(prospect, np.maximum(predictor.effects[own], 0.0), steps - goal.steps)
    errors = loss_error.errors(customers_now, prospect.area_of_customer, len(prospect.areas), terms)
    moved = np.random.default_rng([seed, 3]).standard_normal((len(expected), *errors.shape)) * errors
    parts = []
    for chosen in [*range(len(terms)), None]:
        share = _share_saved(groups, effects, moved, chosen)
        rows = pd.DataFrame({"area": prospect.areas})
        rows = rows.assign(**_measure(prospect, steps, goal, terms, chosen))
        is_told = (prospect.next > 0) & (chosen is None or predictor.is_estimated[own[chosen]])
        parts.append(_with_savings(rows, np.where(is_told, expected * share, np.nan)))
    rows = pd.concat(parts, ignore_index=True)
    rows["position"] = _positions(rows)
    return rows[COLUMNS]


def _promised_terms(predictor: Predictor) -> tuple[Term, ...]:
    return tuple(predictor.design.quality.terms[place] for place in promised(predictor))


def _promised_steps(predictor: Predictor, customers_now: pd.DataFrame) -> Floats:
    return predictor.design.quality.steps(customers_now)[:, promised(predictor)]


def _positions(rows: pd.DataFrame) -> pd.Series:
    """1 keeps most customers; measures one by one, not everything together."""
    counted = rows[(rows["measure"] != EVERYTHING) & rows["avoidable_leavers_90d"].notna()]
    order = counted.sort_values("avoidable_leavers_90d", ascending=False, kind="stable").index
    return pd.Series(np.arange(1, len(order) + 1), index=order).reindex(rows.index).astype("Int64")


@dataclass(frozen=True, slots=True)
class _Groups:
    """Customers of an area with like quality taken together: area (rising), weight, and (groups, terms) of quality.

    ``excess`` is the mean of what is worse than the target, ``known`` the share whose quality is known, and
    ``distance`` their mean from the target, below 0 where it is better.
    """

    area: npt.NDArray[np.int64]
    weight: Floats
    excess: Floats
    known: Floats
    distance: Floats

    def moved(self, term: int, by: Floats) -> Floats:
        """(draws, groups) the excess of one term were quality worse by so many steps (draws, areas) than was measured."""
        distance = self.distance[:, term]
        more = np.maximum(distance + by[:, self.area], 0.0) - np.maximum(distance, 0.0)
        return np.asarray(self.excess[:, term] + self.known[:, term] * more)


def _grouped(prospect: Prospect, effects: Floats, distance: Floats) -> _Groups:
    """At most 32 groups an area, cut by what the target would do: draws then cost the same for a million customers."""
    is_known = ~np.isnan(distance)
    distance = np.where(is_known, distance, 0.0)
    excess = np.maximum(distance, 0.0)
    area = prospect.area_of_customer
    size = np.bincount(area, minlength=len(prospect.areas))
    order, rank = np.lexsort((distance @ effects, excess @ effects, area)), np.empty(len(area), np.int64)
    rank[order] = np.arange(len(area)) - (np.cumsum(size) - size)[area[order]]
    key = area * BINS + rank * BINS // size[area]
    names, position = np.unique(key, return_inverse=True)

    def summed(columns: Floats) -> Floats:
        parts = [np.bincount(position, prospect.customers * column, names.size) for column in columns.T]
        return np.stack(parts, axis=-1)

    weight = np.bincount(position, prospect.customers, names.size).astype(float)
    known, whole = summed(is_known.astype(float)), np.maximum(weight, 1e-300)[:, None]
    mean = summed(distance) / np.maximum(known, 1e-300)
    return _Groups(names // BINS, weight, summed(excess) / whole, known / whole, mean)


def _share_saved(groups: _Groups, effects: Floats, moved: Floats, chosen: int | None) -> Floats:
    """(draws, areas) the share of an area's departures that goes away with the target on one term, or on all.

    ``moved`` (draws, areas, terms) is by how much quality was worse than measured. An area without customers saves
    nothing. Draws are taken some at a time: together they would not fit in memory.
    """
    which = range(effects.shape[1]) if chosen is None else [chosen]
    counted = [term for term in which if moved[..., term].any()]
    certain = [term for term in which if term not in counted]
    starts = np.flatnonzero(np.diff(groups.area, prepend=-1))
    there, total = groups.area[starts], np.add.reduceat(groups.weight, starts)
    saved = np.zeros(moved.shape[:2])
    for first in range(0, len(effects), DRAWS_AT_ONCE):
        some = slice(first, first + DRAWS_AT_ONCE)
        less = effects[some][:, certain] @ groups.excess[:, certain].T
        for term in counted:
            less += effects[some, term, None] * groups.moved(term, moved[some, :, term])
        left = np.add.reduceat(np.exp(-less) * groups.weight, starts, axis=1)
        saved[some, there] = 1.0 - np.divide(left, total, out=np.ones_like(left), where=total > 0)
    return saved


def _effect_draws(predictor: Predictor, count: int, seed: int) -> Floats:
    """(count, terms) draws of the effects a step by Student's t, or the estimates alone where no error is known."""
    if predictor.effect_covariance is None:
        return np.broadcast_to(predictor.effects, (count, predictor.effects.size))
    values, vectors = np.linalg.eigh(predictor.effect_covariance)
    random = np.random.default_rng([seed, 2])
    normal = random.standard_normal((count, predictor.effects.size)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    freedom = max(predictor.clusters - 1, 1)
    return np.asarray(predictor.effects + normal / np.sqrt(random.chisquare(freedom, (count, 1)) / freedom))


def _measure(
    prospect: Prospect, steps: Floats, goal: Targets, terms: tuple[Term, ...], chosen: int | None
) -> dict[str, Any]:
    """Name, target and unit of a measure, and the mean that an area's customers have of it."""
    if chosen is None:
        return {"measure": EVERYTHING, "target": np.nan, "unit": None, "value": np.nan}
    term, areas = terms[chosen], len(prospect.areas)
    known = ~np.isnan(steps[:, chosen])
    totals = np.bincount(prospect.area_of_customer[known], steps[known, chosen], minlength=areas)
    counts = np.bincount(prospect.area_of_customer[known], minlength=areas)
    value = np.where(counts > 0, totals / np.maximum(counts, 1), np.nan) * term.per
    return {"measure": term.name, "target": goal.steps[chosen] * term.per, "unit": term.unit, "value": value}


def _with_savings(rows: pd.DataFrame, saved: Floats) -> pd.DataFrame:
    """``rows`` with mean and 95% interval of the ``saved`` leavers (draws, areas)."""
    low, high = np.quantile(saved, (0.025, 0.975), axis=0)
    for end, leavers in (("", saved.mean(axis=0)), ("_low", low), ("_high", high)):
        rows[f"avoidable_leavers_90d{end}"] = leavers
    return rows
