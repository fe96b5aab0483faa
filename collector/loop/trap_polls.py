"""Polls out of turn: a trap or inform is a reason to ask its sender at once, and never a verdict."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from collector.config import CollectorSettings
from collector.poll.traps.kinds import LEADS_TO_A_POLL
from collector.poll.traps.receiver import Traps
from collector.reading import Device

log = logging.getLogger(__name__)

MOST_AT_ONE_ADDRESS = 32
"""Devices behind one address cannot be told apart by it; at most this many of them are polled."""

AGAIN_SECONDS = 0.25
LEARN_SECONDS = 10.0


class TrapCounts(NamedTuple):
    """Traps and informs by kind, packets not used by reason, deaths of what reads them, polls that they led to.

    None where no traps are listened for.
    """

    heard_by_kind: Mapping[str, float] | None
    dropped_by_reason: Mapping[str, float] | None
    restarts: int | None
    polls_started: int | None


NO_TRAPS = TrapCounts(None, None, None, None)


class Prompts:
    """Devices that are to be polled out of turn: each at most once in ``every_seconds``; further requests meanwhile become one poll."""

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self._wanted: set[str] = set()
        self._heap: list[tuple[float, str]] = []
        self._last: dict[str, float] = {}

    def want(self, device_id: str, now: float) -> None:
        """Poll it as soon as it may be."""
        if device_id not in self._wanted:
            self._wanted.add(device_id)
            heapq.heappush(
                self._heap, (max(now, self._last.get(device_id, now - self._every) + self._every), device_id)
            )

    def run(self, start: Callable[[str], bool], now: float) -> int:
        """Start those whose time has come; one whose poll is in flight is tried again. Returns how many started."""
        started, later = 0, []
        while self._heap and self._heap[0][0] <= now:
            _, device_id = heapq.heappop(self._heap)
            if device_id not in self._wanted:
                continue
            if start(device_id):
                self._wanted.discard(device_id)
                self._last[device_id] = now
                started += 1
            else:
                later.append((now + AGAIN_SECONDS, device_id))
        for entry in later:
            heapq.heappush(self._heap, entry)
        return started

    def keep_only(self, device_ids: Mapping[str, object]) -> None:
        """Forget devices that left the inventory."""
        self._wanted &= device_ids.keys()
        self._last = {name: at for name, at in self._last.items() if name in device_ids}


class Sources:
    """Which devices send from which address: the one they are polled at, and ``reply_from``."""

    def __init__(self, resolved: Callable[[str], str | None]) -> None:
        """``resolved`` gives the address that a device's host name led to, once it is known."""
        self._resolved = resolved
        self._named: tuple[str, ...] = ()
        self._of_names: dict[str, str] = {}
        self._of_numbers: dict[str, tuple[str, ...]] = {}
        self._by_address: dict[str, tuple[str, ...]] = {}

    def replace(self, devices: Iterable[Device]) -> None:
        """Take in a new inventory."""
        pairs, named = [], []
        for device in devices:
            if _is_number(device.address):
                pairs.append((device.address, device.device_id))
            else:
                named.append(device.device_id)
            if device.reply_from not in (None, device.address):
                pairs.append((str(device.reply_from), device.device_id))
        self._named = tuple(named)
        self._of_numbers = self._by_address = _grouped(pairs)
        self._of_names = {}
        self.learn()

    def learn(self) -> bool:
        """Look up again where host names lead; False where nothing has changed."""
        found = {name: address for name in self._named if (address := self._resolved(name)) is not None}
        if found == self._of_names:
            return False
        self._of_names = found
        beside = [(address, name) for address, names in self._of_numbers.items() for name in names]
        self._by_address = _grouped([*beside, *((address, name) for name, address in found.items())])
        return True

    def addresses(self) -> Iterable[str]:
        return self._by_address.keys()

    def at(self, address: str) -> tuple[str, ...]:
        """The devices there."""
        return self._by_address.get(address, ())


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for address, device_id in pairs:
        found.setdefault(address, []).append(device_id)
    return {address: tuple(names[:MOST_AT_ONE_ADDRESS]) for address, names in found.items()}


def _is_number(address: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, address)
            return True
    return False


class TrapPolls:
    """Hears traps and has their senders polled. ``start`` begins a poll, or says False while one is in flight."""

    def __init__(
        self, settings: CollectorSettings, *, start: Callable[[str], bool], resolved: Callable[[str], str | None]
    ) -> None:
        identity = settings.data / "traps" / f"engine-{settings.own_shard.name}.json"
        self._traps = Traps(settings.traps, settings.credentials, identity, self._heard)
        self._prompts = Prompts(settings.traps.poll_every_seconds)
        self._sources = Sources(resolved)
        self._start = start
        self._started = 0

    def open(self) -> None:
        """Listen. Raises TrapPortError."""
        self._traps.open()

    def close(self) -> None:
        self._traps.close()

    def replace(self, devices: Mapping[str, Device]) -> None:
        """Take in a new inventory."""
        self._sources.replace(devices.values())
        self._prompts.keep_only(devices)
        self._traps.know(self._sources.addresses())

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._traps.run())
            group.create_task(self._repeat(AGAIN_SECONDS, self._poll))
            group.create_task(self._repeat(LEARN_SECONDS, self._learn))

    def counts(self) -> TrapCounts:
        """What was counted since the start."""
        heard, dropped = dict(self._traps.heard_by_kind), dict(self._traps.dropped_by_reason)
        return TrapCounts(heard, dropped, self._traps.restarts, self._started)

    def _heard(self, source: str, kind: str, _count: int) -> None:
        if kind in LEADS_TO_A_POLL:
            now = asyncio.get_running_loop().time()
            for device_id in self._sources.at(source):
                self._prompts.want(device_id, now)
            self._poll()

    def _poll(self) -> None:
        self._started += self._prompts.run(self._start, asyncio.get_running_loop().time())

    def _learn(self) -> None:
        if self._sources.learn():
            self._traps.know(self._sources.addresses())

    async def _repeat(self, seconds: float, job: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                job()
            except Exception:
                log.exception("a job of the traps failed; it goes on")
