"""How much worse quality multiplies leaving: forms from exponential to saturating, weighed by how well they fit.

    g(x) = product over terms of (1 + c b x)^(1/c)        x: steps of quality above a good level, b: effect of a step

With c towards 0 each step multiplies leaving (exponential), with c = 1 each adds the same, with more of c later steps
add less and less. The good level's choice changes b and not the fit. Steps below it, and effects below 0, bend alike with the other sign: draws of
an effect about 0 then do neither more good than harm.
Box and Cox (1964) and Aranda-Ordaz (1983, Biometrics 39) use the family. Hours without service may act over 2, 4, 8 or 16 weeks,
all alike or those of long single outages more (``felt_hours``).
``dose_fit`` fits and weighs the forms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.models.leaving.doses.dose_check import Check
from dashboard.models.leaving.doses.felt_hours import ALL_OF_EIGHT, Felt
from dashboard.models.leaving.doses.own_slopes import OwnSlopes

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CURVATURES: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)


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


def bend(curvature: float, effects: Floats, steps: Floats) -> Floats:
    """Of ``slope``, in the effects."""
    return np.asarray(-curvature * np.sign(effects * steps) * slope(curvature, effects, steps) ** 2)


@dataclass(frozen=True, slots=True)
class Dose:
    """One form: effects (terms,) of a step, their covariance where clusters suffice, and its weight among the forms.

    ``good`` (terms,) is the level from which steps count, ``felt`` which hours without service act.
    """

    curvature: float
    effects: Floats
    covariance: Floats | None
    weight: float
    good: Floats
    felt: Felt = ALL_OF_EIGHT


@dataclass(frozen=True, slots=True)
class Doses:
    """The forms that are not ruled out. ``checks`` tell by term whether leaving goes along it as they say.

    ``felt`` are the hours without service that act in the form that fits best, ``lengths`` those in hours
    by which forms tell single outages apart.
    """

    forms: tuple[Dose, ...]
    clusters: int
    own: tuple[OwnSlopes, ...] = ()
    checks: tuple[Check, ...] = ()
    felt: Felt = ALL_OF_EIGHT
    lengths: tuple[int, ...] = ()

    @property
    def felts(self) -> frozenset[Felt]:
        """The hours without service that act in any of the forms."""
        return frozenset(form.felt for form in self.forms)

    def draws(self, count: int, seed: int, areas: Codes | None = None) -> Draws:
        """Forms by their weights, and in each its effects by Student's t; the estimates alone where no error is known.

        ``areas`` (n,) are the clusters whose own slopes are asked for, -1 where one was not in the fit; none: the common one.
        """
        random = np.random.default_rng([seed, 2])
        form = np.sort(random.choice(len(self.forms), count, p=[dose.weight for dose in self.forms]))
        effects = np.empty((count, self.forms[0].effects.size))
        for place, dose in enumerate(self.forms):
            whose = form == place
            effects[whose] = _drawn(dose, int(whose.sum()), self.clusters, random)
        order = random.permutation(count)
        apart = np.random.default_rng([seed, 5])
        own = tuple(
            one.draws(apart, count, areas) if areas is not None and one.may_differ else np.ones((1, 1))
            for one in self.own
        )
        of = form[order]
        return Draws(
            np.array([dose.curvature for dose in self.forms])[of],
            effects[order],
            np.stack([dose.good for dose in self.forms])[of],
            tuple(self.forms[place].felt for place in of),
            own,
        )


def _drawn(dose: Dose, count: int, clusters: int, random: np.random.Generator) -> Floats:
    if dose.covariance is None:
        return np.broadcast_to(dose.effects, (count, dose.effects.size))
    values, vectors = np.linalg.eigh(dose.covariance)
    normal = random.standard_normal((count, dose.effects.size)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    freedom = max(clusters - 1, 1)
    return np.asarray(dose.effects + normal / np.sqrt(random.chisquare(freedom, (count, 1)) / freedom))


@dataclass(frozen=True, slots=True)
class Draws:
    """Curvatures and which hours without service are felt (draws,), effects and the ``good`` level of their steps (draws, terms).

    ``own`` are, by term, how many times the effect each area's own is (draws, areas), or (1, 1) where all are alike.
    """

    curvatures: Floats
    effects: Floats
    good: Floats
    felt: tuple[Felt, ...]
    own: tuple[Floats, ...] = ()

    def by_felt(self) -> list[tuple[Felt, Codes]]:
        """Which hours without service are felt, and the places of the draws in which they are."""
        places: dict[Felt, list[int]] = {}
        for place, felt in enumerate(self.felt):
            places.setdefault(felt, []).append(place)
        return [(felt, np.array(places[felt])) for felt in sorted(places)]

    def log_ratios(self, term: int, steps: Floats, area: Codes | None = None) -> Floats:
        """(draws, n) what quality of ``steps`` (n,) or (draws, n) does to the log hazard, against the good level.

        ``area`` (n,) says in which of the areas of ``own`` it is.
        """
        above = np.broadcast_to(steps, (self.effects.shape[0], steps.shape[-1])) - self.good[:, term, None]
        found = self.effects[:, term, None] * above
        if area is not None and self.own and self.own[term].size > 1:
            found = found * self.own[term][:, area]
        for curvature in np.unique(self.curvatures[self.curvatures > 0]):
            whose = self.curvatures == curvature
            found[whose] = _log_ratio(float(curvature), found[whose])
        return found

    def only(self, which: slice | Codes, terms: list[int]) -> Draws:
        own = tuple(self.own[t][which] if self.own[t].size > 1 else self.own[t] for t in terms) if self.own else ()
        felt = self.felt[which] if isinstance(which, slice) else tuple(self.felt[place] for place in which)
        return Draws(self.curvatures[which], self.effects[which][:, terms], self.good[which][:, terms], felt, own)
