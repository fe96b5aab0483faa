"""What going back in time showed, in words: how often what was named highest then lost most afterwards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.figures.style import numbers, words
from dashboard.models.statistics.interval_sides import Side, side_in
from dashboard.results.backtest_results import StoredBacktest

HAZARD, CHALLENGER = "hazard", "challenger"
SCORERS: dict[str, str] = {
    HAZARD: "Bairro",
    CHALLENGER: "Boosted trees",
    "outage_minutes": "Outage minutes",
    "complaints": "Last month's complaints",
    "churn": "Last quarter's departures",
    "tenure": "Newest customers first",
}
SIMPLER = "every simpler ranking"
NAIVE: tuple[str, ...] = ("outage_minutes", "complaints", "churn", "tenure")
OTHERS: tuple[str, ...] = (CHALLENGER, *NAIVE)
"""All that Bairro is held against: a general machine-learning method, and simple rules."""
TOP_SHARE = 0.1
"""Of the neighbourhoods, rounded up to whole ones."""
TOO_SHORT = (
    "The intervals of this backtest count customers as if each stood alone, so they are too short;"
    " a new “bairro backtest” makes them by neighbourhood."
)
Cell = tuple[str, str]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hindsight:
    """What a backtest says, ready to be shown.

    ``rows``: per way to rank its name, the worst tenth found, how much the areas named highest lost beside the mean, what
    Bairro gains on it, leavers in the top tenth of customers, and AUC. ``days``: per day gone back to. ``tenths``: what
    was predicted and what happened, from the highest chances down.
    """

    sentences: tuple[str, ...]
    verdict: str
    is_better: bool
    rows: tuple[tuple[Cell, ...], ...]
    days: tuple[tuple[Cell, ...], ...]
    tenths: tuple[tuple[Cell, ...], ...]
    calibration: str
    notes: tuple[str, ...]
    made: str


def hindsight(stored: StoredBacktest, newest_inputs: Mapping[str, str]) -> Hindsight:
    """What ``stored`` says; ``newest_inputs`` are the digests of what the results beside it were made of."""
    values = {(row["scorer"], row["measure"]): row for row in _records(stored.backtest)}
    return Hindsight(
        sentences=_sentences(stored, values),
        verdict=_verdict(values),
        is_better=_beats_all(values, "area_lift"),
        rows=tuple(_row(name, values) for name in SCORERS if (name, "area_lift") in values),
        days=_days(stored.backtest_origins),
        tenths=_tenths(stored.backtest_calibration),
        calibration=_calibration(stored.backtest_calibration, is_by_areas=bool(stored.manifest.get("tenths_by_areas"))),
        notes=tuple(str(note) for note in stored.manifest.get("notes", [])),
        made=_made(stored.manifest, newest_inputs),
    )


def verdict(stored: StoredBacktest) -> str:
    """What it says of ranking neighbourhoods, in a sentence."""
    return _verdict({(row["scorer"], row["measure"]): row for row in _records(stored.backtest)})


def _records(table: pd.DataFrame) -> list[Row]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _sentences(stored: StoredBacktest, values: Mapping[tuple[str, str], Row]) -> tuple[str, ...]:
    origins = stored.backtest_origins
    days = sorted(origins["origin"].drop_duplicates())
    ahead = round(int(stored.manifest.get("ahead_days", 84)) / 7)
    once = origins.drop_duplicates("origin")
    said = [
        f"For {_span(days)} we ranked with only what was known then, and checked who left by choice in the "
        f"following {ahead} weeks: {numbers.count(once['leavers'].mean())} of {numbers.count(once['customers'].mean())} "
        f"customers{' on average' if len(days) > 1 else ''}."
    ]
    lift, found = values.get((HAZARD, "area_lift")), values.get((HAZARD, "precision"))
    if lift is not None:
        ends = numbers.interval(lift["low"], lift["high"], _times)
        span = "; too few areas for an interval" if ends == numbers.NONE else f" (95%: {ends})"
        said.append(
            f"The neighbourhoods that Bairro had ranked highest, a tenth of the customers, then lost "
            f"{_times(lift['value'])} times as many as the average{span}."
        )
    if found is not None and not numbers.is_missing(found["value"]):
        said.append(_worst_found(numbers.percent(found["value"], 0), stored.manifest.get("areas") or []))
    return (*said, *_of_customers(values))


def _worst_found(share: str, areas: list[int]) -> str:
    """``areas``: how many there were on each date; none in a backtest of an earlier version."""
    sizes = {(math.ceil(count * TOP_SHARE), count) for count in areas if count > 0}
    ranked, worst = "the tenth of neighbourhoods (rounded up)", "the tenth"
    by_chance = "by chance it would be one in ten, or more where neighbourhoods are few"
    if sizes:
        mean = sum(math.ceil(count * TOP_SHARE) / count for count in areas if count > 0) / len(
            [c for c in areas if c > 0]
        )
        by_chance = f"by chance it would be {numbers.percent(mean)}"
    if len(sizes) == 1:
        ((top, of),) = sizes
        ranked, worst = f"the {top} of {numbers.of(of, 'neighbourhood')}", f"the {top}"
    return (
        f"Of {ranked} ranked highest, {share} were among {worst} that then lost most"
        f" ({by_chance}; which areas are worst is partly luck, so no ranking can find them all)."
    )


def _of_customers(values: Mapping[tuple[str, str], Row]) -> tuple[str, ...]:
    """What may be claimed of ranking single customers, beside the simple rules."""
    sides = {name: side_in(values[name, "auc"], "gain") for name in NAIVE if (name, "auc") in values}
    if not sides:
        return ()
    if all(side is Side.ABOVE for side in sides.values()):
        return (f"Bairro ranked single customers better than {SIMPLER}, beyond chance (AUC).",)
    unbeaten = [SCORERS[name].lower() for name, side in sides.items() if side is not Side.ABOVE]
    return (f"It is not shown that Bairro ranks single customers better than {_list(unbeaten, 'or')} (AUC).",)


def _span(days: list[Any]) -> str:
    if len(days) == 1:
        return f"one day, {numbers.day(days[0])}"
    return f"{len(days)} days from {numbers.day(days[0])} to {numbers.day(days[-1])}"


def _verdict(values: Mapping[tuple[str, str], Row]) -> str:
    """What may be claimed of ranking neighbourhoods: only what every interval says."""
    known = [name for name in OTHERS if (name, "area_lift") in values]
    sides = {name: side_in(values[name, "area_lift"], "gain") for name in known}
    if all(side is Side.UNKNOWN for side in sides.values()):
        return "There are too few neighbourhoods to say whether Bairro ranks them better than others do."
    if all(side is Side.ABOVE for side in sides.values()):
        return f"Bairro ranked neighbourhoods better than {'every other ranking' if CHALLENGER in sides else SIMPLER}, beyond chance."
    trees, rules = sides.get(CHALLENGER, Side.BELOW), [side for name, side in sides.items() if name in NAIVE]
    if rules and all(side is Side.ABOVE for side in rules) and trees is not Side.BELOW:
        return (
            f"Bairro ranked neighbourhoods better than {SIMPLER}, beyond chance; it is not shown to be better than"
            f" {SCORERS[CHALLENGER].lower()}."
        )
    beaten, better, open_still = (
        [SCORERS[name].lower() for name, side in sides.items() if side in wanted]
        for wanted in ({Side.ABOVE}, {Side.BELOW}, {Side.EITHER, Side.UNKNOWN})
    )
    said = [f"{_list(better, 'and')} ranked better than Bairro, beyond chance"] if better else []
    said += (
        [f"it is not shown that Bairro ranks neighbourhoods better than {_list(open_still, 'or')}"]
        if open_still
        else []
    )
    said += [f"it was better than {_list(beaten, 'and')}"] if beaten else []
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _beats_all(values: Mapping[tuple[str, str], Row], measure: str) -> bool:
    """Whether every simple rule ranks worse beyond chance, and nothing better."""
    sides = {name: side_in(values[name, measure], "gain") for name in OTHERS if (name, measure) in values}
    naive = [side for name, side in sides.items() if name in NAIVE]
    return bool(naive) and all(side is Side.ABOVE for side in naive) and Side.BELOW not in sides.values()


def _list(words: list[str], last: str) -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _times(value: float | None) -> str:
    return numbers.decimal(value, 2)


def _row(name: str, values: Mapping[tuple[str, str], Row]) -> tuple[Cell, ...]:
    return (
        (SCORERS[name], ""),
        _cell(values.get((name, "precision")), _percent),
        _cell(values.get((name, "area_lift")), lambda v: f"×{_times(v)}"),
        _gain(values.get((name, "area_lift"))),
        _cell(values.get((name, "capture")), _percent),
        _cell(values.get((name, "auc")), _times),
    )


def _percent(value: float) -> str:
    return numbers.percent(value, 0)


def _cell(row: Row | None, form: Any) -> Cell:
    if row is None or numbers.is_missing(row["value"]):
        return numbers.NONE, ""
    span = numbers.interval(row["low"], row["high"], form)
    return form(row["value"]), "" if span == numbers.NONE else span


def _gain(row: Row | None) -> Cell:
    """What Bairro's ranking has beyond this one, on the same days and customers."""
    if row is None or numbers.is_missing(row["gain"]):
        return numbers.NONE, ""

    def signed(value: float) -> str:
        return numbers.signed(_times(value))

    span = numbers.interval(row["gain_low"], row["gain_high"], signed)
    return signed(row["gain"]), "" if span == numbers.NONE else span


