"""What the worlds come to: a table by mechanism in Markdown, each figure with its standard error over worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bench.resume import Row
from bench.worlds_abroad.simulation.futures import EVERYTHING
from bench.worlds_abroad.simulation.mechanisms import NAMES, NULL
from bench.worlds_abroad.verdicts import verdicts

Pick = Callable[[Row], "tuple[float, float] | None"]
"""What is counted in one world and of how many; None where the world has nothing of it."""
CONTROLS = ("complaints_placebo", "complaints_control", "leaving_control")


def report(rows: Sequence[Row]) -> None:
    """Print everything there is to say of the rows."""
    kinds = ", ".join(sorted({str(row["seeds"]) for row in rows}))
    versions = ", ".join(sorted({f"{row['analysis']} ({row['commit']})" for row in rows}))
    print(f"\n{len(rows)} worlds, seeds {kinds}, analysis {versions}; standard errors over worlds in brackets\n")
    _table(rows, "Expected leavers and what better quality keeps", _LEAVERS)
    _table(
        rows, "What better quality keeps, if it went on as in the last eight weeks; and measure by measure", _MEASURES
    )
    _table(rows, "Finds, verdicts, ranking", _FINDS)
    _table(rows, "Local change, surveys", _LOCAL)
    _table(rows, "What an hour without service costs within 13 weeks", _OUTAGES)
    _rankings(rows)
    print("\nAsked for:\n")
    for line in verdicts(rows):
        print(f"- {line}")
    print(f"\n{np.mean([row['cpu_seconds'] for row in rows]):.1f} s of CPU a world")
    for row in rows:
        for text in row["failed"]:
            print(f"{row['mechanism']} {row['seed']}: {text}")


def _table(rows: Sequence[Row], title: str, columns: dict[str, Pick]) -> None:
    print(f"\n{title}\n\n| mechanism | worlds | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 2)}")
    groups = {name: [row for row in rows if row["mechanism"] == name] for name in NAMES}
    for name, own in groups.items():
        if own:
            _line(name, own, columns)
    _line("**all but null**", [row for row in rows if row["mechanism"] != NULL], columns)


def _line(name: str, rows: Sequence[Row], columns: dict[str, Pick]) -> None:
    if rows:
        print(f"| {name} | {len(rows)} | {' | '.join(_told(pick, rows) for pick in columns.values())} |")


def _told(pick: Pick, rows: Sequence[Row]) -> str:
    """Sum over sum, with its standard error where more than one world has it."""
    pairs = np.array([pair for row in rows if (pair := pick(row)) is not None], dtype=float)
    if not len(pairs) or pairs[:, 1].sum() <= 0:
        return ""
    ratio = pairs[:, 0].sum() / pairs[:, 1].sum()
    if len(pairs) < 2:
        return f"{ratio:.3f}"
    error = (
        np.sqrt(((pairs[:, 0] - ratio * pairs[:, 1]) ** 2).sum() * len(pairs) / (len(pairs) - 1)) / pairs[:, 1].sum()
    )
    return f"{ratio:.3f} ({error:.3f})"


def _expected(top: str, bottom: str, kind: str = "future") -> Pick:
    return lambda row: (row["expected"][kind][top], row["expected"][kind][bottom])


def _kept(top: str, bottom: str, *, measure: str = EVERYTHING, kind: str = "future") -> Pick:
    def pick(row: Row) -> tuple[float, float] | None:
        own = row["avoidable"].get(measure)
        return None if own is None else (own[kind][top], own[kind][bottom])

    return pick


def _singly(top: str, bottom: str, *, matters: bool) -> Pick:
    """Over the measures one by one, those that move anybody or those that move nobody."""

    def pick(row: Row) -> tuple[float, float] | None:
        own = [
            told["future"]
            for name, told in row["avoidable"].items()
            if name != EVERYTHING and (name in row["matters"]) == matters
        ]
        return (sum(one[top] for one in own), sum(one[bottom] for one in own)) if own else None

    return pick


def _beside_oracle(row: Row) -> tuple[float, float] | None:
    return (row["expected"]["future"]["width"], row["oracle"]["expected"]) if "oracle" in row else None


def _kept_beside_oracle(row: Row) -> tuple[float, float] | None:
    own = row["avoidable"].get(EVERYTHING)
    return (own["future"]["width"], row["oracle"]["kept"]) if own and "oracle" in row and row["matters"] else None


def _dose_fails(*, matters: bool) -> Pick:
    """Measures that move anybody, or nobody, and those of them along which departures are said not to go as fitted."""

    def pick(row: Row) -> tuple[float, float] | None:
        own = [verdict for name, verdict in row.get("dose", {}).items() if (name in row["matters"]) == matters]
        return (own.count("fails"), len(own)) if own else None

    return pick


def _promised(row: Row) -> tuple[float, float]:
    """Areas, measure by measure, in which nothing is to be saved, and those of them that are promised something."""
    own = [told for name, told in row["avoidable"].items() if name != EVERYTHING]
    return sum(one["promised"] for one in own), sum(one["nothing"] for one in own)


def _promised_of_all(row: Row) -> tuple[float, float] | None:
    own = row["avoidable"].get(EVERYTHING)
    return None if own is None else (own["promised"], own["nothing"])


def _withheld(row: Row) -> tuple[float, float]:
    own = row["avoidable"].get(EVERYTHING)
    return (row["areas"] - (own["future"]["intervals"] if own else 0)), row["areas"]


def _joint(model: str) -> Pick:
    return lambda row: (float(row["tests"].get(model, {}).get("is_found", False)), 1.0)


def _false_names(row: Row) -> tuple[float, float]:
    return float(any(row["tests"].get(model, {}).get("false") for model in ("leaving", "complaints"))), 1.0


def _at_risk(row: Row) -> tuple[float, float]:
    return row["at_risk"]["false"], row["at_risk"]["called"]


def _step(kind: str, top: str, bottom: str) -> Pick:
    def pick(row: Row) -> tuple[float, float] | None:
        own = row["steps"][kind]
        return (own[top], own[bottom]) if own["areas"] else None

    return pick


def _changed(kind: str) -> Pick:
    """Areas said to lose more than is explained; rows of older versions do not know."""

    def pick(row: Row) -> tuple[float, float] | None:
        own = row["steps"].get(kind, {})
        return (own["found"], own["areas"]) if own.get("areas") and "found" in own else None

    return pick


def _nps(row: Row) -> tuple[float, float]:
    return row["nps"]["held"], row["nps"]["intervals"]


def _answered(row: Row) -> tuple[float, float]:
    """Worlds in which something is told of outages; that nothing could have been seen is no answer."""
    return float(row["outages"].get("leaving") in ("found", "not_found")), 1.0


def _hour(what: str, kind: str = "all") -> Pick:
    """Of an hour without service, where it is told what it costs: ``held``, told over ``true``, interval over ``error``."""

    def pick(row: Row) -> tuple[float, float] | None:
        own = row["outages"].get("hours", {}).get(kind)
        if own is None or own["told"] is None:
            return None
        match what:
            case "held":
                return float(own["held"]), 1.0
            case "found":
                return float(own["verdict"] == "found"), 1.0
            case "true":
                return own["told"], own["true"]
        return own["told_high"] - own["told_low"], own["true"]

    return pick


def _placebo(row: Row) -> tuple[float, float] | None:
    own = row["outages"].get("hours", {}).get("all")
    return None if own is None or own["placebo_p_value"] is None else (float(own["placebo_p_value"] < 0.05), 1.0)


_LEAVERS: dict[str, Pick] = {
    "expected: held": _expected("held", "intervals"),
    "told / true": _expected("told", "true"),
    "width / true": _expected("width", "true"),
    "width / oracle's": _beside_oracle,
    "kept (everything): held": _kept("held", "intervals"),
    "below the truth": _kept("below", "intervals"),
    "above": _kept("above", "intervals"),
    "kept: told / true": _kept("told", "true"),
    "kept: width / true": _kept("width", "true"),
    "kept: width / oracle's": _kept_beside_oracle,
    "areas without an interval": _withheld,
}
_MEASURES: dict[str, Pick] = {
    "going on: held": _kept("held", "intervals", kind="continuing"),
    "going on: told / true": _kept("told", "true", kind="continuing"),
    "from now: told / true": _kept("told", "true", kind="from_now"),
    "outages: held": _kept("held", "intervals", measure="down_hours"),
    "outages: told / true": _kept("told", "true", measure="down_hours"),
    "what matters: held": _singly("held", "intervals", matters=True),
    "what does not: held": _singly("held", "intervals", matters=False),
}
_FINDS: dict[str, Pick] = {
    "nothing to save, promised some": _promised_of_all,
    "the same by measure": _promised,
    "leaving: joint find": _joint("leaving"),
    "complaints: joint find": _joint("complaints"),
    "names a measure that moves nobody": _false_names,
    **{f"{name.replace('_', ' ')} sounds": _joint(name) for name in CONTROLS},
    "dose check fails: what matters": _dose_fails(matters=True),
    "what does not": _dose_fails(matters=False),
    "at risk: false of called": _at_risk,
}
_LOCAL: dict[str, Pick] = {
    "launch: expected held": _step("launch", "held", "intervals"),
    "launch: told / true": _step("launch", "told", "true"),
    "launch: at risk": _step("launch", "at_risk", "areas"),
    "launch: change found": _changed("launch"),
    "unchanged areas: change found": _changed("unchanged"),
    "campaign over: held": _step("campaign", "held", "intervals"),
    "campaign over: told / true": _step("campaign", "told", "true"),
    "NPS: held": _nps,
}
_OUTAGES: dict[str, Pick] = {
    "answers (leaving)": _answered,
    "placebo sounds": _placebo,
    "an hour: held": _hour("held"),
    "told / true": _hour("true"),
    "width / true": _hour("width"),
    "found": _hour("found"),
    "over 4 h: held": _hour("held", "over_4h"),
    "over 4 h: told / true": _hour("true", "over_4h"),
    "up to 4 h: held": _hour("held", "under_4h"),
    "up to 4 h: told / true": _hour("true", "under_4h"),
}


def _rankings(rows: Sequence[Row]) -> None:
    """The gain over each naive ranking, in all worlds in which anything is to be kept, and the least by mechanism."""
    told = [row for row in rows if row["ranking"]]
    if not told:
        return
    print(f"\nShare of what can be kept in the tenth of areas put first, {len(told)} worlds\n")
    print("| ranking | holds | ours gains |\n|---|---|---|")
    for name in told[0]["ranking"]:
        held = np.mean([row["ranking"][name] for row in told])
        print(f"| {name} | {held:.3f} | {_mean_gain(told, name)} |")
    print("\n| mechanism | worlds | ours holds | the best naive one | ours gains |\n|---|---|---|---|---|")
    for mechanism in NAMES:
        if own := [row for row in told if row["mechanism"] == mechanism]:
            means = {name: float(np.mean([row["ranking"][name] for row in own])) for name in own[0]["ranking"]}
            best = max((name for name in means if name not in ("ours", "best")), key=lambda name: means[name])
            print(f"| {mechanism} | {len(own)} | {means['ours']:.3f} | {best} | {_mean_gain(own, best)} |")


def _mean_gain(rows: Sequence[Row], name: str) -> str:
    gain = np.array([row["ranking"]["ours"] - row["ranking"][name] for row in rows])
    return f"{gain.mean():.3f}" + (f" ({gain.std(ddof=1) / np.sqrt(len(gain)):.3f})" if len(gain) > 1 else "")
