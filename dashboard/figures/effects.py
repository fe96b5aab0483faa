"""What the effect model found for the whole provider, in words that its placebo and negative control allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard.figures import numbers, words

if TYPE_CHECKING:
    from dashboard.results import Results

OUTCOMES: dict[str, str] = {"complaints": "complaints", "leaving": "leaving"}
"""What each effect model explains, in words."""
LESS: dict[str, str] = {"complaints": "fewer complaints", "leaving": "less leaving"}
WITHDRAWN = "A check that should find nothing found something, or could not be made, so this is not called an effect."
WRONG_WAY = (
    "Worse quality makes nobody content: where more of it goes with {less}, the measures move together, or something"
    " else moves with them, so this is not called an effect."
)


@dataclass(frozen=True, slots=True)
class EffectSummary:
    """Whether quality was found to move the outcome; ``details`` has one phrase per term."""

    is_found: bool
    sentence: str
    details: tuple[str, ...]
    caution: str | None


def effects(results: Results, outcome: str = "complaints") -> EffectSummary:
    """What the model of ``outcome`` (complaints, leaving) found, in words that its checks allow."""
    said = OUTCOMES[outcome]
    table = results.effects[results.effects["model"].str.startswith(outcome)]
    real = table[table["kind"] == "effect"]
    is_withdrawn = results.manifest.get("wording", {}).get(outcome) == "association" or bool(
        (table["kind"].ne("effect") & table["is_found"]).any()
    )
    details = tuple(_term(row, said) for row in real.to_dict("records"))
    found = real[real["is_found"]]
    if found.empty and not _finds_jointly(results, outcome):
        none = f"No effect of quality on {said} was found."
        untested = f"Whether quality moves {said} could not be tested."
        return EffectSummary(False, none if real["p_value"].notna().any() else untested, details, None)
    driving, odd = (_names(found[own]) for own in (found["rate_ratio"] > 1, found["rate_ratio"] < 1))
    cautions = [WITHDRAWN] * is_withdrawn + [WRONG_WAY.format(less=LESS[outcome])] * bool(odd)
    noun = "association" if cautions else "effect"
    which = [f"{_and(driving)} {_verb(driving, bool(cautions))} {said}"] if driving else []
    which += [f"{_and(odd)} {_verb(odd, True)} {LESS[outcome]}"] if odd else []
    sentence = f"An {noun} of quality on {said} was found: {'; '.join(which) or 'which measure it is cannot be told'}."
    return EffectSummary(True, sentence, details, " ".join(cautions) or None)


def _names(found: pd.DataFrame) -> list[str]:
    return [words.driver(term).name.lower() for term in found["term"]]


def _finds_jointly(results: Results, outcome: str) -> bool:
    """Whether all terms together are below 0.05, which they can be where no single one stands by itself."""
    joint = results.joint_tests
    return bool(joint.loc[joint["model"] == outcome, "p_value"].lt(0.05).any())


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
    return f"{said.name}: {outcome} {shown} {step}{'' if row['is_found'] else ', not proven'}"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
