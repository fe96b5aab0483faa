"""The series of areas: devices by state, customers affected, and sums that stand in for devices not shown."""

from __future__ import annotations

from collections.abc import Iterable

from collector.publish import families as f
from collector.publish.text import labels, number, summary
from collector.quality.uplink import Traffic
from collector.reading import STATES, Device, EchoBurst, Role, StateName


class _RoleSums:
    """Counters over an area's devices of one role."""

    __slots__ = ("lost", "own", "received", "rtt_count", "rtt_seconds", "sent", "transmitted")

    def __init__(self, area: str, role: Role) -> None:
        self.own = labels(area=area, role=role)
        self.sent = self.lost = self.rtt_count = self.received = self.transmitted = 0
        self.rtt_seconds = 0.0

    def text(self) -> list[str]:
        """One piece for each of the families that are labelled by role."""
        own = self.own
        return [
            f"{f.AREA_PINGS_SENT.name}{own} {number(self.sent)}\n",
            f"{f.AREA_PINGS_LOST.name}{own} {number(self.lost)}\n",
            summary(f.AREA_RTT.name, own, count=self.rtt_count, total=self.rtt_seconds),
            f"{f.AREA_RECEIVED.name}{own} {number(self.received)}\n",
            f"{f.AREA_SENT.name}{own} {number(self.transmitted)}\n",
        ]


class Areas:
    """Incremental sums per area, written out at a scrape."""

    def __init__(self, members: Iterable[tuple[Device, StateName]]) -> None:
        self._states: dict[str, dict[StateName, int]] = {}
        self._affected: dict[str, int] = {}
        self._sums: dict[tuple[str, Role], _RoleSums] = {}
        for device, state in members:
            self._states.setdefault(device.area, dict.fromkeys(STATES, 0))[state] += 1
            affected = device.subscribers if state in ("down", "suppressed") else 0
            self._affected[device.area] = self._affected.get(device.area, 0) + affected
            if (device.area, device.role) not in self._sums:
                self._sums[device.area, device.role] = _RoleSums(device.area, device.role)

    def rebuilt(self, members: Iterable[tuple[Device, StateName]]) -> Areas:
        """The sums of another inventory; what the areas have counted stays, for a counter must not fall."""
        fresh = Areas(members)
        fresh._sums = {key: self._sums.get(key, sums) for key, sums in fresh._sums.items()}
        return fresh

    def move(self, device: Device, old: StateName, new: StateName) -> None:
        """A device changed state."""
        states = self._states[device.area]
        states[old] -= 1
        states[new] += 1
        change = (new in ("down", "suppressed")) - (old in ("down", "suppressed"))
        self._affected[device.area] += change * device.subscribers

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
        return {state: sum(area[state] for area in self._states.values()) for state in STATES}

    def render(self) -> str:
        """The text of all area families."""
        if not self._states:
            return ""
        devices = "".join(
            f"{f.AREA_DEVICES.name}{labels(area=area, state=state)} {number(count)}\n"
            for area, states in self._states.items()
            for state, count in states.items()
        )
        affected = "".join(
            f"{f.AREA_SUBSCRIBERS.name}{labels(area=area)} {number(count)}\n" for area, count in self._affected.items()
        )
        columns = map("".join, zip(*(sums.text() for sums in self._sums.values()), strict=True))
        bodies = (devices, affected, *columns)
        return "".join(family.header + body for family, body in zip(f.AREA_FAMILIES, bodies, strict=True))
