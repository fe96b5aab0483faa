"""Why customers leave: the weekly hazard of voluntary leaving, what quality does to it, and who is likely to go.

    log hazard_it = level_t + tenure_it + contract_it + price_it + technology_i + (q_it - q_a) w + q_a b

Stretches of at most a week, in which the hazard is constant; leaving for another reason censors. ``q_it`` is quality
over the eight weeks before, ``q_a`` its mean in the area (Mundlak 1978): only ``w``, what changes within an area,
may be called an effect. Where there is planned work, it is a measure of its own. It assumes that nothing else changes in the same weeks in the same places and moves both
(the negative control looks for it), and that those who leave and those who stay are seen alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.measures import PLANNED
from dashboard.models.complaints.effect_model import EffectModel, unchecked
from dashboard.models.leaving import churn_notes
from dashboard.models.leaving.covariates import TRAILING
from dashboard.models.leaving.doses import dose
from dashboard.models.leaving.fitted_hazard import FEWEST_EVENTS, Coefficient, Fitted, Predictor, Prepared, nothing

UNRANKED = (
    "leaving: the fit did not converge, so neighbourhoods are ranked by tenure and contract rates alone"
    " and nothing is said about what would help"
)


@dataclass(frozen=True, slots=True)
class Churn:
    """The effect of quality on leaving, its negative control (moving, not paying), and the model that predicts.

    ``predicting`` is None where there are too few departures to fit anything, or a fit does not converge. ``price_gap`` is what one unit of
    currency above a new customer's price has to do with leaving; None where that could not be estimated.
    """

    main: EffectModel
    control: EffectModel
    predicting: Predictor | None
    notes: tuple[str, ...]
    price_gap: Coefficient | None = None

    @property
    def models(self) -> tuple[EffectModel, ...]:
        return self.main, self.control

    @property
    def wording(self) -> str:
        """``effect`` where the control saw what is claimed and found nothing, else ``association``."""
        passed = self.control.joint is not None and not self.control.finds_something
        return "effect" if passed and not unchecked(self.main, self.control) else "association"


def fit(customer_weeks: pd.DataFrame, *, predicts: bool = True) -> Churn:
    """Fit the hazard to customer_weeks, clustered by area; without ``predicts`` only effects and control.

    Rows whose quality was observed for less than half of the eight weeks before are left out, and counted in the notes.
    """
    prepared = Prepared.of(customer_weeks, with_service=False)
    rates = prepared.fitted("left_voluntarily")
    if rates is None:
        why = f"no estimate: fewer than {FEWEST_EVENTS} departures while quality was observed"
        return Churn(
            nothing("leaving", "effect", why), nothing("leaving_control", "negative_control", why), None, (why,)
        )
    if rates.fails_with_planned:
        return fit(_without_planned(customer_weeks), predicts=predicts)
    main = rates.effect_model("leaving", "effect")
    other = prepared.fitted("left_otherwise")
    control = (
        other.effect_model("leaving_control", "negative_control")
        if other is not None
        else nothing("leaving_control", "negative_control", f"no estimate: fewer than {FEWEST_EVENTS} such departures")
    )
    notes, gap = churn_notes.said(main, control, rates.left_out), rates.coefficient("price_gap")
    if not predicts:
        return Churn(main, control, None, notes, gap)
    doses, rates = prepared.doses(rates), rates.without_columns()
    del prepared, other
    full = Prepared.of(customer_weeks, with_service=True).fitted("left_voluntarily")
    if full is not None and full.fails_with_planned:
        return fit(_without_planned(customer_weeks))
    predicting = _predictor(rates, full, doses)
    notes = (
        (*notes, *churn_notes.apart(rates.design.quality.terms, doses))
        if predicting is not None
        else (*notes, UNRANKED)
    )
    return Churn(main, control, predicting, notes, gap)


def predictor(customer_weeks: pd.DataFrame, *, with_doses: bool = True) -> Predictor | None:
    """Only the model that predicts; None where too few have left or a fit does not converge.

    Without ``with_doses`` it tells who leaves at a tenth of the work, but not what better quality would keep.
    """
    prepared = Prepared.of(customer_weeks, with_service=False)
    rates = prepared.fitted("left_voluntarily")
    if rates is None:
        return None
    doses = prepared.doses(rates) if with_doses else prepared.straight_dose(rates)
    rates = rates.without_columns()
    del prepared
    full = Prepared.of(customer_weeks, with_service=True).fitted("left_voluntarily")
    if rates.fails_with_planned or (full is not None and full.fails_with_planned):
        return predictor(_without_planned(customer_weeks), with_doses=with_doses)
    return _predictor(rates, full, doses)


def of_quality(customer_weeks: pd.DataFrame) -> Predictor | None:
    """Only what quality within areas does: half of the work of `predictor`, whose hazard this one's is not.

    Its level is nobody's: it serves for shares of departures, not for their number.
    """
    prepared = Prepared.of(customer_weeks, with_service=False)
    rates = prepared.fitted("left_voluntarily")
    if rates is None:
        return None
    if rates.fails_with_planned:
        return of_quality(_without_planned(customer_weeks))
    if not rates.fit.has_converged:
        return None
    doses = prepared.doses(rates)
    return rates.predictor(rates, doses, calendar=np.zeros(len(rates.design.names)))


def _without_planned(weeks: pd.DataFrame) -> pd.DataFrame:
    """Planned works are few: where no fit converges with them the rest may still be told."""
    return weeks.drop(columns=TRAILING[PLANNED.name])


def _predictor(rates: Fitted, full: Fitted | None, doses: dose.Doses) -> Predictor | None:
    if full is None or not (full.fit.has_converged and rates.fit.has_converged):
        return None
    return full.predictor(rates, doses)
