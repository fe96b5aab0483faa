"""Poll stage, the facade: SNMP and pings of one device joined into one Reading. One clock tick serves all devices."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from collector.config import PingSettings, PollSettings
from collector.credentials import Credential, credentials_of
from collector.poll.counts import PollCounts
from collector.poll.datagrams import Address, Datagrams, Outbox, open_families, resolve
from collector.poll.device.credential_rotation import BACK_OFF_AFTER
from collector.poll.device.outcome import Outcome
from collector.poll.device.session import DeviceSession
from collector.poll.objects.get_request import Access, access
from collector.poll.ping import Burst, Pinger, open_icmp
from collector.poll.profile import Profile
from collector.poll.snmp.engine import Destination, Engine
from collector.reading import Device, Reading

log = logging.getLogger("bairro.poll")

RESOLVERS = 4

Done = Callable[[Reading], None]
Turn = Callable[[], float]
"""Starts what is due; returns in how many seconds the next one is."""


class Poller:
    """Polls devices on request. ``start`` and all callbacks belong to the event loop's thread.

    A device whose ``credential`` is ``"off"`` is not asked by SNMP; without one the first credential is used.
    """

    def __init__(
        self, poll: PollSettings, ping: PingSettings, credentials: Sequence[Credential], profiles: Mapping[str, Profile]
    ) -> None:
        self.counts = PollCounts()
        self.in_flight = 0
        self.ping_unavailable: str | None = None
        self.poll = poll
        self.profiles = profiles
        self.outbox = Outbox(poll.packets_per_second, poll.tick_seconds)
        self.engine = Engine(self.outbox, self.counts, tick_seconds=poll.tick_seconds)
        self.pinger = Pinger(ping, self.outbox, self.counts, tick_seconds=poll.tick_seconds)
        self._credentials = tuple(credentials)
        self._shared = {given.name: access(given) for given in credentials if given.version != "3"}
        self._visits: dict[str, Visit] = {}
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._is_resting = False
        self._turn: Turn | None = None
        self._is_closed = False
        self._attended: list[Datagrams] = []
        self._resolvers = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolve")
        self._loop: asyncio.AbstractEventLoop

    async def open(self) -> None:
        """Open the shared sockets. Raises OSError where the host allows no UDP at all."""
        self._loop = asyncio.get_running_loop()
        self.engine.now = self._loop.time()
        self.engine.open(open_families(), open_families())
        self.engine.attend = self._attend
        self.pinger.open(open_families(), open_icmp())
        self.ping_unavailable = self.pinger.unavailable

    def drive(self, turn: Turn) -> None:
        """Begin to ask at every tick whose turn it is, and at least as often as ``turn`` says."""
        self._turn = turn
        self._wake()

    async def close(self) -> None:
        """Close the sockets; polls in flight are dropped without a Reading."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._resolvers.shutdown(wait=False, cancel_futures=True)
        for opened in self._attended:
            self._loop.remove_reader(opened.socket)
        self.engine.close()
        self.pinger.close()

    def start(self, device: Device, done: Done) -> None:
        """Poll ``device``; ``done`` gets its Reading once. While a poll of it is in flight, this one joins it."""
        visit = self._visits.get(device.device_id)
        if visit is None or (visit.device is not device and visit.device != device and not visit.waiting):
            visit = self._visits[device.device_id] = Visit(self, device)
        visit.waiting.append(done)
        if len(visit.waiting) == 1:
            self.in_flight += 1
            visit.begin()
        if self._timer is None or self._is_resting:
            self._wake()

    def knock(self, device_id: str, unanswered: Callable[[], object]) -> None:
        """Ask a device that is known, and that no poll of is in flight, whether its agent is there; ``unanswered`` is called
        if it does not say so.
        """
        visit = self._visits.get(device_id)
        if visit is not None and not visit.waiting:
            visit.knock(unanswered)
            if self._timer is None or self._is_resting:
                self._wake()

    def keep_only(self, device_ids: Iterable[str]) -> None:
        """Forget what is known of devices that left the inventory."""
        kept = set(device_ids)
        self._visits = {name: visit for name, visit in self._visits.items() if name in kept or visit.waiting}

    def resolved(self, device_id: str) -> str | None:
        """The address that a device was last found at; None before its first poll."""
        visit = self._visits.get(device_id)
        return visit.address if visit is not None else None

    def let_in_by(self, device_id: str) -> str | None:
        """The name of the credential that worked last; None if none has worked yet."""
        visit = self._visits.get(device_id)
        return visit.let_in_by if visit is not None else None

    def spoken_to(self, device_id: str) -> str | None:
        """How a device is spoken to, in words; None if it is not, by SNMP."""
        visit = self._visits.get(device_id)
        return visit.spoken_to if visit is not None else None

    def bulk_trouble(self, device_id: str) -> str | None:
        """What was wrong with a device's GETBULK last, so that it was asked by GETNEXT; None where nothing is."""
        visit = self._visits.get(device_id)
        return visit.bulk_trouble if visit is not None else None

    def session_of(self, device_id: str) -> DeviceSession | None:
        """The SNMP side of a device that was polled; None if it is not asked by SNMP, or was not yet."""
        visit = self._visits.get(device_id)
        return visit.session if visit is not None else None

    def accesses_of(self, device: Device) -> tuple[Access, ...]:
        """The credentials of a device, in the order in which they are tried; none if it is not asked by SNMP."""
        through = credentials_of(device.credential, self._credentials)
        return tuple(self._shared.get(given.name) or access(given) for given in through)

    def resolve(self, device: Device, then: Callable[[int, Address], None], failed: Callable[[str], None]) -> None:
        """Find the device's address: at once where it is written as numbers, else in a thread."""
        try:
            family, address = resolve(device.address, device.port, ask_names=False)
        except OSError:
            asked = self._loop.run_in_executor(self._resolvers, _resolve_name, device.address, device.port)
        else:
            then(family, address)
            return

        def resolved(answer: asyncio.Future[tuple[int, Address] | str]) -> None:
            if answer.cancelled():
                return
            found = answer.result()
            if isinstance(found, str):
                failed(found)
            else:
                then(*found)

        asked.add_done_callback(resolved)

    def drop(self, device_id: str) -> None:
        """Give up a poll that never ended: a late result is dropped, and the next poll starts from nothing."""
        visit = self._visits.pop(device_id, None)
        if visit is not None and visit.waiting:
            self.in_flight -= 1
            visit.waiting = []

    def finished(self, visit: Visit, reading: Reading) -> None:
        if not visit.waiting:
            return
        self.in_flight -= 1
        waiting, visit.waiting = visit.waiting, []
        for done in waiting:
            try:
                done(reading)
            except Exception:
                log.exception("%s: the reading could not be used", reading.device_id)

    def soon(self, call: Callable[[], None]) -> None:
        self._loop.call_soon(call)

    def _attend(self, opened: Datagrams) -> None:
        """Read a socket whenever something comes, not at ticks."""
        self._attended.append(opened)
        self._loop.add_reader(opened.socket, self._go_on, opened)

    def _go_on(self, opened: Datagrams) -> None:
        """Read what came for long walks, and send what they ask next."""
        now = self.engine.now = self._loop.time()
        self.engine.receive_from(opened)
        self.outbox.hurry(now)

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._is_resting = False
        self._timer = self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        """Read what came, give up what waited too long, start whose turn it is, send what may leave; again while
        anything is under way, or once it is somebody's turn.

        ``_timer`` stays set meanwhile, so that a poll that starts from in here begins no second round of ticks.
        """
        if self._is_closed:
            return
        now = self.engine.now = self._loop.time()
        self._is_resting = False
        pause = 0.0 if self._turn is not None else None
        try:
            self.engine.receive()
            self.pinger.receive()
            self.engine.expire(now)
            self.pinger.expire(now)
            pause = self._turn() if self._turn is not None else None
            self.outbox.send(now)
        finally:
            is_busy = self.in_flight or self.engine.pending or self.pinger.pending
            self._is_resting = not is_busy
            tick = self.poll.tick_seconds
            wait = tick if is_busy else None if pause is None else max(tick, pause)
            self._timer = self._loop.call_later(wait, self._tick) if wait is not None else None


