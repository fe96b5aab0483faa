"""Against a real snmpd: what we read is what net-snmp's own tools read."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from collector.config import CollectorSettings, PingSettings
from collector.credentials import Credential
from collector.poll.explain import explain
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.reading import Reading

from .agents import QUICK, device, poll

IF_X = "1.3.6.1.2.1.31.1.1.1"
IF = "1.3.6.1.2.1.2.2.1"
CALM = dataclasses.replace(QUICK, timeout_seconds=3.0)


def ask(snmpd: Any, **fields: Any) -> Reading:
    target = device(snmpd.port, address=snmpd.address, **fields)
    return poll(target, settings=CALM, credentials=[Credential("default", community=snmpd.community)]).reading


def test_walk_agrees_with_snmpwalk(snmpd: Any) -> None:
    before = snmpd.ask("snmpwalk", IF_X) | snmpd.ask("snmpwalk", IF)
    reading = ask(snmpd)
    after = snmpd.ask("snmpwalk", IF_X) | snmpd.ask("snmpwalk", IF)
    assert reading.snmp == "answered"
    assert reading.failure is None
    names = {oid.rpartition(".")[2]: name for oid, name in before.items() if oid.startswith(f"{IF_X}.1.")}
    assert {interface.name for interface in reading.interfaces} == set(names.values())
    for interface in reading.interfaces:
        number = str(interface.index)
        assert names[number] == interface.name
        assert interface.is_up == {"up": True, "1": True, "unknown": None, "4": None}.get(
            before[f"{IF}.8.{number}"], False
        )
        megabits = int(before[f"{IF_X}.15.{number}"])
        assert interface.speed_bytes_per_second == (megabits * 125000 or None)
        assert interface.counter_bits == 64
        for oid, counted in (
            (f"{IF_X}.6", interface.receive_bytes),
            (f"{IF_X}.10", interface.transmit_bytes),
            (f"{IF}.14", interface.receive_errors),
            (f"{IF}.20", interface.transmit_errors),
            (f"{IF}.13", interface.receive_discards),
            (f"{IF}.19", interface.transmit_discards),
        ):
            assert counted is not None
            assert int(before[f"{oid}.{number}"]) <= counted <= int(after[f"{oid}.{number}"])


def test_scalars_agree_with_snmpget(snmpd: Any) -> None:
    oids = ("1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.10.2.1.3.0")
    before = snmpd.ask("snmpget", *oids)
    reading = ask(snmpd)
    after = snmpd.ask("snmpget", *oids)
    assert reading.uptime_seconds is not None
    assert reading.boot_seconds is not None
    assert int(before[oids[0]]) / 100 <= reading.uptime_seconds <= int(after[oids[0]]) / 100
    assert int(before[oids[1]]) <= reading.boot_seconds <= int(after[oids[1]])
    assert reading.snmp_rtt_seconds is not None
    assert 0 < reading.snmp_rtt_seconds < CALM.timeout_seconds
    assert reading.duration_seconds > 0


def test_uplink_is_found_once_and_then_asked_in_one_get(snmpd: Any) -> None:
    target = device(snmpd.port, role="cpe", uplink_interface="lo")
    polled = poll(*[target] * 3, settings=CALM, credentials=[Credential("default", community=snmpd.community)])
    walked = [ask(snmpd)]
    for reading in polled.readings:
        assert [interface.name for interface in reading.interfaces] == ["lo"]
    whole = next(interface for interface in walked[0].interfaces if interface.name == "lo")
    again = polled.readings[2].interfaces[0]
    assert (again.index, again.speed_bytes_per_second, again.is_up) == (
        whole.index,
        whole.speed_bytes_per_second,
        whole.is_up,
    )
    assert polled.readings[2].interfaces[0].receive_bytes is not None
    assert polled.readings[2].uptime_seconds is not None
    first_poll = polled.counts.packets_sent - 2
    assert first_poll >= 2, "one packet for each poll after the first"


def test_missing_uplink_is_said_and_all_interfaces_are_read(snmpd: Any) -> None:
    reading = ask(snmpd, role="cpe", uplink_interface="no-such")
    assert reading.snmp == "answered"
    assert reading.failure == "uplink_interface: no interface named 'no-such'"
    assert len(reading.interfaces) >= 1


def test_wrong_community_is_silence(snmpd: Any) -> None:
    polled = poll(device(snmpd.port), credentials=[Credential("default", community="wrong")])
    assert polled.reading.snmp == "silent"
    assert polled.reading.sent
    assert polled.reading.is_reachable is False
    assert polled.counts.packets_sent == 2
    assert polled.counts.retries == 1


def test_credential_is_chosen_by_name(snmpd: Any) -> None:
    credentials = [Credential("default", community="wrong"), Credential("right", community=snmpd.community)]
    reading = poll(device(snmpd.port, credential="right"), settings=CALM, credentials=credentials).reading
    assert reading.snmp == "answered"


def test_version_one_walks_by_getnext(snmpd: Any) -> None:
    one = poll(device(snmpd.port), settings=CALM, credentials=[Credential("default", "1", snmpd.community)]).reading
    two = ask(snmpd)
    assert one.snmp == "answered"
    assert {interface.name for interface in one.interfaces} == {interface.name for interface in two.interfaces}
    assert {interface.counter_bits for interface in one.interfaces} == {32}
    assert one.uptime_seconds is not None


def test_row_limit_leaves_a_partial_reading(snmpd: Any) -> None:
    settings = dataclasses.replace(CALM, max_rows=1)
    credentials = [Credential("default", community=snmpd.community)]
    reading = poll(device(snmpd.port), settings=settings, credentials=credentials).reading
    assert reading.snmp == "partial"
    assert reading.failure is not None
    assert "more than 1 rows" in reading.failure
    assert reading.uptime_seconds is not None


def test_second_start_joins_the_poll_in_flight(snmpd: Any) -> None:
    async def run() -> tuple[list[Reading], int, int]:
        credentials = [Credential("default", community=snmpd.community)]
        poller = Poller(CALM, PingSettings(), credentials, load_profiles())
        await poller.open()
        target = device(snmpd.port, role="cpe", uplink_interface="lo")
        readings: list[Reading] = []
        finished = asyncio.Event()

        def done(reading: Reading) -> None:
            readings.append(reading)
            if len(readings) == 2:
                finished.set()

        poller.start(target, done)
        poller.start(target, done)
        in_flight = poller.in_flight
        await asyncio.wait_for(finished.wait(), 30)
        after = poller.in_flight
        await poller.close()
        return readings, in_flight, after

    readings, in_flight, after = asyncio.run(run())
    assert readings[0] is readings[1]
    assert (in_flight, after) == (1, 0)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_explanation_shows_question_answer_and_reading(snmpd: Any, tmp_path: Any, name: str) -> None:
    settings = CollectorSettings(
        inventory=tmp_path, data=tmp_path, poll=CALM, credentials=(Credential("default", community=snmpd.community),)
    )
    explanation = explain(device(snmpd.port, address=name), settings)
    text = str(explanation)
    assert "sysUpTime.0 (1.3.6.1.2.1.1.3.0) = TimeTicks: " in text
    assert "ifName.1 (1.3.6.1.2.1.31.1.1.1.1.1) = OCTET STRING: 'lo'" in text
    assert snmpd.community not in text
    assert explanation.reading.snmp == "answered"
    assert len(explanation.question) == len(explanation.raw) >= 2
