"""The text of one device's series: a piece for each family, of which only the numbers are rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from collector.publish import families as f
from collector.publish.text import escape, labels, number, rewrite, summary
from collector.quality.uplink import uplink_of
from collector.reading import STATES, Device, EchoBurst, InterfaceReading, Reading, StateName, Transition

OUTAGE_STATES = ("down", "suppressed")
MISSES_UNTIL_GONE = 2

_AT = {family.name: i for i, family in enumerate(f.DEVICE_FAMILIES)}
_SCALARS = slice(_AT[f.SCALARS[0].name], _AT[f.SCALARS[-1].name] + 1)
_SCALAR_NAMES = tuple(family.name for family in f.SCALARS)
_PING_RTT, _SNMP_RTT = _AT[f.PING_RTT.name], _AT[f.SNMP_RTT.name]
_STATE, _REACHABLE = _AT[f.DEVICE_STATE.name], _AT[f.DEVICE_REACHABLE.name]
_INTERFACES = slice(_AT[f.INTERFACES[0].name], _AT[f.INTERFACE_INFO.name] + 1)
_INTERFACE_NAMES = tuple(family.name for family in f.INTERFACES)
_INTERFACE_STAYS = tuple(family.kind == "counter" for family in f.INTERFACES)
_INTERFACE_WIDTH = len(f.INTERFACES) + 1
_SIGNALS = slice(_AT[f.SIGNALS[0].name], _AT[f.SIGNALS[-1].name] + 1)
_HIDDEN_IN_SUMMARY = tuple(i for i, family in enumerate(f.DEVICE_FAMILIES) if family.detail == "full")


class DeviceText:
    """What one device has counted, and ``chunks``: its text for each of ``families.DEVICE_FAMILIES``, in order."""

    def __init__(self, device: Device, detail: f.Detail) -> None:
        self.state: StateName = "unknown"
        self.down_since: float | None = None
        self.outage_seconds = self.rtt_seconds = self.snmp_rtt_seconds = 0.0
        self.outages = self.restarts = self.polls = self.polls_failed = self.pings_sent = self.pings_lost = 0
        self.rtt_count = self.snmp_rtt_count = self.snmp_misses = self.ping_misses = self.misses = 0
        self.has_pings = False
        self.up: int | None = None
        self.last_poll: float | None = None
        self.uptime: float | None = None
        self.describe(device, detail)

    def describe(self, device: Device, detail: f.Detail) -> None:
        """Take in the device's inventory row; what it has counted stays."""
        self.device, self.detail = device, detail
        self._own = labels(device=device.device_id)
        self._interfaces: dict[str, _InterfaceText] = {}
        self._values: tuple[float | None, ...] = (None,) * len(f.SCALARS)
        self._reachable = {
            (by, yes): f"bairro_device_reachable{labels(by=by, device=device.device_id)} {float(yes)}\n"
            for by in ("ping", "snmp")
            for yes in (False, True)
        }
        self.chunks = [""] * len(f.DEVICE_FAMILIES)
        info = labels(
            area=device.area,
            device=device.device_id,
            parent=device.parent or "",
            profile=device.profile or "",
            role=device.role,
            site=device.site or "",
        )
        self.chunks[_AT[f.DEVICE_INFO.name]] = f"bairro_device_info{info} 1.0\n"
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
        self.restarts += restarted
        self._count(reading)
        if reading.echoes is not None and reading.echoes.sent:
            self._count_pings(reading.echoes)
        self._write_scalars(reading)
        if self.detail == "full":
            self._write_reachable(reading)
            if reading.signals:
                self._write_signals(reading)
        if reading.interfaces:
            self._write_interfaces(reading)
        if self.snmp_misses == MISSES_UNTIL_GONE:
            self._forget_snmp_gauges()

    def _count(self, reading: Reading) -> None:
        self.polls += 1
        up = reading.is_reachable
        if up:
            self.up, self.last_poll, self.misses = 1, reading.at, 0
        elif up is False:
            self.up = 0
            self.misses += 1
            self.polls_failed += 1
        if reading.snmp == "silent":
            self.snmp_misses += reading.sent
        elif reading.snmp != "off":
            self.snmp_misses = 0
            if reading.snmp_rtt_seconds is not None:
                self.snmp_rtt_seconds += reading.snmp_rtt_seconds
                self.snmp_rtt_count += 1
        if reading.uptime_seconds is not None:
            self.uptime = reading.uptime_seconds
        elif self.snmp_misses >= MISSES_UNTIL_GONE:
            self.uptime = None

    def _count_pings(self, burst: EchoBurst) -> None:
        self.has_pings = True
        self.pings_sent += burst.sent
        self.pings_lost += burst.lost
        self.rtt_seconds += sum(burst.rtt_seconds)
        self.rtt_count += len(burst.rtt_seconds)
        self.ping_misses = 0 if burst.rtt_seconds else self.ping_misses + 1

    def _write_scalars(self, reading: Reading) -> None:
        """The text of ``families.SCALARS`` and the two summaries; a gauge that is one miss old stays."""
        own, chunks, old = self._own, self.chunks, self._values
        figures = old[-3:]
        if reading.echoes is not None and reading.echoes.rtt_seconds:
            figures = burst_figures(reading.echoes)
        elif self.ping_misses >= MISSES_UNTIL_GONE:
            figures = (None, None, None)
        has_pings = self.has_pings
        since = self.down_since
        self._values = new = (
            self.up,
            self.uptime,
            self.restarts,
            self.outage_seconds if since is None else self.outage_seconds + max(0.0, reading.at - since),
            self.outages,
            self.last_poll,
            reading.duration_seconds if self.misses < MISSES_UNTIL_GONE else None,
            self.polls,
            self.polls_failed,
            self.pings_sent if has_pings else None,
            self.pings_lost if has_pings else None,
            *figures,
        )
        texts = chunks[_SCALARS]
        rewrite(texts, _SCALAR_NAMES, own, old=old, new=new)
        chunks[_SCALARS] = texts
        if has_pings:
            chunks[_PING_RTT] = summary("bairro_ping_rtt_seconds", own, count=self.rtt_count, total=self.rtt_seconds)
        if self.snmp_rtt_count:
            chunks[_SNMP_RTT] = summary(
                "bairro_snmp_rtt_seconds", own, count=self.snmp_rtt_count, total=self.snmp_rtt_seconds
            )
        if self.detail == "summary":
            for i in _HIDDEN_IN_SUMMARY:
                chunks[i] = ""

    def _write_state(self) -> None:
        if self.detail == "full":
            head = self._own[:-1]
            self.chunks[_STATE] = "".join(
                f'bairro_device_state{head},state="{name}"}} {float(name == self.state)}\n' for name in STATES
            )

    def _write_reachable(self, reading: Reading) -> None:
        if not reading.sent:
            return
        text = ""
        if reading.echoes is not None and reading.echoes.sent:
            text = self._reachable["ping", reading.echoes.lost < reading.echoes.sent]
        if reading.snmp != "off":
            text += self._reachable["snmp", reading.snmp != "silent"]
        self.chunks[_REACHABLE] = text

    def _write_interfaces(self, reading: Reading) -> None:
        """Replace the interfaces' series; a partial answer leaves alone those that it does not speak of."""
        shown: Sequence[InterfaceReading] = reading.interfaces
        if self.detail == "summary":
            uplink = uplink_of(self.device, reading.interfaces)
            shown = () if uplink is None else (uplink,)
        old = self._interfaces
        fresh = {}
        for interface in shown:
            text = old.get(interface.name)
            if text is None or text.alias != interface.alias:
                text = _InterfaceText(self._own[:-1], interface, self.detail)
            text.update(interface)
            fresh[interface.name] = text
        self._interfaces = {**old, **fresh} if reading.snmp == "partial" else fresh
        self._join_interfaces()

    def _join_interfaces(self) -> None:
        columns = [text.chunks for text in self._interfaces.values()]
        self.chunks[_INTERFACES] = map("".join, zip(*columns, strict=True)) if columns else [""] * _INTERFACE_WIDTH

    def _write_signals(self, reading: Reading) -> None:
        received = noise = codewords = ""
        for signal in reading.signals:
            own = f'{{channel="{escape(signal.channel)}",{self._own[1:-1]}'
            if signal.received_dbm is not None:
                received += f"bairro_signal_received_dbm{own}}} {number(signal.received_dbm)}\n"
            if signal.noise_ratio_db is not None:
                noise += f"bairro_signal_noise_ratio_db{own}}} {number(signal.noise_ratio_db)}\n"
            for outcome in ("unerrored", "corrected", "uncorrectable"):
                count = getattr(signal, f"codewords_{outcome}")
                if count is not None:
                    codewords += f'bairro_docsis_codewords_total{own},outcome="{outcome}"}} {number(count)}\n'
        self.chunks[_SIGNALS] = received, noise, codewords

    def _forget_snmp_gauges(self) -> None:
        for text in self._interfaces.values():
            text.forget_gauges()
        self._join_interfaces()
        self.chunks[_SIGNALS.start : _SIGNALS.start + 2] = "", ""