def _days(origins: pd.DataFrame) -> tuple[tuple[Cell, ...], ...]:
    """By day: customers, leavers, and the loss of the areas named highest, by Bairro and by the best naive ranking."""
    lifts = origins[origins["measure"] == "area_lift"]
    told = []
    for day, mine in lifts.groupby("origin"):
        by = dict(zip(mine["scorer"], mine["value"], strict=True))
        naive = {name: by[name] for name in NAIVE if name in by and not numbers.is_missing(by[name])}
        best = max(naive, key=lambda name: naive[name], default=None)
        beside = (f"×{_times(naive[best])}", SCORERS[best].lower()) if best is not None else (numbers.NONE, "")
        first = mine.iloc[0]
        day_of = numbers.day(str(day)).replace(" ", "\u00a0")
        counts = ((numbers.count(first["customers"]), ""), (numbers.count(first["leavers"]), ""))
        told.append(((day_of, ""), *counts, (f"×{_times(by.get(HAZARD))}", ""), beside))
    return tuple(told)


def _tenths(calibration: pd.DataFrame) -> tuple[tuple[Cell, ...], ...]:
    mine = calibration[calibration["scorer"] == HAZARD].sort_values("tenth", ascending=False)
    form = numbers.percent
    return tuple(
        (
            (str(_place(row)), ""),
            (numbers.count(row["customers"]), ""),
            (form(row["predicted"]), ""),
            (form(row["observed"]), numbers.interval(row["observed_low"], row["observed_high"], form)),
        )
        for row in _records(mine)
    )


