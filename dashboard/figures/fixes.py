"""What would help, in words: which measure to bring down where, in which order, and how many customers that would keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard import spreadsheet
from dashboard.figures import dose_checks
from dashboard.figures.area_drivers import Driver
from dashboard.figures.effects import EffectSummary, effects, found_terms
from dashboard.figures.findings import area_names
from dashboard.figures.live import age
from dashboard.figures.style import numbers, words
from dashboard.figures.style.suppression import small_areas
from dashboard.measures import MEASURES
from dashboard.models.leaving.forecast import coming_quality

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

EVERYTHING = "everything"
UNSEEN_HOURS, OUTAGE_LENGTHS, DOSE_SHAPES = "unseen_hours", "outage_lengths", "dose_shapes"
"""Codes of the notes that unseen hours do not come at random, of what is supposed of the length of outages, and that the data do not
tell how leaving grows with worse quality."""
EVERYTHING_NAME = "All measures together"
WORTH_TELLING = 0.05
"""Leavers in 90 days from which a saving is told: less is written 0.0."""
LESS_THAN_ONE = "less than one customer"
TOO_LITTLE = "less than a twentieth of a customer"
NOT_COMPUTED = "This build could not compute what would help; the notes on the Evidence page say why."
NO_NUMBERS = "So no number is given for what better quality would save: it would look more certain than it is."
HOW_OFTEN_HELD = (
    "Rely on the order, not on the numbers. In simulated providers built on other rules, 95% intervals contained the truth about as often as"
    " they should on the whole, but too rarely in some kinds: where customers of one technology mind quality and those of another do not,"
    " and where several such things come together. Which kind yours is nobody knows."
)
HELD_TOO_RARELY = f"{HOW_OFTEN_HELD} So what this would be worth in money is not given."
"""What is said first wherever numbers of what would help stand."""
HELD = "nominal 95%; in some kinds of simulated providers they contained the truth too rarely"
BASELINE = (
    "Customers kept are a part of all who are expected to leave. The excess and the revenue at risk count only those"
    " above the provider's usual rate, so more customers can be kept than are in excess."
)
ALWAYS = (
    "The numbers say how many would be kept if quality had been at its target all along. Customers remember the weeks before, so"
    " an improvement from now on keeps fewer in the first 90 days."
)
"""Between what the numbers compare: not between doing something now and not doing it."""
LASTS = "This assumes that quality stays as it was in the last eight weeks."
WIDENED = (
    "Outages may hide among hours that nobody observed, so these intervals are wider: they hold whether all or none of these"
    " hours were without service."
)
NO_INTERVAL = "no interval"
NO_REASON_HERE = "It does not stand out here, but is worse than its target."
AT_TARGET = "It was at its target in the last eight weeks that were analysed, but by its history that will not last."
AT_TARGET_SHORT = "at its target then; by its history that will not last"
STEADY = (
    "Its mean was at its target in the last eight weeks that were analysed; those kept are customers who had worse."
)
STEADY_SHORT = "at its target then, but not for every customer"
"""Where no forecast says that it will not last."""
OF_ANY = "at least one measure has no numbers"
NOTHING_HERE = "Nothing that was found to affect leaving is worse than its target here."
NEVER_PROMISED = frozenset(measure.name for measure in MEASURES if not measure.may_be_promised)
"""Measures whose effect is told and of which less is not offered as a fix: planned work is done for a reason."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One measure in one area and what bringing it down would save; ``is_proven`` where its own effect was found.

    Where numbers are withheld ``leavers`` is a dash, and the sentence says why. ``is_forecast``: by a forecast of quality.
    ``is_below_one``: it would keep less than one customer.
    """

    area: str
    name: str
    measure: str
    what: str
    value: str
    target: str
    leavers: str
    leavers_span: str
    expected: str
    is_proven: bool
    is_at_target: bool
    sentence: str
    is_forecast: bool = False
    is_below_one: bool = False

    @property
    def at_target(self) -> tuple[str, str]:
        """Why something is kept though the mean is at its target, as a sentence and short."""
        return (AT_TARGET, AT_TARGET_SHORT) if self.is_forecast else (STEADY, STEADY_SHORT)


@dataclass(frozen=True, slots=True)
class Fixes:
    """What would help, most customers kept first.

    ``proven`` holds measures whose own effect on leaving was found, ``unproven`` the others. ``ordered`` are proven too, but
    without numbers, because departures do not follow the measure as fitted; ``withheld`` says why, by measure. All are empty where no
    measure was found by itself. ``small`` areas have too few customers to show separately, ``negligible`` rows
    keep less than WORTH_TELLING. ``found`` are the measures that were found. ``widened`` says why intervals are wider
    than chance makes them, where they are, ``lengths`` what is supposed of the length of outages.
    """

    summary: EffectSummary
    sentence: str
    found: frozenset[str]
    proven: tuple[Fix, ...]
    unproven: tuple[Fix, ...]
    small: int
    negligible: int
    ordered: tuple[Fix, ...] = ()
    withheld: Mapping[str, str] = field(default_factory=dict)
    widened: str = ""
    lengths: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.proven or self.unproven or self.ordered)

    def has_numbers(self, area: str) -> bool:
        """Whether customers kept by something that is proven are told there."""
        return any(fix.area == area for fix in self.proven)

    def is_answered(self, area: str) -> bool:
        """Whether something that is proven would help there."""
        return any(fix.area == area for fix in (*self.proven, *self.ordered))

    def nothing(self) -> str:
        """Why nothing is named in an area, where nothing that is proven would help."""
        return self.sentence if self.is_empty else NOTHING_HERE


def supposed(results: Results) -> str:
    """What these numbers suppose of the quality of the next 90 days and of outages; results of an earlier version do not say it."""
    notes = _notes(results)
    codes = (OUTAGE_LENGTHS, DOSE_SHAPES, UNSEEN_HOURS)
    said = (notes.get("quality_to_come", LASTS), *(notes.get(code, "") for code in codes))
    return " ".join(text for text in said if text)


def _notes(results: Results) -> dict[str, str]:
    return {note["code"]: str(note["text"]) for note in results.manifest.get("notes", [])}


def found_measures(results: Results) -> frozenset[str]:
    """Measures of which more was found, each by itself, to go with more leaving, and of which less can be promised."""
    return frozenset(found_terms(results, "leaving")) - NEVER_PROMISED


def all_fixes(results: Results, currency: str, minimum: int) -> Fixes:
    """What would help in every area that may be shown separately."""
    summary, found = effects(results, "leaving"), found_measures(results)
    hidden = small_areas(results, minimum)
    if not found:
        return Fixes(summary, f"{summary.sentence} {NO_NUMBERS}", found, (), (), len(hidden), 0)
    if results.avoidable.empty:
        return Fixes(summary, NOT_COMPUTED, found, (), (), len(hidden), 0)
    told = with_means(_told(results, hidden), results)
    worth = told["avoidable_leavers_90d"].ge(WORTH_TELLING) | (told["is_withheld"] & told["position"].notna())
    names, is_association = area_names(results), summary.caution is not None
    withheld = why_withheld(results)
    expected = results.ranking.set_index("area").to_dict("index")
    made = [
        _fix(row, names, currency, expected, is_proven=row["measure"] in found, is_association=is_association)
        for row in told[worth & ~told["is_withheld"]].to_dict("records")
    ]
    ordered = [
        _ordered(row, names, currency, withheld[str(row["measure"])], is_association=is_association)
        for row in told[worth & told["is_withheld"] & told["measure"].isin(found)].to_dict("records")
    ]
    if coming_quality.FORETOLD in supposed(results):
        made, ordered = ([replace(fix, is_forecast=True) for fix in fixes] for fixes in (made, ordered))
    return Fixes(
        summary,
        summary.sentence,
        found,
        proven=tuple(fix for fix in made if fix.is_proven),
        unproven=tuple(fix for fix in made if not fix.is_proven),
        small=len(hidden),
        negligible=int((~worth & ~told["is_withheld"]).sum()),
        ordered=tuple(ordered),
        withheld={measure: why for measure, why in withheld.items() if measure in found},
        widened=WIDENED if UNSEEN_HOURS in _notes(results) else "",
        lengths=_notes(results).get(OUTAGE_LENGTHS, ""),
    )


def with_means(rows: pd.DataFrame, results: Results) -> pd.DataFrame:
    """``rows`` of AVOIDABLE whose value is the area's own mean, as all pages show it.

    What was computed rests on today's customers; the mean over all who were there in those weeks may differ by a little.
    """
    means = results.area_drivers.set_index(["area", "driver"])["value"]
    keys = pd.MultiIndex.from_frame(rows[["area", "measure"]])
    shown = pd.Series(means.reindex(keys).to_numpy(dtype=float), index=rows.index)
    return rows.assign(value=shown.fillna(rows["value"].astype(float)))


def why_withheld(results: Results) -> dict[str, str]:
    """By measure why it has no numbers, as a clause; everything together where any has none."""
    rows = results.avoidable
    measures = dict.fromkeys(rows.loc[rows["is_withheld"].astype(bool), "measure"])
    return {
        str(measure): OF_ANY if measure == EVERYTHING else dose_checks.why_withheld(results, str(measure))
        for measure in measures
    }


def _told(results: Results, hidden: frozenset[str]) -> pd.DataFrame:
    """Rows of areas that may be told of, most customers kept first; each measure by itself. Those without numbers come last."""
    rows = results.avoidable.astype({"is_withheld": bool})
    is_known = rows["avoidable_leavers_90d"].notna() | rows["is_withheld"]
    told = rows[(rows["measure"] != EVERYTHING) & ~rows["area"].isin(hidden) & is_known]
    order = ["avoidable_leavers_90d", "measure", "position", "area"]
    return told.sort_values(order, ascending=[False, True, True, True], kind="stable")


def _fix(
    row: Mapping[Any, Any],
    names: Mapping[str, str],
    currency: str,
    expected: Mapping[Any, Mapping[Any, Any]],
    *,
    is_proven: bool,
    is_association: bool,
) -> Fix:
    area, measure = str(row["area"]), str(row["measure"])
    said = words.driver(measure)

    def form(value: Any) -> str:
        return numbers.NONE if numbers.is_missing(value) else said.form(value, currency)

    kept = numbers.leavers(row["avoidable_leavers_90d"])
    span = numbers.interval(row["avoidable_leavers_90d_low"], row["avoidable_leavers_90d_high"])
    of_all = expected.get(area, {})
    leaving = numbers.leavers(of_all.get("expected_leavers_90d"))
    leaving_span = numbers.interval(of_all.get("expected_leavers_90d_low"), of_all.get("expected_leavers_90d_high"))
    name = names.get(area, area)
    is_below_one = round(float(row["avoidable_leavers_90d"]), 1) < 1
    ends = NO_INTERVAL if span == numbers.NONE else span
    told = f"{kept} {'customer' if kept == '1.0' else 'customers'} ({ends})"
    if is_below_one and not is_association:
        told = f"{LESS_THAN_ONE}: {kept} ({ends})"
    of_these = leaving if leaving_span == numbers.NONE else f"{leaving} ({leaving_span})"
    out_of = "" if leaving == numbers.NONE else f" of the {of_these} expected to leave"
    return Fix(
        area=area,
        name=name,
        measure=measure,
        what=said.name,
        value=form(row["value"]),
        target=form(row["target"]),
        leavers=kept,
        leavers_span=span,
        expected=leaving,
        is_proven=is_proven,
        is_at_target=_is_at_target(measure, row["value"], row["target"]) or form(row["value"]) == form(row["target"]),
        sentence=_sentence(
            measure,
            name,
            "" if _ends(row["target"]) else form(row["target"]),
            f"{told}{out_of} in 90 days",
            is_association,
        ),
        is_below_one=is_below_one,
    )


def _ordered(row: Mapping[Any, Any], names: Mapping[str, str], currency: str, why: str, *, is_association: bool) -> Fix:
    """A fix whose place is told, and no number."""
    area, measure = str(row["area"]), str(row["measure"])
    said, name = words.driver(measure), names.get(str(row["area"]), str(row["area"]))
    value, target = (
        numbers.NONE if numbers.is_missing(row[column]) else said.form(row[column], currency)
        for column in ("value", "target")
    )
    what = f"{said.name[0].lower()}{said.name[1:]}"
    bringing = f"ending {what}" if _ends(row["target"]) else f"bringing {what} {words.way(measure)} to {target}"
    would = "might help, if this is an effect, which is not proven" if is_association else "would help"
    return Fix(
        area=area,
        name=name,
        measure=measure,
        what=said.name,
        value=value,
        target=target,
        leavers=numbers.NONE,
        leavers_span="",
        expected=numbers.NONE,
        is_proven=True,
        is_at_target=_is_at_target(measure, row["value"], row["target"]) or value == target,
        sentence=f"In {name}, {bringing} {would}. How many customers that would keep is not given, because {why}.",
    )


def _ends(target: Any) -> bool:
    """Whether the target is to have none of it at all."""
    return not numbers.is_missing(target) and bool(target == 0)


def _is_at_target(measure: str, value: Any, target: Any) -> bool:
    """Whether an area's mean is no worse than the target."""
    if numbers.is_missing(value) or numbers.is_missing(target):
        return False
    is_more_worse = all(known.is_more_worse for known in MEASURES if known.name == measure)
    return bool(value <= target if is_more_worse else value >= target)


