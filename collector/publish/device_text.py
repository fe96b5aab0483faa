"""The text of one device's series: a piece for each family, of which a poll rewrites only those that changed."""

from __future__ import annotations

from typing import TypeVar

from collector.publish import families as f
from collector.publish import interface_text
from collector.publish.interface_text import InterfaceTexts
from collector.publish.signal_text import probe_chunks, signal_chunks
from collector.publish.text import labels, sample, summary
from collector.quality.uplink import uplink_of
from collector.reading import STATES, Device, EchoBurst, ProbeReading, Reading, SignalReading, StateName, Transition

N = TypeVar("N")
OUTAGE_STATES = ("down", "suppressed")
MISSES_UNTIL_GONE = 2

_AT = {family.name: i for i, family in enumerate(f.DEVICE_FAMILIES)}


def _places(families: tuple[f.Family, ...]) -> slice:
    return slice(_AT[families[0].name], _AT[families[-1].name] + 1)


_SELDOM, _EACH_POLL, _LAST_BURST = _places(f.SELDOM), _places(f.EACH_POLL), _places(f.LAST_BURST)
_SELDOM_NAMES = tuple(family.name for family in f.SELDOM)
_POLLS, _LAST_POLL, _UPTIME, _DURATION = (family.name for family in f.EACH_POLL)
_P50, _P95, _JITTER = (family.name for family in f.LAST_BURST)
_SENT, _PING_NAME, _SNMP_NAME = f.PINGS_SENT.name, f.PING_RTT.name, f.SNMP_RTT.name
_SENT_AT, _PING_RTT, _SNMP_RTT = _AT[_SENT], _AT[_PING_NAME], _AT[_SNMP_NAME]
_INFO, _STATE, _REACHABLE = _AT[f.DEVICE_INFO.name], _AT[f.DEVICE_STATE.name], _AT[f.DEVICE_REACHABLE.name]
_INTERFACE = _AT[f.INTERFACE_BYTES[0].name]
_INTERFACES = slice(_INTERFACE, _INTERFACE + interface_text.WIDTH)
_SIGNALS, _OWN_PROBES = _places(f.SIGNALS), _places(f.OWN_PROBES)
_HIDDEN_IN_SUMMARY = tuple(i for i, family in enumerate(f.DEVICE_FAMILIES) if family.detail == "full")


