"""Poll stage: the SNMP side of one device. What to ask next, what its answers have taught, how a poll ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from collector import counted
from collector.config import PollSettings
from collector.poll.damage import Damaged
from collector.poll.datagrams import Sendable
from collector.poll.device.branch_probe import BranchProbe
from collector.poll.device.credential_rotation import CredentialRotation
from collector.poll.device.device_cache import DeviceCache
from collector.poll.device.get_bulk import GetBulk
from collector.poll.device.knock import knock
from collector.poll.device.outcome import Outcome
from collector.poll.device.second_look import SecondLook
from collector.poll.device.seldom_look import SeldomLook, SeldomObjects
from collector.poll.device.split_get import SplitGet
from collector.poll.device.table_walks import TableWalks
from collector.poll.manner import manner
from collector.poll.objects import decode
from collector.poll.objects.compiled_reply import CompiledAnswer
from collector.poll.objects.get_request import Access, Asked, Question
from collector.poll.objects.interfaces.read_lag import late_by, marked
from collector.poll.profile import Profile, Source, choose, telling
from collector.poll.snmp.codec import AUTHORIZATION_ERROR, ERRORS, REPORT, Message, Oid, Value
from collector.poll.snmp.engine import TIMEOUT, Destination, Engine, Exchange, Request
from collector.poll.snmp.usm_guard import Guard
from collector.poll.timeouts import patience, slowest
from collector.reading import Device, SnmpOutcome

IDENTITY = (
    Source("sysObjectID.0", "1.3.6.1.2.1.1.2.0", "object_id", "RFC 3418, SNMPv2-MIB"),
    Source("sysDescr.0", "1.3.6.1.2.1.1.1.0", "description", "RFC 3418, SNMPv2-MIB"),
)


class DeviceSession:
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
        self._patience = patience(limits, device, self.access)
        self.manner = manner(device, self.access)
        self._free_at = 0.0
        self.tries = self._patience.tries
        self.silent_polls = 0
        self._profiles = profiles
        self._engine = engine
        self._attempts = CredentialRotation(accesses)
        self._engine_id: bytes | None = None
        self._uptime: float | None = None
        self._cache: DeviceCache | None = None
        self._branches: Collection[Oid] = ()
        self._asked: Question | None = None
        self._request: Request
        self._must_learn = True
        self._exchange: Exchange | None = None
        self._until: float | None = None

    @property
    def let_in_by(self) -> str | None:
        """The name of the credential that worked last; None if none has worked yet."""
        return self._attempts.kept.name if self._attempts.kept is not None else None

    @property
    def spoken_to(self) -> str:
        """How the device is spoken to, and what of it was learnt, in words."""
        told = f"timeout {self._patience.timeout_seconds:g} s, {counted.of(self._patience.tries, 'try')}, {self.manner}"
        ceilings = self._cache.learnt_repetitions() if self._cache is not None else ()
        learnt = min(ceilings, default=self.manner.max_repetitions)
        takes = counted.of(learnt, "row")
        return told if learnt >= self.manner.max_repetitions else f"{told}; learnt: it takes {takes} to a request"

    @property
    def bulk_trouble(self) -> str | None:
        """What was wrong with the device's last GETBULK, where tables were walked by GETNEXT for it; else None."""
        return self.bulk.trouble if self.bulk.is_replaced else None

    @property
    def uplink_twins(self) -> str | None:
        """Which rows the uplink's name fits and what to do, in words, where they are several."""
        return self._cache.uplink_twins() if self._cache is not None else None

    @property
    def timeout_seconds(self) -> float:
        """How long one try waits for its answer."""
        return self._patience.timeout_seconds

    def start(self, to: Destination, ended: Callable[[Outcome], None]) -> None:
        """Poll once; ``ended`` is called exactly once."""
        self._to = to
        self._ended = ended
        self._until = self._exchange = None
        self.outcome = Outcome()
        self._attempts.begin(self._patience.tries, self.silent_polls)
        self._ask_first()

    def knock(self, to: Destination, unanswered: Callable[[], object]) -> None:
        """Ask whether the agent is there, where it answered the last poll."""
        is_known = self._cache is not None and not self._must_learn and self.access is self._attempts.kept
        if is_known and not self.silent_polls:
            knock(self._engine, to, self.access, self._patience, unanswered)

    def _ask_first(self) -> None:
        """The first request of the poll through the credential whose turn it is."""
        self.tries = self._attempts.tries
        if self._attempts.access is not self.access:
            self.access = self._attempts.access
            self._patience = patience(self.limits, self.device, self.access)
            self.manner = manner(self.device, self.access)
            self._must_learn = True
        cache, now = self._cache, self._engine.now
        if cache is not None and now < cache.learn_at and not self._must_learn:
            if now >= cache.rows_at:
                cache.forget_rows(now)
            self._ask_known(cache.question)
        elif not self.device.profile and any(not profile.match.every_device for profile in self._profiles.values()):
            identity = Question([Asked(source) for source in IDENTITY], self.access)
            self.ask_question(identity, self._identified, self._lost)
        else:
            self._plan("", "")

    # What the GET and the walks use to ask.

    @property
    def bulk(self) -> GetBulk:
        """What is known of the device's GETBULK."""
        return self._cache.bulk if self._cache is not None else GetBulk()

    def ask(self, request: Request, tries: int, *, at_once: bool = False) -> Exchange:
        """Send a request, up to this many times; ``at_once``: it need not wait for the next tick."""
        to = self._to.hasty() if at_once else self._to
        exchange = Exchange(self._engine, to, request, self._until, self._patience)
        exchange.tries = tries
        if self.access.session is not None:
            Guard(self.access.session, exchange)
        outbox = self._engine.outbox
        queue = outbox.fresh if self._exchange is None else outbox.hasty if at_once else outbox.urgent
        if self.manner.gap_seconds:
            self._send_paced(queue, exchange)
        else:
            queue.append(exchange)
        self._exchange = exchange
        return exchange

    def _send_paced(self, queue: deque[Sendable], exchange: Exchange) -> None:
        """Send as soon as the device's own pace allows it."""
        now = self._engine.now
        at, self._free_at = self._free_at, max(now, self._free_at) + self.manner.gap_seconds
        if at <= now:
            queue.append(exchange)
        else:
            self._engine.at(at, lambda: queue.append(exchange))

    def ask_question(
        self, question: Question, heard: Callable[[Any, float], None], lost: Callable[[str], None]
    ) -> None:
        self.ask(Request(question.packet, question.id_at, question.read, heard, lost), self.tries)

    def _ask_known(self, question: Question) -> None:
        if self._asked is not question:
            self._asked = question
            self._request = Request(question.packet, question.id_at, question.read, self._heard, self._lost)
        self.ask(self._request, self.tries)

    def has_time(self) -> bool:
        return self._until is None or self._engine.now < self._until

    def late_seconds(self) -> float:
        """How long after the poll's first packet the request left that was answered last; 0 where that is no matter."""
        return late_by(self._exchange, self.outcome.sent_at)

    def count_avoided(self, trouble: str) -> None:
        self._engine.counts.avoid_bulk(self.device.device_id, trouble, self._engine.now)

    def count_damage(self, damaged: Damaged, name: str) -> None:
        self._engine.counts.damage(damaged, name, self.device.device_id, self._engine.now)

    # The steps of a poll.

    def _identified(self, answer: list[Value] | Message, rtt: float) -> None:
        self._note_first(rtt)
        values = [None, None] if isinstance(answer, Message) else answer
        is_damaged = self._count_damaged(IDENTITY, values)
        object_id, description = decode.text(values[0]) or "", decode.text(values[1]) or ""

        def told(answered: Collection[Oid] | None) -> None:
            """A device that does not say now which branches it has is taken to have those that it had before."""
            self._branches = self._branches if answered is None else answered
            self._plan(object_id, description, self._branches)
            self._must_learn = is_damaged

        BranchProbe(self, telling(self._profiles.values()), told)

    def _plan(self, object_id: str, description: str, answered: Collection[Oid] = ()) -> None:
        """Choose the profiles of the device and forget everything known of it."""
        chosen = choose(self._profiles, self.device.profile, object_id, description, answered)
        cache = DeviceCache(self.device, chosen, self.access, self._engine.now, self.limits)
        if self._cache is not None:
            cache.keep_from(self._cache)
        self._cache = cache
        self._patience = patience(self.limits, self.device, self.access, *slowest(chosen))
        self.manner = manner(self.device, self.access, *chosen)
        self._must_learn = False
        self._ask_known(cache.question)

    def _heard(self, answer: CompiledAnswer | list[Value] | Message, rtt: float) -> None:
        cache, exchange = self._cache, self._exchange
        assert cache is not None and exchange is not None  # noqa: PT018
        if (
            isinstance(answer, CompiledAnswer)
            and cache.is_whole
            and not exchange.late_seconds
            and not cache.standing.note(answer.interfaces)
        ):
            self._take_whole(answer, exchange, rtt, cache)
            return
        if self.outcome.rtt_seconds is None:
            self._note_first(rtt)
        if isinstance(answer, CompiledAnswer):
            self._take_usual(answer)
        elif not isinstance(answer, Message):
            self._take(answer, None)
        elif answer.kind == REPORT:
            self._refused("the agent answered with a report")
        elif answer.error_status == AUTHORIZATION_ERROR:
            self._refused(ERRORS[answer.error_status])
        else:
            SplitGet(self, cache.question, self._take).error(answer)

    def _take_whole(self, answer: CompiledAnswer, exchange: Exchange, rtt: float, cache: DeviceCache) -> None:
        """The answer that is a usual poll from end to end: the steps below without those that it has no need of."""
        outcome, before = self.outcome, self._uptime
        uptime, outcome.boot_seconds, outcome.interfaces, outcome.signals = answer
        outcome.sent_at = outcome.sent_at or exchange.first_sent_at
        outcome.rtt_seconds = rtt
        outcome.uptime_seconds = self._uptime = uptime
        if before is not None and uptime is not None and uptime < before:
            self._must_learn = True
        self.silent_polls = 0
        self._attempts.worked()
        if cache.seldom is not None:
            self._until = exchange.until
            self._look_seldom(cache.seldom)
            return
        self._exchange = None
        self._ended(outcome)

    def _take_usual(self, answer: CompiledAnswer) -> None:
        outcome = self.outcome
        outcome.take(answer)
        if self._exchange is not None and self._exchange.late_seconds:
            outcome.interfaces = marked(outcome.interfaces, self.late_seconds())
        self._note_uptime(answer.uptime_seconds)
        self._begin_walks()

    def _take(self, values: list[Value], failure: str | None, late: float | None = None) -> None:
        """The answer to the question: scalars first, then what is known of tables, then what must be walked.

        ``late`` is how late its counters were read, where that is not when the last request was answered.
        """
        assert self._cache is not None
        outcome, scalars = self.outcome, self._cache.scalars
        values = [
            decode.read(item.source, value) for item, value in zip(self._cache.question.asked, values, strict=True)
        ]
        if self._count_damaged([item.source for item in self._cache.question.asked], values):
            values[: scalars.count] = scalars.settled(values)
        outcome.uptime_seconds = scalars.number("uptime_seconds", values)
        outcome.boot_seconds = scalars.number("boot_seconds", values)
        if scalars.has_channels:
            outcome.signals = scalars.channels(values)
        if failure is not None:
            self.outcome.cut(failure)
            self._end_walks()
            return
        self._note_uptime(outcome.uptime_seconds)
        outcome.add(self._cache.read(values))
        outcome.interfaces = marked(outcome.interfaces, self.late_seconds() if late is None else late)
        self._cache.learn(values)
        self._begin_walks()

    def _begin_walks(self) -> None:
        assert self._cache is not None
        tables = self._cache.to_walk()
        if tables:
            TableWalks(self, tables, self._cache, self.outcome, self._end_walks).next()
        else:
            self._end_walks()

    # What is noted on the way.

    def _count_damaged(self, sources: Sequence[Source], values: Sequence[Value]) -> bool:
        """Count the damaged ones of an answer that was read the long way; whether there are any."""
        damaged = [(source, value) for source, value in zip(sources, values, strict=True) if isinstance(value, Damaged)]
        for source, value in damaged:
            self.count_damage(value, source.name)
        return bool(damaged)

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
            self._must_learn = True
        self._engine_id = engine_id

    def _note_uptime(self, uptime: float | None) -> None:
        """A restart makes everything worth asking for again."""
        if self._uptime is not None and uptime is not None and uptime < self._uptime:
            self._must_learn = True
        self._uptime = uptime

    def _end_walks(self) -> None:
        """All has been asked for, unless counters stand still that are to be held against others."""
        assert self._cache is not None
        standing, outcome = self._cache.standing, self.outcome
        if outcome.snmp == "answered" and (standing.is_due or standing.note(outcome.interfaces)):
            SecondLook(self, standing, self._end_answered)
        else:
            self._end_answered(False)

    def _end_answered(self, is_doubted: bool) -> None:
        """The poll was answered, be it in part; ``is_doubted``: its table of interfaces must be walked anew."""
        self.silent_polls = 0
        self._attempts.worked()
        session = self.access.session
        assert self._cache is not None
        if is_doubted:
            self._cache.has_changed()
        if session is not None and self._cache.scalars.place("boot_seconds") is None:
            self.outcome.boot_seconds = session.engine_seconds
        self._cache.compose()
        if self._cache.seldom is not None and self.outcome.snmp == "answered":
            self._look_seldom(self._cache.seldom)
        else:
            self._finish()

    def _look_seldom(self, seldom: SeldomObjects) -> None:
        """The poll was answered: look at the device's parts if it is their turn, else tell what signals they showed."""
        if seldom.is_due() and self.has_time():
            SeldomLook(self, seldom, self.outcome, self._finish)
        else:
            self.outcome.add_seldom(seldom.signals)
            self._finish()

    def _lost(self, reason: str) -> None:
        """No answer: silent after the timeout, refused where only unusable packets came, partial after an answer."""
        if self.outcome.rtt_seconds is not None:
            self.outcome.cut(reason)
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