def _sentence(measure: str, name: str, target: str, kept: str, is_association: bool) -> str:
    """``target`` is empty where there should be none of it at all."""
    what, way = words.driver(measure).name, words.way(measure)
    if is_association:
        aim = f"{what} of {target}" if target else f"No {what[0].lower()}{what[1:]}"
        return f"{aim} in {name} would mean about {kept} staying, if this is an effect, which is not proven."
    keeping = f"would keep {kept}" if kept.startswith(LESS_THAN_ONE) else f"would keep about {kept}"
    what = f"{what[0].lower()}{what[1:]}"
    if not target:
        return f"Ending {what} in {name} {keeping}."
    return f"Bringing {what} in {name} {way} to {target} {keeping}."


def of_area(told: Fixes, area: str, drivers: Sequence[Driver], most: int | None = None) -> tuple[str, ...]:
    """What would help in one area, and of each of its reasons without a fix here why not: page and report say the same.

    At most ``most`` are named; a fix that is no reason says so.
    """
    reasons = {driver.key: driver for driver in drivers if driver.is_reason}
    every = [fix for fix in (*told.proven, *told.ordered) if fix.area == area]
    lines = [" ".join([fix.sentence, *_aside(fix, is_reason=fix.measure in reasons)]) for fix in every[:most]]
    answered = {fix.measure for fix in every}
    lines += [_why_not(driver, told) for key, driver in reasons.items() if key not in answered]
    return tuple(lines)


