"""What a measured value can be at all, field by field, with the physical reason: what lies outside was not measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeVar

from collector.hour_bounds import LEVEL, LEVEL_RATIO, RATIO, Bound
from collector.part_measures import BOUNDS
from collector.reading import InterfaceReading, PartReading, ProbeReading, SignalReading

TRANSMITTED = Bound(-60.0, 70.0, "lasers that are off lie at -40 dBm, and 70 dBm is ten kilowatts")
REFERENCE = Bound(-160.0, -20.0, "3GPP TS 36.133 and TS 38.133 report no level of a reference signal above -29 dBm")
REFERENCE_QUALITY = Bound(-50.0, 20.0, "3GPP TS 38.133 reports -43 to 20 dB")
MODULATION_ERROR = Bound(-80.0, 10.0, "an error of modulation is far below the signal, or nothing is received")
RATE = Bound(0.0, 1e12 / 8, "no channel of a radio, and no wavelength, carries a terabit a second")
NOISE = Bound(-174.0, 0.0, "thermal noise of 1 Hz at room temperature is -174 dBm")
SPEED = Bound(1.0, 25.6e12 / 8, "16 ports of 1.6 Tbit/s in one bundle; below 8 bit/s nothing is a link")
TIME_TO_ANSWER = Bound(0.0, 600.0, "no probe waits for ten minutes")

FIELDS: Mapping[str, Bound] = {
    "received_dbm": LEVEL,
    "noise_ratio_db": LEVEL_RATIO,
    "noise_dbm": NOISE,
    "quality_ratio": RATIO,
    "transmitted_dbm": TRANSMITTED,
    "rsrp_dbm": REFERENCE,
    "rsrq_db": REFERENCE_QUALITY,
    "sinr_db": LEVEL_RATIO,
    "mse_db": MODULATION_ERROR,
    "receive_rate_bytes_per_second": RATE,
    "transmit_rate_bytes_per_second": RATE,
    "speed_bytes_per_second": SPEED,
    "rtt_seconds": TIME_TO_ANSWER,
    "jitter_seconds": TIME_TO_ANSWER,
    "loss_ratio": RATIO,
}
"""The bounds of what readings hold beside counters, by the field's name."""

R = TypeVar("R", SignalReading, ProbeReading, InterfaceReading)


def can_be(field: str, value: float) -> bool:
    """Whether a value of this one of the FIELDS lies within its bounds."""
    return FIELDS[field].least <= value <= FIELDS[field].most


def parts_within(parts: tuple[PartReading, ...], refused: Counter[str]) -> tuple[PartReading, ...]:
    """The parts without values that cannot be; each is counted in ``refused`` by its measure."""
    kept = tuple(part for part in parts if _can_be(part))
    if len(kept) < len(parts):
        refused.update(part.measure for part in parts if not _can_be(part))
    return kept


def _can_be(part: PartReading) -> bool:
    bound = BOUNDS.get(part.measure)
    return isfinite(part.value) if bound is None else bound.holds(part.value)


def within(record: R, refused: Counter[str]) -> R:
    """The record without values that cannot be; each is counted in ``refused`` by its field."""
    wrong: dict[str, Any] = {}
    for field, value in zip(record._fields, record, strict=True):
        if field in FIELDS and value is not None and not can_be(field, value):  # type: ignore[arg-type]
            wrong[field] = None
            refused[field] += 1
    return record._replace(**wrong) if wrong else record
