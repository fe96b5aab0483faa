"""Poll stage: the SNMP side of one device. What to ask next, what its answers have taught, how a poll ended."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collector.config import PollSettings
from collector.poll import decode
from collector.poll.attempts import Attempts
from collector.poll.decode import Scalars
from collector.poll.interfaces import InterfaceMemory
from collector.poll.late import late_by, marked, marked_by_row
from collector.poll.probes import probes
from collector.poll.profile import Profile, Source, Table, choose
from collector.poll.question import Access, Asked, Question
from collector.poll.snmp_codec import AUTHORIZATION_ERROR, ERRORS, REPORT, Message, Value
from collector.poll.snmp_fast import TIMEOUT, Destination, Engine, Exchange
from collector.poll.snmp_walk import Pace, Walk
from collector.poll.split_get import SplitGet
from collector.poll.usm_guard import Guard
from collector.poll.usual import UsualAnswer, learn_usual
from collector.reading import Device, InterfaceReading, ProbeReading, SignalReading, SnmpOutcome

RELEARN_SECONDS = 3600.0
"""How long names, aliases and absences are believed, give or take a quarter so that devices do not relearn together."""
IDENTITY = (
    Source("sysObjectID.0", "1.3.6.1.2.1.1.2.0", "object_id", "RFC 3418, SNMPv2-MIB"),
    Source("sysDescr.0", "1.3.6.1.2.1.1.1.0", "description", "RFC 3418, SNMPv2-MIB"),
)


Then = tuple[Callable[[bytes], Any], Callable[[Any, float], None], Callable[[str], None]]
"""What reads a reply, what takes the answer and its round trip, and what is told where none comes."""


class Outcome:
    """How the SNMP part of one poll ended."""

    __slots__ = (
        "boot_seconds",
        "failure",
        "interfaces",
        "is_sent",
        "probes",
        "rtt_seconds",
        "sent_at",
        "signals",
        "snmp",
        "uptime_seconds",
    )

    def __init__(self) -> None:
        self.snmp: SnmpOutcome = "answered"
        self.is_sent = True
        self.sent_at = 0.0
        self.failure: str | None = None
        self.rtt_seconds: float | None = None
        self.uptime_seconds: float | None = None
        self.boot_seconds: float | None = None
        self.interfaces: tuple[InterfaceReading, ...] = ()
        self.signals: tuple[SignalReading, ...] = ()
        self.probes: tuple[ProbeReading, ...] = ()


class Conversation:
    """One device's SNMP side, kept from poll to poll; ``start`` runs one poll."""

    def __init__(
        self,
        device: Device,
        accesses: Sequence[Access],
        profiles: Mapping[str, Profile],
        engine: Engine,
        limits: PollSettings,
    ) -> None:
        self.device = device
        self.access = accesses[0]
        self.limits = limits
        self.tries = 1 + limits.retries
        self.silent_polls = 0
        self._profiles = profiles
        self._engine = engine
        self._attempts = Attempts(accesses)
        self._engine_id: bytes | None = None
        self._learn_at = 0.0
        self._uptime: float | None = None
        self._question: Question | None = None
        self._scalars = Scalars(())
        self._tables: tuple[Table, ...] = ()
        self._memories: dict[str, InterfaceMemory] = {}
        self._paces: dict[str, Pace] = {}
        self._walking: deque[Table] = deque()
        self._exchange: Exchange | None = None
        self._until: float | None = None
        self._is_stale = False

    @property
    def let_in_by(self) -> str | None:
        """The name of the credential that worked last; None where none has yet."""
        return self._attempts.kept.name if self._attempts.kept is not None else None

    def start(self, to: Destination, ended: Callable[[Outcome], None]) -> None:
        """Poll once; ``ended`` is called exactly once."""
        self._to = to
        self._ended = ended
        self._until = self._exchange = None
        self._walking.clear()
        self.outcome = Outcome()
        self._attempts.begin(1 + self.limits.retries, self.silent_polls)
        self._ask_first()

    def _ask_first(self) -> None:
        """The first request of the poll through the credential whose turn it is."""
        self.tries = self._attempts.tries
        if self._attempts.access is not self.access:
            self.access = self._attempts.access
            self._learn_at = 0.0
        if self._question is not None and self._engine.now < self._learn_at:
            self.ask_question(self._question, self._heard, self._lost)
        elif not self.device.profile and any(not profile.match.every_device for profile in self._profiles.values()):
            identity = Question([Asked(source) for source in IDENTITY], self.access)
            self.ask_question(identity, self._identified, self._lost)
        else:
            self._plan("", "")

    # What the GET and the walks use to ask.

    def ask(self, packet: bytearray, id_at: int, then: Then) -> None:
        """Send one request of a walk, which does its own retries."""
        self._send(packet, id_at, 1, then)

    def ask_question(
        self, question: Question, heard: Callable[[Any, float], None], lost: Callable[[str], None]
    ) -> None:
        self._send(question.packet, question.id_at, self.tries, (question.read, heard, lost))

    def has_time(self) -> bool:
        return self._until is None or self._engine.now < self._until

    def late_seconds(self) -> float:
        """How long after the poll's first packet the request left that was answered last; 0 where that is no matter."""
        return late_by(self._exchange, self.outcome.sent_at)

    def count_retry(self) -> None:
        self._engine.counts.retries += 1

    def _send(self, packet: bytearray, id_at: int, tries: int, then: Then) -> None:
        exchange = Exchange(self._engine, self._to, packet, id_at)
        exchange.tries = tries
        exchange.until = self._until
        exchange.decode, exchange.answered, exchange.failed = then
        if self.access.session is not None:
            Guard(self.access.session, exchange)
        is_fresh = self._exchange is None
        self._exchange = exchange
        self._engine.ask(exchange, is_fresh=is_fresh)

    # The steps of a poll.

    def _identified(self, answer: list[Value] | Message, rtt: float) -> None:
        self._note_first(rtt)
        texts = [None, None] if isinstance(answer, Message) else [decode.text(value) for value in answer]
        self._plan(texts[0] or "", texts[1] or "")

    def _plan(self, object_id: str, description: str) -> None:
        """Choose the profiles of the device and forget what was learnt of it."""
        chosen = choose(self._profiles, self.device.profile, object_id, description)
        self._scalars = Scalars(tuple(scalar for profile in chosen for scalar in profile.scalars))
        self._tables = tuple(table for profile in chosen for table in profile.tables)
        self._memories = {t.name: InterfaceMemory(t, self.device) for t in self._tables if t.rows == "interfaces"}
        self._learn_at = self._engine.now + RELEARN_SECONDS * (0.75 + 0.5 * random.random())
        self._paces = {table.name: self._paces.get(table.name) or Pace() for table in self._tables}
        for pace in self._paces.values():
            pace.route = None
        self._is_stale = True
        self._question = question = Question([Asked(scalar) for scalar in self._scalars.sources], self.access)
        self.ask_question(question, self._heard, self._lost)

    def _heard(self, answer: UsualAnswer | list[Value] | Message, rtt: float) -> None:
        if self.outcome.rtt_seconds is None:
            self._note_first(rtt)
        assert self._question is not None
        if isinstance(answer, UsualAnswer):
            self._take_usual(answer)
        elif not isinstance(answer, Message):
            self._take(answer, None)
        elif answer.kind == REPORT:
            self._refused("the agent answered with a report")
        elif answer.error_status == AUTHORIZATION_ERROR:
            self._refused(ERRORS[answer.error_status])
        else:
            SplitGet(self, self._question, self._take).error(answer)

    def _take_usual(self, answer: UsualAnswer) -> None:
        """The answer to the question, and the whole poll."""
        outcome = self.outcome
        outcome.uptime_seconds, outcome.boot_seconds, outcome.interfaces, outcome.signals = answer
        if self._exchange is not None and self._exchange.late_seconds:
            outcome.interfaces = marked(outcome.interfaces, self.late_seconds())
        self._note_uptime(answer.uptime_seconds)
        self._end_walks()

    def _learn_usual(self) -> None:
        """Learn how the next answers to the question may be read at once, since this one needed no walk after it."""
        question, records = self._question, self._scalars.records()
        if question is None or question.layout is None or records is None:
            return
        place = self._scalars.count
        for memory in self._memories.values():
            if memory.uplink is not None:
                records.append(memory.uplink.record().moved(place))
                place += len(memory.uplink.sources)
        sources = [item.source for item in question.asked]
        question.usual = learn_usual(question.layout, sources, self._scalars, records)

    def _take(self, values: list[Value], failure: str | None) -> None:
        """The answer to the question: scalars first, then the uplinks, then what must be walked."""
        outcome = self.outcome
        scalars = self._scalars
        outcome.uptime_seconds = scalars.number("uptime_seconds", values)
        outcome.boot_seconds = scalars.number("boot_seconds", values)
        if scalars.has_channels:
            outcome.signals = scalars.channels(values)
        if failure is not None:
            self._cut(failure)
            self._end_walks()
            return
        self._note_uptime(outcome.uptime_seconds)
        place = scalars.count
        for table in self._tables:
            memory = self._memories.get(table.name)
            if memory is not None and memory.uplink is not None:
                size = len(memory.uplink.sources)
                reading = memory.read(values[place : place + size])
                place += size
                if reading is not None:
                    outcome.interfaces += (reading,)
                    continue
            self._walking.append(table)
        outcome.interfaces = marked(outcome.interfaces, self.late_seconds())
        if self._is_stale:
            self._scalars = scalars.given(values)
        elif not self._walking:
            self._learn_usual()
        self._walk_next()

    def _walk_next(self) -> None:
        if not self._walking:
            self._end_walks()
            return
        table = self._walking[0]
        memory = self._memories.get(table.name)
        columns = memory.columns() if memory is not None else table.columns
        Walk(self, columns, self._paces[table.name], self._walked).step()

    def _walked(self, walk: Walk) -> None:
        table = self._walking.popleft()
        memory = self._memories.get(table.name)
        if walk.failure is not None:
            self._cut(f"{table.name}: {walk.failure}")
        if memory is not None and self._take_usual_walk(memory, walk):
            return
        if memory is None:
            if table.rows == "probes":
                self.outcome.probes += probes(table, walk.cells)
            else:
                self.outcome.signals += decode.signals(table, walk.cells)
            self._walk_next()
            return
        left = memory.columns_left(walk.cells) if walk.failure is None else ()
        if left:
            self._walking.appendleft(table)
            Walk(self, left, Pace(), lambda more: self._walked_rest(walk, more)).step()
            return
        self._take_interfaces(memory, walk)

    def _take_usual_walk(self, memory: InterfaceMemory, walk: Walk) -> bool:
        """The interfaces of a walk that went as it usually does; False for any other walk."""
        row = walk.usual_row()
        if row is None or walk.route is None or walk.route.recipe is None:
            return False
        self._note_missing(memory)
        self.outcome.interfaces += marked(walk.route.recipe.interfaces(row), self.late_seconds())
        self._walk_next()
        return True

    def _walked_rest(self, first: Walk, rest: Walk) -> None:
        """The rows were new: what is asked rarely has been asked too."""
        first.cells.update(rest.cells)
        first.late = rest.late | first.late
        first.failure = rest.failure
        self._walked(first)

    def _take_interfaces(self, memory: InterfaceMemory, walk: Walk) -> None:
        if walk.failure is None and memory.learn(walk.cells):
            self._is_stale = True
        self._note_missing(memory)
        readings = memory.readings(walk.cells)
        self.outcome.interfaces += marked_by_row(readings, walk.late)
        if walk.failure is None and walk.route is not None:
            records = memory.records(readings, walk.cells, walk.route.places())
            if records is not None:
                walk.route.learn(records)
        self._walk_next()

    def _note_missing(self, memory: InterfaceMemory) -> None:
        if memory.missing_uplink is not None:
            self.outcome.failure = f"uplink_interface: no interface named {memory.missing_uplink!r}"

    def _compose(self) -> None:
        """The GET of a usual poll: the scalars that the device has, and its uplink where that is known."""
        asked = [Asked(scalar) for scalar in self._scalars.sources]
        for memory in self._memories.values():
            asked += memory.asked()
        self._is_stale = False
        if self._question is None or tuple(asked) != self._question.asked:
            self._question = Question(asked, self.access)

    # What is noted on the way.

    def _note_first(self, rtt: float) -> None:
        exchange = self._exchange
        if exchange is not None:
            self._until = exchange.until
            self.outcome.sent_at = self.outcome.sent_at or exchange.first_sent_at
        self.outcome.rtt_seconds = rtt
        if self.access.session is not None:
            self._note_engine(self.access.session.engine_id)

    def _note_engine(self, engine_id: bytes | None) -> None:
        """Another SNMP engine is another device, or one that was set up anew."""
        if self._engine_id is not None and engine_id != self._engine_id:
            self._learn_at = 0.0
        self._engine_id = engine_id

    def _note_uptime(self, uptime: float | None) -> None:
        """A restart makes everything worth asking for again."""
        if self._uptime is not None and uptime is not None and uptime < self._uptime:
            self._learn_at = 0.0
        self._uptime = uptime

    def _cut(self, failure: str) -> None:
        self.outcome.snmp = "partial"
        self.outcome.failure = self.outcome.failure or failure

    def _end_walks(self) -> None:
        self.silent_polls = 0
        self._attempts.worked()
        session = self.access.session
        if session is not None and self._scalars.place("boot_seconds") is None:
            self.outcome.boot_seconds = session.engine_seconds
        if self._is_stale:
            self._compose()
        self._finish()

    def _lost(self, reason: str) -> None:
        """No answer: silent after the timeout, refused where only unusable packets came, partial after an answer."""
        if self.outcome.rtt_seconds is not None:
            self._cut(reason)
            self._end_walks()
        elif reason.startswith("send: "):
            self.outcome.is_sent = False
            self._end("silent", reason)
        else:
            self._refused(None if reason == TIMEOUT else reason)

    def _refused(self, reason: str | None) -> None:
        """This credential was refused, or met silence (None): another one's turn, or the end."""
        if self._exchange is not None:
            self._until = self._exchange.until
            self.outcome.sent_at = self.outcome.sent_at or self._exchange.first_sent_at
        if self._attempts.next(reason) and self.has_time():
            self.outcome.rtt_seconds = None
            self._ask_first()
            return
        self._attempts.failed()
        failure = self._attempts.failure
        if failure is None:
            self.silent_polls += 1
        self._end("silent" if failure is None else "refused", failure)

    def _end(self, snmp: SnmpOutcome, failure: str | None) -> None:
        self.outcome.snmp = snmp
        self.outcome.failure = failure
        self._finish()

    def _finish(self) -> None:
        exchange = self._exchange
        if not self.outcome.sent_at and exchange is not None:
            self.outcome.sent_at = exchange.first_sent_at
        self._exchange = None
        self._ended(self.outcome)
