"""Devices that need to be asked otherwise than others: fewer rows, smaller replies, GETNEXT, a pace of their own."""

from __future__ import annotations

from typing import Any

import pytest

from collector.credentials import Credential
from collector.poll.manner import USUAL, Manner, manner
from collector.poll.profile import Profile
from collector.poll.snmp.codec import GET_BULK, GET_NEXT
from collector.reading import Device

from .agents import Mib, Serve, answering, device, poll, router


def at(**fields: Any) -> Device:
    return Device("d", "192.0.2.1", "router", "a", **fields)


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ((at(), Credential("a"), Profile("p")), USUAL),
        ((at(), Credential("a", max_repetitions=20), Profile("p", max_repetitions=5)), Manner(20)),
        ((at(getnext=False), Credential("a", getnext=True)), USUAL),
        ((at(), Credential("a"), Profile("p", getnext=True, max_reply_bytes=484)), Manner(100, 484, True)),
        ((at(requests_per_second=4.0), Credential("a", requests_per_second=9.0)), Manner(gap_seconds=0.25)),
    ],
)
def test_the_nearest_wish_counts(wishes: tuple[Any, ...], expected: Manner) -> None:
    assert manner(*wishes) == expected


@pytest.mark.parametrize("place", ["device", "credential"])
def test_rows_and_bytes_of_a_reply_are_held_to(serve: Serve, place: str) -> None:
    wishes = {"max_repetitions": 2, "max_reply_bytes": 2000}
    served = serve(answering(Mib(router(12)).answer))
    target = device(served.port, **(wishes if place == "device" else {}))
    credential = Credential("default", **(wishes if place == "credential" else {}))  # type: ignore[arg-type]
    polled = poll(*[target] * 3, credentials=[credential])
    assert len(polled.reading.interfaces) == 12
    asked = [message.error_index for message in served.asked if message.kind == GET_BULK]
    assert max(asked) == 2


def test_small_replies(serve: Serve) -> None:
    served = serve(answering(Mib(router(12)).answer))
    polled = poll(*[device(served.port, max_reply_bytes=600)] * 4)
    sizes = [len(message.varbinds) * message.error_index for message in served.asked if message.kind == GET_BULK]
    assert len(polled.reading.interfaces) == 12
    assert max(sizes) <= 25, "about 24 bytes each"


def test_getnext_where_it_is_wished(serve: Serve) -> None:
    served = serve(answering(Mib(router(3)).answer))
    polled = poll(*[device(served.port, getnext=True)] * 4)
    assert [len(reading.interfaces) for reading in polled.readings] == [3] * 4
    assert {message.kind for message in served.asked} >= {GET_NEXT}
    assert GET_BULK not in {message.kind for message in served.asked}
    assert polled.poller.bulk_trouble("d1") is None


def test_a_pace_of_its_own_is_a_least_time_for_its_requests(serve: Serve) -> None:
    """Only a lower bound: a slow machine is slower."""
    served = serve(answering(Mib(router(3)).answer))
    polled = poll(device(served.port, requests_per_second=20.0))
    assert polled.reading.snmp == "answered"
    assert polled.reading.duration_seconds >= 0.05 * (len(served.requests) - 2)
    assert polled.poller.spoken_to("d1") == (
        "timeout 0.3 s, 2 tries, up to 100 rows to a GETBULK, replies of up to 1400 bytes, at most 20 requests a second"
    )


def test_what_was_learnt_is_told(serve: Serve) -> None:
    served = serve(answering(Mib(router(30), most_varbinds=20).answer))
    polled = poll(*[device(served.port)] * 2)
    assert len(polled.reading.interfaces) == 30
    assert "; learnt: it takes " in (polled.poller.spoken_to("d1") or "")
