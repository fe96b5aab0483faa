"""The quality history: polls become device-hours, which close once no verdict can reach them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path

from collector.publish.hours import time_intervals
from collector.publish.hours.facts import NO_AMOUNTS, BlindFact, Fact, PollFact, RecallFact, Row, StateFact
from collector.publish.hours.hour_facts import HOUR, DeviceHour
from collector.publish.hours.hour_writer import ClosedDevice, HourWriter, segment_of
from collector.publish.hours.poll_rows import poll_row
from collector.publish.hours.time_intervals import Belief, Span
from collector.publish.quarantine import Aside
from collector.quality.counters.rates import Delta
from collector.quality.counters.uplink import Traffic
from collector.quality.maintenance import Calendar
from collector.reading import Device, QualityState, Reading, StateName, Transition

PLAUSIBLE_INTERVALS = 2.5
LONGEST_SETTLE_SECONDS = 900.0
_new_record = tuple.__new__
_UNHEARD: frozenset[StateName] = time_intervals.NETWORK_DOWN | time_intervals.LONE_SILENCE


class _Track:
    """What is known of one device over the open hours; ``sums`` are those of the hour that its newest poll lies in."""

    __slots__ = ("beliefs", "hour", "joined_at", "last_at", "observed", "observed_until", "sums", "unjudged")

    def __init__(self, joined_at: float) -> None:
        self.joined_at = joined_at
        self.last_at: float | None = None
        self.observed_until = 0.0
        self.observed: list[Span] = []
        self.beliefs: list[Belief] = []
        self.unjudged: list[PollFact] = []
        self.hour = 0
        self.sums: DeviceHour | None = None


class History:
    """Accumulates device-hours and writes them; ``flush`` does the work that touches the disk, in a thread.

    ``settle_seconds`` is how long after its end an hour stays open. Nothing here reads a clock.
    """

    def __init__(
        self,
        data: Path,
        devices: Iterable[Device],
        *,
        interval_seconds: float,
        settle_seconds: float,
        shard: str = "0",
        aside: Aside | None = None,
    ) -> None:
        self._gap = PLAUSIBLE_INTERVALS * interval_seconds
        self._settle = min(LONGEST_SETTLE_SECONDS, settle_seconds)
        self.writer = HourWriter(data, shard, aside)
        self._tracks: dict[str, _Track] = {}
        self._open: dict[int, dict[str, DeviceHour]] = {}
        self._closed_until = 0
        self._blind: list[BlindFact] = []
        self._unwritten: list[Row] = []
        self._segment = ""
        self._calendar = Calendar()
        self._members: frozenset[str] = frozenset()
        self.replace(devices, 0.0)

    def restore(self, at: float) -> None:
        """Take up the open hours that an earlier process left; the time since then stays unobserved."""
        for fact in self.writer.journal.replay():
            self._apply(fact)
        for track in self._tracks.values():
            track.last_at = None
            track.unjudged.clear()
            if not track.beliefs:
                track.joined_at = at
        self._blind = [blind._replace(ended_at=at) if blind.ended_at is None else blind for blind in self._blind]
        self._open_hours(at)

    @property
    def observed_until(self) -> float | None:
        """The newest poll that was recorded, also by an earlier process; None if there was none."""
        return max((track.observed_until for track in self._tracks.values()), default=0.0) or None

    def beliefs(self) -> Iterator[QualityState]:
        """What was believed of each device when the journal ended: for the judging stage to take up."""
        for device_id, track in self._tracks.items():
            if track.beliefs:
                newest = track.beliefs[-1]
                yield QualityState(device_id, newest.state, newest.since, root=newest.root)
            elif track.observed:
                since, _ = track.observed[-1]
                yield QualityState(device_id, "up", since)

    def seed(self, states: Iterable[QualityState], at: float) -> None:
        """What is believed of the devices as the collector starts."""
        for state in states:
            track = self._tracks.get(state.device_id)
            if track is not None and (not track.beliefs or track.beliefs[-1].state != state.state):
                self._record(StateFact("state", state.device_id, min(state.since, at), state.state, state.root))

    def replace(self, devices: Iterable[Device], at: float) -> None:
        """Take in a new inventory. A device that left keeps its open hours."""
        self._members = frozenset(device.device_id for device in devices)
        for device_id in self._members:
            if device_id not in self._tracks:
                self._tracks[device_id] = _Track(at)

    def plan(self, calendar: Calendar) -> None:
        """Set the maintenance windows that decide, in hours that close from now on, which down time was planned."""
        self._calendar = calendar

    def observe(self, reading: Reading, delta: Delta, traffic: Traffic | None) -> None:
        """Take in one poll, after the changes of state that it led to."""
        track = self._tracks.get(reading.device_id)
        if track is None:
            return
        reachable = reading.is_reachable
        if reachable is None:
            track.last_at = None
            return
        if traffic is not None and traffic.false_since is not None:
            self._record(RecallFact("recall", reading.device_id, traffic.false_since, reading.at))
        at, since = reading.at, track.last_at
        track.last_at = at
        if since is not None and not 0 < at - since <= self._gap:
            since = None
        row = poll_row(reading, delta, since, traffic=traffic, gap=self._gap, reachable=reachable)
        self._unwritten.append(row)
        self._take(track, _new_record(PollFact, row))

    def change(self, transition: Transition) -> None:
        """Take in a change of state."""
        self._record(StateFact("state", transition.device_id, transition.since, transition.new, transition.root))

    def blind(self, started_at: float, ended_at: float | None) -> None:
        """The collector could not judge anything from ``started_at`` on; ``ended_at`` None: and still cannot."""
        self._record(BlindFact("blind", started_at, ended_at))

    def _record(self, fact: Fact) -> None:
        self._unwritten.append(tuple(fact))
        self._apply(fact)

    def _apply(self, fact: Fact) -> None:
        """Record what the journal held, and everything that happens now except polls."""
        match fact:
            case PollFact():
                track = self._tracks.get(fact.device_id)
                if track is None:
                    track = self._tracks[fact.device_id] = _Track(fact.at)
                self._take(track, fact)
            case StateFact():
                track = self._tracks.setdefault(fact.device_id, _Track(fact.since))
                time_intervals.believe(track.beliefs, Belief(fact.since, fact.state, fact.root))
                if fact.state in _UNHEARD:
                    track.unjudged.clear()
            case RecallFact():
                for hour, devices in self._open.items():
                    if fact.since < hour + HOUR and fact.device_id in devices:
                        devices[fact.device_id].forget_rates()
            case BlindFact():
                self._blind = [blind for blind in self._blind if blind.started_at != fact.started_at] + [fact]

    def _take(self, track: _Track, poll: PollFact) -> None:
        """The one way in for a poll, now and again."""
        at, since = poll.at, poll.since
        track.observed_until = at
        if since is not None:
            time_intervals.extend(track.observed, since, at)
        if not poll.is_reachable:
            self._miss(track, poll)
            return
        if track.unjudged:
            self._count_misses(track)
        if not track.hour <= at < track.hour + HOUR:
            track.hour = int(at) - int(at) % HOUR
            track.sums = self._sums(at, poll.device_id)
        sums, amounts = track.sums, poll.amounts
        if sums is not None:
            sums.add(poll)
        if amounts is NO_AMOUNTS:
            return
        if sums is not None and at - poll.seconds >= track.hour:
            sums.add_amounts(amounts)
        else:
            self._split_amounts(poll)

    def _miss(self, track: _Track, poll: PollFact) -> None:
        """Its echoes are lost packets only if no verdict explains the silence, which is not known yet."""
        if not track.beliefs or track.beliefs[-1].state not in _UNHEARD:
            track.unjudged.append(poll)
            self._sums(poll.at, poll.device_id)

    def _count_misses(self, track: _Track) -> None:
        for missed in track.unjudged:
            sums = self._sums(missed.at, missed.device_id)
            if sums is not None:
                sums.add_pings(missed.pings_sent, missed.pings_lost, ())
        track.unjudged.clear()

    def _split_amounts(self, poll: PollFact) -> None:
        """Split what was counted between two polls over the hours in between, by time."""
        for hour, share in _shares(poll.at - poll.seconds, poll.at):
            sums = self._sums(hour, poll.device_id)
            if sums is not None:
                sums.add_amounts(None if amount is None else amount * share for amount in poll.amounts)

    def _sums(self, at: float, device_id: str) -> DeviceHour | None:
        hour = int(at) - int(at) % HOUR
        if hour < self._closed_until:
            return None
        devices = self._open.get(hour)
        if devices is None:
            devices = self._open[hour] = {}
        sums = devices.get(device_id)
        if sums is None:
            sums = devices[device_id] = DeviceHour()
        return sums

    def _open_hours(self, at: float) -> None:
        """The hour that ``at`` lies in gets its rows even if nothing is measured in it."""
        hour = int(at) - int(at) % HOUR
        if hour >= self._closed_until:
            self._open.setdefault(hour, {})

    async def flush(self, at: float) -> None:
        """Journal what is new, write the hours that have closed, compact days; a failure is tried again next time."""
        self._open_hours(at)
        self._turn_segment(at)
        closing = [hour for hour in sorted(self._open) if hour + HOUR + self._settle <= at]
        closed = [(hour, self._close(hour)) for hour in closing]
        await asyncio.to_thread(self.writer.write, closed, closed_until=self._closed_until, calendar=self._calendar)

    def close(self, at: float) -> None:
        """Journal the rest: the last thing before the process ends."""
        self._turn_segment(at)
        self.writer.write((), closed_until=self._closed_until, calendar=self._calendar)

    def _turn_segment(self, at: float) -> None:
        """Queue the new facts for the journal; a new segment begins with what is believed of silent devices."""
        segment = segment_of(at)
        rows, self._unwritten = self._unwritten, []
        if segment != self._segment:
            self._segment = segment
            held = [
                StateFact("state", device_id, *track.beliefs[-1])
                for device_id, track in self._tracks.items()
                if track.beliefs and track.beliefs[-1].state in _UNHEARD
            ]
            blind = [blind for blind in self._blind if blind.ended_at is None]
            rows = [*map(tuple, held), *map(tuple, blind), *rows]
        self.writer.queue(segment, rows)

    def _close(self, hour: int) -> list[ClosedDevice]:
        """Take an hour out of the open ones; what its rows are made of is handed on, copied."""
        sums = self._open.pop(hour)
        self._closed_until = hour + HOUR
        blind = [(b.started_at, b.ended_at if b.ended_at is not None else inf) for b in self._blind]
        closed = []
        for device_id, track in list(self._tracks.items()):
            is_member = device_id in self._members and track.joined_at < hour + HOUR
            if is_member or device_id in sums:
                parts = time_intervals.subtract(time_intervals.clip(track.observed, hour, hour + HOUR), blind)
                closed.append(ClosedDevice(device_id, sums.get(device_id), parts, list(track.beliefs)))
            if track.hour == hour:
                track.hour, track.sums = 0, None
            time_intervals.forget(track.observed, track.beliefs, hour + HOUR)
            if device_id not in self._members and not track.observed:
                del self._tracks[device_id]
        self._blind = [blind for blind in self._blind if blind.ended_at is None or blind.ended_at > hour + HOUR]
        return closed


def _shares(start: float, end: float) -> Iterator[tuple[int, float]]:
    """The hours that ``start`` to ``end`` touches, and how much of it lies in each (they add up to 1)."""
    hour = int(start) - int(start) % HOUR
    while hour < end:
        share = (min(end, hour + HOUR) - max(start, hour)) / (end - start)
        if share > 0:
            yield hour, share
        hour += HOUR