class DeviceText:
    """What one device has counted, and ``chunks``: its text for each of ``families.DEVICE_FAMILIES``, in order."""

    __slots__ = (
        "_interfaces",
        "_own",
        "_probes",
        "_reachable",
        "_seldom",
        "_signals",
        "chunks",
        "detail",
        "device",
        "down_since",
        "last_poll",
        "misses",
        "outage_seconds",
        "outages",
        "ping_misses",
        "pings_lost",
        "pings_sent",
        "polls",
        "polls_failed",
        "restarts",
        "rtt_count",
        "rtt_seconds",
        "snmp_misses",
        "snmp_rtt_count",
        "snmp_rtt_seconds",
        "state",
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
            self.chunks[_INFO] = f"bairro_device_info{info} 1.0\n"

    def _begin_text(self, detail: f.Detail) -> None:
        """Nothing is shown yet; at detail ``area`` no text is kept at all."""
        self.detail = detail
        self.chunks: list[str] = []
        if detail == "area":
            return
        self.chunks += [""] * len(f.DEVICE_FAMILIES)
        self._own = labels(device=self.device.device_id)
        self._interfaces = InterfaceTexts(self._own[:-1], detail)
        self._seldom: tuple[float | None, ...] = ()
        self._reachable: tuple[bool | None, bool | None] = (None, None)
        self._signals: tuple[SignalReading, ...] = ()
        self._probes: tuple[ProbeReading, ...] = ()
        self._write_state()

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
        """Take in one poll."""
        if restarted:
            self.restarts += 1
        is_full = self.detail == "full"
        self._count(reading)
        burst = reading.echoes
        if burst is not None and burst.sent:
            self._count_pings(burst)
        self._write_each_poll(reading)
        self._write_seldom(reading.at)
        if is_full:
            if reading.sent:
                self._write_reachable(reading)
            is_whole = reading.snmp == "answered"
            if reading.signals or reading.probes or (is_whole and (self._signals or self._probes)):
                self._write_signals(reading)
        if reading.interfaces:
            self._write_interfaces(reading)
        if self.snmp_misses == MISSES_UNTIL_GONE:
            self._forget_snmp_gauges()
        if not is_full:
            for i in _HIDDEN_IN_SUMMARY:
                self.chunks[i] = ""

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
                self.snmp_rtt_seconds = total = self.snmp_rtt_seconds + rtt
                self.snmp_rtt_count = count = self.snmp_rtt_count + 1
                self.chunks[_SNMP_RTT] = summary(_SNMP_NAME, self._own, count=count, total=total)
        if reading.uptime_seconds is not None:
            self.uptime = reading.uptime_seconds
        elif self.snmp_misses >= MISSES_UNTIL_GONE:
            self.uptime = None

    def _count_pings(self, burst: EchoBurst) -> None:
        """Sums of the pings, and figures of the last burst that came back, until two in a row have not."""
        own, chunks, rtts = self._own, self.chunks, burst.rtt_seconds
        self.pings_sent = sent = self.pings_sent + burst.sent
        self.pings_lost += burst.lost
        chunks[_SENT_AT] = f"{_SENT}{own} {sent}\n"
        if rtts:
            self.ping_misses = 0
            self.rtt_seconds = total = self.rtt_seconds + sum(rtts)
            self.rtt_count = count = self.rtt_count + len(rtts)
            chunks[_PING_RTT] = summary(_PING_NAME, own, count=count, total=total)
            p50, p95, jitter = burst_figures(burst)
            chunks[_LAST_BURST] = (
                f"{_P50}{own} {p50:.9f}\n",
                f"{_P95}{own} {p95:.9f}\n",
                "" if jitter is None else f"{_JITTER}{own} {jitter:.9f}\n",
            )
        else:
            self.ping_misses += 1
            if not self.rtt_count:
                chunks[_PING_RTT] = summary(_PING_NAME, own, count=0, total=0.0)
            if self.ping_misses >= MISSES_UNTIL_GONE:
                chunks[_LAST_BURST] = "", "", ""

    def _write_each_poll(self, reading: Reading) -> None:
        own, last_poll, uptime = self._own, self.last_poll, self.uptime
        self.chunks[_EACH_POLL] = (
            f"{_POLLS}{own} {self.polls}\n",
            "" if last_poll is None else f"{_LAST_POLL}{own} {last_poll:.3f}\n",
            "" if uptime is None else f"{_UPTIME}{own} {uptime:.2f}\n",
            f"{_DURATION}{own} {reading.duration_seconds:.6f}\n" if self.misses < MISSES_UNTIL_GONE else "",
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
            own = self._own
            self.chunks[_SELDOM] = [sample(name, own, v) for name, v in zip(_SELDOM_NAMES, new, strict=True)]

    def _write_state(self) -> None:
        if self.detail == "full":
            head = self._own[:-1]
            self.chunks[_STATE] = "".join(
                f'bairro_device_state{head},state="{name}"}} {float(name == self.state)}\n' for name in STATES
            )

    def _write_reachable(self, reading: Reading) -> None:
        burst = reading.echoes
        new = (
            burst.lost < burst.sent if burst is not None and burst.sent else None,
            reading.snmp != "silent" if reading.snmp != "off" else None,
        )
        if new != self._reachable:
            self._reachable = new
            rest = self._own[1:]
            self.chunks[_REACHABLE] = "".join(
                f'bairro_device_reachable{{by="{by}",{rest} {float(yes)}\n'
                for by, yes in zip(("ping", "snmp"), new, strict=True)
                if yes is not None
            )

    def _write_interfaces(self, reading: Reading) -> None:
        shown = reading.interfaces
        if self.detail == "summary":
            uplink = uplink_of(self.device, shown)
            shown = () if uplink is None else (uplink,)
        changed = self._interfaces.update(shown, is_partial=reading.snmp == "partial")
        self.chunks[_INTERFACE : _INTERFACE + len(changed)] = changed

    def _write_signals(self, reading: Reading) -> None:
        """Signals and probes; only a partial answer leaves alone those that it does not speak of."""
        signals, probes = reading.signals, reading.probes
        if reading.snmp == "partial":
            signals = _merged(self._signals, signals, "channel")
            probes = _merged(self._probes, probes, "name")
        self._signals, self._probes = signals, probes
        own = self._own[1:-1]
        self.chunks[_SIGNALS] = signal_chunks(own, signals)
        self.chunks[_OWN_PROBES] = probe_chunks(own, probes)

    def _forget_snmp_gauges(self) -> None:
        chunks = self.chunks
        chunks[_INTERFACES] = self._interfaces.forget_gauges()
        if self._signals or self._probes:
            self._signals, self._probes = (), ()
            codewords = chunks[_SIGNALS.stop - 1]
            chunks[_SIGNALS] = [*signal_chunks("", ())[:-1], codewords]
            chunks[_OWN_PROBES] = probe_chunks("", ())


def _merged(old: tuple[N, ...], new: tuple[N, ...], key: str) -> tuple[N, ...]:
    by_name = {getattr(record, key): record for record in (*old, *new)}
    return tuple(by_name.values())


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
