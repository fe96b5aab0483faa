"""The forms of the dose fitted to who left when, and weighed by how well they fit.

Weights are those of likelihoods with equal numbers of coefficients (Kass and Raftery 1995), tempered where neighbourhoods differ
more than their counts explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dashboard.models.leaving.doses import dose_check, own_slopes
from dashboard.models.leaving.doses.dose import CURVATURES, EIGHT, Dose, Doses, bend, log_ratio, slope
from dashboard.models.leaving.doses.own_slopes import ALIKE, Counted, OwnSlopes
from dashboard.models.statistics import curved_hazard, hazard

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

GOOD_SHARE = 0.01
"""The share of the rows that has a term better than the level from which steps count."""
NEGLIGIBLE_WEIGHT = 0.005
HOPELESS = 30.0
"""Units of log likelihood below the best by which no other curvature of the same weeks is tried."""


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
    """Hours without service in steps (n,) over other numbers of weeks than eight, and which of the terms they are."""

    term: int
    over: Mapping[int, Floats]


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
        _best(found).weeks,
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
    found = _Found(CURVATURES[0], EIGHT, straight, log_means, _likelihood(rows, log_means))
    alike, untested = (ALIKE,) * len(at), (dose_check.NOTHING,) * len(at)
    return Doses((_dose(found, asked, 1.0),), rows.clusters, alike, untested, EIGHT)


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
    def other_weeks(self) -> list[int]:
        """Over how many weeks hours may act beside eight."""
        one = self.remembered
        return sorted(one.over) if one is not None and self.is_estimated[one.term] else []

    def over(self, weeks: int) -> Floats:
        """(n, terms) steps with the hours without service over so many weeks."""
        if self.remembered is None or weeks == EIGHT:
            return self.steps
        steps = self.steps.copy()
        steps[:, self.remembered.term] = self.remembered.over[weeks]
        return steps

    def curve(self, curvature: float, weeks: int) -> _Curve:
        steps = self.over(weeks)
        return _Curve(curvature, (steps - _good(steps))[:, self.is_estimated], self.places)

    def term(self, one: _Found, place: int) -> own_slopes.Term:
        """One of the terms in one of the forms."""
        effect, steps = one.fit.coefficients[self.at][place], self.over(one.weeks)
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
    """Every curvature over eight weeks; over other weeks those about the best, until none beside it is better."""
    log_means = np.log(np.maximum(straight.means, 1e-300))
    found = [_Found(CURVATURES[0], EIGHT, straight, log_means, _likelihood(asked.rows, log_means))]
    if not asked.is_estimated.any():
        return found
    found += [one for c in CURVATURES[1:] if (one := _form(asked, straight, c, EIGHT)) is not None]
    begin = CURVATURES.index(_best(found).curvature)
    for weeks in asked.other_weeks:
        found += _about(asked, straight, weeks, begin, _best(found).log_likelihood)
    return found


def _about(asked: _Asked, straight: hazard.Fit, weeks: int, begin: int, to_beat: float) -> list[_Found]:
    """The forms over so many weeks, from the curvature at ``begin`` to both sides as far as the likelihood rises."""
    tried: dict[int, _Found | None] = {begin: _form(asked, straight, CURVATURES[begin], weeks)}
    first = tried[begin]
    if first is not None and first.log_likelihood < to_beat - HOPELESS:
        return [first]
    while True:
        known = {place: one for place, one in tried.items() if one is not None}
        top = max(known, key=lambda place: known[place].log_likelihood) if known else begin
        beside = [place for place in (top - 1, top + 1) if 0 <= place < len(CURVATURES) and place not in tried]
        if not beside:
            return list(known.values())
        tried |= {place: _form(asked, straight, CURVATURES[place], weeks) for place in beside}


def _form(asked: _Asked, straight: hazard.Fit, curvature: float, weeks: int) -> _Found | None:
    """None where it does not converge."""
    kept = asked.at[asked.is_estimated]
    fitted = curved_hazard.fit(asked.rows, kept, asked.curve(curvature, weeks), straight)
    if not fitted.has_converged or fitted.fit.dropped[kept].any():
        return None
    return _Found(curvature, weeks, fitted.fit, fitted.log_means, fitted.log_likelihood)


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
    rows.columns[:, kept] = asked.curve(best.curvature, best.weeks).at(best.fit.coefficients[kept])[1]
    counted = dose_check.Counted.of(rows, log_means, asked.places.week)
    told = iter(dose_check.check(counted, asked.over(best.weeks)[:, asked.is_estimated]))
    return tuple(next(told) if is_estimated else dose_check.NOTHING for is_estimated in asked.is_estimated)


def _best(found: list[_Found]) -> _Found:
    return max(found, key=lambda one: one.log_likelihood)


@dataclass(frozen=True, slots=True)
class _Found:
    curvature: float
    weeks: int
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
    return Dose(one.curvature, effects, own, float(weight), _good(asked.over(one.weeks)), one.weeks)
