"""The lines that nearly every poll moves, of many devices at once: a template for each family, filled in with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress
from operator import attrgetter

from collector.publish.exposition import families as f
from collector.publish.exposition.device_text import DeviceText
from collector.publish.exposition.family import Family, Measured
from collector.publish.exposition.part_text import part_text
from collector.publish.exposition.signal_text import probe_text, signal_text

NO_FAMILIES: Mapping[str, Family] = {}


class _Lines:
    """Lines that wait for one number each, or for several; those without are left out."""

    __slots__ = ("_has", "_lines", "_some", "_whole")

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = list(lines)
        self._whole = self._some = "".join(self._lines)
        self._has: list[bool] = []

    def filled(self, values: Sequence[float | tuple[float, ...] | None]) -> bytes:
        """The lines with these values, one value (or tuple) for each; None if there is none."""
        template = self._whole
        if None in values:
            has = [value is not None for value in values]
            if has != self._has:
                self._has, self._some = has, "".join(compress(self._lines, has))
            template, values = self._some, [value for value in values if value is not None]
        if values and isinstance(values[0], tuple):
            values = tuple(chain.from_iterable(values))  # type: ignore[arg-type]
        return (template % tuple(values)).encode()


class _Column:
    """One metric of some devices: their lines, and where the numbers come from."""

    def __init__(self, family: Measured, texts: Sequence[DeviceText]) -> None:
        self.family = family
        self._value_of = attrgetter(family.value)
        own = [text.own.replace("%", "%%") for text in texts]
        self._lines = _Lines(_scalar_lines(family, own))

    def now(self, records: Iterable[object]) -> bytes:
        return self._lines.filled(list(map(self._value_of, records)))


class MovingText:
    """The text of ``families.MOVING`` for some devices at detail ``summary`` or ``full``."""

    def __init__(self, texts: Sequence[DeviceText], own: Mapping[str, Family] = NO_FAMILIES) -> None:
        self._texts = texts
        self._own = own
        self._full = full = [text for text in texts if text.detail == "full"]
        self._whole_columns = [_Column(family, texts) for family in f.EACH_POLL if family.detail != "full"]
        self._full_columns = [_Column(family, full) for family in f.EACH_POLL if family.detail == "full"]
        self._burst_columns = [_Column(family, full) for family in f.LAST_BURST]
        self._interface_own: list[tuple[str, ...]] = []
        self._interface_lines: dict[Measured, _Lines] = {}

    def now(self) -> dict[Family, bytes]:
        """The text of each family as it is now."""
        texts, full = self._texts, self._full
        bursts = [text.last_burst() for text in full]
        found: dict[Family, bytes] = {}
        for columns, records in ((self._whole_columns, texts), (self._full_columns, full)):
            found |= {column.family: column.now(records) for column in columns}
        found |= {column.family: column.now(bursts) for column in self._burst_columns}
        return found | self._octets() | _rarer(texts, self._own)

    def _octets(self) -> dict[Family, bytes]:
        """The text of ``families.INTERFACE_BYTES``."""
        interfaces = [text.interfaces for text in self._texts]
        shown = [each.own for each in interfaces]
        if shown != self._interface_own or not self._interface_lines:
            self._interface_own = shown
            own = [label.replace("%", "%%") for labels in shown for label in labels]
            self._interface_lines = {family: _Lines(_scalar_lines(family, own)) for family in f.INTERFACE_BYTES}
        each = [interface for found in interfaces for interface in found.texts]
        lines = self._interface_lines.items()
        return {family: template.filled(list(map(attrgetter(family.value), each))) for family, template in lines}


def _scalar_lines(family: Measured, own: Iterable[str]) -> list[str]:
    """A template for each line, or for two where the family is a summary without quantiles."""
    name = family.name
    if family.kind == "summary":
        return [f"{name}_count{labels} %d\n{name}_sum{labels} %.6f\n" for labels in own]
    return [f"{name}{labels} {family.spelled}\n" for labels in own]


def _rarer(texts: Sequence[DeviceText], own: Mapping[str, Family]) -> dict[Family, bytes]:
    """The text of ``families.SIGNALS``, OWN_PROBES and PARTS, and of profiles' own measures: few devices have these."""
    signals = [(text.own[1:-1], text.signals) for text in texts if text.signals]
    probes = [(text.own[1:-1], text.probes) for text in texts if text.probes]
    parts = [(text.own[1:-1], text.parts) for text in texts if text.parts]
    found = (signal_text(signals) if signals else {}) | (probe_text(probes) if probes else {})
    found |= part_text(parts, own) if parts else {}
    return {family: lines.encode() for family, lines in found.items()}
