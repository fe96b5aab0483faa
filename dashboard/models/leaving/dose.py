"""How much worse quality multiplies leaving: forms from exponential to saturating, weighed by how well they fit.

    g(x) = product over terms of (1 + c b x)^(1/c)        x: steps of quality above a good level, b: effect of a step

With c towards 0 each step multiplies leaving (exponential), with c = 1 each adds the same, with more of c later steps
add less and less. The good level's choice changes b and not the fit. Steps below it, and effects below 0, bend alike with the other sign: draws of
an effect about 0 then do neither more good than harm.
Box and Cox (1964) and Aranda-Ordaz (1983, Biometrics 39) use the family; weights are those of likelihoods with equal numbers of
coefficients (Kass and Raftery 1995), tempered where neighbourhoods differ more than their counts explain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.models.leaving import dose_check, own_slopes
from dashboard.models.leaving.own_slopes import ALIKE, Counted, OwnSlopes
from dashboard.models.statistics import curved_hazard, hazard

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CURVATURES: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)
GOOD_SHARE = 0.01
"""The share of the rows that has a term better than the level from which steps count."""
NEGLIGIBLE_WEIGHT = 0.005


def log_ratio(curvature: float, effects: Floats, steps: Floats) -> Floats:
    """log of (1 + c b x)^(1/c) for ``effects`` and ``steps`` that broadcast against each other."""
    return _log_ratio(curvature, effects * steps)


def _log_ratio(curvature: float, products: Floats) -> Floats:
    if curvature == 0:
        return products
    return np.asarray(np.sign(products) * np.log1p(curvature * np.abs(products)) / curvature)


def slope(curvature: float, effects: Floats, steps: Floats) -> Floats:
    """Of ``log_ratio``, in the effects."""
    return np.asarray(steps / (1.0 + curvature * np.abs(effects * steps)))


@dataclass(frozen=True, slots=True)
class Dose:
    """One form: effects (terms,) of a step, their covariance where clusters suffice, and its weight among the forms."""

    curvature: float
    effects: Floats
    covariance: Floats | None
    weight: float


@dataclass(frozen=True, slots=True)
class Doses:
    """The forms that are not ruled out; ``good`` (terms,) is the level from which each term's steps count.

    ``checks`` tell by term whether leaving goes along it as they say.
    """

    forms: tuple[Dose, ...]
    good: Floats
    clusters: int
    own: tuple[OwnSlopes, ...] = ()
    checks: tuple[dose_check.Check, ...] = ()

    def draws(self, count: int, seed: int, areas: Codes | None = None) -> Draws:
        """Forms by their weights, and in each its effects by Student's t; the estimates alone where no error is known.

        ``areas`` (n,) are the clusters whose own slopes are asked for, -1 where one was not in the fit; none: the common one.
        """
        random = np.random.default_rng([seed, 2])
        form = np.sort(random.choice(len(self.forms), count, p=[dose.weight for dose in self.forms]))
        effects = np.empty((count, self.good.size))
        for place, dose in enumerate(self.forms):
            whose = form == place
            effects[whose] = _drawn(dose, int(whose.sum()), self.clusters, random)
        order = random.permutation(count)
        apart = np.random.default_rng([seed, 5])
        own = tuple(
            one.draws(apart, count, areas) if areas is not None and one.differs else np.ones((1, 1)) for one in self.own
        )
        return Draws(np.array([d.curvature for d in self.forms])[form[order]], effects[order], self.good, own)


def _drawn(dose: Dose, count: int, clusters: int, random: np.random.Generator) -> Floats:
    if dose.covariance is None:
        return np.broadcast_to(dose.effects, (count, dose.effects.size))
    values, vectors = np.linalg.eigh(dose.covariance)
    normal = random.standard_normal((count, dose.effects.size)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    freedom = max(clusters - 1, 1)
    return np.asarray(dose.effects + normal / np.sqrt(random.chisquare(freedom, (count, 1)) / freedom))


@dataclass(frozen=True, slots=True)
class Draws:
    """Curvatures (draws,) and effects (draws, terms), with the ``good`` level (terms,) of the steps.

    ``own`` are, by term, how many times the effect each area's own is (draws, areas), or (1, 1) where all are alike.
    """

    curvatures: Floats
    effects: Floats
    good: Floats
    own: tuple[Floats, ...] = ()

    def log_ratios(self, term: int, steps: Floats, area: Codes | None = None) -> Floats:
        """(draws, n) what quality of ``steps`` (n,) or (draws, n) does to the log hazard, against the good level.

        ``area`` (n,) says in which of the areas of ``own`` it is.
        """
        above = np.broadcast_to(steps, (self.effects.shape[0], steps.shape[-1])) - self.good[term]
        found = self.effects[:, term, None] * above
        if area is not None and self.own and self.own[term].size > 1:
            found = found * self.own[term][:, area]
        for curvature in np.unique(self.curvatures[self.curvatures > 0]):
            whose = self.curvatures == curvature
            found[whose] = _log_ratio(float(curvature), found[whose])
        return found

    def only(self, which: slice, terms: list[int]) -> Draws:
        own = tuple(self.own[t][which] if self.own[t].size > 1 else self.own[t] for t in terms) if self.own else ()
        return Draws(self.curvatures[which], self.effects[which][:, terms], self.good[terms], own)


@dataclass(frozen=True, slots=True)
class Places:
    """Where rows stand: cluster and week (n,), and their weight in means over these."""

    cluster: Codes
    week: Codes
    weight: Floats

    def within(self, values: Floats) -> Floats:
        """Values (n,) less their mean in the cluster, and less what all share in a week then."""
        values = values - self._means(self.cluster, values)
        return values - self._means(self.week, values)

    def _means(self, group: Codes, values: Floats) -> Floats:
        total = np.bincount(group, self.weight * values)
        return np.asarray((total / np.maximum(np.bincount(group, self.weight), 1e-300))[group])


def fit(
    rows: hazard.Rows,
    straight: hazard.Fit,
    at: Codes,
    *,
    steps: Floats,
    places: Places,
    is_estimated: npt.NDArray[np.bool_],
) -> Doses:
    """Fit every form to the rows whose columns ``at`` hold quality within areas and weeks; writes over these columns.

    ``straight`` is the fit of them as they stand, the exponential form. ``steps`` (n, terms) is quality itself. A form
    that does not converge is left out.
    """
    good = np.quantile(steps, GOOD_SHARE, axis=0)
    asked = _Asked(rows, at, steps, good, places, is_estimated)
    log_means = np.log(np.maximum(straight.means, 1e-300))
    found = [_Found(CURVATURES[0], straight, log_means, _likelihood(rows, log_means))]
    kept = at[is_estimated]
    for curvature in CURVATURES[1:] if kept.size else ():
        fitted = curved_hazard.fit(rows, kept, asked.curve(curvature), straight)
        if fitted.has_converged and not fitted.fit.dropped[kept].any():
            found.append(_Found(curvature, fitted.fit, fitted.log_means, fitted.log_likelihood))
    weights = _weights(found, rows)
    forms = [_dose(one, at, is_estimated, w) for one, w in zip(found, weights, strict=True) if w >= NEGLIGIBLE_WEIGHT]
    total = sum(form.weight for form in forms)
    forms = [Dose(f.curvature, f.effects, f.covariance, f.weight / total) for f in forms]
    own = _own(asked, found)
    return Doses(tuple(forms), good, rows.clusters, own, _checks(asked, found, weights, own))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the forms are fitted to: see ``fit``."""

    rows: hazard.Rows
    at: Codes
    steps: Floats
    good: Floats
    places: Places
    is_estimated: npt.NDArray[np.bool_]

    def curve(self, curvature: float) -> curved_hazard.Curve:
        above = self.steps[:, self.is_estimated] - self.good[self.is_estimated]

        def curve(effects: Floats) -> tuple[Floats, Floats]:
            added = _log_ratio(curvature, effects * above).sum(axis=1)
            slopes = slope(curvature, effects, above)
            return self.places.within(added), np.stack([self.places.within(own) for own in slopes.T], axis=-1)

        return curve

    def term(self, one: _Found, place: int) -> own_slopes.Term:
        """One of the terms in one of the forms."""
        effect = one.fit.coefficients[self.at][place]
        return own_slopes.Term(one.curvature, effect * (self.steps[:, place] - self.good[place]))


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
    rows.columns[:, kept] = asked.curve(best.curvature)(best.fit.coefficients[kept])[1]
    counted = dose_check.Counted.of(rows, log_means, asked.places.week)
    told = iter(dose_check.check(counted, asked.steps[:, asked.is_estimated]))
    return tuple(next(told) if is_estimated else dose_check.NOTHING for is_estimated in asked.is_estimated)


def _best(found: list[_Found]) -> _Found:
    return max(found, key=lambda one: one.log_likelihood)


@dataclass(frozen=True, slots=True)
class _Found:
    curvature: float
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


def _dose(one: _Found, at: Codes, is_estimated: npt.NDArray[np.bool_], weight: float) -> Dose:
    whole = hazard.careful_covariance(one.fit)
    effects = np.where(is_estimated, one.fit.coefficients[at], 0.0)
    own = None if whole is None else np.where(np.outer(is_estimated, is_estimated), whole[np.ix_(at, at)], 0.0)
    return Dose(one.curvature, effects, own, float(weight))
