"""What the effect model found for the whole provider, in words that its placebo and negative control allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.figures import known
from dashboard.figures.style import numbers, words
from dashboard.models.statistics.interval_sides import Side, side_of

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

OUTCOMES: dict[str, str] = {"complaints": "complaints", "leaving": "leaving"}
"""What each effect model explains, in words."""
RESTS_ON: dict[str, tuple[str, ...]] = {"complaints": ("complaints", "devices"), "leaving": ("devices", "reasons")}
"""The joins without which nothing is known of an outcome."""
LESS: dict[str, str] = {"complaints": "fewer complaints", "leaving": "less leaving"}
WITHDRAWN = "A check that should find nothing found something, or could not be run, so this is called an association, not an effect."
NO_MEASURE = "All measures together are related to it beyond chance, but no single one is. So none is named, and no saving is claimed."
AGAINST_THE_SIGN = (
    "All measures together are related to it beyond chance, but worse quality would mean {less}, which it cannot cause."
    " Something else must change together with quality."
)
WRONG_WAY = (
    "Worse quality cannot cause {less}. The measures change together, or something else changes with them, so this is"
    " called an association, not an effect."
)


@dataclass(frozen=True, slots=True)
class EffectSummary:
    """Whether quality was found to go with the outcome, be it only all together; ``details`` has one phrase per term."""

    is_found: bool
    sentence: str
    details: tuple[str, ...]
    caution: str | None


def effects(results: Results, outcome: str = "complaints") -> EffectSummary:
    """What the model of ``outcome`` (complaints, leaving) found, in words that its checks allow."""
    said = OUTCOMES[outcome]
    if (why := known.first_unknown(results, *RESTS_ON[outcome])) is not None:
        return EffectSummary(False, f"Whether quality affects {said} is not known. {why}", (), None)
    table = results.effects[results.effects["model"].str.startswith(outcome)]
    real = table[table["kind"] == "effect"]
    is_withdrawn = results.manifest.get("wording", {}).get(outcome) == "association" or bool(
        (table["kind"].ne("effect") & table["is_found"]).any()
    )
    details = tuple(_term(row, said) for row in real.to_dict("records"))
    driving, odd = (_names(found_terms(results, outcome, side)) for side in (Side.ABOVE, Side.BELOW))
    if not driving and not odd:
        return _of_all_together(results, outcome, details, is_tested=bool(real["p_value"].notna().any()))
    cautions = [WITHDRAWN] * is_withdrawn + [WRONG_WAY.format(less=LESS[outcome])] * bool(odd)
    noun = "association" if cautions else "effect"
    which = [f"{_and(driving)} {_verb(driving, bool(cautions))} {said}"] if driving else []
    which += [f"{_and(odd)} {_verb(odd, True)} {LESS[outcome]}"] if odd else []
    sentence = f"An {noun} of quality on {said} was found: {'; '.join(which)}."
    return EffectSummary(True, sentence, details, " ".join(cautions) or None)


def found_terms(results: Results, outcome: str, side: Side = Side.ABOVE) -> tuple[str, ...]:
    """Measures found by themselves to go with more of the outcome, or with less: those whose interval says so too."""
    table = results.effects
    found = table[(table["model"] == outcome) & (table["kind"] == "effect") & table["is_found"]]
    ends = zip(found["term"], found["rate_ratio"], found["low"], found["high"], strict=True)
    return tuple(str(term) for term, ratio, low, high in ends if side_of(ratio, low, high, none=1.0) is side)


def _names(terms: tuple[str, ...]) -> list[str]:
    return [words.driver(term).name.lower() for term in terms]


def _of_all_together(results: Results, outcome: str, details: tuple[str, ...], *, is_tested: bool) -> EffectSummary:
    """What the joint test says where no single measure stands by itself: it names none."""
    said = OUTCOMES[outcome]
    if not is_tested:
        return EffectSummary(False, f"Whether quality affects {said} could not be tested.", details, None)
    joint = results.joint_tests[results.joint_tests["model"] == outcome]
    if joint["is_found"].any():
        sentence = f"Quality is related to {said}, but it cannot be said through which measure."
        return EffectSummary(True, sentence, details, NO_MEASURE)
    contradicts = bool(joint["p_value"].lt(0.05).any())
    caution = AGAINST_THE_SIGN.format(less=LESS[outcome]) if contradicts else None
    return EffectSummary(False, f"No effect of quality on {said} was found.", details, caution)


def _verb(names: list[str], is_withdrawn: bool) -> str:
    one, several = ("goes with", "go with") if is_withdrawn else ("drives", "drive")
    is_plural = len(names) > 1 or names[0].endswith("s")
    return several if is_plural else one


def _term(row: Mapping[Any, Any], outcome: str) -> str:
    said = words.driver(str(row["term"]))
    if numbers.is_missing(row["rate_ratio"]):
        return f"{said.name}: could not be estimated"
    step = words.step(str(row["term"]), float(row["per"]))
    ratio = numbers.rate_ratio(row["rate_ratio"])
    span = numbers.interval(row["low"], row["high"], lambda v: numbers.decimal(v, 2))
    shown = ratio if span == numbers.NONE else f"{ratio} ({span})"
    verdict = words.verdict(bool(row["is_found"]), side_of(row["rate_ratio"], row["low"], row["high"], none=1.0))
    return f"{said.name}: {outcome} {shown} {step}{'' if verdict == words.FOUND else f', {verdict}'}"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
