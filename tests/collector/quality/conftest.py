"""A network to judge: a script of polls, or a simulated world that is polled as the collector's cycle would."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from collector.config import OutageSettings
from collector.quality.counters.uplink import Traffic
from collector.quality.state import Network
from collector.reading import (
    Device,
    EchoBurst,
    Impairment,
    IncidentChange,
    OpenIncident,
    QualityState,
    Reading,
    Verdict,
)

TIMEOUT = 2.0
RTT = 0.01


def device(device_id: str, parent: str | None = None) -> Device:
    """``c...`` is a customer device, anything else a router."""
    role = "cpe" if device_id.startswith("c") and device_id[1:].isdigit() else "router"
    return Device(device_id, "192.0.2.1", role, "Area", parent=parent, subscribers=int(role == "cpe"))


def devices(tree: dict[str, str | None]) -> list[Device]:
    return [device(name, parent) for name, parent in tree.items()]


def reading(device_id: str, at: float, *, answers: bool | None = True, sent: bool = True) -> Reading:
    """One poll; ``answers`` None means that no method is enabled."""
    outcome = "off" if answers is None else "answered" if answers else "silent"
    return Reading(device_id, at, 0.05 if answers else TIMEOUT, outcome, sent=sent)  # type: ignore[arg-type]


def burst(lost: int, rtt: float = RTT) -> EchoBurst:
    """Five echoes of which so many were lost; one of the others is a straggler."""
    return EchoBurst(5, lost, (rtt, rtt * 1.1, rtt * 0.95, rtt, 1.0)[: 5 - lost])


@dataclass
class Books:
    """What the incident log would hold: rows of (device, started, ended) by incident."""

    incidents: dict[str, IncidentChange] = field(default_factory=dict)
    rows: dict[str, dict[tuple[str, float], float | None]] = field(default_factory=dict)

    def enter(self, changes: Iterable[IncidentChange]) -> None:
        for change in changes:
            known = self.incidents.get(change.incident_id)
            assert known is None or known.ended_at is None, "a closed incident changed"
            self.incidents[change.incident_id] = change
            rows = self.rows.setdefault(change.incident_id, {})
            for device_id, at in change.joined:
                assert all(ended is not None for (name, _), ended in rows.items() if name == device_id)
                rows[device_id, at] = None
            for device_id, at in change.left:
                open_rows = [key for key, ended in rows.items() if key[0] == device_id and ended is None]
                assert len(open_rows) == 1, f"{device_id} left without being in"
                assert at >= open_rows[0][1]
                rows[open_rows[0]] = at
            if change.ended_at is not None:
                assert None not in rows.values(), "closed with devices in it"
                assert change.ended_at >= change.started_at

    def down_seconds(self, device_id: str, until: float, kind: str = "outage") -> float:
        """Seconds in incidents; fails where two of them count the same second."""
        spans = sorted(
            (started, until if ended is None else ended)
            for incident_id, rows in self.rows.items()
            if self.incidents[incident_id].kind == kind
            for (name, started), ended in rows.items()
            if name == device_id and ended != started
        )
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans)), f"counted twice: {spans}"
        return sum(end - start for start, end in spans)


class Scene:
    """A network with its books; ``polls`` feeds a script of (time, device, answers)."""

    def __init__(
        self,
        tree: dict[str, str | None],
        *,
        sentinels: tuple[str, ...] = (),
        interval_seconds: float = 60,
        **outage: float,
    ) -> None:
        self.tree = tree
        self.settings = OutageSettings(**outage)  # type: ignore[arg-type]
        self.network = Network(devices(tree), self.settings, interval_seconds=interval_seconds, sentinels=sentinels)
        self.books = Books()
        self.asked: list[str] = []
        self.ailing: dict[str, Impairment] = {}

    def take(self, verdict: Verdict) -> Verdict:
        self.books.enter(verdict.incidents)
        self.asked += verdict.ask
        for impairment in verdict.impairments:
            self.ailing[impairment.device_id] = impairment
            if not (impairment.measures or impairment.faults):
                del self.ailing[impairment.device_id]
        return verdict

    def poll(self, at: float, *names: str, answers: bool | None = True, sent: bool = True) -> Verdict:
        verdict = Verdict()
        for name in names:
            verdict = self.take(self.network.observe(reading(name, at, answers=answers, sent=sent)))
        return verdict

    def silent(self, at: float, *names: str) -> Verdict:
        return self.poll(at, *names, answers=False)

    def all_up(self, at: float = 0.0) -> None:
        self.poll(at, *self.tree)

    def state(self, name: str) -> QualityState:
        return self.network.state(name)

    def states(self) -> dict[str, str]:
        return {state.device_id: state.state for state in self.network.states()}

    def open(self, kind: str | None = None) -> list[OpenIncident]:
        incidents = [i for i in self.network.open_incidents() if kind in (None, i.kind)]
        return sorted(incidents, key=lambda incident: incident.started_at)


class World(Scene):
    """Devices that break and recover, polled every 60 s each at its own phase; asked ones at once, suspects again soon.

    Each poll carries five echoes, of which ``losing`` names how many are lost, and ``late`` the round trip; ``full``
    is how full an uplink is.
    """

    def __init__(self, tree: dict[str, str | None], **settings: float) -> None:
        super().__init__(tree, **settings)
        self.broken: set[str] = set()
        self.losing: dict[str, int] = {}
        self.late: dict[str, float] = {}
        self.full: dict[str, float] = {}
        self.connected = True
        self.now = 0.0
        self._ticked_at = 0.0
        self._due: list[tuple[float, str]] = [(60.0 * i / len(tree), name) for i, name in enumerate(tree)]
        self._again: list[tuple[float, str]] = []
        self._arriving: list[tuple[float, int, Reading]] = []
        self._in_flight: set[str] = set()
        self._count = 0
        heapq.heapify(self._due)

    def answers(self, name: str) -> bool:
        at: str | None = name
        while at is not None:
            if at in self.broken:
                return False
            at = self.tree[at]
        return self.connected

    def run(self, until: float, check: Callable[[World], None] | None = None) -> None:
        """Poll until ``until``; ``check`` is called after every reading."""
        while True:
            while self._again and self._again[0][0] <= min(self._due[0][0], *(a[0] for a in self._arriving[:1]), until):
                self.now, name = heapq.heappop(self._again)
                self._start(name)
            due = self._due[0][0] if self._due else until
            arriving = self._arriving[0][0] if self._arriving else until
            if min(due, arriving) >= until:
                self.now = until
                return
            if min(due, arriving) >= self._ticked_at + 15:
                self._ticked_at = min(due, arriving)
                self._follow(self.network.tick(self._ticked_at))
            if arriving <= due:
                self.now, _, taken = heapq.heappop(self._arriving)
                self._in_flight.discard(taken.device_id)
                used = self.full.get(taken.device_id)
                traffic = None if used is None else Traffic(60.0, None, None, None, None, used)
                self._follow(self.network.observe(taken, traffic))
                if check is not None:
                    check(self)
            else:
                self.now, name = heapq.heappop(self._due)
                heapq.heappush(self._due, (self.now + 60, name))
                self._start(name)

    def _follow(self, verdict: Verdict) -> None:
        self.take(verdict)
        for name in verdict.ask:
            self._start(name)
        for name, at in verdict.again:
            heapq.heappush(self._again, (at, name))

    def _start(self, name: str) -> None:
        if name in self._in_flight:
            return
        self._in_flight.add(name)
        self._count += 1
        taken = reading(name, self.now, answers=self.answers(name))
        echoes = burst(self.losing.get(name, 0), self.late.get(name, RTT)) if self.answers(name) else EchoBurst(5, 5)
        taken = taken._replace(echoes=echoes)
        heapq.heappush(self._arriving, (self.now + taken.duration_seconds, self._count, taken))


TREE: dict[str, str | None] = {
    "core": None,
    "agg1": "core",
    "agg2": "core",
    "olt1": "agg1",
    "olt2": "agg1",
    **{f"c{i}": "olt1" for i in range(1, 11)},
    **{f"c{i}": "olt2" for i in range(11, 15)},
}


@pytest.fixture
def tree() -> dict[str, str | None]:
    return dict(TREE)


@pytest.fixture
def make_scene() -> type[Scene]:
    return Scene


@pytest.fixture
def make_world() -> type[World]:
    return World
