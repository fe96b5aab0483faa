"""Poll stage: rows of an interface table that have no series of their own are counted, and what passed them is summed.

What is summed is what each row counted on since it was read before, so that a session that ends takes nothing away and one
that begins adds nothing that nobody saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from collector.hour_bounds import UNTOLD_BYTES_PER_SECOND
from collector.interface_filter import OTHERS, InterfaceFilter, Row
from collector.reading import InterfaceReading

MARGIN = 1.1
SUM_INDEX = 0
"""The ifIndex of a sum: no row has it."""
Readings = tuple[InterfaceReading, ...]


class _Counted:
    """What a row counted last, and when (Unix seconds)."""

    __slots__ = ("at", "name", "received", "sent")

    def __init__(self, reading: InterfaceReading, at: float) -> None:
        self.name, self.at = reading.name, at
        self.received, self.sent = reading.receive_bytes, reading.transmit_bytes


class SummedRows:
    """The rows of one table that are summed, by ifIndex; no more than ``most`` others are shown.

    ``counts`` says how many of which kind the last walk had.
    """

    def __init__(self, wanted: InterfaceFilter, most: int, uplink: str | None) -> None:
        self.counts: Mapping[str, int] = {}
        self._wanted, self._most, self._uplink = wanted, most, uplink
        self._kinds: dict[int, str] = {}
        self._before: dict[int, _Counted] = {}
        self._sums: dict[str, list[int]] = {}

    def keep_from(self, before: SummedRows) -> None:
        """Go on with the sums of an earlier memory of the same table."""
        self._kinds, self._before, self._sums = before._kinds, before._before, before._sums

    def learn(self, readings: Readings, types: Mapping[int, int]) -> None:
        """Find out which rows of a walk are summed. A type that is not in ``types`` is not known."""
        rows = [Row(r.name, r.alias, types.get(r.index), r.is_admin_up) for r in readings]
        kinds = self._wanted.summed(rows, self._uplink, self._sums)
        named = {*self._wanted.named, self._uplink}
        shown = [n for n, kind in enumerate(kinds) if kind is None]
        for n in sorted(shown, key=lambda n: readings[n].name not in named)[self._most :]:
            kinds[n] = OTHERS
        self._kinds = {reading.index: kind for reading, kind in zip(readings, kinds, strict=True) if kind is not None}

    def fold(self, readings: Readings, at: float) -> Readings:
        """The rows that are shown, and after them a sum for each kind of the others; read at ``at`` (Unix seconds)."""
        kinds = self._kinds
        if not kinds:
            self.counts = {}
            return readings
        shown = []
        counts: Counter[str] = Counter()
        before, self._before = self._before, {}
        for reading in readings:
            kind = kinds.get(reading.index)
            if kind is None:
                shown.append(reading)
                continue
            counts[kind] += 1
            self._add(kind, reading, before.pop(reading.index, None), at)
        self._before = {**before, **self._before} if len(before) < len(self._before) else self._before
        self.counts = dict(counts)
        return (*shown, *(self._sum(kind) for kind in sorted(counts)))

    def _add(self, kind: str, reading: InterfaceReading, before: _Counted | None, at: float) -> None:
        self._before[reading.index] = _Counted(reading, at)
        if before is None or before.name != reading.name or at <= before.at:
            return
        room = (reading.speed_bytes_per_second or UNTOLD_BYTES_PER_SECOND) * (at - before.at) * MARGIN
        sums = self._sums.setdefault(kind, [0, 0])
        for place, (old, new) in enumerate(
            ((before.received, reading.receive_bytes), (before.sent, reading.transmit_bytes))
        ):
            sums[place] += _passed(old, new, reading.counter_bits, room)

    def _sum(self, kind: str) -> InterfaceReading:
        received, sent = self._sums.setdefault(kind, [0, 0])
        rows = self.counts[kind]
        return InterfaceReading(f"({kind})", SUM_INDEX, receive_bytes=received, transmit_bytes=sent, summed_rows=rows)


def _passed(old: int | None, new: int | None, bits: int, room: float) -> int:
    """What a counter went on by: nothing where that is not known, or more than the line carries."""
    if old is None or new is None:
        return 0
    passed = new - old if new >= old else (new - old) % 2**32 if bits == 32 else new
    return passed if passed <= room else 0
