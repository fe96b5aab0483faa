"""What one device shows: of families that polls leave alone the text is kept, of the others the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from collector.publish.exposition import families as f
from collector.publish.exposition import interface_text
from collector.publish.exposition.counts.device_counts import MISSES_UNTIL_GONE, DeviceCounts
from collector.publish.exposition.family import Detail, values_of
from collector.publish.exposition.interface_text import InterfaceTexts
from collector.publish.exposition.samples import labels, sample
from collector.quality.counters.uplink import uplink_of
from collector.reading import STATES, Device, PartReading, ProbeReading, Reading, SignalReading, Transition

N = TypeVar("N")
_AT = {family: i for i, family in enumerate(f.STILL)}
_SELDOM = tuple(_AT[family] for family in f.SELDOM)
_SELDOM_NAMES = tuple(family.name for family in f.SELDOM)
_seldom_values = values_of(f.SELDOM)
_INFO, _STATE, _REACHABLE = _AT[f.DEVICE_INFO], _AT[f.DEVICE_STATE], _AT[f.DEVICE_REACHABLE]
_INTERFACES = tuple(_AT[family] for family in interface_text.FAMILIES)
_LEVELS: dict[str, Any] = {family.value: None for family in f.SIGNAL_LEVELS}
_NO_CODEWORDS: dict[str, Any] = dict.fromkeys(("codewords_unerrored", "codewords_corrected", "codewords_uncorrectable"))


class DeviceText(DeviceCounts):
    """What one device shows; ``still`` is its text for each of ``families.STILL``.

    ``still`` is as it should be after ``settle``; ``changed`` has a bit for each piece of it that was written since
    somebody set it to 0. ``own`` is its label in braces. Of ``families.MOVING`` the text is made in moving_text.py, from what
    was counted and from ``interfaces``, ``signals`` and ``probes``, which hold once they are settled too. ``parts`` are those
    of the last poll that asked for them.
    """

    __slots__ = (
        "_has_signals",
        "_is_anew",
        "_reachable",
        "_read_last",
        "_seldom",
        "_waiting",
        "_waiting_before",
        "_waits_for_first",
        "changed",
        "interfaces",
        "own",
        "parts",
        "probes",
        "signals",
        "still",
    )

    def __init__(self, device: Device, detail: Detail) -> None:
        super().__init__(device, detail)
        self.changed = 0
        self._begin_text(detail)
        self.describe(device, detail)

    def describe(self, device: Device, detail: Detail) -> None:
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

    def _begin_text(self, detail: Detail) -> None:
        """Nothing is shown yet; at detail ``area`` no text is kept at all."""
        self.detail = detail
        self.still: list[str] = []
        if detail == "area":
            return
        self.still += [""] * len(f.STILL)
        self.own = labels(device=self.device.device_id)
        self.interfaces = InterfaceTexts(self.own[:-1], detail)
        self._seldom: tuple[Any, ...] = ()
        self._reachable: tuple[bool | None, bool | None] = (None, None)
        self.signals: tuple[SignalReading, ...] = ()
        self.probes: tuple[ProbeReading, ...] = ()
        self.parts: tuple[PartReading, ...] = ()
        self._has_signals = self._is_anew = False
        self._read_last = (0, 0)
        self._waiting: Reading | None = None
        self._waiting_before: Reading | None = None
        self._waits_for_first = True
        self._write_state()

    def _put(self, place: int, text: str) -> None:
        self.still[place] = text
        self.changed |= 1 << place

    def _put_all(self, places: Sequence[int], texts: Iterable[str]) -> None:
        for place, text in zip(places, texts, strict=True):
            if self.still[place] != text:
                self._put(place, text)

    def change(self, transition: Transition) -> None:
        """Take in a change of state."""
        self.count_change(transition)
        self._write_state()

    def update(self, reading: Reading, *, restarted: bool) -> None:
        """Take in one poll. What it changes in ``still`` waits until that is wanted, or until a poll that says less.

        What interfaces say is judged once it is wanted; the first poll at once, for the next to be compared with, and one cut
        short. Of polls of several that nobody asked for the newest two wait. That is enough, however seldom the page is asked
        for: the first of the two shows what has passed since the last one that was judged, the second whether it goes on so.
        """
        if restarted:
            self.settle()
            self.restarts += 1
            self._is_anew = True
        self.count(reading)
        if reading.parts is not None and self.detail == "full":
            self.parts = reading.parts
        interfaces, is_whole = reading.interfaces, reading.snmp == "answered"
        if self._waiting is not None:
            if not (interfaces and is_whole):
                self.settle()
            elif len(interfaces) > 1:
                self._waiting_before = self._waiting
        self._waiting = reading
        if interfaces and (self._waits_for_first or not is_whole):
            self._waits_for_first = False
            self.settle()
        if self.snmp_misses == MISSES_UNTIL_GONE:
            self._forget_snmp_gauges()

    def settle(self) -> None:
        """Write into ``still`` what polls have changed."""
        before, reading = self._waiting_before, self._waiting
        self._waiting_before = self._waiting = None
        if reading is None:
            return
        if before is not None and before.interfaces:
            self._take_interfaces(before)
        self._write_seldom(reading.at)
        if self.detail == "full":
            if reading.sent:
                self._write_reachable(reading)
            if reading.signals or reading.probes or self._has_signals:
                self._take_signals(reading)
        if reading.interfaces or (reading.is_reachable and self.interfaces):
            self._take_interfaces(reading)

    def _write_seldom(self, at: float) -> None:
        if self.down_since is not None:
            self.count_outage(at)
        new = _seldom_values(self)
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
        self.signals = tuple(signal._replace(**_LEVELS) for signal in self.signals)
        self.probes, self.parts = (), ()
        self._has_signals = bool(self.signals)


def _missed(read_last: tuple[N, ...], read_now: tuple[N, ...], key: str) -> tuple[N, ...]:
    names = {getattr(record, key) for record in read_now}
    return tuple(record for record in read_last if getattr(record, key) not in names)
