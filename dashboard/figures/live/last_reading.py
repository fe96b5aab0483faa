"""What was measured of a device last, as people read it: round trip, loss, rate, load, signal, and what is bad of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from collector.published import LiveNote
from dashboard.figures.style import numbers

MEASURES = {"loss": "packet loss", "latency": "high latency", "saturation": "full uplink"}
VALUES = {"loss": "loss_ratio", "latency": "rtt_seconds", "saturation": "utilization_ratio"}
UNITS = ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1.0, "bit/s"))

OUT = frozenset({"down", "suppressed", "silent"})

Row = Mapping[Hashable, Any]


def round_trip(seconds: float | None) -> str:
    """'under 0.1 ms', '0.4 ms', '18 ms'."""
    if numbers.is_missing(seconds):
        return numbers.NONE
    if 0 < (seconds or 0) < 0.00005:
        return f"under 0.1{numbers.after('ms')}"
    return (
        f"{numbers.decimal((seconds or 0) * 1000, 1)}{numbers.after('ms')}"
        if (seconds or 0) < 0.00995
        else numbers.milliseconds(seconds)
    )


def loss(ratio: float | None) -> str:
    """'0%', '0.4%', '12%'."""
    return numbers.percent(ratio, 1 if 0 < (ratio or 0) < 0.0995 else 0)


def lost(row: Row) -> str:
    """The loss of its last pings; nothing of a device that is out, for some of these are of the time when it answered."""
    return numbers.NONE if row.get("state") in OUT else loss(row["loss_ratio"])


def load(ratio: float | None) -> str:
    """'71%' of the capacity, in the fuller direction."""
    return numbers.percent(ratio, 0)


def rates(receive: float | None, transmit: float | None) -> str:
    """Bytes a second towards the customer and back, in bits and in one unit: '34.2 / 4.1 Mbit/s'."""
    known = [8 * value for value in (receive, transmit) if value is not None and not numbers.is_missing(value)]
    if not known:
        return numbers.NONE
    size, unit = next(((size, unit) for size, unit in UNITS if max(known) >= size), UNITS[-1])
    shown = [numbers.NONE if numbers.is_missing(v) else _three(8 * (v or 0) / size) for v in (receive, transmit)]
    return f"{' / '.join(shown)}{numbers.after(unit)}"


def signal(dbm: float | None, noise_db: float | None) -> str:
    """The received level, else the signal-to-noise ratio, of the worst channel."""
    if not numbers.is_missing(dbm):
        return f"{numbers.decimal(dbm, 0)}{numbers.after('dBm')}"
    return numbers.NONE if numbers.is_missing(noise_db) else f"{numbers.decimal(noise_db, 0)}{numbers.after('dB')}"


def line(row: Row) -> str:
    """All that was measured, in one line: '18 ms · 0.4% lost · 34.2 / 4.1 Mbit/s · 71% load · −61 dBm'."""
    said = (
        round_trip(row["rtt_seconds"]),
        _with(lost(row), " lost"),
        rates(row["receive_bytes_per_second"], row["transmit_bytes_per_second"]),
        _with(load(row["utilization_ratio"]), " load"),
        signal(row["signal_dbm"], row["signal_noise_db"]),
    )
    return " · ".join(text for text in said if text != numbers.NONE)


def _with(text: str, word: str) -> str:
    return text if text == numbers.NONE else text + word


def _three(value: float) -> str:
    """Three figures at most: '0.42', '4.1', '34.2', '342'."""
    return numbers.decimal(value, 0 if value >= 99.95 else 1 if value >= 0.995 else 2)


def ailing(row: Row, limits: LiveNote) -> list[str]:
    """What is degraded of a device, each with its number now and what is usual or bad: 'packet loss 7.1% (bad from 5%)'."""
    if row["degraded"] is None:
        return []
    return [with_number(measure, row, limits) for measure in row["degraded"]]


def with_number(measure: str, row: Row, limits: LiveNote) -> str:
    """One measure of one device with its number: it is judged over some minutes, so that the newest number may be fine."""
    word, value = MEASURES.get(measure, measure), row.get(VALUES.get(measure, ""))
    if numbers.is_missing(value):
        return f"{word} (not measured now)"
    said = _FORMS.get(measure, str)(value)
    beside, bad = _beside(measure, row, limits), _bad_from(measure, limits)
    lately = " lately" if bad is not None and value is not None and value < bad else ""
    return f"{word}{lately}: {said} now{f' ({beside})' if beside else ''}"


_FORMS: dict[str, Callable[[Any], str]] = {
    "latency": round_trip,
    "loss": loss,
    "saturation": load,
}


def _beside(measure: str, row: Row, limits: LiveNote) -> str:
    """What the number is to be held against."""
    if measure == "latency":
        usual = row.get("usual_rtt_seconds")
        return "" if numbers.is_missing(usual) else f"usual {round_trip(usual)}"
    bad = _bad_from(measure, limits)
    return "" if bad is None else f"bad from {numbers.percent(bad, 0)}"


def _bad_from(measure: str, limits: LiveNote) -> float | None:
    """From which value on it is bad; None of a latency, which is held against what is usual."""
    return {"loss": limits.loss_ratio, "saturation": limits.utilization_ratio}.get(measure)


def worst(devices: pd.DataFrame, limits: LiveNote, measure: str | None = None) -> str:
    """Of degraded devices the one that is worst by ``measure``, else by its own first: 'packet loss: 7.1% now at n03-olt1'."""
    return _worst(devices[devices["degraded"].notna()].to_dict("records"), limits, measure)


def worst_by_area(degraded: pd.DataFrame, limits: LiveNote) -> dict[str, str]:
    """The `worst` of each area that has a degraded device."""
    rows: dict[str, list[Row]] = {}
    for row in degraded.to_dict("records"):
        rows.setdefault(row["area"], []).append(row)
    return {area: _worst(own, limits, None) for area, own in rows.items()}


def _worst(degraded: Sequence[Row], limits: LiveNote, measure: str | None) -> str:
    best: tuple[float, str] | None = None
    for row in degraded:
        for one in row["degraded"]:
            value = row.get(VALUES.get(one, ""))
            if measure in {None, one} and (best is None or _size(value) > best[0]):
                best = _size(value), f"{with_number(one, row, limits)} at {row['device_id']}"
    return best[1] if best is not None else ""


def _size(value: Any) -> float:
    return -1.0 if numbers.is_missing(value) else float(value)
