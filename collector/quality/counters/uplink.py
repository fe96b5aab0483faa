"""The traffic of a device: that of the one interface which leads to the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

from collector.hour_bounds import UNTOLD_BYTES_PER_SECOND
from collector.quality.counters.counter_bounds import MARGIN, WIDE
from collector.quality.counters.rates import InterfaceDelta
from collector.reading import Device, InterfaceReading


class Named(Protocol):
    """Anything that carries an interface's name."""

    @property
    def name(self) -> str: ...


OTHERS = "(others)"
"""The sum of interfaces that a filter or the limit leaves out: the uplink may be among them."""
NO_UPLINKS = ("lo", "#", "(sessions)", "(tunnels)", "(loopbacks)", "(nulls)")
"""What the names of interfaces begin with that are no uplinks: loopbacks, rows without a name, and sums of what is none."""

N = TypeVar("N", bound=Named)
_new_record = tuple.__new__


class Traffic(NamedTuple):
    """What passed the uplink between two polls; ``receive`` is from the network, towards the customer.

    Bytes and packets are over ``seconds``; ``utilization_ratio`` is that of the fuller direction, at most 1. A rate over
    ``seconds`` is true of the last ``over_polls`` polls; 0 where it is of none, because the bytes came late. Where that shows for the first time, rates that
    were told since ``false_since`` are false.
    """

    seconds: float
    receive_bytes: int | None
    transmit_bytes: int | None
    error_packets: int | None
    discard_packets: int | None
    utilization_ratio: float | None
    over_polls: int = 1
    false_since: float | None = None


NO_TRAFFIC = Traffic(0.0, None, None, None, None, None)


def uplink_of(device: Device, interfaces: Sequence[N]) -> N | None:
    """The interface named as uplink in the inventory, else the only one that has a name and is no loopback and no sum."""
    wanted = device.uplink_interface
    if wanted is not None:
        for interface in interfaces:
            if interface.name == wanted:
                return interface
        return None
    others = [i for i in interfaces if not i.name.lower().startswith(NO_UPLINKS)] if len(interfaces) > 1 else interfaces
    return others[0] if len(others) == 1 and others[0].name != OTHERS else None


def plain_traffic(device: Device, before: InterfaceReading, after: InterfaceReading, seconds: float) -> Traffic | None:
    """The uplink's traffic in the usual case, in one step: wide counters went on by what the line carries, and no other
    counter moved. None in any other case. In the poll in which the speed changes, the greater of the two counts.
    """
    speed, bits, received, sent = after[4:8]
    old_speed, old_bits, old_received, old_sent = before[4:8]
    others = after[8:13]
    if bits != WIDE or old_bits != WIDE or before[8:13] != others:
        return None
    if received is None or sent is None or old_received is None or old_sent is None:
        return None
    received -= old_received
    sent -= old_sent
    line = speed or 0.0
    if old_speed is not None and old_speed > line:
        line = old_speed
    room = (line or UNTOLD_BYTES_PER_SECOND) * seconds * MARGIN
    if not (0 <= received <= room and 0 <= sent <= room):
        return None
    inward, outward = (
        device.capacity_receive_bytes_per_second or line,
        device.capacity_transmit_bytes_per_second or line,
    )
    fuller = None
    if inward:
        fuller = received / (seconds * inward)
    if outward and (fuller is None or sent / (seconds * outward) > fuller):
        fuller = sent / (seconds * outward)
    if fuller is not None and fuller > 1.0:
        fuller = 1.0
    errors, errors_sent, drops, drops_sent, _ = others
    failed = 0 if errors is not None or errors_sent is not None else None
    dropped = 0 if drops is not None or drops_sent is not None else None
    return _new_record(Traffic, (seconds, received, sent, failed, dropped, fuller, 1, None))


def traffic_of(device: Device, passed: InterfaceDelta, speed: float | None) -> Traffic:
    """The traffic of the uplink that ``passed``, ``speed`` being its own in bytes a second where it is known.

    A capacity in the inventory wins over the speed.
    """
    _, received, transmitted, errors, discards, seconds = passed
    receive = _share(received, device.capacity_receive_bytes_per_second or speed, seconds)
    transmit = _share(transmitted, device.capacity_transmit_bytes_per_second or speed, seconds)
    fuller = receive if transmit is None or (receive is not None and receive > transmit) else transmit
    return Traffic(seconds, received, transmitted, errors, discards, fuller)


def _share(size: int | None, capacity: float | None, seconds: float) -> float | None:
    """How much of its capacity a direction used; None where either is unknown."""
    if size is None or not capacity:
        return None
    share = size / (seconds * capacity)
    return share if share < 1.0 else 1.0
