"""Whose a series is: labels against the inventory."""

from __future__ import annotations

import re
from collections.abc import Iterable

from collector.address import parse_address
from collector.commands.backfill.prometheus import Series
from collector.commands.backfill.queries import Column, Match
from collector.reading import Device

MOST_EXAMPLES = 3


class Matcher:
    """Finds the device of each series; ``left_out`` holds, by column and reason, who gave nothing."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self._by_id = {device.device_id: device for device in devices}
        self._by_port: dict[tuple[str, int], list[Device]] = {}
        self._by_host: dict[str, list[Device]] = {}
        for device in self._by_id.values():
            self._by_port.setdefault((device.address, device.port), []).append(device)
            self._by_host.setdefault(device.address, []).append(device)
        self.left_out: dict[tuple[str, str], set[str]] = {}

    def of(self, name: str, column: Column, found: Iterable[Series]) -> dict[str, dict[int, float]]:
        """The values of one column: device_id -> hour -> value."""
        match = column.match or Match()
        pattern = re.compile(match.pattern) if match.pattern is not None else None
        series_of: dict[str, list[Series]] = {}
        for series in found:
            called = written = series.labels.get(match.label, "")
            if pattern is not None:
                hit = pattern.search(called)
                called = (hit[1] or "") if hit is not None else ""
            device = self._device(match.field, called)
            if device is None:
                self._leave_out(name, "not in the inventory", written or f"no label {match.label}")
            elif column.interface_label is None:
                series_of.setdefault(device.device_id, []).append(series)
            elif device.uplink_interface is None:
                self._leave_out(name, "the device names no uplink_interface", device.device_id)
            elif series.labels.get(column.interface_label) == device.uplink_interface:
                series_of.setdefault(device.device_id, []).append(series)
        values = {}
        for device_id, own in series_of.items():
            if len(own) > 1:
                self._leave_out(name, "several for one device, and it is not clear which one to use", device_id)
            else:
                values[device_id] = {hour: value * column.scale for hour, value in own[0].hours.items()}
        return values

    def problems(self) -> list[str]:
        """One line for each column and reason."""
        lines = []
        for (name, reason), who in sorted(self.left_out.items()):
            examples = ", ".join(sorted(who)[:MOST_EXAMPLES])
            lines.append(
                f"{name}: series of {len(who)} left out: {reason} ({examples}{', ...' if len(who) > MOST_EXAMPLES else ''})"
            )
        return lines

    def _leave_out(self, name: str, reason: str, who: str) -> None:
        self.left_out.setdefault((name, reason), set()).add(who)

    def _device(self, field: str, called: str) -> Device | None:
        if field == "device_id":
            return self._by_id.get(called)
        try:
            host, port = parse_address(called)
        except ValueError:
            return None
        found = self._by_port.get((host, port or 161)) or self._by_host.get(host, [])
        return found[0] if len(found) == 1 else None
