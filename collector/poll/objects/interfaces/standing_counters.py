"""Poll stage: 64-bit byte counters that stand still on an interface that is up, held against its 32-bit ones.

Usual polls ask only for the 64-bit pair, since both would cost every poll. Only where a counter has not moved for some
polls is the 32-bit pair of its row asked for by a GET of its own, and less and less often while it stands still too.
"""

from __future__ import annotations

from collections.abc import Sequence

from collector.poll.objects.get_request import Asked
from collector.poll.objects.interfaces.corrections import LIVE_BYTES, Counted, pairs
from collector.poll.objects.interfaces.interface_cache import WIDE_BITS, InterfaceMemory
from collector.poll.snmp.codec import Absent, Value, encode_subids
from collector.reading import InterfaceReading

STILL_POLLS = 3
"""A counter that has moved, and that so many polls have found where the one before left it, is looked at."""
STILL_FROM_THE_FIRST = 6
"""The same for one that nobody has seen moving."""
MOST_POLLS = 64
"""Polls between two looks at a row that has been looked at often."""
MOST_ROWS = 12
"""Rows that are looked at in one poll."""
RECEIVED, SENT = (InterfaceReading._fields.index(field) for field in ("receive_bytes", "transmit_bytes"))
"""Places of the byte counters: asked at every poll, where a name would cost three times as much."""


class _Row:
    """How many polls in a row have found a counter of this row still, when to look, and what was seen at first."""

    __slots__ = ("first", "look_at", "polls")

    def __init__(self, look_at: int) -> None:
        self.polls = 0
        self.look_at = look_at
        self.first: Counted | None = None


class Standing:
    """The rows of one device's interface table of which a 64-bit byte counter stands still. ``is_due`` says that some of
    them are to be looked at in this poll.
    """

    __slots__ = ("_asked", "_before", "_memory", "_pairs", "_rows", "_waits", "is_due")

    def __init__(self, memory: InterfaceMemory | None) -> None:
        self._memory = memory
        self._pairs = tuple(pairs(memory.table)) if memory is not None else ()
        self._before: Sequence[InterfaceReading] = ()
        self._rows: dict[int, _Row] = {}
        self._waits: dict[int, int] = {}
        self._asked: list[InterfaceReading] = []
        self.is_due = False

    def note(self, readings: Sequence[InterfaceReading]) -> bool:
        """Take in a poll; whether rows of it are to be looked at."""
        before, self._before = self._before, readings
        for old, new in zip(before, readings):  # noqa: B905 - rows may have come or gone, and a keyword costs each poll
            if new[RECEIVED] == old[RECEIVED] or new[SENT] == old[SENT]:
                return self._count(before, readings)
        if self._rows:
            self._rows = {}
        return False

    def _count(self, before: Sequence[InterfaceReading], readings: Sequence[InterfaceReading]) -> bool:
        rows = {}
        for old, new in zip(before, readings, strict=False):
            if (
                new.is_up is not False
                and new.counter_bits == WIDE_BITS
                and new.index == old.index
                and _stands(old, new)
            ):
                row = rows[new.index] = self._rows.get(new.index) or self._begun(new)
                row.polls += 1
                self.is_due = self.is_due or row.polls >= row.look_at
        self._rows = rows
        return self.is_due

    def _begun(self, reading: InterfaceReading) -> _Row:
        found = self._walked(reading)
        has_moved = any(found.get(wide.name) != getattr(reading, wide.field) for wide, _ in self._pairs)
        return _Row(
            max(STILL_POLLS if found and has_moved else STILL_FROM_THE_FIRST, self._waits.get(reading.index, 0))
        )

    def asked(self) -> list[Asked]:
        """The 32-bit counters of the rows that are to be looked at, as objects of a GET; of others at a later poll."""
        self.is_due = False
        rows = self._rows
        due = [r for r in self._before if r.index in rows and rows[r.index].polls >= rows[r.index].look_at]
        due.sort(key=lambda reading: rows[reading.index].look_at)
        self._asked = [reading for reading in due if self._has_both(reading)][:MOST_ROWS]
        for reading in due:
            if not self._has_both(reading):
                rows[reading.index].look_at += MOST_POLLS
        return [Asked(narrow, (reading.index,)) for reading in self._asked for _, narrow in self._pairs]

    def read(self, values: Sequence[Value]) -> bool:
        """What the objects of ``asked()`` say. True where a 32-bit counter went on while its 64-bit one stood: then the
        table's memory is forgotten, so that the next poll walks all of it and finds out.
        """
        size, has_gone_on = len(self._pairs), False
        for place, reading in enumerate(self._asked):
            index, row = encode_subids((reading.index,)), self._rows[reading.index]
            now = self._counted(reading, values[place * size : (place + 1) * size])
            if now is None or self._memory is None:
                continue
            first = row.first or self._walked(reading)
            if self._goes_on(first, now):
                self._memory.doubt(index, first)
                has_gone_on = True
            row.first = self._since_still(first, now)
        self.put_off()
        return has_gone_on

    def put_off(self) -> None:
        """Look at the rows that were asked for again later, each time after more polls."""
        for reading in self._asked:
            row, wait = self._rows[reading.index], self._waits.get(reading.index, 1)
            row.look_at = row.polls + wait
            self._waits[reading.index] = min(2 * wait, MOST_POLLS)

    def _walked(self, reading: InterfaceReading) -> Counted:
        """What the row's counters stood at when the whole table was walked last."""
        return self._memory.counted(encode_subids((reading.index,))) if self._memory is not None else {}

    def _has_both(self, reading: InterfaceReading) -> bool:
        found = self._walked(reading)
        return all(wide.name in found and narrow.name in found for wide, narrow in self._pairs)

    def _counted(self, reading: InterfaceReading, narrow: Sequence[Value]) -> Counted | None:
        """What the counters of a row stand at, by column; None where the 32-bit ones cannot be read."""
        found: dict[str, int] = {}
        for (wide, low), value in zip(self._pairs, narrow, strict=True):
            stands_at = getattr(reading, wide.field)
            if isinstance(value, Absent) or not isinstance(value, int) or stands_at is None:
                return None
            found |= {wide.name: stands_at, low.name: value}
        return found

    def _since_still(self, first: Counted, now: Counted) -> Counted:
        """What was seen first since each 64-bit counter stands where it does."""
        seen: dict[str, int] = {}
        for wide, narrow in self._pairs:
            found = first if now[wide.name] == first[wide.name] else now
            seen |= {name: found[name] for name in (wide.name, narrow.name)}
        return seen

    def _goes_on(self, first: Counted, now: Counted) -> bool:
        return any(
            now[wide.name] == first[wide.name] and (now[narrow.name] - first[narrow.name]) % 2**32 >= LIVE_BYTES
            for wide, narrow in self._pairs
        )


def _stands(old: InterfaceReading, new: InterfaceReading) -> bool:
    received, sent = new.receive_bytes, new.transmit_bytes
    return (received is not None and received == old.receive_bytes) or (sent is not None and sent == old.transmit_bytes)
