"""What would help: the departures that better quality would avoid in each neighbourhood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN
from dashboard.models.complaints.measure_lags import Term
from dashboard.models.fixes import loss_error, retained_share
from dashboard.models.leaving.doses.felt_hours import Felt
from dashboard.models.leaving.fitted_hazard import Predictor
from dashboard.models.leaving.forecast import coming_quality, like_customers
from dashboard.models.leaving.forecast.coming_quality import Coming
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers

Floats = npt.NDArray[np.float64]

EVERYTHING = "everything"
GOOD_SHARE = 0.25
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
    "is_withheld",
]
NUMBERS = [f"avoidable_leavers_90d{end}" for end in ("", "_low", "_high")]
WORTH_PLACING = 0.05
"""Leavers in 90 days from which a row whose numbers are withheld keeps a place in the order."""


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
    expected_leavers: ExpectedLeavers,
    predictor: Predictor,
    customers_now: pd.DataFrame,
    expected: Floats,
    goal: Targets,
    *,
    seed: int,
    coming: Coming | None = None,
) -> pd.DataFrame:
    """Rows by area and measure (each term alone, and ``everything``): leavers avoided in 90 days.

    avoidable = E (1 - mean of g(target) / g(q) over those whose quality q is worse), with E the ``expected`` draws
    (draws, areas) of the ranking and g what quality within areas does to leaving, of which both the form and the effects
    are drawn (``dose``); q is the quality to come (``coming``; none: that of the last eight weeks goes on), drawn with its
    error and with that of what was counted (``loss_error``). ``expected`` must suppose the same.
    ``position`` orders all by the leavers avoided; an area without customers and a measure whose effect could not be
    estimated have no numbers.
    """
    own, terms, steps = promised(predictor), _promised_terms(predictor), _promised_steps(predictor, customers_now)
    coming = (
        coming_quality.continuing(len(expected_leavers.areas), len(predictor.effects)) if coming is None else coming
    )
    draws = predictor.draws(len(expected), seed, expected_leavers.areas)
    errors = loss_error.errors(customers_now, expected_leavers.area_of_customer, len(expected_leavers.areas), terms)
    moved = np.random.default_rng([seed, 3]).standard_normal((len(expected), *errors.shape)) * errors
    shares = [np.zeros(expected.shape) for _ in range(len(own) + 1)]
    for felt, which in draws.by_felt():
        borne = predictor.design.quality.steps(customers_now, felt)[:, own]
        aim = _felt_target(terms, goal, steps, borne, felt)
        groups = like_customers.grouped(expected_leavers, np.maximum(predictor.effects[own], 0.0), borne, aim)
        later = coming.over(felt)
        ahead = retained_share.Ahead(later.only(own), later.draws(len(expected), seed)[which][..., own], moved[which])
        for share, found in zip(shares, retained_share.shares(groups, draws.only(which, own), ahead), strict=True):
            share[which] = found
    parts = []
    for chosen in [*range(len(terms)), None]:
        rows = pd.DataFrame({"area": expected_leavers.areas})
        rows = rows.assign(**_measure(expected_leavers, steps, goal, terms, chosen))
        is_told = (expected_leavers.next > 0) & (chosen is None or predictor.is_estimated[own[chosen]])
        share = shares[len(terms) if chosen is None else chosen]
        parts.append(_with_savings(rows, np.where(is_told, expected * share, np.nan)))
    rows = pd.concat(parts, ignore_index=True)
    rows["position"] = _positions(rows)
    return rows.assign(is_withheld=False)[COLUMNS]


def _felt_target(terms: tuple[Term, ...], goal: Targets, steps: Floats, borne: Floats, felt: Felt) -> Floats:
    """(terms,) the targets where only these hours are felt: outages of every length become fewer alike."""
    if not felt.longer_than or DOWN not in terms:
        return goal.steps
    place = terms.index(DOWN)
    every = float(np.nansum(steps[:, place]))
    share = float(np.nansum(borne[:, place])) / every if every > 0 else 1.0
    aim = goal.steps.copy()
    aim[place] *= share
    return aim


def refuted(predictor: Predictor) -> frozenset[str]:
    """Measures along which leaving does not go as the dose says, or of which that could not be checked, and so everything."""
    told = zip(predictor.design.quality.terms, predictor.doses.checks, predictor.is_estimated, strict=True)
    names = {term.name for term, check, is_told in told if term.may_be_promised and is_told and not check.passes}
    return frozenset(names | ({EVERYTHING} if names else set()))


def withheld(rows: pd.DataFrame, measures: frozenset[str]) -> pd.DataFrame:
    """``rows`` without the numbers of these measures.

    Their order stays, each measure's by itself, so that no place among others tells a number.
    """
    is_withheld = rows["measure"].isin(measures)
    places = [_positions(rows[~is_withheld])]
    for _, own in rows[is_withheld].groupby("measure"):
        places.append(_positions(own[own["avoidable_leavers_90d"] >= WORTH_PLACING]))
    numbers = {name: rows[name].mask(is_withheld) for name in NUMBERS}
    position = pd.concat(places).reindex(rows.index).astype("Int64")
    return rows.assign(position=position, is_withheld=is_withheld, **numbers)


def _promised_terms(predictor: Predictor) -> tuple[Term, ...]:
    return tuple(predictor.design.quality.terms[place] for place in promised(predictor))


def _promised_steps(predictor: Predictor, customers_now: pd.DataFrame) -> Floats:
    return predictor.design.quality.steps(customers_now)[:, promised(predictor)]


def _positions(rows: pd.DataFrame) -> pd.Series:
    """1 keeps most customers; measures one by one, not everything together."""
    counted = rows[(rows["measure"] != EVERYTHING) & rows["avoidable_leavers_90d"].notna()]
    order = counted.sort_values("avoidable_leavers_90d", ascending=False, kind="stable").index
    return pd.Series(np.arange(1, len(order) + 1), index=order).reindex(rows.index).astype("Int64")


def _measure(
    expected_leavers: ExpectedLeavers, steps: Floats, goal: Targets, terms: tuple[Term, ...], chosen: int | None
) -> dict[str, Any]:
    """Name, target and unit of a measure, and the mean that an area's customers have of it."""
    if chosen is None:
        return {"measure": EVERYTHING, "target": np.nan, "unit": None, "value": np.nan}
    term, areas = terms[chosen], len(expected_leavers.areas)
    known = ~np.isnan(steps[:, chosen])
    totals = np.bincount(expected_leavers.area_of_customer[known], steps[known, chosen], minlength=areas)
    counts = np.bincount(expected_leavers.area_of_customer[known], minlength=areas)
    value = np.where(counts > 0, totals / np.maximum(counts, 1), np.nan) * term.per
    return {"measure": term.name, "target": goal.steps[chosen] * term.per, "unit": term.unit, "value": value}


def _with_savings(rows: pd.DataFrame, saved: Floats) -> pd.DataFrame:
    """``rows`` with mean and 95% interval of the ``saved`` leavers (draws, areas)."""
    low, high = np.quantile(saved, (0.025, 0.975), axis=0)
    for end, leavers in (("", saved.mean(axis=0)), ("_low", low), ("_high", high)):
        rows[f"avoidable_leavers_90d{end}"] = leavers
    return rows
