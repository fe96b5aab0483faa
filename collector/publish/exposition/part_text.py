"""The text of what devices' parts measure: their health, and the measures that profiles declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from collector.part_measures import PartMeasure
from collector.publish.exposition import families as f
from collector.publish.exposition.family import Family
from collector.publish.exposition.samples import escape, number
from collector.reading import PartReading

KINDS: Mapping[str, Literal["gauge", "counter"]] = {"gauge": "gauge", "counter": "counter"}


def own_families(measures: Iterable[PartMeasure]) -> dict[str, Family]:
    """The metrics of measures that profiles declare, by measure."""
    return {
        measure.name: Family(measure.metric, KINDS[measure.type], measure.help, ("device", "part"))
        for measure in measures
    }


def part_text(devices: Sequence[tuple[str, Iterable[PartReading]]], own: Mapping[str, Family]) -> dict[Family, str]:
    """The text of each metric; each device with its label without braces. A part without a name has no label of one."""
    lines: dict[Family, list[str]] = {}
    for device, parts in devices:
        for measure, part, value in parts:
            family = f.PARTS.get(measure) or own.get(measure)
            if family is not None:
                labels = f'{device},part="{escape(part)}"' if part else device
                lines.setdefault(family, []).append(f"{family.name}{{{labels}}} {number(value)}\n")
    return {family: "".join(found) for family, found in lines.items()}