def _aside(fix: Fix, *, is_reason: bool) -> tuple[str, ...]:
    """What a reader who compares with the area's own value would otherwise wonder at."""
    if fix.is_at_target:
        return (fix.at_target[0],)
    return () if is_reason else (NO_REASON_HERE,)


def _why_not(driver: Driver, told: Fixes) -> str:
    if driver.key in NEVER_PROMISED:
        return f"{driver.name}: a reason here, but no saving is claimed for less of it, because planned work is needed."
    if driver.key in told.withheld:
        return (
            f"{driver.name}: a reason here. No number of customers kept is given, because {told.withheld[driver.key]}."
        )
    if driver.key in told.found:
        return f"{driver.name}: a reason here, but reaching its target would keep {TOO_LITTLE}."
    return f"{driver.name}: a reason for complaints here. It was not found to affect leaving, so no number of customers kept is given here."


def left_out(told: Fixes) -> list[str]:
    """What no list of fixes shows, and why."""
    lines = []
    if told.small:
        is_one = told.small == 1
        lines.append(
            f"{numbers.of(told.small, 'neighbourhood')} {'is' if is_one else 'are'} left out: {'it has' if is_one else 'they have'}"
            f" too few customers to show separately, or showing {'it' if is_one else 'them'} would reveal one that has."
        )
    if told.negligible:
        each = "" if told.negligible == 1 else " each"
        lines.append(f"{numbers.count(told.negligible)} more would{each} keep {TOO_LITTLE}.")
    return lines


