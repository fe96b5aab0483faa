"""The text of devices' signals and of the probes that they run themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from collector.publish.exposition import families as f
from collector.publish.exposition.family import Family, Measured
from collector.publish.exposition.samples import escape, number
from collector.reading import ProbeReading, SignalReading

_CODEWORDS = f.CODEWORDS.name


def signal_text(devices: Sequence[tuple[str, Iterable[SignalReading]]]) -> dict[Family, str]:
    """The text of each of ``families.SIGNALS``; each device with its label without braces."""
    heads = [(f'{{channel="{escape(s.channel)}",{own}', s) for own, signals in devices for s in signals]
    closed = [(f"{head}}}", s) for head, s in heads]
    found: dict[Family, str] = {family: _lines(family, closed) for family in f.SIGNAL_LEVELS}
    found[f.CODEWORDS] = "".join(_codewords(head, s) for head, s in heads)
    return found


def probe_text(devices: Sequence[tuple[str, Iterable[ProbeReading]]]) -> dict[Family, str]:
    """The text of each of ``families.OWN_PROBES``."""
    heads = [(f'{{{own},probe="{escape(probe.name)}"}}', probe) for own, probes in devices for probe in probes]
    return {family: _lines(family, heads) for family in f.OWN_PROBES}


def _lines(family: Measured, records: Iterable[tuple[str, SignalReading | ProbeReading]]) -> str:
    name, value_of = family.name, attrgetter(family.value)
    found = ((labels, value_of(record)) for labels, record in records)
    return "".join([f"{name}{labels} {number(value)}\n" for labels, value in found if value is not None])


def _codewords(head: str, s: SignalReading) -> str:
    by_outcome = {
        "unerrored": s.codewords_unerrored,
        "corrected": s.codewords_corrected,
        "uncorrectable": s.codewords_uncorrectable,
    }
    counted = ((outcome, count) for outcome, count in by_outcome.items() if count is not None)
    return "".join([f'{_CODEWORDS}{head},outcome="{outcome}"}} {count}\n' for outcome, count in counted])
