"""Rows that are named are read by GET before their table is walked, so that no table is too large for them."""

from __future__ import annotations

import dataclasses

import pytest

from collector.config import PollSettings
from collector.poll.snmp.codec import GET, OCTETS, decode_any, encode_tlv
from collector.reading import Reading

from ..agents import QUICK, Mib, Polled, Serve, Served, answering, device, encode_integer, poll, router

SMALL = dataclasses.replace(QUICK, max_answer_bytes=12_000)
UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
NAME, ALIAS, RECEIVED = "1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.31.1.1.1.18", "1.3.6.1.2.1.31.1.1.1.6"


def read(served: Served, uplink: str, *, polls: int = 1, settings: PollSettings = QUICK) -> Polled:
    target = device(served.port, uplink_interface=uplink)
    return poll(*[target] * polls, settings=settings)


def of(reading: Reading, name: str) -> list[int | None]:
    """What the interfaces of a name received."""
    return [interface.receive_bytes for interface in reading.interfaces if interface.name == name]


def test_the_uplink_of_a_table_that_is_cut_is_read_in_every_poll(serve: Serve) -> None:
    served = serve(answering(Mib(router(200)).answer))
    for reading in read(served, "if200", polls=3, settings=SMALL).readings:
        assert reading.snmp == "partial"
        assert len(reading.interfaces) < 200
        assert of(reading, "if200") == [10**12 + 200]
        assert reading.interfaces[0].alias == "to house 200"


def test_from_the_second_poll_on_it_is_asked_for_with_the_uptime(serve: Serve) -> None:
    served = serve(answering(Mib(router(20)).answer))
    read(served, "if7", polls=4)
    gets = [message for message in served.asked if message.kind == GET]
    own = [any(bind.oid == (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6, 7) for bind in get.varbinds) for get in gets]
    assert own == [False, False, True, True, True, True], "identity and uptime; the row; then both in one"


def test_it_is_one_row_among_all_and_its_counters_go_on(serve: Serve) -> None:
    mib, polls = Mib(router(20)), []

    def answer(data: bytes) -> list[bytes]:
        polls.extend(bind for bind in decode_any(data).varbinds if bind.oid == UPTIME)
        mib.replace({**router(20), f"{RECEIVED}.7": encode_integer(5 * 10**12 + len(polls), 0x46)})
        return mib.answer(data)

    for n, reading in enumerate(read(serve(answering(answer)), "if7", polls=6).readings, 1):
        assert sorted(interface.index for interface in reading.interfaces) == list(range(1, 21))
        assert of(reading, "if7") == [5 * 10**12 + n]
        assert of(reading, "if8") == [10**12 + 8]


@pytest.mark.parametrize("settings", [QUICK, SMALL], ids=["whole", "cut"])
def test_a_row_that_has_moved_is_found_again(serve: Serve, settings: PollSettings) -> None:
    mib, polls = Mib(router(200)), []

    def answer(data: bytes) -> list[bytes]:
        polls.extend(bind for bind in decode_any(data).varbinds if bind.oid == UPTIME)
        if len(polls) == 3:
            mib.replace(router(200, first=1001))
        return mib.answer(data)

    polled = read(serve(answering(answer)), "if200", polls=4, settings=settings)
    for reading, index in zip(polled.readings, (200, 200, 1200, 1200), strict=True):
        assert [interface.index for interface in reading.interfaces if interface.name == "if200"] == [index]
        assert of(reading, "if200") == [10**12 + 200]


@pytest.mark.parametrize(("uplink", "index"), [("to house 150", 150), ("port 150", 150)])
def test_it_may_be_called_by_its_alias_or_description(serve: Serve, uplink: str, index: int) -> None:
    served = serve(answering(Mib(router(200)).answer))
    for reading in read(served, uplink, polls=2, settings=SMALL).readings:
        assert [i.index for i in reading.interfaces if i.name == uplink] == [index]


def test_one_that_is_not_there_costs_one_search(serve: Serve) -> None:
    served = serve(answering(Mib(router(20)).answer))
    polled = read(served, "if99", polls=3)
    assert all(len(reading.interfaces) == 20 and of(reading, "if99") == [] for reading in polled.readings)
    alone = [
        m
        for m in served.asked
        if m.kind != GET and len(m.varbinds) == 1 and m.varbinds[0].oid == (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)
    ]
    assert len(alone) == 1


def test_a_device_whose_names_are_only_descriptions(serve: Serve) -> None:
    objects = {oid: value for oid, value in router(200).items() if not oid.startswith(f"{NAME}.")}
    served = serve(answering(Mib({**objects, f"{ALIAS}.9": encode_tlv(OCTETS, b"x")}).answer))
    for reading in read(served, "port 200", polls=2, settings=SMALL).readings:
        assert of(reading, "port 200") == [10**12 + 200]


def test_sessions_are_summed_and_the_uplink_is_not(serve: Serve) -> None:
    """However the table is read: with all its columns, as usual, and along the way that it always takes."""
    polls: list[object] = []

    def table() -> dict[str, bytes]:
        names = {f"{NAME}.{n}": encode_tlv(OCTETS, b"<pppoe-user%d>" % n) for n in range(1, 20)}
        counters = {f"{RECEIVED}.{n}": encode_integer(10**12 + 100 * len(polls), 0x46) for n in range(1, 21)}
        return router(20) | names | counters

    mib = Mib(table())

    def answer(data: bytes) -> list[bytes]:
        polls.extend(bind for bind in decode_any(data).varbinds if bind.oid == UPTIME)
        mib.replace(table())
        return mib.answer(data)

    for n, reading in enumerate(read(serve(answering(answer)), "if20", polls=6).readings, 1):
        (total,) = (interface for interface in reading.interfaces if interface.summed_rows)
        assert (total.name, total.summed_rows, total.receive_bytes) == ("(sessions)", 19, 19 * 100 * (n - 1))
        assert of(reading, "if20") == [10**12 + 100 * n]
        assert len(reading.interfaces) == 2


def test_interfaces_says_which_are_shown(serve: Serve) -> None:
    served = serve(answering(Mib(router(8)).answer))
    target = device(served.port, uplink_interface="if8", interfaces="if2|alias:to house 3|admin:down")
    for reading in poll(*[target] * 4).readings:
        names = {interface.name: interface.summed_rows for interface in reading.interfaces}
        assert names == {"if8": None, "if2": None, "if3": None, "(others)": 5}
