"""What would help, in words: which measure to bring down where, in which order, and what that would save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard import spreadsheet
from dashboard.figures import age, numbers, words
from dashboard.figures.effects import EffectSummary, effects
from dashboard.figures.findings import area_names
from dashboard.figures.suppression import suppress

if TYPE_CHECKING:
    from dashboard.results import Results

EVERYTHING = "everything"
EVERYTHING_NAME = "All measures together"
WORTH_TELLING = 0.05
"""Leavers in 90 days from which a saving is told: less is written 0.0."""
NOT_COMPUTED = "What would help could not be worked out in this build; the notes on the evidence page say why."
NO_NUMBERS = "So no number is given of what better quality would save: it would look surer than it is."


@dataclass(frozen=True, slots=True)
class Fix:
    """One measure in one area and what bringing it down would save; ``is_proven`` where its own effect was found."""

    area: str
    name: str
    measure: str
    what: str
    value: str
    target: str
    leavers: str
    leavers_span: str
    money: str
    money_span: str
    is_proven: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Remedies:
    """What would help, most money saved first.

    ``proven`` holds measures whose own effect on leaving was found, or all measures together where only their sum
    was; ``unproven`` the others. Both are empty where nothing was found. ``small`` areas have too few customers to be
    told of by themselves, ``negligible`` rows save less than 0.1 customers.
    """

    summary: EffectSummary
    sentence: str
    proven: tuple[Fix, ...]
    unproven: tuple[Fix, ...]
    small: int
    negligible: int

    def of(self, area: str) -> tuple[Fix, ...]:
        """The fixes of one area, proven ones first."""
        return tuple(fix for fix in (*self.proven, *self.unproven) if fix.area == area)


def small_areas(results: Results, minimum: int) -> frozenset[str]:
    """The areas that management is not told of by themselves."""
    customers = dict(zip(results.ranking["area"], results.ranking["customers"].astype(int), strict=True))
    return suppress(customers, minimum)


def found_measures(results: Results) -> frozenset[str]:
    """Measures of which more was found to move more customers to leave; everything together where only their sum was."""
    if not effects(results, "leaving").is_found:
        return frozenset()
    table = results.effects
    found = table[(table["model"] == "leaving") & (table["kind"] == "effect") & table["is_found"]]
    if found.empty:
        return frozenset({EVERYTHING})
    return frozenset(found[found["rate_ratio"] > 1]["term"])


def remedies(results: Results, currency: str, minimum: int) -> Remedies:
    """What would help in every area that may be told of by itself."""
    summary, found = effects(results, "leaving"), found_measures(results)
    hidden = small_areas(results, minimum)
    if not found:
        return Remedies(summary, f"{summary.sentence} {NO_NUMBERS}", (), (), len(hidden), 0)
    if results.avoidable.empty:
        return Remedies(summary, NOT_COMPUTED, (), (), len(hidden), 0)
    told = _told(results, found, hidden)
    worth = told["avoidable_leavers_90d"].ge(WORTH_TELLING)
    names, is_association = area_names(results), summary.caution is not None
    made = [
        _fix(row, names, currency, is_proven=row["measure"] in found, is_association=is_association)
        for row in told[worth].to_dict("records")
    ]
    proven = tuple(fix for fix in made if fix.is_proven)
    unproven = tuple(fix for fix in made if not fix.is_proven)
    return Remedies(summary, summary.sentence, proven, unproven, len(hidden), int((~worth).sum()))


def _told(results: Results, found: frozenset[str], hidden: frozenset[str]) -> pd.DataFrame:
    """Rows of areas that may be told of, most money first; everything together only where no single measure was found."""
    rows = results.avoidable
    wanted = (rows["measure"] == EVERYTHING) if found == {EVERYTHING} else (rows["measure"] != EVERYTHING)
    told = rows[wanted & ~rows["area"].isin(hidden) & rows["avoidable_leavers_90d"].notna()]
    keys = ["monthly_revenue_saved", "avoidable_leavers_90d"]
    return told.sort_values([*keys, "area"], ascending=[False, False, True], kind="stable")


def _fix(
    row: Mapping[Any, Any], names: Mapping[str, str], currency: str, *, is_proven: bool, is_association: bool
) -> Fix:
    area, measure = str(row["area"]), str(row["measure"])
    said = words.driver(measure)

    def form(value: Any) -> str:
        return numbers.NONE if numbers.is_missing(value) else said.form(value, currency)

    def money(value: float | None) -> str:
        return numbers.money(value, currency)

    leavers, saved = row["avoidable_leavers_90d"], row["monthly_revenue_saved"]
    span = numbers.interval(row["avoidable_leavers_90d_low"], row["avoidable_leavers_90d_high"])
    money_span = numbers.interval(row["monthly_revenue_saved_low"], row["monthly_revenue_saved_high"], money)
    name = names.get(area, area)
    told = f"{numbers.leavers(leavers)} {'customer' if numbers.leavers(leavers) == '1.0' else 'customers'} ({span})"
    revenue = "" if numbers.is_missing(saved) else f", {money(saved)} a month ({money_span})"
    return Fix(
        area=area,
        name=name,
        measure=measure,
        what=EVERYTHING_NAME if measure == EVERYTHING else said.name,
        value=form(row["value"]),
        target=form(row["target"]),
        leavers=numbers.leavers(leavers),
        leavers_span=span,
        money=money(saved),
        money_span=money_span,
        is_proven=is_proven,
        sentence=_sentence(measure, name, form(row["target"]), f"{told} in 90 days{revenue}", is_association),
    )


def _sentence(measure: str, name: str, target: str, saved: str, is_association: bool) -> str:
    what = words.driver(measure).name
    if is_association:
        subject = "Better quality" if measure == EVERYTHING else f"{what} of {target}"
        return f"{subject} in {name} would go with about {saved} less leaving; that it would keep them is not proven."
    if measure == EVERYTHING:
        return f"Bringing every measure in {name} down to its target would keep about {saved}."
    return f"Bringing {what[0].lower()}{what[1:]} in {name} down to {target} would keep about {saved}."


def csv(results: Results, minimum: int, newer: str = "") -> str:
    """What would help as a table for a spreadsheet: the columns of AVOIDABLE, names, and what is proven.

    Only the header where no effect was found; areas that are too small are left out. ``newer`` says what has come in
    since the results were made.
    """
    found = found_measures(results)
    hidden = small_areas(results, minimum)
    table = results.avoidable[~results.avoidable["area"].isin(hidden)] if found else results.avoidable.iloc[:0]
    names = area_names(results)
    table = table.sort_values("position", na_position="last", kind="stable")
    table.insert(1, "name", [names.get(area, area) for area in table["area"]])
    table["is_proven"] = [measure in found for measure in table["measure"]]
    age.stamp(table, results, newer)
    return spreadsheet.table(table)
