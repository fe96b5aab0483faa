"""The series of areas: devices by state, customers affected, and sums that stand in for devices not shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from collector.publish.exposition import families as f
from collector.publish.exposition.content_negotiation import Form
from collector.publish.exposition.samples import labels, summary
from collector.quality.counters.uplink import Traffic
from collector.reading import STATES, Device, EchoBurst, Role, StateName

_DEVICES, _AFFECTED = f.AREA_DEVICES.name, f.AREA_SUBSCRIBERS.name
_PLANNED = f.AREA_SUBSCRIBERS_PLANNED.name
_PINGS_SENT, _PINGS_LOST, _RTT = f.AREA_PINGS_SENT.name, f.AREA_PINGS_LOST.name, f.AREA_RTT.name
_RECEIVED, _SENT = f.AREA_RECEIVED.name, f.AREA_SENT.name


class _States:
    """An area's devices by state, and the customers behind those that are down or suppressed."""

    __slots__ = ("_heads", "affected", "by_state", "own")

    def __init__(self, area: str) -> None:
        self.own = labels(area=area)
        self._heads = {state: labels(area=area, state=state) for state in STATES}
        self.by_state: dict[StateName, int] = dict.fromkeys(STATES, 0)
        self.affected = 0

    def text(self, planned: int) -> tuple[str, str, str]:
        """One piece for each of the families that are not labelled by role."""
        heads, counts = self._heads, self.by_state
        devices = "".join([f"{_DEVICES}{heads[state]} {counts[state]}\n" for state in STATES])
        return devices, f"{_AFFECTED}{self.own} {self.affected}\n", f"{_PLANNED}{self.own} {planned}\n"


class _RoleSums:
    """Counters over an area's devices of one role."""

    __slots__ = ("lost", "own", "received", "rtt_count", "rtt_seconds", "sent", "transmitted")

    def __init__(self, area: str, role: Role) -> None:
        self.own = labels(area=area, role=role)
        self.sent = self.lost = self.rtt_count = self.received = self.transmitted = 0
        self.rtt_seconds = 0.0

    def text(self) -> tuple[str, ...]:
        """One piece for each of the families that are labelled by role."""
        own = self.own
        return (
            f"{_PINGS_SENT}{own} {self.sent}\n",
            f"{_PINGS_LOST}{own} {self.lost}\n",
            summary(_RTT, own, count=self.rtt_count, total=self.rtt_seconds),
            f"{_RECEIVED}{own} {self.received}\n",
            f"{_SENT}{own} {self.transmitted}\n",
        )


class Areas:
    """Incremental sums per area, written out at a scrape."""

    def __init__(self, members: Iterable[tuple[Device, StateName]]) -> None:
        self._states: dict[str, _States] = {}
        self._sums: dict[tuple[str, Role], _RoleSums] = {}
        for device, state in members:
            area = device.area
            if area not in self._states:
                self._states[area] = _States(area)
            states = self._states[area]
            states.by_state[state] += 1
            states.affected += device.subscribers if state in ("down", "suppressed") else 0
            if (area, device.role) not in self._sums:
                self._sums[area, device.role] = _RoleSums(area, device.role)

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
            sums.sent += echoes.sent
            sums.lost += echoes.lost
            sums.rtt_seconds += sum(echoes.rtt_seconds)
            sums.rtt_count += len(echoes.rtt_seconds)
        if traffic is not None:
            sums.received += traffic.receive_bytes or 0
            sums.transmitted += traffic.transmit_bytes or 0

    def by_state(self) -> dict[StateName, int]:
        """Devices by state, over all areas."""
        return {state: sum(area.by_state[state] for area in self._states.values()) for state in STATES}

    def render(self, form: Form, planned: Mapping[str, int]) -> str:
        """The text of all area families; ``planned`` are the customers of each area whose outage is planned."""
        if not self._states:
            return ""
        by_area = zip(*[states.text(planned.get(area, 0)) for area, states in self._states.items()], strict=True)
        by_role = zip(*[sums.text() for sums in self._sums.values()], strict=True)
        bodies = map("".join, (*by_area, *by_role))
        return "".join(family.header(form) + body for family, body in zip(f.AREA_FAMILIES, bodies, strict=True))
