"""The series of areas: devices by state, customers affected, and sums that stand in for devices not shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from collector.publish.exposition import families as f
from collector.publish.exposition.content_negotiation import Form
from collector.publish.exposition.counts.area_counts import AreaStates, RoleSums
from collector.publish.exposition.family import Measured
from collector.publish.exposition.samples import summary
from collector.quality.counters.uplink import Traffic
from collector.reading import STATES, Device, EchoBurst, Role, StateName


def _line(family: Measured, record: AreaStates | RoleSums) -> str:
    value = getattr(record, family.value)
    if family.kind == "summary":
        count, total = value
        return summary(family.name, record.own, count=count, total=total)
    return f"{family.name}{record.own} {value}\n"


def _devices_by_state(states: AreaStates) -> str:
    name, heads = f.AREA_DEVICES.name, states.heads
    return "".join([f"{name}{heads[state]} {states.by_state[state]}\n" for state in STATES])


class Areas:
    """Incremental sums per area, written out at a scrape."""

    def __init__(self, members: Iterable[tuple[Device, StateName]]) -> None:
        self._states: dict[str, AreaStates] = {}
        self._sums: dict[tuple[str, Role], RoleSums] = {}
        for device, state in members:
            area = device.area
            if area not in self._states:
                self._states[area] = AreaStates(area)
            states = self._states[area]
            states.by_state[state] += 1
            states.affected += device.subscribers if state in ("down", "suppressed") else 0
            if (area, device.role) not in self._sums:
                self._sums[area, device.role] = RoleSums(area, device.role)

    def rebuilt(self, members: Iterable[tuple[Device, StateName]]) -> Areas:
        """The sums of another inventory; what the areas have counted stays, for a counter must not fall."""
        fresh = Areas(members)
        fresh._sums = {key: self._sums.get(key, sums) for key, sums in fresh._sums.items()}
        return fresh

    def move(self, device: Device, old: StateName, new: StateName) -> None:
        """A device changed state."""
        states = self._states[device.area]
        states.by_state[old] -= 1
        states.by_state[new] += 1
        change = (new in ("down", "suppressed")) - (old in ("down", "suppressed"))
        states.affected += change * device.subscribers

    def count(self, device: Device, echoes: EchoBurst | None, traffic: Traffic | None) -> None:
        """A device was polled."""
        sums = self._sums[device.area, device.role]
        if echoes is not None:
            sums.pings_sent += echoes.sent
            sums.pings_lost += echoes.lost
            sums.rtt_seconds += sum(echoes.rtt_seconds)
            sums.rtt_count += len(echoes.rtt_seconds)
        if traffic is not None:
            sums.receive_bytes += traffic.receive_bytes or 0
            sums.transmit_bytes += traffic.transmit_bytes or 0

    def by_state(self) -> dict[StateName, int]:
        """Devices by state, over all areas."""
        return {state: sum(area.by_state[state] for area in self._states.values()) for state in STATES}

    def render(self, form: Form, planned: Mapping[str, int]) -> str:
        """The text of all area families; ``planned`` are the customers of each area whose outage is planned."""
        if not self._states:
            return ""
        for area, states in self._states.items():
            states.planned = planned.get(area, 0)
        bodies = {f.AREA_DEVICES: "".join(map(_devices_by_state, self._states.values()))}
        for families, records in ((f.AREA_WHOLE, self._states.values()), (f.AREA_ROLES, self._sums.values())):
            bodies |= {family: "".join([_line(family, record) for record in records]) for family in families}
        return "".join(family.header(form) + bodies[family] for family in f.AREA_FAMILIES)
