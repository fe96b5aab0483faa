"""The timer wheel and the paced outbox, with time as an argument."""

from __future__ import annotations

import socket
import time

from hypothesis import given
from hypothesis import strategies as st

from collector.poll.counts import PollCounts
from collector.poll.datagrams import Datagrams, Outbox, Wheel


@given(st.lists(st.floats(0, 50), max_size=60), st.lists(st.floats(0.01, 5), min_size=1, max_size=40))
def test_wheel_gives_each_thing_once_and_never_early(times: list[float], steps: list[float]) -> None:
    wheel = Wheel(0.02)
    for when in times:
        wheel.add(100.0 + when, when)
    now, given_back = 100.0, []
    for step in steps:
        now += step
        for when in wheel.due(now):
            assert 100.0 + when <= now
            given_back.append(when)
    missing = [when for when in times if when not in given_back]
    assert all(100.0 + when > now - 0.05 for when in missing)
    assert sorted(given_back + missing) == sorted(times)
    assert sorted(wheel.due(now + 100)) == sorted(missing)
    assert wheel.due(now + 200) == []


def test_wheel_after_a_long_sleep_is_quick() -> None:
    wheel = Wheel(0.01)
    wheel.due(1.0)
    wheel.add(2.0, "one")
    assert wheel.due(1e9) == ["one"]
    wheel.add(5.0, "in the past")
    assert wheel.due(1e9 + 0.05) == ["in the past"]


class Packet:
    def __init__(self, name: str, sent: list[str], refusals: int = 0) -> None:
        self.name, self.sent, self.refusals = name, sent, refusals

    def transmit(self, _now: float) -> bool:
        if self.refusals:
            self.refusals -= 1
            return False
        self.sent.append(self.name)
        return True


def test_outbox_keeps_the_pace_and_sends_what_is_under_way_first() -> None:
    sent: list[str] = []
    outbox = Outbox(100.0, 0.02)
    outbox.fresh.extend(Packet(f"new{n}", sent) for n in range(50))
    outbox.urgent.append(Packet("retry", sent))
    outbox.send(10.0)
    assert sent[0] == "retry"
    assert len(sent) == 4, "two ticks' worth at first"
    for tick in range(1, 11):
        outbox.send(10.0 + tick * 0.02)
    assert 23 <= len(sent) <= 24
    before = len(sent)
    outbox.send(100.0)
    assert len(sent) == before + 4, "a pause is not made up for"


def test_what_leaves_between_ticks_leaves_half_of_the_pace_to_others() -> None:
    sent: list[str] = []
    outbox = Outbox(100.0, 0.2)
    outbox.send(10.0)
    outbox.hasty.extend(Packet(f"step{n}", sent) for n in range(100))
    outbox.urgent.append(Packet("retry", sent))
    outbox.hurry(10.0)
    assert sent == [f"step{n}" for n in range(20)], "half of two ticks' worth"
    outbox.hurry(10.05)
    assert len(sent) == 25, "as the pace refills"
    outbox.fresh.extend(Packet(f"new{n}", sent) for n in range(100))
    outbox.hasty.clear()
    outbox.send(10.05)
    assert sent[25] == "retry"
    assert len(sent) == 45, "the other half was kept for the tick"


def test_outbox_waits_where_the_socket_is_full() -> None:
    sent: list[str] = []
    outbox = Outbox(1000.0, 0.02)
    outbox.fresh.extend((Packet("first", sent, refusals=1), Packet("second", sent)))
    outbox.send(1.0)
    assert sent == []
    outbox.send(1.02)
    assert sent == ["first", "second"]


def test_datagrams_are_stamped_by_the_kernel() -> None:
    here, there = Datagrams(socket.AF_INET), Datagrams(socket.AF_INET)
    try:
        here.socket.bind(("127.0.0.1", 0))
        before = time.time()
        there.send(b"hello", here.socket.getsockname())
        after = time.time()
        time.sleep(0.2)
        taken: list[tuple[bytes, float]] = []
        here.drain(lambda data, _address, stamp: taken.append((data, stamp)))
    finally:
        here.close()
        there.close()
    assert [data for data, _ in taken] == [b"hello"]
    assert before - 0.01 <= taken[0][1] <= after + 0.1, "when it came, not when it was read"


def test_rejections_are_counted_by_reason() -> None:
    counts = PollCounts()
    for reason in ("late", "late", "truncated"):
        counts.reject(reason, "192.0.2.1", 0.0)
    assert counts.rejected == {"late": 2, "truncated": 1}
    assert counts.late == 2
