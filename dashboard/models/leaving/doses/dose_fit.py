"""The forms of the dose fitted to who left when, and weighed by how well they fit.

Hours without service may act over other weeks than eight, and those of long single outages more than others. Weights are those of likelihoods with equal numbers of coefficients (Kass and Raftery 1995), tempered where neighbourhoods differ
more than their counts explain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dashboard.models.leaving.doses import dose_check, own_slopes
from dashboard.models.leaving.doses.dose import CURVATURES, Dose, Doses, bend, log_ratio, slope
from dashboard.models.leaving.doses.felt_hours import ALL_OF_EIGHT, PART, Felt
from dashboard.models.leaving.doses.own_slopes import ALIKE, Counted, OwnSlopes
from dashboard.models.statistics import curved_hazard, hazard

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

GOOD_SHARE = 0.01
"""The share of the rows that has a term better than the level from which steps count."""
NEGLIGIBLE_WEIGHT = 0.005
HOPELESS = 30.0
"""Units of log likelihood below the best by which no other curvature of the same weeks is tried."""
NOT_WORTH_MORE = 6.0
"""Units below it by which forms of long outages alone are told no further apart."""
WORTH_MORE = 2.0
"""Units of log likelihood by which hours of long outages must be better than all alike for other weeks to be tried with them."""


@dataclass(frozen=True)
class Places:
    """Where rows stand: cluster and week (n,), and their weight in means over these."""

    cluster: Codes
    week: Codes
    weight: Floats

    def within(self, values: Floats) -> Floats:
        """Values (n,) less their mean in the cluster, and less what all share in a week then."""
        for group, total in self._totals:
            values = values - (np.bincount(group, self.weight * values) / total)[group]
        return values

    def turned(self, values: Floats) -> Floats:
        """The transpose of ``within``: ``turned(a) @ b`` is ``a @ within(b)``."""
        for group, total in reversed(self._totals):
            values = values - self.weight * (np.bincount(group, values) / total)[group]
        return values

    @cached_property
    def _totals(self) -> tuple[tuple[Codes, Floats], ...]:
        """The weight of each cluster and of each week."""
        return tuple(
            (group, np.maximum(np.bincount(group, self.weight), 1e-300)) for group in (self.cluster, self.week)
        )


@dataclass(frozen=True, slots=True)
class Remembered:
    """Which of the terms are hours without service, over how many other ``weeks`` than eight these are known, by which
    ``lengths`` of single outages they are told apart, and how to get them in ``steps`` (n,)."""

    term: int
    weeks: tuple[int, ...]
    lengths: tuple[int, ...]
    steps: Callable[[Felt], Floats]


def fit(
    rows: hazard.Rows,
    straight: hazard.Fit,
    at: Codes,
    *,
    steps: Floats,
    places: Places,
    is_estimated: npt.NDArray[np.bool_],
    remembered: Remembered | None = None,
) -> Doses:
    """Fit every form to the rows whose columns ``at`` hold quality within areas and weeks; writes over these columns.

    ``straight`` is the fit of them as they stand, the exponential form. ``steps`` (n, terms) is quality itself over eight weeks. A form
    that does not converge is left out.
    """
    asked = _Asked(rows, at, steps, places, is_estimated, remembered)
    found = _forms(asked, straight)
    weights = _weights(found, rows)
    forms = [_dose(one, asked, w) for one, w in zip(found, weights, strict=True) if w >= NEGLIGIBLE_WEIGHT]
    total = sum(form.weight for form in forms)
    own = _own(asked, found)
    return Doses(
        tuple(replace(form, weight=form.weight / total) for form in forms),
        rows.clusters,
        own,
        _checks(asked, found, weights, own),
        _best(found).felt,
        asked.lengths,
    )


def straight_alone(
    rows: hazard.Rows,
    straight: hazard.Fit,
    at: Codes,
    *,
    steps: Floats,
    places: Places,
    is_estimated: npt.NDArray[np.bool_],
) -> Doses:
    """Only the exponential form, with nothing tested: for those who ask who leaves, but not what better quality would keep."""
    asked = _Asked(rows, at, steps, places, is_estimated, None)
    log_means = np.log(np.maximum(straight.means, 1e-300))
    found = _Found(CURVATURES[0], ALL_OF_EIGHT, straight, log_means, _likelihood(rows, log_means))
    alike, untested = (ALIKE,) * len(at), (dose_check.NOTHING,) * len(at)
    return Doses((_dose(found, asked, 1.0),), rows.clusters, alike, untested)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the forms are fitted to: see ``fit``."""

    rows: hazard.Rows
    at: Codes
    steps: Floats
    places: Places
    is_estimated: npt.NDArray[np.bool_]
    remembered: Remembered | None

    @property
    def other_weeks(self) -> tuple[int, ...]:
        """Over how many weeks hours may act beside eight."""
        one = self.remembered
        return one.weeks if one is not None and self.is_estimated[one.term] else ()

    @property
    def lengths(self) -> tuple[int, ...]:
        """By which lengths of single outages hours may act."""
        one = self.remembered
        return one.lengths if one is not None and self.is_estimated[one.term] else ()

    def over(self, felt: Felt) -> Floats:
        """(n, terms) steps with the hours without service that are felt."""
        if self.remembered is None or felt == ALL_OF_EIGHT:
            return self.steps
        steps = self.steps.copy()
        steps[:, self.remembered.term] = self.remembered.steps(felt)
        return steps

    def curve(self, curvature: float, felt: Felt) -> _Curve:
        steps = self.over(felt)
        return _Curve(curvature, (steps - _good(steps))[:, self.is_estimated], self.places)

    def term(self, one: _Found, place: int) -> own_slopes.Term:
        """One of the terms in one of the forms."""
        effect, steps = one.fit.coefficients[self.at][place], self.over(one.felt)
        return own_slopes.Term(one.curvature, effect * (steps - _good(steps))[:, place])