def _resolve_name(host: str, port: int) -> tuple[int, Address] | str:
    try:
        return resolve(host, port, ask_names=True)
    except OSError as error:
        return f"address: {host!r} does not resolve: {error.strerror or error}"


class Visit:
    """One device's polls: its address, what is known of it by SNMP, and the poll in flight if any."""

    __slots__ = (
        "_burst",
        "_conversation",
        "_destination",
        "_outcome",
        "_parts",
        "_ping",
        "_poller",
        "_started",
        "device",
        "waiting",
    )

    def __init__(self, poller: Poller, device: Device) -> None:
        self.device = device
        self.waiting: list[Done] = []
        self._poller = poller
        self._destination: Destination | None = None
        accesses = poller.accesses_of(device)
        self._conversation = (
            DeviceSession(device, accesses, poller.profiles, poller.engine, poller.poll) if accesses else None
        )
        self._outcome: Outcome | None = None
        self._burst: Burst | None = None
        method, _, port = device.ping.partition(":")
        self._ping = (method, int(port) if port else 0) if method != "off" else None
        self._parts = 0
        self._started = 0.0

    @property
    def address(self) -> str | None:
        return None if self._destination is None else str(self._destination.address[0])

    @property
    def let_in_by(self) -> str | None:
        """The name of the credential that worked last."""
        return self._conversation.let_in_by if self._conversation is not None else None

    @property
    def spoken_to(self) -> str | None:
        return self._conversation.spoken_to if self._conversation is not None else None

    @property
    def session(self) -> DeviceSession | None:
        return self._conversation

    @property
    def bulk_trouble(self) -> str | None:
        return self._conversation.bulk_trouble if self._conversation is not None else None

    def begin(self) -> None:
        """Start SNMP and the burst at once; a name that is not yet resolved comes first."""
        silent = self._conversation.silent_polls if self._conversation is not None else 0
        if self._destination is None or (silent and silent % BACK_OFF_AFTER == 0):
            self._started = time.monotonic()
            self._poller.resolve(self.device, self._resolved, self._unresolved)
        else:
            self._ask()

    def knock(self, unanswered: Callable[[], object]) -> None:
        """Ask for one object, where the last poll was answered by SNMP."""
        if self._conversation is not None and self._destination is not None:
            self._conversation.knock(self._destination, unanswered)

    def _resolved(self, family: int, address: Address) -> None:
        self._destination = Destination(family, address, self.device.reply_from)
        self._ask()

    def _ask(self) -> None:
        to, talk = self._destination, self._conversation
        assert to is not None
        self._outcome = self._burst = None
        self._parts = 0
        if self._ping is not None:
            method, port = self._ping
            address = (to.address[0], port, *to.address[2:])
            self._parts += self._poller.pinger.start(method, to.family, address, self._burst_ended)
        if talk is not None:
            self._parts += 1
            talk.start(to, self._snmp_ended)
        if not self._parts:
            self._poller.soon(self._nothing_asked)

    def _snmp_ended(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._part_ended()

    def _burst_ended(self, burst: Burst) -> None:
        self._burst = burst
        self._part_ended()

    def _part_ended(self) -> None:
        self._parts -= 1
        if not self._parts:
            self._poller.finished(self, self._reading(self._outcome, self._burst))

    def _reading(self, outcome: Outcome | None, burst: Burst | None) -> Reading:
        if outcome is not None and burst is None and outcome.is_sent:
            now = time.time()
            at = outcome.sent_at or now
            return outcome.reading(self.device.device_id, (at, now - at), (outcome.snmp, True), None)
        echoes = burst.echoes if burst is not None else None
        at = outcome.sent_at if outcome is not None else 0.0
        if burst is not None and burst.first_sent_at and not 0.0 < at < burst.first_sent_at:
            at = burst.first_sent_at
        now = time.time()
        at = at or now
        if outcome is None:
            failure = burst.failure if burst is not None else None
            return Reading(
                self.device.device_id, at, now - at, "off", echoes is not None, echoes=echoes, failure=failure
            )
        is_sent = outcome.is_sent or echoes is not None
        snmp = outcome.snmp if outcome.is_sent or not is_sent else "off"
        return outcome.reading(self.device.device_id, (at, now - at), (snmp, is_sent), echoes)

    def _nothing_asked(self) -> None:
        self._poller.finished(self, Reading(self.device.device_id, time.time(), 0.0, "off"))

    def _unresolved(self, failure: str) -> None:
        if self._destination is not None:
            self._ask()
            return
        took = time.monotonic() - self._started
        reading = Reading(self.device.device_id, time.time() - took, took, "silent", sent=False, failure=failure)
        self._poller.finished(self, reading)
