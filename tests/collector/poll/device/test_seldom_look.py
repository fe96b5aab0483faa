"""What is asked of a device once in some polls: when, in how many packets, and what a device makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collector.config import MetricsSettings
from collector.credentials import Credential
from collector.poll.profile import Match, Profile
from collector.poll.profile_files import load_profiles, own_measures
from collector.poll.snmp.codec import GET, GET_BULK, GET_NEXT, decode_any, encode_tlv
from collector.publish.exposition.page import Exposition
from collector.reading import PartReading

from ..agents import NULL_FIELD, QUICK, Mib, Serve, answering, device, encode_integer, encode_reply, poll, router

GENERATOR = """
title = "A generator"

[match]
answers = ["1.3.6.1.4.1.99999"]

[[measures]]
name = "fuel_level_ratio"
unit = "ratio"
help = "Fuel in the tank."

[[measures]]
name = "starts_total"
type = "counter"
help = "Starts of the engine."

[[scalars]]
name = "genFuel.0"
oid = "1.3.6.1.4.1.99999.1.0"
field = "fuel_level_ratio"
divisor = 100
source = "an invented MIB"

[[tables]]
name = "engines"
rows = "parts"
channel = "engine"

[[tables.columns]]
name = "genName"
oid = "1.3.6.1.4.1.99999.2.1.1"
field = "name"
source = "an invented MIB"

[[tables.columns]]
name = "genStarts"
oid = "1.3.6.1.4.1.99999.2.1.2"
field = "starts_total"
source = "an invented MIB"