@dataclass(frozen=True, slots=True)
class _Curve:
    """One form within clusters and weeks; ``above`` (n, curved) are steps above the good level. See curved_hazard.Curve."""

    curvature: float
    above: Floats
    places: Places

    def at(self, effects: Floats) -> tuple[Floats, Floats]:
        added = log_ratio(self.curvature, effects, self.above).sum(axis=1)
        slopes = slope(self.curvature, effects, self.above)
        return self.places.within(added), np.stack([self.places.within(own) for own in slopes.T], axis=-1)

    def bends(self, effects: Floats, residual: Floats) -> Floats:
        return np.asarray(self.places.turned(residual) @ bend(self.curvature, effects, self.above))


def _good(steps: Floats) -> Floats:
    return np.asarray(np.quantile(steps, GOOD_SHARE, axis=0))


def _forms(asked: _Asked, straight: hazard.Fit) -> list[_Found]:
    """Every curvature over eight weeks; over other weeks, and of long outages, those about the best, until none beside it is
    better."""
    log_means = np.log(np.maximum(straight.means, 1e-300))
    found = [_Found(CURVATURES[0], ALL_OF_EIGHT, straight, log_means, _likelihood(asked.rows, log_means))]
    if not asked.is_estimated.any():
        return found
    found += [one for c in CURVATURES[1:] if (one := _form(asked, straight, c, ALL_OF_EIGHT)) is not None]
    begin = CURVATURES.index(_best(found).curvature)
    for weeks in asked.other_weeks:
        found += _about(asked, straight, Felt(weeks), begin, _best(found).log_likelihood)
    return found + _of_long_outages(asked, straight, _best(found))


def _of_long_outages(asked: _Asked, straight: hazard.Fit, best: _Found) -> list[_Found]:
    """Forms of long outages alone, for every length; and, where these come near the best of all hours alike, of the length that
    fits best those about it: other curvatures, other weeks if it fits better, and shorter outages that count in part."""
    begin, to_beat = CURVATURES.index(best.curvature), best.log_likelihood
    found = _converged(
        _form(asked, straight, best.curvature, replace(best.felt, longer_than=hours)) for hours in asked.lengths
    )
    if not found or _best(found).log_likelihood < to_beat - NOT_WORTH_MORE:
        return found
    top = _best(found)
    found += [one for one in _about(asked, straight, top.felt, begin, to_beat, known=top) if one is not top]
    if top.log_likelihood > to_beat + WORTH_MORE:
        others = {ALL_OF_EIGHT.weeks, *asked.other_weeks} - {top.felt.weeks}
        curvature = _best(found).curvature
        found += _converged(
            _form(asked, straight, curvature, replace(top.felt, weeks=weeks)) for weeks in sorted(others)
        )
    top = _best(found)
    return found + _converged([_form(asked, straight, top.curvature, replace(top.felt, rest=PART))])


def _converged(found: Iterable[_Found | None]) -> list[_Found]:
    return [one for one in found if one is not None]


def _about(
    asked: _Asked, straight: hazard.Fit, felt: Felt, begin: int, to_beat: float, *, known: _Found | None = None
) -> list[_Found]:
    """The forms of these hours, from the curvature at ``begin`` to both sides as far as the likelihood rises.

    ``known`` is the form at ``begin`` where it was fitted before.
    """
    tried: dict[int, _Found | None] = {begin: known or _form(asked, straight, CURVATURES[begin], felt)}
    first = tried[begin]
    if first is not None and first.log_likelihood < to_beat - HOPELESS:
        return [first]
    while True:
        fitted = {place: one for place, one in tried.items() if one is not None}
        top = max(fitted, key=lambda place: fitted[place].log_likelihood) if fitted else begin
        beside = [place for place in (top - 1, top + 1) if 0 <= place < len(CURVATURES) and place not in tried]
        if not beside:
            return list(fitted.values())
        tried |= {place: _form(asked, straight, CURVATURES[place], felt) for place in beside}


