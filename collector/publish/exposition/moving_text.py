"""The lines that nearly every poll moves, of many devices at once: a template for each family, filled in with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, compress

from collector.publish.exposition import families as f
from collector.publish.exposition.device_text import DeviceText
from collector.publish.exposition.signal_text import probe_chunks, signal_chunks

_SPELLED = dict(zip(f.EACH_POLL, ("%d", "%.3f", "%.2f", "%.6f"), strict=True)) | {f.PINGS_SENT: "%d"}
_SPELLED |= dict.fromkeys(f.LAST_BURST, "%.9f")
_RECEIVED, _SENT = (family.name for family in f.INTERFACE_BYTES)
_AFTER = len(f.SIGNALS) + len(f.OWN_PROBES)


class _Lines:
    """Lines that wait for one number each, or for several; those without are left out."""

    __slots__ = ("_has", "_lines", "_some", "_whole")

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = list(lines)
        self._whole = self._some = "".join(self._lines)
        self._has: list[bool] = []

    def filled(self, values: Sequence[float | tuple[float, ...] | None]) -> bytes:
        """The lines with these values, one of them (or one tuple) for each; None where there is none."""
        template = self._whole
        if None in values:
            has = [value is not None for value in values]
            if has != self._has:
                self._has, self._some = has, "".join(compress(self._lines, has))
            template, values = self._some, [value for value in values if value is not None]
        if values and isinstance(values[0], tuple):
            values = tuple(chain.from_iterable(values))  # type: ignore[arg-type]
        return (template % tuple(values)).encode()


class MovingText:
    """The text of ``families.MOVING`` for some devices at detail ``summary`` or ``full``."""

    def __init__(self, texts: Sequence[DeviceText]) -> None:
        self._texts = texts
        own = [text.own.replace("%", "%%") for text in texts]
        self._lines = [_Lines(_scalar_lines(family, own)) for family in f.MOVING[: -_AFTER - 2]]
        self._shown: list[tuple[str, ...]] = []
        self._received = self._sent = _Lines(())

    def now(self) -> list[bytes]:
        """The text of each family as it is now."""
        texts = self._texts
        rows = [text.figures() for text in texts]
        found = [lines.filled(column) for lines, column in zip(self._lines, zip(*rows, strict=True), strict=True)]
        return [*found, *self._octets(), *_rarer(texts)]

    def _octets(self) -> tuple[bytes, bytes]:
        """The text of ``families.INTERFACE_BYTES``."""
        interfaces = [text.interfaces for text in self._texts]
        shown = [each.own for each in interfaces]
        if shown != self._shown:
            self._shown = shown
            own = [label.replace("%", "%%") for labels in shown for label in labels]
            self._received = _Lines(f"{_RECEIVED}{label} %d\n" for label in own)
            self._sent = _Lines(f"{_SENT}{label} %d\n" for label in own)
        each = [interface for found in interfaces for interface in found.texts]
        received, sent = [one.received for one in each], [one.sent for one in each]
        return self._received.filled(received), self._sent.filled(sent)


def _scalar_lines(family: f.Family, own: Iterable[str]) -> list[str]:
    """A template for each device's line, or lines where the family is a summary without quantiles."""
    name = family.name
    if family.kind == "summary":
        return [f"{name}_count{labels} %d\n{name}_sum{labels} %.6f\n" for labels in own]
    return [f"{name}{labels} {_SPELLED[family]}\n" for labels in own]


def _rarer(texts: Sequence[DeviceText]) -> list[bytes]:
    """The text of ``families.SIGNALS`` and OWN_PROBES, which few devices have."""
    rows = [
        (*signal_chunks(text.own[1:-1], text.signals), *probe_chunks(text.own[1:-1], text.probes))
        for text in texts
        if text.signals or text.probes
    ]
    return ["".join(pieces).encode() for pieces in zip(*rows, strict=True)] if rows else [b""] * _AFTER
