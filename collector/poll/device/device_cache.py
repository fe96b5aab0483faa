"""Poll stage: what the polls of one device have taught: what to ask by name in one GET, and what must be walked."""

from __future__ import annotations

import random
from collections.abc import Sequence

from collector.config import PollSettings
from collector.interface_filter import parse_filter
from collector.poll.device.get_bulk import GetBulk
from collector.poll.device.seldom_look import SeldomObjects, is_seldom
from collector.poll.device.walks.walk_pace import Pace
from collector.poll.objects.compiled_reply import learn_usual
from collector.poll.objects.decode import Found, Record, Scalars
from collector.poll.objects.get_request import Access, Asked, Question
from collector.poll.objects.interfaces.interface_cache import InterfaceMemory
from collector.poll.objects.interfaces.standing_counters import Standing
from collector.poll.objects.table_cache import RowMemory
from collector.poll.profile import Profile, Table
from collector.poll.snmp.codec import Value
from collector.reading import Device

RELEARN_SECONDS = 3600.0
"""How long names, aliases and absences are believed, give or take a quarter so that devices do not relearn together."""
RELEARN_ROWS_SECONDS = 600.0
"""How long the known rows of signals and probes are believed to be all that there are, give or take a quarter."""
MOST_ASKED = 48
"""Objects in one GET, so that its reply stays under a packet: a table that has no room in it is walked."""

USUAL_LIMITS = PollSettings(health_every_polls=0)

Memory = InterfaceMemory | RowMemory


class DeviceCache:
    """What is known of one device's scalars and tables; replaced when the device is to be explored again.

    ``question`` asks for all that is known by name. ``learn_at`` is when all this is no longer believed, ``rows_at`` when
    rows are looked for anew (a poll compares the two itself: a call would be dear to a thousand a second). ``is_whole``
    says that usual answers to the question are all there is to a poll, and that they come bare. ``standing`` are the rows of
    its table of interfaces of which counters stand still, ``seldom`` what is asked for once in some polls, if anything.
    """

    def __init__(
        self,
        device: Device,
        profiles: Sequence[Profile],
        through: Access,
        now: float,
        limits: PollSettings = USUAL_LIMITS,
    ) -> None:
        scalars = (scalar for profile in profiles for scalar in profile.scalars if not scalar.is_of_part)
        self.scalars = Scalars(tuple(scalars))
        self.profiles = tuple(profiles)
        self.learn_at = _about(now, RELEARN_SECONDS)
        self.rows_at = _about(now, RELEARN_ROWS_SECONDS)
        self._through = through
        self.is_whole = False
        self.bulk = GetBulk()
        self._is_stale = True
        self._sizes: dict[str, int] = {}
        self._memories: dict[str, Memory] = {}
        self._paces: dict[str, Pace] = {}
        written = (device.interfaces, *(profile.interfaces for profile in profiles), limits.interfaces)
        wanted = parse_filter(next(filter(None, written), ""))
        for profile in profiles:
            for table in (table for table in profile.tables if not is_seldom(table)):
                is_interfaces = table.rows == "interfaces"
                own = (
                    InterfaceMemory(table, device, wanted, limits.max_interfaces) if is_interfaces else RowMemory(table)
                )
                self._memories[table.name] = own
                self._paces[table.name] = Pace()
        self.question = Question([Asked(scalar) for scalar in self.scalars.sources], through)
        interfaces = (memory for memory in self._memories.values() if isinstance(memory, InterfaceMemory))
        self.standing = Standing(next(interfaces, None))
        every = limits.health_every_polls
        seldom = SeldomObjects(profiles, every) if every else None
        self.seldom = seldom if seldom is not None and (seldom.tables or seldom.scalars) else None

    def keep_from(self, before: DeviceCache) -> None:
        """What interfaces were called, and how fast a table may be walked, is not forgotten; the routes are, and GETBULK is
        tried again where it was avoided.
        """
        self.bulk = GetBulk(before.bulk)
        for name, memory in self._memories.items():
            old = before._memories.get(name)
            if isinstance(memory, InterfaceMemory) and isinstance(old, InterfaceMemory):
                memory.remember(old)
        if self.seldom is not None and before.seldom is not None:
            self.seldom.keep_from(before.seldom)
        for name, pace in before._paces.items():
            if name in self._paces:
                pace.route = None
                self._paces[name] = pace

    def memory(self, table: Table) -> Memory:
        return self._memories[table.name]

    def learnt_repetitions(self) -> list[int]:
        """How many rows to a request each table's walks have shown to be borne."""
        return [pace.ceiling for pace in self._paces.values()]

    def uplink_twins(self) -> str | None:
        """Which rows the uplink's name fits and what to do, in words, where they are several."""
        interfaces = (memory for memory in self._memories.values() if isinstance(memory, InterfaceMemory))
        return next((str(memory.twins) for memory in interfaces if memory.twins is not None), None)

    def pace(self, table: Table) -> Pace:
        return self._paces[table.name]

    def forget_rows(self, now: float) -> None:
        """Look for rows anew, as from time to time: once ``rows_at`` has come."""
        self.rows_at = _about(now, RELEARN_ROWS_SECONDS)
        for memory in self._memories.values():
            if isinstance(memory, RowMemory):
                memory.forget()
        self.has_changed()

    def has_changed(self) -> None:
        """Something new is known: the request must be composed again once the poll is over."""
        self._is_stale = True
        self.is_whole = False
        self.question.usual = None

    def to_walk(self) -> list[Table]:
        """The tables of which the question does not ask for all that counts."""
        return [memory.table for memory in self._memories.values() if not memory.is_asked]

    def read(self, values: Sequence[Value]) -> Found:
        """What the question's answer says of tables; those whose rows are others now are to be walked from here on."""
        place, found = self.scalars.count, Found()
        for name, memory in self._memories.items():
            size = self._sizes.get(name, 0)
            if memory.is_asked or memory.has_first:
                part = memory.read(values[place : place + size])
                if part is None:
                    self.has_changed()
                else:
                    found = found.plus(part)
            place += size
        return found

    def learn(self, values: Sequence[Value]) -> None:
        """Learn which scalars the device has, or how the next answers may be read at once."""
        if self._is_stale:
            self.scalars = self.scalars.given(values)
        elif self.question.layout is not None:
            records = self._records()
            if records is not None:
                sources = [item.source for item in self.question.asked]
                self.question.usual = learn_usual(self.question.layout, sources, self.scalars, records)
                self.is_whole = self._through.session is None and not self.to_walk()

    def compose(self) -> None:
        """Compose the request again if something new is known: the scalars that the device has, and all known cells."""
        if not self._is_stale:
            return
        self._is_stale = False
        asked = [Asked(scalar) for scalar in self.scalars.sources]
        for name, memory in self._memories.items():
            items = memory.asked()
            if isinstance(memory, RowMemory) and len(asked) + len(items) > MOST_ASKED:
                memory.set_aside()
                items = []
            self._sizes[name] = len(items)
            asked += items
        if tuple(asked) != self.question.asked:
            self.question = Question(asked, self._through)

    def _records(self) -> list[Record] | None:
        """Every record that the question asks for; None where one is not just numbers."""
        records = self.scalars.records()
        place = self.scalars.count
        for name, memory in self._memories.items():
            parts = memory.question_records()
            if records is None or parts is None:
                return None
            records += [record.moved(place) for record in parts]
            place += self._sizes.get(name, 0)
        return records


def _about(now: float, seconds: float) -> float:
    return now + seconds * (0.75 + 0.5 * random.random())
