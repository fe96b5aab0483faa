"""What the effect model found for the whole provider, in words that its placebo and negative control allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.figures import numbers, words

if TYPE_CHECKING:
    from dashboard.results import Results

NO_EFFECT = "No effect of quality on complaints was found."


@dataclass(frozen=True, slots=True)
class EffectSummary:
    """Whether quality was found to move complaints; ``details`` has one phrase per term."""

    is_found: bool
    sentence: str
    details: tuple[str, ...]
    caution: str | None


def effects(results: Results) -> EffectSummary:
    """What the effect model found, in words that its placebo and negative control allow."""
    table = results.effects
    real = table[table["kind"] == "effect"]
    failed = table[table["kind"].ne("effect") & table["is_found"]]
    noun = "association" if len(failed) else "effect"
    details = tuple(_term(row) for row in real.to_dict("records"))
    found = real[real["is_found"]]
    if found.empty:
        return EffectSummary(False, NO_EFFECT, details, None)
    names = [words.driver(term).name.lower() for term in found["term"]]
    verb = "goes with" if len(failed) else "drives"
    sentence = f"An {noun} of quality on complaints was found: {_and(names)} {verb if len(names) == 1 else verb.replace('goes', 'go').replace('drives', 'drive')} complaints."
    caution = (
        "A check that should have found nothing found something, so this is not called an effect."
        if len(failed)
        else None
    )
    return EffectSummary(True, sentence, details, caution)


def _term(row: Mapping[Any, Any]) -> str:
    said = words.driver(str(row["term"]))
    if numbers.is_missing(row["rate_ratio"]):
        return f"{said.name}: could not be estimated"
    step = words.step(str(row["term"]), float(row["per"]))
    ratio = numbers.rate_ratio(row["rate_ratio"])
    span = numbers.interval(row["low"], row["high"], lambda v: numbers.decimal(v, 2))
    shown = ratio if span == numbers.NONE else f"{ratio} ({span})"
    return f"{said.name}: complaints {shown} {step}{'' if row['is_found'] else ', not proven'}"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