def _form(asked: _Asked, straight: hazard.Fit, curvature: float, felt: Felt) -> _Found | None:
    """None where it does not converge."""
    kept = asked.at[asked.is_estimated]
    fitted = curved_hazard.fit(asked.rows, kept, asked.curve(curvature, felt), straight)
    if not fitted.has_converged or fitted.fit.dropped[kept].any():
        return None
    return _Found(curvature, felt, fitted.fit, fitted.log_means, fitted.log_likelihood)


def _own(asked: _Asked, found: list[_Found]) -> tuple[OwnSlopes, ...]:
    """By term whether areas differ, in the form that fits best; not asked of effects that are none or of the wrong sign."""
    best, rows = _best(found), asked.rows
    counted = Counted(rows.weight * rows.events, np.log(np.maximum(rows.weight, 1e-300)) + best.log_means, rows.cluster)
    is_asked = asked.is_estimated & (best.fit.coefficients[asked.at] > 0)
    return tuple(
        own_slopes.test(counted, asked.term(best, place)) if is_own else ALIKE for place, is_own in enumerate(is_asked)
    )


def _checks(
    asked: _Asked, found: list[_Found], weights: Floats, own: tuple[OwnSlopes, ...]
) -> tuple[dose_check.Check, ...]:
    """By term departures beside those that all forms by their weights expect, with areas' own slopes where they differ."""
    best, rows, kept = _best(found), asked.rows, asked.at[asked.is_estimated]
    if not kept.size:
        return tuple(dose_check.NOTHING for _ in own)
    means = np.zeros(rows.events.size)
    for weight, one in zip(weights, found, strict=True):
        means += weight * np.exp(one.log_means)
    log_means = np.log(np.maximum(means, 1e-300))
    for place, slopes in enumerate(own):
        if slopes.differs:
            times = 1.0 + slopes.mean[rows.cluster]
            term = asked.term(best, place)
            log_means += term.added(times)[0] - term.added(np.ones(times.size))[0]
    rows.columns[:, kept] = asked.curve(best.curvature, best.felt).at(best.fit.coefficients[kept])[1]
    counted = dose_check.Counted.of(rows, log_means, asked.places.week)
    told = iter(dose_check.check(counted, asked.over(best.felt)[:, asked.is_estimated]))
    return tuple(next(told) if is_estimated else dose_check.NOTHING for is_estimated in asked.is_estimated)


def _best(found: list[_Found]) -> _Found:
    return max(found, key=lambda one: one.log_likelihood)


@dataclass(frozen=True, slots=True)
class _Found:
    curvature: float
    felt: Felt
    fit: hazard.Fit
    log_means: Floats
    log_likelihood: float


def _likelihood(rows: hazard.Rows, log_means: Floats) -> float:
    return float(rows.weight @ (rows.events * log_means - np.exp(log_means)))


def _weights(found: list[_Found], rows: hazard.Rows) -> Floats:
    """(forms,) likelihoods over their sum; their differences count the less the more clusters scatter beyond chance."""
    values = np.array([one.log_likelihood for one in found])
    best = found[int(values.argmax())]
    logs = np.array([(one.log_likelihood - best.log_likelihood) / _scatter(best, one, rows) for one in found])
    weights = np.exp(logs)
    return np.asarray(weights / weights.sum())


def _scatter(best: _Found, other: _Found, rows: hazard.Rows) -> float:
    """By how much the difference of two likelihoods varies between clusters beyond what independent events would."""
    if other is best:
        return 1.0
    apart = best.log_means - other.log_means
    own = rows.weight * (rows.events * apart - np.exp(best.log_means) + np.exp(other.log_means))
    by_cluster = np.bincount(rows.cluster, own, rows.clusters)
    independent = float(rows.weight @ (np.exp(best.log_means) * apart**2))
    return (
        max(1.0, float(by_cluster.var(ddof=1)) * rows.clusters / max(independent, 1e-300)) if rows.clusters > 1 else 1.0
    )


def _dose(one: _Found, asked: _Asked, weight: float) -> Dose:
    whole, at, is_estimated = hazard.careful_covariance(one.fit), asked.at, asked.is_estimated
    effects = np.where(is_estimated, one.fit.coefficients[at], 0.0)
    own = None if whole is None else np.where(np.outer(is_estimated, is_estimated), whole[np.ix_(at, at)], 0.0)
    return Dose(one.curvature, effects, own, float(weight), _good(asked.over(one.felt)), one.felt)