def burst_figures(burst: EchoBurst) -> tuple[float, float, float | None]:
    """p50, p95 (both by nearest rank) and jitter, the mean absolute difference of neighbours (None for one echo)."""
    rtts = burst.rtt_seconds
    ranked = sorted(rtts)
    count = len(ranked)
    jitter = sum([abs(b - a) for a, b in pairwise(rtts)]) / (count - 1) if count > 1 else None
    return ranked[(count - 1) // 2], ranked[-(-95 * count // 100) - 1], jitter


class _InterfaceText:
    """One interface's text for each of ``families.INTERFACES``, and for the info family."""

    __slots__ = ("_detail", "_own", "_values", "alias", "chunks")

    def __init__(self, head: str, interface: InterfaceReading, detail: f.Detail) -> None:
        self._own = own = f'{head},interface="{escape(interface.name)}"}}'
        self._detail = detail
        self._values: tuple[float | None, ...] = (None,) * len(f.INTERFACES)
        self.alias = interface.alias
        self.chunks = [""] * _INTERFACE_WIDTH
        if interface.alias and detail == "full":
            self.chunks[-1] = f'{f.INTERFACE_INFO.name}{{alias="{escape(interface.alias)}",{own[1:]} 1.0\n'

    def update(self, i: InterfaceReading) -> None:
        """Take in the counters as the device gave them."""
        new: tuple[float | None, ...] = (i.receive_bytes, i.transmit_bytes, None, None, None, None, None, None)
        if self._detail == "full":
            new = (
                i.receive_bytes,
                i.transmit_bytes,
                i.receive_errors,
                i.transmit_errors,
                i.receive_discards,
                i.transmit_discards,
                None if i.is_up is None else int(i.is_up),
                i.speed_bytes_per_second,
            )
        rewrite(self.chunks, _INTERFACE_NAMES, self._own, old=self._values, new=new)
        self._values = new

    def forget_gauges(self) -> None:
        """Counters stay; a gauge comes back with the next answer."""
        self._values = tuple(v if stays else None for v, stays in zip(self._values, _INTERFACE_STAYS, strict=True))
        for i, stays in enumerate(_INTERFACE_STAYS):
            if not stays:
                self.chunks[i] = ""
