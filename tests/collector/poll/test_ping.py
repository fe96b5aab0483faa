"""Bursts of echoes: real ICMP on loopback where the kernel permits, UDP echo agents that lose, double and fake."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import Callable
from typing import Any

import pytest

from collector.config import PingSettings
from collector.credentials import Credential
from collector.poll.datagrams import Outbox
from collector.poll.ping import Pinger, open_icmp
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles

from .agents import QUICK, Serve, Served, answering, device, poll

BURST = PingSettings(count=5, spacing_seconds=0.01, timeout_seconds=0.3)


def allows_icmp() -> bool:
    opened = open_icmp()
    for transport in opened.values():
        transport.socket.close()
    return socket.AF_INET in opened


def echo(port: int, **fields: Any) -> Any:
    return device(161, ping=f"echo:{port}", credential="off", **fields)


def test_udp_echo_burst(serve: Serve) -> None:
    served = serve(answering(lambda data: [data]))
    polled = poll(echo(served.port), ping=BURST)
    echoes = polled.reading.echoes
    assert echoes is not None
    assert (echoes.sent, echoes.lost, len(echoes.rtt_seconds)) == (5, 0, 5)
    assert all(0 < rtt < 0.3 for rtt in echoes.rtt_seconds)
    assert polled.reading.snmp == "off"
    assert polled.reading.is_reachable is True
    assert len(set(served.requests)) == 5, "every echo has a token of its own"


def test_lost_echoes_are_counted(serve: Serve) -> None:
    seen: list[bytes] = []

    def every_other(data: bytes) -> list[bytes]:
        seen.append(data)
        return [data] if len(seen) % 2 else []

    echoes = poll(echo(serve(answering(every_other)).port), ping=BURST).reading.echoes
    assert echoes is not None
    assert (echoes.sent, echoes.lost, len(echoes.rtt_seconds)) == (5, 2, 3)


def test_all_echoes_lost_is_unreachable(serve: Serve) -> None:
    reading = poll(echo(serve(answering(lambda _: [])).port), ping=BURST).reading
    assert reading.echoes is not None
    assert (reading.echoes.sent, reading.echoes.lost) == (5, 5)
    assert reading.is_reachable is False
    assert reading.sent


def test_duplicates_and_fakes_are_refused(serve: Serve) -> None:
    served = serve(answering(lambda data: [data, data, b"\0" * len(data), data[:-1], b""]))
    polled = poll(echo(served.port), ping=BURST, linger_seconds=0.1)
    assert polled.reading.echoes is not None
    assert polled.reading.echoes.lost == 0
    assert polled.counts.rejected["echo_duplicate"] >= 4
    assert polled.counts.rejected["echo_unknown"] >= 12


def test_echo_from_elsewhere_is_lost(serve: Serve) -> None:
    def elsewhere(_served: Served, data: bytes, sender: Any) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(data, sender)

    polled = poll(echo(serve(elsewhere).port), ping=BURST)
    assert polled.reading.echoes is not None
    assert polled.reading.echoes.lost == 5
    assert polled.counts.rejected == {"echo_wrong_address": 5}


def test_round_trip_is_stamped_by_the_kernel_not_by_the_tick(serve: Serve) -> None:
    """With ticks of 100 ms a round trip on loopback still reads as what it was."""
    settings = dataclasses.replace(QUICK, tick_seconds=0.1)
    echoes = poll(echo(serve(answering(lambda data: [data])).port), ping=BURST, settings=settings).reading.echoes
    assert echoes is not None
    assert min(echoes.rtt_seconds) < 0.05


@pytest.mark.skipif(not allows_icmp(), reason="the kernel refuses datagram and raw ICMP sockets here")
@pytest.mark.parametrize("address", ["127.0.0.1", "127.5.6.7", "localhost"])
def test_icmp_burst_on_loopback(address: str) -> None:
    polled = poll(device(161, address=address, ping="icmp", credential="off"), ping=BURST)
    assert polled.reading.echoes is not None
    assert (polled.reading.echoes.sent, polled.reading.echoes.lost) == (5, 0)
    assert max(polled.reading.echoes.rtt_seconds) < 0.3
    assert polled.counts.rejected == {}
    assert polled.poller.ping_unavailable is None


@pytest.mark.skipif(not allows_icmp(), reason="the kernel refuses datagram and raw ICMP sockets here")
def test_icmp_over_ipv6() -> None:
    reading = poll(device(161, address="::1", ping="icmp", credential="off"), ping=BURST).reading
    if reading.failure is not None:
        pytest.skip(f"no IPv6 on this host: {reading.failure}")
    assert reading.echoes is not None
    assert reading.echoes.lost == 0


def test_without_icmp_nothing_is_marked_down() -> None:
    """No ICMP socket is what a kernel that refuses both kinds leaves."""

    async def run() -> Any:
        poller = Poller(QUICK, BURST, [Credential("default")], load_profiles())
        await poller.open()
        poller.pinger.close()
        poller.pinger.open({}, {})
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        poller.start(device(161, ping="icmp", credential="off"), answered.set_result)
        reading = await answered
        await poller.close()
        return reading, poller.pinger.unavailable

    reading, unavailable = asyncio.run(run())
    assert reading.echoes is None
    assert reading.is_reachable is None
    assert "net.ipv4.ping_group_range" in unavailable


def test_snmp_and_ping_are_joined_into_one_reading(snmpd: Any, serve: Serve) -> None:
    served = serve(answering(lambda data: [data]))
    target = device(snmpd.port, ping=f"echo:{served.port}")
    settings = dataclasses.replace(QUICK, timeout_seconds=3.0)
    reading = poll(
        target, settings=settings, ping=BURST, credentials=[Credential("d", community=snmpd.community)]
    ).reading
    assert reading.snmp == "answered"
    assert reading.echoes is not None
    assert reading.echoes.lost == 0
    assert reading.interfaces


def test_refused_sends_are_no_loss() -> None:
    """To a broadcast address the kernel refuses to send: nothing is learnt of the device."""
    reading = poll(echo(7, address="255.255.255.255"), ping=BURST).reading
    assert reading.echoes is None
    assert reading.sent is False
    assert reading.is_reachable is None


def test_bursts_are_paced() -> None:
    """The pace covers echoes too: a tenth of a second at 100 packets a second lets no more than that pass."""
    outbox = Outbox(100.0, 0.01)
    sent: list[float] = []

    class One:
        def transmit(self, now: float) -> bool:
            sent.append(now)
            return True

    outbox.fresh.extend(One() for _ in range(100))
    for tick in range(11):
        outbox.send(50.0 + tick * 0.01)
    assert 10 <= len(sent) <= 12


def test_pinger_without_a_transport_says_so() -> None:
    pinger: Callable[..., bool] = Pinger(BURST, Outbox(1.0, 1.0), None, tick_seconds=0.1).start  # type: ignore[arg-type]
    assert pinger("icmp", socket.AF_INET, ("127.0.0.1", 0), lambda _: None) is False