def _places(table: pd.DataFrame) -> pd.Series:
    """Places without gaps in the order of the table; measures whose numbers are withheld are counted each by itself."""
    of = table["measure"].where(table["is_withheld"].astype(bool), "")
    placed = table["position"].notna()
    return (table[placed].groupby(of[placed]).cumcount() + 1).reindex(table.index).astype("Int64")


def csv(results: Results, minimum: int, newer: str = "") -> str:
    """What would help as a table for a spreadsheet: the columns of AVOIDABLE, names, and what is proven, which comes first.

    Only the header where no measure was found by itself; areas that are too small are left out. ``intervals`` says how
    often they held, ``numbers_withheld_because`` why there are none, ``newer`` what has come in since the results were made.
    """
    found = found_measures(results)
    hidden = small_areas(results, minimum)
    rows = results.avoidable[results.avoidable["measure"] != EVERYTHING]
    table = with_means(rows[~rows["area"].isin(hidden)] if found else rows.iloc[:0], results)
    names = area_names(results)
    table = table.assign(is_proven=[measure in found for measure in table["measure"]])
    table = table.sort_values(["is_proven", "position"], ascending=[False, True], na_position="last", kind="stable")
    table["position"] = _places(table)
    table.insert(1, "name", [names.get(area, area) for area in table["area"]])
    withheld = why_withheld(results)
    table["is_withheld"] = [withheld.get(measure, "") for measure in table["measure"]]
    table = table.rename(columns={"is_withheld": "numbers_withheld_because"})
    table["intervals"] = HELD
    table.loc[table["avoidable_leavers_90d"].isna(), "intervals"] = ""
    age.stamp(table, results, newer)
    return spreadsheet.table(table)
