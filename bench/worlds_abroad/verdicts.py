"""What is asked of the figures, and whether it is met; every miss is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from bench.resume import Row
from bench.worlds_abroad.simulation.futures import EVERYTHING
from bench.worlds_abroad.simulation.layout import Floats
from bench.worlds_abroad.simulation.mechanisms import NAMES, NULL

HELD_RANGE, LEAST_HELD = (0.93, 0.97), 0.88
TOLD_RANGE = (0.9, 1.1)
LEAST_ANSWERED, MOST_PLACEBOS = 0.8, 0.05
MOST_PROMISED, MOST_FALSE_CALLS, MOST_FINDS_BOUND = 0.05, 0.05, 0.08


def verdicts(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each thing that is asked for."""
    abroad = [row for row in rows if row["mechanism"] != NULL]
    if abroad:
        yield from _held("expected leavers", {name: _expected(own) for name, own in _groups(abroad)}, _expected(abroad))
        yield from _held("what is kept", {name: _kept(own) for name, own in _groups(abroad)}, _kept(abroad))
        yield _told(abroad)
        yield _gains(abroad)
    yield from _outages(rows)
    yield _promised(rows)
    yield _calls(rows)
    nothing = [row for row in rows if row["mechanism"] == NULL]
    if nothing:
        yield from _finds(nothing)


def _groups(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for name in NAMES:
        if own := [row for row in rows if row["mechanism"] == name]:
            yield name, own


def _share(parts: Sequence[Row], top: str, bottom: str) -> float:
    total = sum(part[bottom] for part in parts)
    return float(sum(part[top] for part in parts) / total) if total else float("nan")


def _expected(rows: Sequence[Row]) -> float:
    return _share([row["expected"]["future"] for row in rows], "held", "intervals")


def _everything(rows: Sequence[Row]) -> list[Row]:
    return [row["avoidable"][EVERYTHING] for row in rows if EVERYTHING in row["avoidable"]]


def _kept(rows: Sequence[Row]) -> float:
    return _share([own["future"] for own in _everything(rows)], "held", "intervals")


def _held(what: str, by_mechanism: dict[str, float], overall: float) -> Iterator[str]:
    low, high = HELD_RANGE
    yield _line(
        low <= overall <= high, f"intervals of {what} hold the truth in {overall:.1%} ({low:.0%} to {high:.0%})"
    )
    short = {name: share for name, share in by_mechanism.items() if share < LEAST_HELD}
    named = "; below it: " + ", ".join(f"{name} {share:.0%}" for name, share in short.items()) if short else ""
    yield _line(not short, f"and in at least {LEAST_HELD:.0%} of each mechanism{named}")


def _told(rows: Sequence[Row]) -> str:
    ratio = _share([own["future"] for own in _everything(rows)], "told", "true")
    return _line(TOLD_RANGE[0] <= ratio <= TOLD_RANGE[1], f"told over true of what is kept is {ratio:.2f} (0.9 to 1.1)")


def _gains(rows: Sequence[Row]) -> str:
    """Over each naive ranking in each mechanism, with the lower end of its interval by Student's t; told is the weakest."""
    short = []
    for name, own in _groups([row for row in rows if row["ranking"]]):
        others = [one for one in own[0]["ranking"] if one not in ("ours", "best")]
        gains = {other: np.array([row["ranking"]["ours"] - row["ranking"][other] for row in own]) for other in others}
        if any(_low(gain) <= 0 for gain in gains.values()):
            weakest = min(gains, key=lambda other: float(gains[other].mean()))
            short.append(f"{name} ({gains[weakest].mean():+.3f} over {weakest})")
    told = f"; not in {', '.join(short)}" if short else ""
    return _line(not short, f"the ranking gains over each naive one in each mechanism, its interval above zero{told}")


def _low(gain: Floats) -> float:
    """The lower end of the mean's 95% interval; of one world there is none."""
    if gain.size < 2:
        return -np.inf
    return float(gain.mean() - stats.t.ppf(0.975, gain.size - 1) * gain.std(ddof=1) / np.sqrt(gain.size))


def _promised(rows: Sequence[Row]) -> str:
    share = _share(_everything(rows), "promised", "nothing")
    return _line(
        not share > MOST_PROMISED, f"of areas with nothing to save, {share:.1%} are promised some (at most 5%)"
    )


def _outages(rows: Sequence[Row]) -> Iterator[str]:
    """Of the outage study of leaving: answers, intervals and placebos, over all worlds that have it."""
    hours = [row["outages"]["hours"].get("all") for row in rows if "hours" in row["outages"]]
    known = [one for one in hours if one is not None]
    if not known:
        return
    answered = sum(one["verdict"] in ("found", "not_found") for one in known) / len(hours)
    yield _line(answered >= LEAST_ANSWERED, f"the outage study answers in {answered:.1%} of worlds (at least 80%)")
    told = [one for one in known if one["told"] is not None]
    if told:
        held, (low, high) = sum(one["held"] for one in told) / len(told), HELD_RANGE
        yield _line(
            low <= held <= high, f"intervals of an hour's cost hold the truth in {held:.1%} ({low:.0%} to {high:.0%})"
        )
    placebos = [one["placebo_p_value"] for one in known if one["placebo_p_value"] is not None]
    if placebos:
        sounded = sum(map(_is_small, placebos)) / len(placebos)
        yield _line(sounded <= MOST_PLACEBOS, f"its placebo sounds in {sounded:.1%} of worlds (at most 5%)")


def _is_small(p_value: float | None) -> bool:
    """Whether there is one, and it is below 0.05; of very small ones 0 is stored."""
    return p_value is not None and p_value < 0.05


def _calls(rows: Sequence[Row]) -> str:
    share = _share([row["at_risk"] for row in rows], "false", "called")
    return _line(not share > MOST_FALSE_CALLS, f"of the areas called at risk, {share:.1%} are not (at most 5%)")


def _finds(rows: Sequence[Row]) -> Iterator[str]:
    for model in ("leaving", "complaints"):
        tests = [row["tests"].get(model, {}) for row in rows]
        for what, count in (
            ("joint finds", sum(bool(test.get("is_found")) for test in tests)),
            ("joint tests below 0.05", sum(_is_small(test.get("p_value")) for test in tests)),
            ("measures named", sum(bool(test.get("named")) for test in tests)),
        ):
            high = stats.binomtest(count, len(rows)).proportion_ci(method="wilson").high
            text = f"{model}: {what} in {count} of {len(rows)} worlds without effects, upper bound {high:.1%} (8%)"
            yield _line(high <= MOST_FINDS_BOUND, text)


def _line(is_met: bool, text: str) -> str:
    return f"{'met' if is_met else 'NOT met'}: {text}"