[[tables.columns]]
name = "genTemperature"
oid = "1.3.6.1.4.1.99999.2.1.3"
field = "temperature_celsius"
source = "an invented MIB"
"""
OBJECTS = {
    "1.3.6.1.4.1.99999.1.0": encode_integer(75),
    "1.3.6.1.4.1.99999.2.1.1.1": encode_tlv(0x04, b"north"),
    "1.3.6.1.4.1.99999.2.1.2.1": encode_integer(17),
    "1.3.6.1.4.1.99999.2.1.3.1": encode_integer(88),
}
SHOWN = (
    PartReading("fuel_level_ratio", "", 0.75),
    PartReading("starts_total", "engine north", 17.0),
    PartReading("temperature_celsius", "engine north", 88.0),
)


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "generator.toml").write_text(GENERATOR)
    return load_profiles(tmp_path)


@pytest.mark.parametrize("version", ["1", "2c"])
def test_parts_are_read_of_a_device_that_is_known_by_what_it_answers(serve: Serve, profiles: Any, version: str) -> None:
    served = serve(answering(Mib(router(2) | OBJECTS).answer))
    settings = replace(QUICK, health_every_polls=1)
    polled = poll(
        *[device(served.port)] * 4, settings=settings, profiles=profiles, credentials=[Credential("default", version)]
    )
    assert [reading.parts for reading in polled.readings] == [SHOWN] * 4
    assert [reading.snmp for reading in polled.readings] == ["answered"] * 4
    assert all(len(reading.interfaces) == 2 for reading in polled.readings)


def test_a_look_costs_one_packet_in_so_many_polls(serve: Serve, profiles: Any) -> None:
    served = serve(answering(Mib(router(1) | OBJECTS).answer))
    polled = poll(*[device(served.port)] * 13, settings=replace(QUICK, health_every_polls=3), profiles=profiles)
    looks = [reading.parts is not None for reading in polled.readings]
    assert looks.count(True) in (4, 5)
    first = looks.index(True)
    assert [number for number, is_look in enumerate(looks) if is_look] == list(range(first, 13, 3))
    assert {reading.parts for reading in polled.readings} == {None, SHOWN}
    of_parts = [
        message for message in served.asked if any(b.oid[:7] == (1, 3, 6, 1, 4, 1, 99999) for b in message.varbinds)
    ]
    kinds = [message.kind for message in of_parts]
    assert kinds.count(GET) == looks.count(True), "scalars and known cells share a packet"
    assert kinds.count(GET_BULK) <= 2, "the table is walked once"


def test_a_device_without_parts_is_asked_which_branches_it_has_and_no_more(serve: Serve) -> None:
    served = serve(answering(Mib(router(1)).answer))
    modem = device(served.port, role="cpe", uplink_interface="if1")
    polled = poll(*[modem] * 6, settings=replace(QUICK, health_every_polls=1))
    assert [reading.parts for reading in polled.readings] == [None] * 6
    assert [message.kind for message in served.asked].count(GET_NEXT) == 1
    assert len(served.asked[-3:]) == len({message.request_id for message in served.asked[-3:]}) == 3
    assert {message.kind for message in served.asked[-3:]} == {GET}


def test_a_device_is_known_by_what_it_answers_though_a_packet_is_lost(serve: Serve, profiles: Any) -> None:
    """And it stays known when it does not say so once it is learnt anew."""
    mib, probes = Mib(router(1) | OBJECTS), []

    def answer(data: bytes) -> Any:
        asked = decode_any(data)
        if asked.kind == GET_NEXT:
            probes.append(asked.request_id)
            if len(probes) == 1:
                return []
        return mib.answer(data)

    served = serve(answering(answer))
    settings = replace(QUICK, health_every_polls=1, timeout_seconds=0.2, retries=1)
    polled = poll(*[device(served.port)] * 2, settings=settings, profiles=profiles)
    assert [reading.parts for reading in polled.readings] == [SHOWN] * 2
    assert len(probes) == 2


@pytest.mark.parametrize(("error", "place"), [(2, 0), (2, -1), (1, 0)], ids=["end", "end later", "too big"])
def test_branches_are_told_by_agents_that_refuse_many_or_what_lies_past_their_end(
    serve: Serve, profiles: Any, error: int, place: int
) -> None:
    """As agents of version 1 do: the branches of the packaged profiles lie before and after what this one has."""
    mib = Mib(router(1) | OBJECTS)

    def answer(data: bytes) -> Any:
        asked = decode_any(data)
        if asked.kind != GET_NEXT:
            return mib.answer(data)
        places = [bind.oid for bind in asked.varbinds]
        if error == 1 and len(places) > 3:
            return [encode_reply(asked, [(oid, NULL_FIELD) for oid in places], error=(1, 0))]
        past = [at for at, oid in enumerate(places, 1) if oid > (1, 3, 6, 1, 4, 1, 99999)]
        if error == 2 and past:
            return [encode_reply(asked, [(oid, NULL_FIELD) for oid in places], error=(2, past[place]))]
        return mib.answer(data)

    served = serve(answering(answer))
    later = tuple(f"1.3.6.1.4.1.{number}" for number in (100001, 100002))
    others = {f"p{at}": Profile(f"p{at}", match=Match(answers=(oid,))) for at, oid in enumerate(later)}
    settings = replace(QUICK, health_every_polls=1)
    polled = poll(device(served.port), settings=settings, profiles=profiles | others)
    assert polled.reading.parts == SHOWN


def test_a_device_that_is_silent_for_its_parts_is_answered_all_the_same(serve: Serve, profiles: Any) -> None:
    mib = Mib(router(1) | OBJECTS)

    def answer(data: bytes) -> Any:
        asked = decode_any(data)
        is_of_parts = asked.kind == GET and any(bind.oid[:7] == (1, 3, 6, 1, 4, 1, 99999) for bind in asked.varbinds)
        return [] if is_of_parts else mib.answer(data)

    served = serve(answering(answer))
    settings = replace(QUICK, health_every_polls=1, timeout_seconds=0.05, retries=0)
    polled = poll(*[device(served.port)] * 4, settings=settings, profiles=profiles)
    assert [reading.snmp for reading in polled.readings] == ["answered"] * 4
    looked = [reading for reading in polled.readings if reading.parts is not None]
    assert len(looked) < 4, "it is asked more and more rarely"
    assert all(reading.parts == () and "parts" in (reading.failure or "") for reading in looked)


def test_no_health_is_asked_for_where_the_settings_say_so(serve: Serve, profiles: Any) -> None:
    served = serve(answering(Mib(router(1) | OBJECTS).answer))
    polled = poll(*[device(served.port)] * 3, settings=replace(QUICK, health_every_polls=0), profiles=profiles)
    assert [reading.parts for reading in polled.readings] == [None] * 3


def test_what_a_profile_declares_reaches_metrics(serve: Serve, profiles: Any) -> None:
    served = serve(answering(Mib(router(1) | OBJECTS).answer))
    asked = device(served.port)
    polled = poll(asked, settings=replace(QUICK, health_every_polls=1), profiles=profiles)
    page = Exposition(MetricsSettings(), [asked], measures=own_measures(profiles.values()))
    page.update(polled.reading, restarted=False, traffic=None)
    text = page.render()
    assert (
        "# HELP bairro_measure_fuel_level_ratio Fuel in the tank.\n# TYPE bairro_measure_fuel_level_ratio gauge" in text
    )
    assert 'bairro_measure_fuel_level_ratio{device="d1"} 0.75\n' in text
    assert "# TYPE bairro_measure_starts_total counter" in text
    assert 'bairro_measure_starts_total{device="d1",part="engine north"} 17.0\n' in text
    assert 'bairro_device_temperature_celsius{device="d1",part="engine north"} 88.0\n' in text
