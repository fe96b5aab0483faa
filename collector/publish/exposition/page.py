"""The text of /metrics: the devices' and areas' series, joined family by family at a scrape."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from collector.config import MetricsSettings
from collector.part_measures import PartMeasure
from collector.publish.exposition import families as f
from collector.publish.exposition.area_series import Areas
from collector.publish.exposition.content_negotiation import CLASSIC, Form
from collector.publish.exposition.counts.device_counts import OUTAGE_STATES
from collector.publish.exposition.device_text import DeviceText
from collector.publish.exposition.family import DETAILS, Detail, Family
from collector.publish.exposition.gzip_chunks import Chunk, RepeatedChunk, plain
from collector.publish.exposition.moving_text import MovingText
from collector.publish.exposition.part_text import own_families
from collector.publish.exposition.samples import labels, number
from collector.quality.counters.narrow_sums import without_narrow
from collector.quality.counters.uplink import Traffic
from collector.reading import Device, Impairment, Reading, StateName, Transition

CPE_IN_FULL = 5000
DEVICES_A_STEP = 128


def detail_of(device: Device, settings: MetricsSettings, *, cpe_count: int) -> Detail:
    """How many series the device gets; customer devices are full up to 5,000 of them unless the settings say."""
    wanted = settings.network if device.role != "cpe" else settings.cpe
    if wanted is None:
        wanted = "full" if cpe_count <= CPE_IN_FULL else "area"
    return next(detail for detail in DETAILS if detail == wanted)


class _Group:
    """Some devices, whose text of ``families.STILL`` is kept joined, family by family."""

    def __init__(self, texts: list[DeviceText], own: Mapping[str, Family]) -> None:
        self._texts = texts
        self._moving = MovingText(texts, own)
        self._still = [_joined(pieces) for pieces in zip(*[text.still for text in texts], strict=True)]
        for text in texts:
            text.changed = 0

    def now(self) -> dict[Family, Chunk]:
        """The text of each metric. Of ``families.STILL`` only what changed is joined anew."""
        changed = 0
        for text in self._texts:
            text.settle()
            if text.changed:
                changed |= text.changed
                text.changed = 0
        for place in range(changed.bit_length()):
            if changed >> place & 1:
                self._still[place] = _joined(text.still[place] for text in self._texts)
        return {**dict(zip(f.STILL, self._still, strict=True)), **self._moving.now()}


def _joined(pieces: Iterable[str]) -> RepeatedChunk:
    return RepeatedChunk("".join(pieces).encode())


class Exposition:
    """All series of all devices and areas. ``measures`` are those that profiles declare."""

    def __init__(
        self,
        settings: MetricsSettings,
        devices: Iterable[Device],
        *,
        cpe_count: int | None = None,
        measures: Iterable[PartMeasure] = (),
    ) -> None:
        self._settings = settings
        self._own = own_families(measures)
        self._texts: dict[str, DeviceText] = {}
        self._down: dict[str, str] = {}
        self._roots: dict[str, str] = {}
        self._in_maintenance: dict[str, str] = {}
        self._degraded: dict[str, str] = {}
        self._faults: dict[str, str] = {}
        self._flaps: dict[str, str] = {}
        self._flap_counts: Counter[str] = Counter()
        self._areas = Areas(())
        self.replace(devices, cpe_count=cpe_count)

    def replace(self, devices: Iterable[Device], *, cpe_count: int | None = None) -> None:
        """Take in a new inventory: who left loses its series, who stays keeps what was counted.

        ``cpe_count`` counts the customer devices of all shards (default: of ``devices``).
        """
        devices = tuple(devices)
        if cpe_count is None:
            cpe_count = sum(device.role == "cpe" for device in devices)
        old, self._texts = self._texts, {}
        for device in devices:
            detail = detail_of(device, self._settings, cpe_count=cpe_count)
            text = old.get(device.device_id)
            if text is None:
                text = DeviceText(device, detail)
            elif text.device != device or text.detail != detail:
                text.describe(device, detail)
            self._texts[device.device_id] = text
        self._roots = {name: root for name, root in self._roots.items() if name in self._texts}
        for passing in (self._down, self._in_maintenance, self._degraded, self._faults, self._flaps, self._flap_counts):
            for name in [name for name in passing if name not in self._texts]:
                del passing[name]
        shown = [text for text in self._texts.values() if text.detail != "area"]
        self._groups = [_Group(shown[i : i + DEVICES_A_STEP], self._own) for i in range(0, len(shown), DEVICES_A_STEP)]
        self._areas = self._areas.rebuilt((text.device, text.state) for text in self._texts.values())

    def change(self, transition: Transition) -> None:
        """Take in a change of state."""
        device_id = transition.device_id
        text = self._texts.get(device_id)
        if text is None:
            return
        self._areas.move(text.device, text.state, transition.new)
        text.change(transition)
        if transition.is_flap and text.detail != "area":
            self._flap_counts[device_id] += 1
            own = labels(device=device_id)
            self._flaps[device_id] = f"{f.DEVICE_FLAPS.name}{own} {number(self._flap_counts[device_id])}\n"
        if transition.new in OUTAGE_STATES:
            root = self._roots[device_id] = transition.root or device_id
            own = labels(device=device_id, root=root)
            self._down[device_id] = f"{f.DEVICE_DOWN.name}{own} 1.0\n"
        else:
            self._down.pop(device_id, None)
            self._roots.pop(device_id, None)

    def maintain(self, under_way: Iterable[str]) -> None:
        """Take in the devices that are in a maintenance window now."""
        name, texts = f.DEVICE_IN_MAINTENANCE.name, self._texts
        self._in_maintenance = {d: f"{name}{labels(device=d)} 1.0\n" for d in sorted(under_way) if d in texts}

    def impair(self, impairment: Impairment) -> None:
        """Take in what ails a device that answers; at detail ``area`` it is not shown."""
        name = impairment.device_id
        text = self._texts.get(name)
        if text is None or text.detail == "area":
            return
        degraded = [f"{f.DEVICE_DEGRADED.name}{labels(device=name, measure=m)} 1.0\n" for m in impairment.measures]
        faults = [f"{f.DEVICE_FAULT.name}{labels(device=name, fault=fault)} 1.0\n" for fault in impairment.faults]
        for passing, lines in ((self._degraded, degraded), (self._faults, faults)):
            passing[name] = "".join(lines)
            if not lines:
                del passing[name]

    def update(self, reading: Reading, *, restarted: bool, traffic: Traffic | None) -> None:
        """Take in one poll of one device, after the changes of state that it led to."""
        text = self._texts.get(reading.device_id)
        if text is None:
            return
        self._areas.count(text.device, reading.echoes, traffic)
        if text.detail != "area":
            text.update(reading, restarted=restarted)

    def by_state(self) -> dict[StateName, int]:
        """Devices by state, over all areas."""
        return self._areas.by_state()

    def render(self, form: Form = CLASSIC) -> str:
        """The whole text at once, every family in one piece; a family without series is left out."""
        pieces: list[Chunk] = []
        for _ in self._gather(pieces, form):
            pass
        return b"".join(map(plain, pieces)).decode()

    async def pieces(self, form: Form) -> list[Chunk]:
        """The same text in pieces, gathered a few devices at a time so that polls go on meanwhile."""
        pieces: list[Chunk] = []
        for _ in self._gather(pieces, form):
            await asyncio.sleep(0)
        return pieces

    def _gather(self, pieces: list[Chunk], form: Form) -> Iterator[None]:
        """Fill ``pieces`` step by step; all series of one device are of the same poll."""
        of_devices = (*f.DEVICE_FAMILIES, *self._own.values())
        columns: dict[Family, list[Chunk]] = {family: [] for family in of_devices}
        for group in self._groups:
            for family, text in group.now().items():
                if text:
                    columns[family].append(text)
            yield
        for family in of_devices:
            if columns[family]:
                pieces += family.header(form).encode(), *columns[family]
        passing = self._passing()
        for family in f.PASSING_FAMILIES:
            if passing[family]:
                pieces.append("".join((family.header(form), *passing[family].values())).encode())
        pieces.append(self._areas.render(form, self._subscribers_planned()).encode())

    def _passing(self) -> dict[Family, dict[str, str]]:
        """The lines of each of ``families.PASSING_FAMILIES``."""
        return {
            f.DEVICE_DOWN: self._down,
            f.DEVICE_IN_MAINTENANCE: self._in_maintenance,
            f.DEVICE_DEGRADED: self._degraded,
            f.DEVICE_FAULT: self._faults,
            f.DEVICE_FLAPS: self._flaps,
            f.ROOT_SUBSCRIBERS: self._subscribers_by_root(),
        }

    def _subscribers_by_root(self) -> dict[str, str]:
        """A line for each root and area with customers behind devices that are out because of that root."""
        counts: Counter[str] = Counter()
        for device_id, root in self._roots.items():
            device = self._texts[device_id].device
            if device.subscribers:
                counts[labels(area=device.area, root=root)] += device.subscribers
        return {own: f"{f.ROOT_SUBSCRIBERS.name}{own} {count}\n" for own, count in counts.items()}

    def _subscribers_planned(self) -> dict[str, int]:
        """By area, the customers behind devices that are out and whose outage is planned."""
        planned: dict[str, int] = {}
        for device_id, root in self._roots.items() if self._in_maintenance else ():
            if device_id in self._in_maintenance or root in self._in_maintenance:
                device = self._texts[device_id].device
                planned[device.area] = planned.get(device.area, 0) + device.subscribers
        return planned

    def one(self, reading: Reading, form: Form) -> str:
        """The text of the device that was just read, for /probe; at detail ``area`` from this reading alone.

        A single reading does not say what 32-bit counters have passed.
        """
        text = self._texts[reading.device_id]
        if text.detail == "area":
            text = DeviceText(text.device, "full")
            text.update(without_narrow(reading), restarted=False)
        text.settle()
        found = dict(zip(f.STILL, text.still, strict=True))
        found |= {family: lines.decode() for family, lines in MovingText([text], self._own).now().items()}
        shown = (family for family in (*f.DEVICE_FAMILIES, *self._own.values()) if found.get(family))
        return "".join(family.header(form) + found[family] for family in shown)
