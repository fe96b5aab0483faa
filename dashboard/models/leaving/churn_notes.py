"""What the build notes say of the hazard of leaving: its checks, and what the doses of its effects come to."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from dashboard.models.complaints.effect_model import EffectModel, said_of_all, said_of_unchecked
from dashboard.models.complaints.measure_lags import Term
from dashboard.models.leaving.doses import dose
from dashboard.models.leaving.doses.felt_hours import EIGHT
from dashboard.models.leaving.fitted_hazard import LeftOut
from dashboard.models.statistics.multiplicity import said_p

SHAPES = (
    (0.0, "by the same factor"),
    (0.5, "between factor and number"),
    (1.0, "by the same number"),
    (np.inf, "by less and less"),
)
"""By the largest curvature of the dose that has it."""
DECIDED = 0.9
"""The weight of one shape from which nothing is said of the others."""
WEEKS_NOTE = (
    "leaving: departures fit hours without service over {weeks} weeks best; in what would help these count for {share:.0%}. The ratio"
    " on Evidence is that of all hours of eight weeks"
)


def apart(terms: tuple[Term, ...], doses: dose.Doses) -> tuple[str, ...]:
    """Which effects of the ``terms`` of the doses differ among areas, and over how many weeks hours without service act."""
    best = doses.felt.weeks
    share = sum(form.weight for form in doses.forms if form.felt.weeks == best)
    over = (WEEKS_NOTE.format(weeks=best, share=share),) if best != EIGHT else ()
    weighed = (weights(doses),) if any(form.effects.any() for form in doses.forms) else ()
    return (
        over
        + weighed
        + tuple(
            f"leaving: the effect of {term.name} differs among areas ({said_p(own.p_value)}): what would help follows each area's own"
            for term, own in zip(terms, doses.own, strict=True)
            if own.differs
        )
    )


def weights(doses: dose.Doses) -> str:
    """What the weeks over which hours act, the length of the outages that they lie in, and the shapes of the dose, count for."""
    weeks: dict[str, float] = {}
    for form in sorted(doses.forms, key=lambda one: (one.felt.weeks, one.curvature)):
        name = f"{form.felt.weeks} weeks"
        weeks[name] = weeks.get(name, 0.0) + form.weight
    lengths: dict[str, float] = {}
    for form in sorted(doses.forms, key=lambda one: one.felt.longer_than):
        name = f"longer than {form.felt.longer_than} hours" if form.felt.longer_than else "of any length"
        lengths[name] = lengths.get(name, 0.0) + form.weight
    over, by, of = (_listed(one) for one in (weeks, _shapes(doses), lengths))
    told = f", in single outages {of}" if len(lengths) > 1 else ""
    return (
        "leaving: what would help weighs several forms of the effects by how well they fit, with these weights. Hours without service act over"
        f" {over}{told}. With each step of worse quality leaving rises {by}"
    )


def undecided(doses: dose.Doses) -> str:
    """That departures do not tell the shapes of the dose apart, for the readers of what would help; blank where they do."""
    shapes = _shapes(doses)
    if max(shapes.values()) > DECIDED or not any(form.effects.any() for form in doses.forms):
        return ""
    return (
        "It is not certain how leaving grows with worse quality: by how well they fit, with each step"
        f" {_listed(shapes)}. The intervals include all of these."
    )


def _shapes(doses: dose.Doses) -> dict[str, float]:
    """The weight of each shape, by how leaving rises with a step."""
    shapes: dict[str, float] = {}
    for form in sorted(doses.forms, key=lambda one: one.curvature):
        shape = next(name for limit, name in SHAPES if form.curvature <= limit)
        shapes[shape] = shapes.get(shape, 0.0) + form.weight
    return shapes


def _listed(shares: Mapping[str, float]) -> str:
    """Shares in whole percents that add up to 100: what rounding down leaves goes to the largest remainders."""
    exact = {name: 100 * share / (sum(shares.values()) or 1.0) for name, share in shares.items()}
    left = 100 - sum(math.floor(value) for value in exact.values())
    risen = sorted(exact, key=lambda name: math.floor(exact[name]) - exact[name])[:left]
    return ", ".join(f"{name} {math.floor(value) + (name in risen)}%" for name, value in exact.items())


def said(main: EffectModel, control: EffectModel, left_out: LeftOut) -> tuple[str, ...]:
    """What the effects and their negative control come to."""
    notes = [*main.notes, *control.notes]
    if left_out.share > 0.005:
        notes.append(
            f"leaving: {left_out.share:.0%} of the customers' time is left out, because less than half of the {EIGHT} weeks before it"
            f" was observed ({left_out.first_weeks:.0%} of that is in the first {EIGHT} weeks of the period,"
            f" {left_out.newcomers:.0%} in the first {EIGHT} weeks of later customers)"
        )
    notes += said_of_all(main, "leaving")
    if control.joint is None:
        notes.append("leaving_control: could not be tested, so results are called an association, not an effect.")
    elif control.finds_something:
        notes.append(
            "the negative control: quality seems to explain who moves away or does not pay"
            f" ({said_p(control.p_value)}), which it cannot, so results are called an association, not an effect."
        )
    else:
        notes += said_of_unchecked(main, control)
    return tuple(notes)
