"""Small tables of signals are asked for by name once their rows are known, and walked again when they are others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from collector.credentials import Credential
from collector.poll.device.device_cache import RELEARN_ROWS_SECONDS, DeviceCache
from collector.poll.objects.get_request import access
from collector.poll.objects.table_cache import MOST_CELLS
from collector.poll.profile import Match, Profile, Source, Table
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import GET, GET_BULK, OCTETS, decode_any, encode_tlv
from collector.reading import Device, Reading, SignalReading, worst_received_dbm

from ..agents import QUICK, Mib, Polled, Serve, Served, answering, device, encode_integer, poll, router

COLUMN = "1.3.6.1.4.1.99999.1"
LEVEL = Source("level", f"{COLUMN}.2", "received_dbm", "an invented MIB", divisor=10, dark_dbm=-40)
LEVEL_OF_OLD = dataclasses.replace(LEVEL, name="oldLevel", oid=f"{COLUMN}.3", divisor=1, instead_of="level")
OPTICS = Profile(
    "optics",
    Match(every_device=True),
    tables=(
        Table(
            "optics",
            "signals",
            (Source("port", f"{COLUMN}.1", "channel", "an invented MIB"), LEVEL, LEVEL_OF_OLD),
            channel="optical",
        ),
    ),
)
PROFILES = {"generic": load_profiles()["generic"], "optics": OPTICS}


def optics(levels: dict[int, int], *, old: bool = False) -> dict[str, bytes]:
    """An uplink and optical ports with these levels in tenths of dBm."""
    rows = {f"{COLUMN}.1.{n}": encode_tlv(OCTETS, b"sfp%d" % n) for n in levels}
    rows |= {f"{COLUMN}.{3 if old else 2}.{n}": encode_integer(level) for n, level in levels.items()}
    return router(2) | rows


def polls(
    serve: Serve, mib: Mib, *, change: Callable[[], None], role: str = "cpe", after: int = 2
) -> tuple[Polled, Served]:
    """Three polls, a change of the agent, and more polls."""
    served = serve(answering(mib.answer))
    target = device(served.port, role=role, uplink_interface="if2")

    def changing(_: bytes) -> list[bytes]:
        change()
        return []

    changer = dataclasses.replace(device(serve(answering(changing)).port), device_id="changer")
    settings = dataclasses.replace(QUICK, retries=0)
    return poll(target, target, target, changer, *[target] * after, settings=settings, profiles=PROFILES), served


def of_the_device(polled: Polled) -> list[Reading]:
    return [reading for reading in polled.readings if reading.device_id == "d1"]


def levels(reading: Reading) -> dict[str, float | None]:
    return {signal.channel: signal.received_dbm for signal in reading.signals}


@pytest.mark.parametrize("old", [False, True], ids=["first column", "the one instead of it"])
def test_known_rows_are_asked_for_in_the_one_get(serve: Serve, old: bool) -> None:
    mib = Mib(optics({1: -93, 4: -215}, old=old))
    polled, served = polls(serve, mib, change=lambda: mib.replace(optics({1: -94, 4: 12345}, old=old)))
    read = of_the_device(polled)
    scale = 1 if old else 10
    assert [levels(reading) for reading in read[:3]] == [
        {"optical sfp1": -93 / scale, "optical sfp4": -215 / scale}
    ] * 3
    assert [levels(reading) for reading in read[3:]] == [
        {"optical sfp1": -94 / scale, "optical sfp4": 12345 / scale}
    ] * 2
    walks = [place for place, message in enumerate(served.asked) if message.kind == GET_BULK]
    assert all(message.kind == GET for message in served.asked[-4:])
    assert max(walks) < len(served.asked) - 4
    assert len(served.asked[-1].varbinds) == 12 + 4


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({1: -94}, {"optical sfp1": -9.4}),
        ({1: -94, 4: -215, 7: -100}, {"optical sfp1": -9.4, "optical sfp4": -21.5}),
        ({2: -50}, {"optical sfp2": -5.0}),
        ({}, {}),
    ],
    ids=["one gone", "one more waits for the next learning", "others", "none"],
)
def test_rows_that_are_others_are_walked_in_the_same_poll(
    serve: Serve, after: dict[int, int], expected: dict[str, float]
) -> None:
    mib = Mib(optics({1: -93, 4: -215}))
    polled, _ = polls(serve, mib, change=lambda: mib.replace(optics(after)))
    read = of_the_device(polled)
    assert [levels(reading) for reading in read[3:]] == [expected] * 2
    assert {reading.snmp for reading in read} == {"answered"}
    assert [reading.interfaces[0].name for reading in read] == ["if2"] * 5


def test_a_text_that_changes_is_read_anew(serve: Serve) -> None:
    mib = Mib(optics({1: -93}))
    renamed = optics({1: -93}) | {f"{COLUMN}.1.1": encode_tlv(OCTETS, b"uplink")}
    polled, _ = polls(serve, mib, change=lambda: mib.replace(renamed))
    assert [levels(reading) for reading in of_the_device(polled)[3:]] == [{"optical uplink": -9.3}] * 2


@pytest.mark.parametrize("rows", [0, 1, MOST_CELLS // 2, MOST_CELLS // 2 + 1])
def test_large_tables_are_walked_and_small_ones_are_not(serve: Serve, rows: int) -> None:
    mib = Mib(optics({n: -n for n in range(1, rows + 1)}))
    polled, served = polls(serve, mib, change=lambda: None)
    assert {len(reading.signals) for reading in of_the_device(polled)} == {rows}
    assert any(message.kind == GET_BULK for message in served.asked[-2:]) == (2 * rows > MOST_CELLS)


def test_rows_are_looked_for_anew_after_a_while() -> None:
    target = Device("d1", "192.0.2.1", "cpe", "test")
    learnt = DeviceCache(target, [OPTICS], access(Credential("default")), 1000.0)
    assert [table.name for table in learnt.to_walk()] == ["optics"]
    memory = learnt.memory(OPTICS.tables[0])
    assert memory.learn({column.name: {} for column in OPTICS.tables[0].columns})
    learnt.compose()
    for later, walked in ((0.0, 0), (0.74, 0), (1.26, 1)):
        if (now := 1000.0 + later * RELEARN_ROWS_SECONDS) >= learnt.rows_at:
            learnt.forget_rows(now)
        assert len(learnt.to_walk()) == walked


def test_a_dark_socket_is_never_the_worst_channel(serve: Serve) -> None:
    mib = Mib(optics({1: -93, 2: -400, 3: -999, 4: -215}))
    polled, _ = polls(serve, mib, change=lambda: None, role="router")
    for reading in of_the_device(polled):
        assert levels(reading)["optical sfp2"] == -40.0
        assert worst_received_dbm(reading.signals) == -21.5
    assert worst_received_dbm([SignalReading("radio", -71.0), SignalReading("radio 2", -64.0)]) == -71.0
    assert worst_received_dbm([SignalReading("optical", -40.0, dark_dbm=-40.0), SignalReading("none")]) is None


def test_a_level_that_is_none_when_its_row_is_met_is_asked_for_all_the_same(serve: Serve) -> None:
    """A radio that has measured its noise, and its level from the next poll on."""
    level = Source("level", f"{COLUMN}.2", "received_dbm", "an invented MIB", absent=(0,))
    noise = Source("noise", f"{COLUMN}.4", "noise_dbm", "an invented MIB")
    radio = Profile("radio", Match(every_device=True), tables=(Table("radio", "signals", (level, noise)),))
    noises = {f"{COLUMN}.4.1": encode_integer(-95)}
    mib = Mib(router(1) | noises | {f"{COLUMN}.2.1": encode_integer(0)})

    def answer(data: bytes) -> list[bytes]:
        found = mib.answer(data)
        if any(bind.oid == noise.numbers for bind in decode_any(data).varbinds):
            mib.replace(router(1) | noises | {f"{COLUMN}.2.1": encode_integer(-65)})
        return found

    met = device(serve(answering(answer)).port)
    polled = poll(met, met, profiles={"generic": PROFILES["generic"], "radio": radio})
    assert [[signal[1:7:5] for signal in reading.signals] for reading in polled.readings] == [
        [(None, -95)],
        [(-65, -95)],
    ]
