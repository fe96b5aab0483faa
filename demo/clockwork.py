"""The state of the demo's devices as a function of absolute time, so that a restarted demo counts on where it was."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from demo import network
from demo.fault_timeline import Faults
from demo.network import Network, NodeHours

HOURS_AT_ONCE = 24
NEAR_SECONDS = 0.001
"""The round trip to a router in the same building."""


class Moment(NamedTuple):
    """One device at one time. ``bytes_passed`` is towards the customers since the world's epoch."""

    name: bytes
    capacity: float
    uptime_seconds: float
    bytes_passed: float


class Clockwork:
    """All devices. Call ``advance`` now and then; what is asked in between is looked up in plain lists."""

    def __init__(self, laid: Network, origin_hour: int) -> None:
        self._network = laid
        self._origin = origin_hour
        self._first = -1
        self._hour = -1
        self._hours: NodeHours
        self._before = np.zeros(len(laid.nodes))
        self._passed: np.ndarray
        self._restarted: dict[int, float] = {}
        self._names = [name.encode() for name in laid.device_id.tolist()]
        self._capacity: list[float] = laid.capacity.tolist()
        self._share: list[float] = (np.where(laid.role == "cpe", 0.25, 1.0) * laid.capacity * 3600).tolist()
        self._served: list[int] = np.maximum(0, laid.node - laid.nodes.start).tolist()
        self._is_router: list[bool] = (laid.role == "router").tolist()

    def advance(self, now: float, faults: Faults) -> None:
        """Have the hour of ``now`` at hand."""
        self._restarted = faults.restarted_at
        if self._first < 0:
            self._load(self._origin)
        while int(now // 3600) >= self._first + HOURS_AT_ONCE:
            self._before = self._before + self._hours.utilization.sum(axis=1)
            self._load(self._first + HOURS_AT_ONCE)
        if int(now // 3600) != self._hour:
            self._enter(int(now // 3600))

    def _load(self, first_hour: int) -> None:
        self._first = first_hour
        self._hours = network.node_hours(self._network, first_hour, HOURS_AT_ONCE, with_outages=False)
        self._passed = np.cumsum(self._hours.utilization, axis=1) - self._hours.utilization

    def _enter(self, hour: int) -> None:
        """Spread out one hour by access node."""
        column = max(0, min(HOURS_AT_ONCE - 1, hour - self._first))
        self._hour = hour
        self._begins_at = (self._first + column) * 3600
        self._full_hours: list[float] = (self._before + self._passed[:, column]).tolist()
        self._load_ratio: list[float] = self._hours.utilization[:, column].tolist()
        self._loss: list[float] = self._hours.loss_ratio[:, column].tolist()
        self._delay: list[float] = self._hours.rtt_p50_seconds[:, column].tolist()

    def at(self, position: int, now: float) -> Moment:
        """What a device would say of itself."""
        if int(now // 3600) != self._hour and int(now // 3600) < self._first + HOURS_AT_ONCE:
            self._enter(int(now // 3600))
        row = self._served[position]
        hours = self._full_hours[row] + (now - self._begins_at) / 3600 * self._load_ratio[row]
        booted = (self._origin - 24 * (3 + position % 90)) * 3600
        uptime = now - max(booted, self._restarted.get(position, 0.0))
        return Moment(self._names[position], self._capacity[position], uptime, hours * self._share[position])

    def loss(self, position: int, faults: Faults) -> float:
        """The share of packets that the way to a device loses."""
        if self._is_router[position]:
            return 0.0
        return self._loss[self._served[position]] + faults.loss.get(position, 0.0)

    def delay(self, position: int, faults: Faults) -> float:
        """The usual round trip to a device in seconds."""
        if self._is_router[position]:
            return NEAR_SECONDS
        return self._delay[self._served[position]] + faults.delay.get(position, 0.0)
