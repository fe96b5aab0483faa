"""The quality history: polls become device-hours, which close once no verdict can reach them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

from collector.publish import spans
from collector.publish.hour_writer import ClosedDevice, HourWriter, segment_of
from collector.publish.hours import HOUR, DeviceHour, Poll
from collector.publish.journal import Fact
from collector.publish.spans import Belief, Span
from collector.quality.maintenance import Calendar
from collector.quality.rates import Delta
from collector.quality.uplink import NO_TRAFFIC, Traffic
from collector.reading import Device, QualityState, Reading, StateName, Transition

PLAUSIBLE_INTERVALS = 2.5
LONGEST_SETTLE_SECONDS = 900.0
_UNHEARD: frozenset[StateName] = spans.NETWORK_DOWN | spans.LONE_SILENCE


class _Track:
    """What is known of one device over the open hours."""

    __slots__ = ("beliefs", "joined_at", "last_at", "observed", "observed_until", "unjudged")

    def __init__(self, joined_at: float) -> None:
        self.joined_at = joined_at
        self.last_at: float | None = None
        self.observed_until = 0.0
        self.observed: list[Span] = []
        self.beliefs: list[Belief] = []
        self.unjudged: list[Poll] = []


class History:
    """Accumulates device-hours and writes them; ``flush`` does the work that touches the disk, in a thread.

    ``settle_seconds`` is how long after its end an hour stays open. Nothing here reads a clock.
    """

    def __init__(
        self, data: Path, devices: Iterable[Device], *, interval_seconds: float, settle_seconds: float, shard: str = "0"
    ) -> None:
        self._gap = PLAUSIBLE_INTERVALS * interval_seconds
        self._settle = min(LONGEST_SETTLE_SECONDS, settle_seconds)
        self.writer = HourWriter(data, shard)
        self._tracks: dict[str, _Track] = {}
        self._open: dict[int, dict[str, DeviceHour]] = {}
        self._closed_until = 0
        self._blind: list[tuple[float, float | None]] = []
        self._facts: list[Fact] = []
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
        self._blind = [(start, end if end is not None else at) for start, end in self._blind]
        self._open_hours(at)

    @property
    def observed_until(self) -> float | None:
        """The newest poll that was taken in, those of an earlier process included; None if there was none."""
        return max((track.observed_until for track in self._tracks.values()), default=0.0) or None

    def beliefs(self) -> Iterator[QualityState]:
        """What was believed of each device when the journal ended: for the judging stage to take up."""
        for device_id, track in self._tracks.items():
            if track.beliefs:
                since, state, root = track.beliefs[-1]
                yield QualityState(device_id, state, since, root=root)
            elif track.observed:
                yield QualityState(device_id, "up", track.observed[-1][0])

    def seed(self, states: Iterable[QualityState], at: float) -> None:
        """What is believed of the devices as the collector starts."""
        for state in states:
            track = self._tracks.get(state.device_id)
            if track is not None and (not track.beliefs or track.beliefs[-1][1] != state.state):
                self._record(("state", state.device_id, min(state.since, at), state.state, state.root))

    def replace(self, devices: Iterable[Device], at: float) -> None:
        """Take in a new inventory. A device that left keeps its open hours."""
        self._members = frozenset(device.device_id for device in devices)
        for device_id in self._members:
            if device_id not in self._tracks:
                self._tracks[device_id] = _Track(at)

    def plan(self, calendar: Calendar) -> None:
        """The maintenance windows, by which the hours that close from now on tell planned down time."""
        self._calendar = calendar

    def observe(self, reading: Reading, delta: Delta, traffic: Traffic | None) -> None:
        """Take in one poll, after the changes of state that it led to."""
        track = self._tracks.get(reading.device_id)
        if track is None:
            return
        reachable = reading.is_reachable
        since, track.last_at = track.last_at, reading.at if reachable is not None else None
        if reachable is None:
            return
        if since is not None and not 0 < reading.at - since <= self._gap:
            since = None
        self._record(_poll(reading, delta, since, traffic=traffic, gap=self._gap, reachable=reachable))

    def change(self, transition: Transition) -> None:
        """Take in a change of state."""
        self._record(("state", transition.device_id, transition.since, transition.new, transition.root))

    def blind(self, started_at: float, ended_at: float | None) -> None:
        """The collector could not judge anything from ``started_at`` on; ``ended_at`` None: and still cannot."""
        self._record(("blind", started_at, ended_at))

    def _record(self, fact: Fact) -> None:
        self._facts.append(fact)
        self._apply(fact)

    def _apply(self, fact: Fact) -> None:
        """The one way in, for what happens now and for what the journal tells again."""
        if type(fact) is Poll:
            self._apply_poll(fact)
            return
        kind = fact[0]
        if kind == "poll":
            self._apply_poll(Poll._make(fact[1:]))
        elif kind == "state":
            _, device_id, since, state, *root = fact
            track = self._tracks.setdefault(device_id, _Track(since))
            spans.believe(track.beliefs, (since, state, root[0] if root else None))
            if state in _UNHEARD:
                track.unjudged.clear()
        elif kind == "blind":
            self._blind = [span for span in self._blind if span[0] != fact[1]] + [(fact[1], fact[2])]

    def _apply_poll(self, poll: Poll) -> None:
        track = self._tracks.get(poll.device_id)
        if track is None:
            track = self._tracks[poll.device_id] = _Track(poll.at)
        track.observed_until = poll.at
        if poll.since is not None:
            spans.extend(track.observed, poll.since, poll.at)
        if not poll.is_reachable:
            if not track.beliefs or track.beliefs[-1][1] not in _UNHEARD:
                track.unjudged.append(poll)
                self._sums(poll.at, poll.device_id)
            return
        if track.unjudged:
            for missed in track.unjudged:
                sums = self._sums(missed.at, missed.device_id)
                if sums is not None:
                    sums.add_pings(missed.pings_sent, missed.pings_lost, ())
            track.unjudged.clear()
        self._add(poll)

    def _add(self, poll: Poll) -> None:
        sums = self._sums(poll.at, poll.device_id)
        if sums is not None:
            sums.polls_answered += 1
            sums.restarts += poll.has_restarted
            if poll.pings_sent:
                sums.add_pings(poll.pings_sent, poll.pings_lost, poll.rtt_seconds)
            if poll.has_rate:
                sums.add_rates(poll)
            if poll.signal_dbm is not None or poll.signal_noise_db is not None:
                sums.add_signals(poll.signal_dbm, poll.signal_noise_db)
            if poll.at % HOUR >= poll.seconds:
                sums.add_amounts(poll.amounts, 1.0)
                return
        self._split_amounts(poll)

    def _split_amounts(self, poll: Poll) -> None:
        """Split what was counted between two polls over the hours in between, by time."""
        for hour, share in _shares(poll.at - poll.seconds, poll.at):
            sums = self._sums(hour, poll.device_id)
            if sums is not None:
                sums.add_amounts(poll.amounts, share)

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
        facts, self._facts = self._facts, []
        if segment != self._segment:
            self._segment = segment
            held = [
                ("state", device_id, *track.beliefs[-1])
                for device_id, track in self._tracks.items()
                if track.beliefs and track.beliefs[-1][1] in _UNHEARD
            ]
            blind = [("blind", *span) for span in self._blind if span[1] is None]
            facts = [*held, *blind, *facts]
        self.writer.queue(segment, facts)

    def _close(self, hour: int) -> list[ClosedDevice]:
        """Take an hour out of the open ones; what its rows are made of is handed on, copied."""
        sums = self._open.pop(hour)
        self._closed_until = hour + HOUR
        blind = [(start, end if end is not None else float("inf")) for start, end in self._blind]
        closed = []
        for device_id, track in list(self._tracks.items()):
            is_member = device_id in self._members and track.joined_at < hour + HOUR
            if is_member or device_id in sums:
                parts = spans.subtract(spans.clip(track.observed, hour, hour + HOUR), blind)
                closed.append((device_id, sums.get(device_id), parts, list(track.beliefs)))
            spans.forget(track.observed, track.beliefs, hour + HOUR)
            if device_id not in self._members and not track.observed:
                del self._tracks[device_id]
        self._blind = [span for span in self._blind if span[1] is None or span[1] > hour + HOUR]
        return closed


def _shares(start: float, end: float) -> Iterator[tuple[int, float]]:
    """The hours that ``start`` to ``end`` touches, and how much of it lies in each (they add up to 1)."""
    hour = int(start) - int(start) % HOUR
    while hour < end:
        share = (min(end, hour + HOUR) - max(start, hour)) / (end - start)
        if share > 0:
            yield hour, share
        hour += HOUR


def _poll(
    reading: Reading, delta: Delta, since: float | None, *, traffic: Traffic | None, gap: float, reachable: bool
) -> Poll:
    """What history keeps of a reading."""
    echoes, passed, signals = reading.echoes, traffic or NO_TRAFFIC, reading.signals
    seconds = delta.seconds or 0.0
    return Poll(
        reading.device_id,
        reading.at,
        since,
        reachable,
        echoes.sent if echoes else 0,
        echoes.lost if echoes else 0,
        echoes.rtt_seconds if echoes else (),
        seconds,
        0 < seconds <= gap,
        (*passed[1:5], delta.codewords_total, delta.codewords_uncorrectable),
        passed.utilization_ratio,
        delta.restarted,
        min((s.received_dbm for s in signals if s.received_dbm is not None), default=None) if signals else None,
        min((s.noise_ratio_db for s in signals if s.noise_ratio_db is not None), default=None) if signals else None,
    )
