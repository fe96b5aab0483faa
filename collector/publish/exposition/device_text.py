"""What one device shows: of families that polls leave alone the text is kept, of the others the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from collector.publish.exposition import families as f
from collector.publish.exposition.interface_text import InterfaceTexts
from collector.publish.exposition.samples import labels, sample
from collector.quality.counters.uplink import uplink_of
from collector.reading import STATES, Device, EchoBurst, ProbeReading, Reading, SignalReading, StateName, Transition

N = TypeVar("N")
OUTAGE_STATES = ("down", "suppressed")
MISSES_UNTIL_GONE = 2

_AT = {family.name: i for i, family in enumerate(f.STILL)}


def _places(families: tuple[f.Family, ...]) -> slice:
    return slice(_AT[families[0].name], _AT[families[-1].name] + 1)


_SELDOM = _places(f.SELDOM)
_SELDOM_NAMES = tuple(family.name for family in f.SELDOM)
_INFO, _STATE, _REACHABLE = _AT[f.DEVICE_INFO.name], _AT[f.DEVICE_STATE.name], _AT[f.DEVICE_REACHABLE.name]
_INTERFACES = _places((*f.INTERFACE_SELDOM, f.INTERFACE_INFO))
_NO_CODEWORDS: dict[str, Any] = dict.fromkeys(("codewords_unerrored", "codewords_corrected", "codewords_uncorrectable"))
_NO_BURST = (None,) * len(f.LAST_BURST)


class DeviceText:
    """What one device has counted; ``still`` is its text for each of ``families.STILL``.

    ``still`` is as it should be after ``settle``; ``changed`` has a bit for each piece of it that was written since
    somebody set it to 0. ``own`` is its label in braces. Of ``families.MOVING`` the text is made in moving_text.py, from
    ``figures``, ``interfaces``, ``signals`` and ``probes``, which hold once they are settled too.
    """

    __slots__ = (
        "_burst",
        "_has_signals",
        "_is_anew",
        "_reachable",
        "_read_last",
        "_seldom",
        "_waiting",
        "changed",
        "detail",
        "device",
        "down_since",
        "duration",
        "interfaces",
        "last_poll",
        "misses",
        "outage_seconds",
        "outages",
        "own",
        "ping_misses",
        "pings_lost",
        "pings_sent",
        "polls",
        "polls_failed",
        "probes",
        "restarts",
        "rtt_count",
        "rtt_seconds",
        "signals",
        "snmp_misses",
        "snmp_rtt_count",
        "snmp_rtt_seconds",
        "state",
        "still",
        "up",
        "uptime",
    )

    def __init__(self, device: Device, detail: f.Detail) -> None:
        self.state: StateName = "unknown"
        self.down_since: float | None = None
        self.outage_seconds = self.rtt_seconds = self.snmp_rtt_seconds = 0.0
        self.outages = self.restarts = self.polls = self.polls_failed = self.pings_sent = self.pings_lost = 0
        self.rtt_count = self.snmp_rtt_count = self.snmp_misses = self.ping_misses = self.misses = 0
        self.up: int | None = None
        self.last_poll: float | None = None
        self.uptime: float | None = None
        self.duration: float | None = None
        self.changed = 0
        self.device, self.detail = device, detail
        self._begin_text(detail)
        self.describe(device, detail)

    def describe(self, device: Device, detail: f.Detail) -> None:
        """Take in the device's inventory row; what it has counted stays, and its text unless the detail changed."""
        has_text, self.device = detail == self.detail, device
        if not has_text:
            self._begin_text(detail)
        if detail != "area":
            info = labels(
                area=device.area,
                device=device.device_id,
                parent=device.parent or "",
                profile=device.profile or "",
                role=device.role,
                site=device.site or "",
            )
            self._put(_INFO, f"bairro_device_info{info} 1.0\n")

    def _begin_text(self, detail: f.Detail) -> None:
        """Nothing is shown yet; at detail ``area`` no text is kept at all."""
        self.detail = detail
        self.still: list[str] = []
        if detail == "area":
            return
        self.still += [""] * len(f.STILL)
        self.own = labels(device=self.device.device_id)
        self.interfaces = InterfaceTexts(self.own[:-1], detail)
        self._seldom: tuple[float | None, ...] = ()
        self._reachable: tuple[bool | None, bool | None] = (None, None)
        self._burst: EchoBurst | None = None
        self.signals: tuple[SignalReading, ...] = ()
        self.probes: tuple[ProbeReading, ...] = ()
        self._has_signals = self._is_anew = False
        self._read_last = (0, 0)
        self._waiting: Reading | None = None
        self._write_state()

    def _put(self, place: int, text: str) -> None:
        self.still[place] = text
        self.changed |= 1 << place

    def _put_all(self, places: slice, texts: Iterable[str]) -> None:
        for place, text in zip(range(places.start, places.stop), texts, strict=True):
            if self.still[place] != text:
                self._put(place, text)

    def change(self, transition: Transition) -> None:
        """Take in a change of state."""
        is_out = transition.new in OUTAGE_STATES
        if is_out and self.down_since is None:
            self.down_since = transition.since
            self.outages += 1
        elif not is_out and self.down_since is not None:
            self.outage_seconds += max(0.0, transition.since - self.down_since)
            self.down_since = None
        self.state = transition.new
        self._write_state()

    def update(self, reading: Reading, *, restarted: bool) -> None:
        """Take in one poll. What it changes in ``still`` waits until that is wanted, or until a poll that says less."""
        if restarted:
            self.restarts += 1
            self._is_anew = True
        self._count(reading)
        burst = reading.echoes
        if burst is not None and burst.sent:
            self._count_pings(burst)
        if self._waiting is not None and not (reading.interfaces and reading.snmp == "answered"):
            self.settle()
        self._waiting = reading
        if self.snmp_misses == MISSES_UNTIL_GONE:
            self._forget_snmp_gauges()

    def settle(self) -> None:
        """Write into ``still`` what polls have changed."""
        reading, self._waiting = self._waiting, None
        if reading is None:
            return
        self._write_seldom(reading.at)
        if self.detail == "full":
            if reading.sent:
                self._write_reachable(reading)
            if reading.signals or reading.probes or self._has_signals:
                self._take_signals(reading)
        if reading.interfaces or (reading.is_reachable and self.interfaces):
            self._take_interfaces(reading)

    def _count(self, reading: Reading) -> None:
        """What the poll says of the two methods, and the response time of SNMP."""
        self.polls += 1
        up = reading.is_reachable
        if up:
            self.up, self.last_poll, self.misses = 1, reading.at, 0
        elif up is False:
            self.up = 0
            self.misses += 1
            self.polls_failed += 1
        snmp = reading.snmp
        if snmp == "silent":
            self.snmp_misses += reading.sent
        elif snmp != "off":
            self.snmp_misses = 0
            rtt = reading.snmp_rtt_seconds
            if rtt is not None:
                self.snmp_rtt_seconds += rtt
                self.snmp_rtt_count += 1
        if reading.uptime_seconds is not None:
            self.uptime = reading.uptime_seconds
        elif snmp in ("answered", "refused") or self.snmp_misses >= MISSES_UNTIL_GONE:
            self.uptime = None
        self.duration = reading.duration_seconds if self.misses < MISSES_UNTIL_GONE else None

    def _count_pings(self, burst: EchoBurst) -> None:
        """Sums of the pings, and the last burst that came back, until two in a row have not."""
        rtts = burst.rtt_seconds
        self.pings_sent += burst.sent
        self.pings_lost += burst.lost
        if rtts:
            self.ping_misses = 0
            self.rtt_seconds += sum(rtts)
            self.rtt_count += len(rtts)
            self._burst = burst
        else:
            self.ping_misses += 1
            if self.ping_misses >= MISSES_UNTIL_GONE:
                self._burst = None

    def figures(self) -> tuple[float | tuple[float, float] | None, ...]:
        """The numbers of ``families.MOVING`` up to SNMP_RTT: of a summary count and sum, None where there is none."""
        is_full = self.detail == "full"
        has_pings = self.pings_sent > 0
        burst = burst_figures(self._burst) if is_full and self._burst is not None else _NO_BURST
        return (
            self.polls or None,
            self.last_poll,
            self.uptime,
            self.duration if is_full else None,
            self.pings_sent or None,
            (self.rtt_count, self.rtt_seconds) if has_pings else None,
            *burst,
            (self.snmp_rtt_count, self.snmp_rtt_seconds) if is_full and self.snmp_rtt_count else None,
        )

    def _write_seldom(self, at: float) -> None:
        since = self.down_since
        new = (
            self.up,
            self.restarts,
            self.outage_seconds if since is None else self.outage_seconds + max(0.0, at - since),
            self.outages,
            self.polls_failed,
            self.pings_lost if self.pings_sent else None,
        )
        if new != self._seldom:
            self._seldom = new
            own = self.own
            self._put_all(_SELDOM, [sample(name, own, v) for name, v in zip(_SELDOM_NAMES, new, strict=True)])

    def _write_state(self) -> None:
        if self.detail == "full":
            head = self.own[:-1]
            lines = (f'bairro_device_state{head},state="{name}"}} {float(name == self.state)}\n' for name in STATES)
            self._put(_STATE, "".join(lines))

    def _write_reachable(self, reading: Reading) -> None:
        burst = reading.echoes
        new = (
            burst.lost < burst.sent if burst is not None and burst.sent else None,
            reading.snmp != "silent" if reading.snmp != "off" else None,
        )
        if new != self._reachable:
            self._reachable = new
            rest = self.own[1:]
            lines = (
                f'bairro_device_reachable{{by="{by}",{rest} {float(yes)}\n'
                for by, yes in zip(("ping", "snmp"), new, strict=True)
                if yes is not None
            )
            self._put(_REACHABLE, "".join(lines))

    def _take_interfaces(self, reading: Reading) -> None:
        shown = reading.interfaces
        if self.detail == "summary":
            uplink = uplink_of(self.device, shown)
            shown = () if uplink is None else (uplink,)
        is_anew, self._is_anew = self._is_anew, False
        if self.interfaces.update(shown, reading.at, is_partial=reading.snmp != "answered", is_anew=is_anew):
            self._put_all(_INTERFACES, self.interfaces.rest())

    def _take_signals(self, reading: Reading) -> None:
        """Signals and probes. Those that an answer cut short does not speak of lose their counters, but stay once."""
        if not reading.is_reachable:
            return
        signals, probes = reading.signals, reading.probes
        if reading.snmp != "answered":
            signal_count, probe_count = self._read_last
            missed = _missed(self.signals[:signal_count], signals, "channel")
            signals += tuple(signal._replace(**_NO_CODEWORDS) for signal in missed)
            probes += _missed(self.probes[:probe_count], probes, "name")
        self.signals, self.probes = signals, probes
        self._read_last = len(reading.signals), len(reading.probes)
        self._has_signals = bool(signals or probes)

    def _forget_snmp_gauges(self) -> None:
        """Counters stay, those of codewords too."""
        self.settle()
        self.interfaces.forget_gauges()
        self._put_all(_INTERFACES, self.interfaces.rest())
        self.signals = tuple(
            s._replace(received_dbm=None, noise_ratio_db=None, noise_dbm=None, quality_ratio=None) for s in self.signals
        )
        self.probes = ()
        self._has_signals = bool(self.signals)


def _missed(read_last: tuple[N, ...], read_now: tuple[N, ...], key: str) -> tuple[N, ...]:
    names = {getattr(record, key) for record in read_now}
    return tuple(record for record in read_last if getattr(record, key) not in names)


def burst_figures(burst: EchoBurst) -> tuple[float, float, float | None]:
    """p50, p95 (both by nearest rank) and jitter, the mean absolute difference of neighbours (None for one echo)."""
    rtts = burst.rtt_seconds
    ranked = sorted(rtts)
    count = len(ranked)
    steps, before = 0.0, rtts[0]
    for rtt in rtts:
        steps += rtt - before if rtt > before else before - rtt
        before = rtt
    jitter = steps / (count - 1) if count > 1 else None
    return ranked[(count - 1) // 2], ranked[-(-95 * count // 100) - 1], jitter
