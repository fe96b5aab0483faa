"""What is supposed of the length of single outages in what would help: whether long ones alone count, and which become fewer."""

from __future__ import annotations

from dashboard.measures import DOWN
from dashboard.models.leaving.doses.dose import Doses
from dashboard.models.leaving.fitted_hazard import Predictor

LEAST_SAID = 0.1
"""The weight from which forms of long outages are named beside those of all hours."""
ALIKE = (
    "The numbers assume that outages of every length become fewer alike. Departures give no sign that an hour of a long single outage"
    " counts more than one of a short one."
)
UNKNOWN = (
    "The numbers count an hour without service the same, however long the single outage lasts: this history does not tell long"
    " outages from short ones well enough."
)
LONG = (
    "The numbers assume that outages of every length become fewer alike, and count long outages more: with a weight of {share} departures"
    " go with hours in single outages longer than {hours} hours. Ending short outages alone would keep {few} customers."
)
PARTLY = (
    "The numbers assume that outages of every length become fewer alike. It is not certain whether long outages alone count: forms"
    " in which they do have a weight of {share}. If so, ending short outages alone would keep fewer customers."
)


def said(predictor: Predictor) -> str:
    """As a note; blank where hours without service have no estimate."""
    terms = predictor.design.quality.terms
    if DOWN not in terms or not predictor.is_estimated[terms.index(DOWN)]:
        return ""
    return of(predictor.doses)


def of(doses: Doses) -> str:
    """The same of the forms of a dose."""
    forms = doses.forms
    long = [form for form in forms if form.felt.longer_than]
    share = sum(form.weight for form in long)
    if share < LEAST_SAID:
        return ALIKE if doses.lengths else UNKNOWN
    if share < 0.5:
        return PARTLY.format(share=f"{share:.0%}")
    by_hours: dict[int, float] = {}
    for form in long:
        by_hours[form.felt.longer_than] = by_hours.get(form.felt.longer_than, 0.0) + form.weight
    hours = max(by_hours, key=lambda one: by_hours[one])
    counts = 1.0 - sum(form.weight * (1.0 - form.felt.rest if form.felt.longer_than else 0.0) for form in forms)
    return LONG.format(share=f"{share:.0%}", hours=hours, few="hardly any" if counts < 0.2 else "fewer")
