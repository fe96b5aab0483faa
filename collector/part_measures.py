"""What is measured of the parts of a device: its health, and the measures that profiles declare themselves."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from collector.hour_bounds import RATIO, TEMPERATURE, Bound
from collector.reading import PartReading

PREFIX = "bairro_measure_"
"""What goes before the name of a measure that a profile declares, in /metrics."""
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = ("_total", "_count", "_sum", "_bucket", "_created", "_info")
"""Endings that Prometheus and OpenMetrics keep for kinds of metrics other than gauges."""


@dataclass(frozen=True)
class PartMeasure:
    """One measure of parts: ``type`` is gauge or counter; ``unit``, where it is given, stands in the name too."""

    name: str
    help: str
    type: str = "gauge"
    unit: str = ""

    @property
    def metric(self) -> str:
        """Its name in /metrics."""
        return f"bairro_device_{self.name}" if self.name in HEALTH else f"{PREFIX}{self.name}"


HEALTH: Mapping[str, PartMeasure] = {
    measure.name: measure
    for measure in (
        PartMeasure("processor_ratio", "Share of a processor that is busy.", unit="ratio"),
        PartMeasure("memory_ratio", "Share of a memory that is in use.", unit="ratio"),
        PartMeasure("temperature_celsius", "Temperature of a part.", unit="celsius"),
        PartMeasure("voltage_volts", "Voltage of a part.", unit="volts"),
        PartMeasure("current_amperes", "Electric current of a part.", unit="amperes"),
        PartMeasure("power_watts", "Electric power of a part.", unit="watts"),
        PartMeasure("fan_speed_rpm", "Revolutions of a fan in a minute.", unit="rpm"),
        PartMeasure("fan_ok", "Whether a fan works: 0 where the device says that it has failed."),
        PartMeasure("power_supply_ok", "Whether a power supply works: 0 where the device says that it has failed."),
        PartMeasure("battery_ratio", "Charge of a battery.", unit="ratio"),
    )
}
"""The health of devices, which packaged profiles read, by name."""

BOUNDS: Mapping[str, Bound] = {
    **dict.fromkeys(("processor_ratio", "memory_ratio", "battery_ratio", "fan_ok", "power_supply_ok"), RATIO),
    "temperature_celsius": TEMPERATURE,
    "voltage_volts": Bound(-1000.0, 1000.0, "no supply of a device has a thousand volts"),
    "current_amperes": Bound(-1000.0, 1000.0, "no part of a device draws a thousand amperes"),
    "power_watts": Bound(-1e6, 1e6, "no device draws a megawatt"),
    "fan_speed_rpm": Bound(0.0, 100_000.0, "no fan turns so fast"),
}
"""What values of HEALTH can be at all, and why."""


def why_refused(measure: PartMeasure) -> tuple[str, str] | None:
    """What is wrong with a declared measure, as (field, reason); None where it can be shown by Prometheus's rules."""
    name, is_counter = measure.name, measure.type == "counter"
    if not _NAME.fullmatch(name):
        return "name", f"{name!r} is no name of a metric: small letters, digits and _, and no digit first"
    if name in HEALTH:
        return "name", f"{name!r} is a measure of Bairro's own: give another name"
    if measure.type not in ("gauge", "counter"):
        return "type", f"must be gauge or counter, not {measure.type!r}"
    if is_counter and not name.endswith("_total"):
        return "name", f"{name!r} is a counter: its name must end in _total"
    ending = next((ending for ending in _RESERVED if name.endswith(ending)), None)
    if ending is not None and not is_counter:
        return "name", f"{name!r} is a gauge: its name must not end in {ending}"
    if measure.unit and not name.removesuffix("_total").endswith(f"_{measure.unit}"):
        return "unit", f"{measure.unit!r} must stand at the end of the name {name!r}"
    if not measure.help.strip() or "\n" in measure.help:
        return "help", "must be one line that says what is measured"
    return None


class Health(NamedTuple):
    """The health of a whole device: its busiest processor, its fullest memory, its hottest part; None is not known."""

    processor_ratio: float | None = None
    memory_ratio: float | None = None
    temperature_celsius: float | None = None


def health(parts: Iterable[PartReading]) -> Health:
    """What the parts of a device come to."""
    worst: dict[str, float] = {}
    for measure, _, value in parts:
        if measure in Health._fields and value > worst.get(measure, -math.inf):
            worst[measure] = value
    return Health(**worst)


def failed(parts: Iterable[PartReading]) -> tuple[str, ...]:
    """The fans and power supplies that the device says have failed: ``fan Fan 3``."""
    kinds = {"fan_ok": "fan", "power_supply_ok": "power supply"}
    return tuple(f"{kinds[m]} {part}".strip() for m, part, value in parts if m in kinds and not value)


def declared(parts: Iterable[PartReading]) -> tuple[tuple[str, float], ...]:
    """What profiles declare themselves, by measure and part: ``battery_charge_ratio{rack 2}``."""
    return tuple((f"{m}{{{part}}}" if part else m, value) for m, part, value in parts if m not in HEALTH)
