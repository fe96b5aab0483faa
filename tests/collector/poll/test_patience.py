"""Slow devices: their own timeout and retries, by row, credential or profile, and what is made of late answers."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.config import PollSettings
from collector.credentials import Credential, read_credentials
from collector.poll.profile import Match, Profile
from collector.poll.profile_files import load_profile, load_profiles
from collector.poll.timeouts import Patience, patience, slowest
from collector.reading import Device
from settings_file import SettingsError

from .agents import QUICK, Mib, Serve, Served, device, poll, router

POLL = PollSettings()
NOTHING = Credential("a")


def at(timeout: float | None = None, retries: int | None = None) -> Device:
    return Device("d", "192.0.2.1", "router", "a", timeout_seconds=timeout, retries=retries)


def through(timeout: float | None = None, retries: int | None = None) -> Credential:
    return Credential("a", timeout_seconds=timeout, retries=retries)


def kind(timeout: float | None = None, retries: int | None = None) -> Profile:
    return Profile("p", timeout_seconds=timeout, retries=retries)


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ((), Patience(1.5, 3, 10.0)),
        ((at(), through(), kind()), Patience(1.5, 3, 10.0)),
        ((at(), through(), kind(3.0)), Patience(3.0, 3, 20.0)),
        ((at(), through(2.0), kind(3.0)), Patience(2.0, 3, 10.0 * 2 / 1.5)),
        ((at(2.5, 1), through(2.0), kind(3.0)), Patience(2.5, 2, 10.0 * 5 / 4.5)),
        ((at(None, 0), through(6.0), kind(3.0, 5)), Patience(6.0, 1, 10.0 * 6 / 4.5)),
        ((at(60.0, 10),), Patience(60.0, 11, 20.0)),
        ((at(0.1, 0),), Patience(0.1, 1, 10.0)),
    ],
)
def test_the_nearest_wish_counts(wishes: tuple[Any, ...], expected: Patience) -> None:
    assert patience(POLL, *wishes) == pytest.approx(expected)


def test_of_profiles_the_slowest_counts() -> None:
    assert slowest([kind(), kind(2.0), kind(5.0, 1), kind(None, 9)])[0] == kind(5.0, 1)


class Slow:
    """An agent with four ports that takes ``delay`` seconds for each answer."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._mib = Mib(router(4))
        self._timers: list[threading.Timer] = []

    def answer(self, served: Served, data: bytes, sender: Any) -> None:
        timer = threading.Timer(self._delay, served.socket.sendto, (self._mib.answer(data)[0], sender))
        self._timers.append(timer)
        timer.start()

    def stop(self) -> None:
        for timer in self._timers:
            timer.join()


@pytest.fixture
def slow(serve: Serve) -> Iterator[int]:
    """The port of an agent that takes 0.6 s for each answer."""
    agent = Slow(0.6)
    yield serve(agent.answer).port
    agent.stop()


HASTY = dataclasses.replace(QUICK, timeout_seconds=0.25, retries=0, budget_seconds=3.0)


def test_a_slow_device_is_silent_to_who_does_not_wait(slow: int) -> None:
    assert poll(device(slow), settings=HASTY, linger_seconds=0.7).reading.snmp == "silent"


PROFILES = load_profiles()
GENERIC = next(name for name, profile in PROFILES.items() if profile.match == Match(every_device=True))
SLOWED = {**PROFILES, GENERIC: dataclasses.replace(PROFILES[GENERIC], timeout_seconds=2.5)}


@pytest.mark.parametrize(
    ("fields", "credential", "profiles", "retries"),
    [
        ({"timeout_seconds": 2.5}, Credential("default"), PROFILES, 0),
        ({}, Credential("default", timeout_seconds=2.5), PROFILES, 0),
        ({"profile": "generic"}, Credential("default"), SLOWED, 0),
    ],
    ids=["device", "credential", "profile"],
)
def test_a_slow_device_is_read_by_who_waits_for_it(
    slow: int, fields: dict[str, Any], credential: Credential, profiles: dict[str, Profile], retries: int
) -> None:
    polled = poll(device(slow, **fields), settings=HASTY, credentials=[credential], profiles=profiles)
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 4
    assert polled.counts.retries == retries


def test_others_are_not_waited_for_as_long(slow: int, serve: Serve) -> None:
    """A silent device beside it costs its own tries."""
    silent = dataclasses.replace(device(serve(lambda *_: None).port), device_id="d2")
    polled = poll(device(slow, timeout_seconds=2.5), silent, settings=HASTY)
    assert [reading.snmp for reading in polled.readings] == ["answered", "silent"]
    assert polled.readings[1].duration_seconds < 1.5


def test_retries_of_its_own(serve: Serve) -> None:
    served = serve(lambda *_: None)
    poll(device(served.port, timeout_seconds=0.05, retries=4), settings=HASTY)
    assert len(served.requests) == 5


def test_a_late_answer_is_taken_in_get_and_walk_with_its_own_time(slow: int) -> None:
    """Its answers come after the timeout, while the next try is under way."""
    polled = poll(device(slow), settings=dataclasses.replace(HASTY, timeout_seconds=0.4, retries=2, budget_seconds=20))
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 4
    assert polled.counts.retries >= 3
    assert polled.counts.bulk_avoided == 0
    assert set(polled.counts.rejected) <= {"duplicate"}


def test_answers_to_a_walk_that_come_after_the_poll_are_counted_late(serve: Serve) -> None:
    fast, agent = Mib(router(4)), Slow(0.6)
    first: list[bytes] = []

    def answer(served: Served, data: bytes, sender: Any) -> None:
        first.append(data)
        if len(first) <= 2:
            served.socket.sendto(fast.answer(data)[0], sender)
        else:
            agent.answer(served, data, sender)

    polled = poll(
        device(serve(answer).port), settings=dataclasses.replace(HASTY, timeout_seconds=0.4), linger_seconds=0.7
    )
    agent.stop()
    assert polled.reading.snmp == "partial"
    assert polled.counts.late >= 1


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [("timeout_seconds", 0, "must be 0.01 to 60, not 0"), ("retries", 11, "must be 0 to 10, not 11")],
)
def test_what_is_out_of_range_is_refused(tmp_path: Path, key: str, value: float, reason: str) -> None:
    with pytest.raises(SettingsError, match=rf"credentials\[0\]\.{key}: {reason}"):
        read_credentials([{"name": "a", "community": "b", key: value}], tmp_path / "collector.toml")
    path = tmp_path / "slow.toml"
    path.write_text(f'title = "slow"\n{key} = {value}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"slow\.toml\.{key}: {reason}"):
        load_profile(path)


def test_credentials_and_profiles_hold_it(tmp_path: Path) -> None:
    given = {"name": "a", "community": "b", "timeout_seconds": 5.0, "retries": 1}
    (credential,) = read_credentials([given], tmp_path / "collector.toml")
    assert (credential.timeout_seconds, credential.retries) == (5.0, 1)
    path = tmp_path / "slow.toml"
    path.write_text('title = "slow"\ntimeout_seconds = 5\nretries = 1\n', encoding="utf-8")
    assert (load_profile(path).timeout_seconds, load_profile(path).retries) == (5.0, 1)
