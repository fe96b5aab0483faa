"""What a model says of quality, of complaints and of leaving alike: its terms, what is found of them, and in words what is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.models.complaints.measure_lags import Term
from dashboard.models.statistics import alarm, clusters
from dashboard.models.statistics.multiplicity import holm

Floats = npt.NDArray[np.float64]

LARGEST_P = 0.05
FURTHEST = float(np.log(10.0))
"""An interval of the logarithm of a ratio that reaches as far to both sides says nothing at all."""
ON_ONE_CLUSTER = "no estimate: it rests on a single cluster"
TOO_WIDE = "no estimate: it varies too little beyond neighbourhood and week, so its interval would reach from a tenth to tenfold"
EFFECT = "effect"
"""The kind of a model that looks for effects; placebo and negative control look for what cannot be."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One term of one model; ratios are nan where they could not be had, ``method`` says how or why not."""

    model: str
    term: Term
    kind: str
    rate_ratio: float
    low: float
    high: float
    p_value: float
    p_adjusted: float
    clusters: int
    method: str

    @property
    def is_found(self) -> bool:
        return self.p_adjusted < LARGEST_P


@dataclass(frozen=True, slots=True)
class EffectModel:
    """One fitted model: its effects, the joint test of them, and what has to be said about it.

    ``p_value`` is that of finding anything in it: of effects the joint test's, of a placebo or a control that of the joint
    test and the single terms taken together (``alarm``). Nan where nothing could be tested.
    """

    model: str
    effects: tuple[Effect, ...]
    joint: clusters.JointTest | None
    notes: tuple[str, ...]
    p_value: float

    @property
    def finds_something(self) -> bool:
        """Whether its p-value is below 0.05, and of effects the signs say harm or a single term is found by itself."""
        return self.finds_jointly or any(e.is_found for e in self.effects)

    @property
    def finds_jointly(self) -> bool:
        """Whether the p-value is below 0.05; of effects only where the estimates say that worse quality does harm.

        A placebo or a control sounds the alarm whichever way its terms point. An effect must pass the check of signs:
        the one-sided test is below 0.05 too, and no term's own interval lies wholly below 1.
        """
        if self.joint is None or not self.p_value < LARGEST_P:
            return False
        if any(e.kind != EFFECT for e in self.effects):
            return True
        return self.joint.p_value_above < LARGEST_P and not any(e.high < 1 for e in self.effects)

    @property
    def contradicts_itself(self) -> bool:
        """Whether all terms together are below 0.05 only because worse quality seems to do good."""
        return self.joint is not None and self.joint.p_value < LARGEST_P and not self.finds_something


def without_estimate(inference: clusters.Inference) -> list[str | None]:
    """By term why no ratio is told: without the one cluster on which it rests there is none, or it could be anything."""
    lows, highs = inference.intervals()
    is_anything = (lows <= -FURTHEST) & (highs >= FURTHEST)
    return [
        ON_ONE_CLUSTER if alone or inference.clusters < 2 else TOO_WIDE if wide else None
        for alone, wide in zip(inference.rests_on_one, is_anything, strict=True)
    ]


def unchecked(main: EffectModel, check: EffectModel) -> tuple[str, ...]:
    """Terms found in ``main`` that the check could not test by themselves: what it could not see it has not passed."""
    seen = {effect.term.name for effect in check.effects if not np.isnan(effect.p_value)}
    return tuple(effect.term.name for effect in main.effects if effect.is_found and effect.term.name not in seen)


def said_of_unchecked(main: EffectModel, check: EffectModel) -> list[str]:
    """Why results are called an association where a check passes without having seen all that is claimed."""
    if not (names := unchecked(main, check)):
        return []
    return [f"{check.model}: could not test {', '.join(names)}, so results are called an association, not an effect."]


def tested(inference: clusters.Inference, kind: str, claimed: npt.NDArray[np.bool_]) -> tuple[Floats, float]:
    """Corrected p-values (terms,), and that of finding anything at all: no term is found where the whole finds nothing.

    Of effects the whole is the joint test (a closed test of the whole before its parts). A placebo or a control sounds by
    the joint test or by any term, and what is ``claimed`` of a term is checked by that term, with fewer to correct for:
    all of that is one test with one error (``alarm``).
    """
    joint, singles = clusters.joint(inference), inference.careful_p_values()
    adjusted = holm(singles)
    if kind == EFFECT:
        whole = joint.p_value if joint is not None else np.nan
        return np.maximum(adjusted, whole), whole
    adjusted[claimed] = np.fmin(adjusted[claimed], holm(singles[claimed]))
    whole = alarm.p_value(inference, claimed)
    return np.maximum(adjusted, whole), whole


def said_of_all(main: EffectModel, outcome: str) -> list[str]:
    """What the joint test alone allows to be said of quality and the outcome."""
    if main.joint is None:
        return [f"{outcome}: no joint test was possible, so it is not known whether quality matters"]
    if main.contradicts_itself:
        return [
            f"No effect of quality on {outcome} was found: all measures together are related to it (p ="
            f" {main.joint.p_value:.3f}), but worse quality would mean less of it, which it cannot cause."
        ]
    if not main.finds_something:
        return [f"No effect of quality on {outcome} was found."]
    if not any(e.is_found for e in main.effects):
        return [f"Quality is related to {outcome}, but it cannot be said through which measure."]
    return []