def _calibration(calibration: pd.DataFrame, *, is_by_areas: bool) -> str:
    mine = calibration[calibration["scorer"] == HAZARD]
    if mine.empty:
        return ""
    slope, level = float(mine["slope"].iloc[0]), float(mine["level"].iloc[0])
    if not (math.isfinite(slope) and math.isfinite(level)):
        return "Whether the predicted chances are right overall could not be computed."
    how = "about right" if abs(slope - 1) < 0.15 else "too large" if slope < 1 else "too small"
    off = "about right overall" if abs(level) < 0.1 else "too low overall" if level > 0 else "too high overall"
    return (
        f"Predicted differences between customers are {how} (slope {_times(slope)}; 1 is right), and the chances are {off}"
        f" ({words.odds_off(level)}). {_tenths_off(mine) if is_by_areas else TOO_SHORT}"
    )


def _tenths_off(mine: pd.DataFrame) -> str:
    """In which tenths what was predicted lies outside the interval of what happened."""
    high = [row for row in _records(mine) if row["predicted"] > row["observed_high"]]
    low = [row for row in _records(mine) if row["predicted"] < row["observed_low"]]
    said = [
        f"too {way} in tenth{'' if len(rows) == 1 else 's'} {_list([str(place) for place in sorted(map(_place, rows))], 'and')}"
        for way, rows in (("high", high), ("low", low))
        if rows
    ]
    if mine[["observed_low", "observed_high"]].isna().any(axis=None):
        return "There are too few neighbourhoods for an interval of each tenth."
    if not said:
        return "In each tenth the prediction lies within the 95% interval of what happened."
    outside = numbers.of(len(high) + len(low), "tenth")
    return (
        f"In {outside} the prediction lies outside the 95% interval of what happened; with ten intervals, one may by chance:"
        f" it is {_list(said, 'and')}."
    )


def _place(row: Row) -> int:
    """1 holds the highest chances, as the page counts."""
    return 11 - int(row["tenth"])


def _made(manifest: Mapping[str, Any], newest_inputs: Mapping[str, str]) -> str:
    said = f"Run on {numbers.day(manifest.get('built_at'))} with records until {numbers.day(manifest.get('cut_off'))}."
    own = manifest.get("inputs")
    if own and newest_inputs and any(newest_inputs.get(name) != digest for name, digest in own.items()):
        return f"{said} Inputs have changed since then; the other pages use newer ones."
    return said
