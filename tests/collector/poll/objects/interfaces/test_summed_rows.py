"""Rows without series of their own: how many they are and what passed them, however they come and go."""

from __future__ import annotations

from collector.interface_filter import USUAL, parse_filter
from collector.poll.objects.interfaces.summed_rows import SummedRows
from collector.reading import InterfaceReading

PORT = InterfaceReading("ge-0/0/1", 1, receive_bytes=5, transmit_bytes=6)


def session(n: int, received: int | None, sent: int | None = 0, **fields: object) -> InterfaceReading:
    return InterfaceReading(f"<pppoe-{n}>", n, receive_bytes=received, transmit_bytes=sent, **fields)  # type: ignore[arg-type]


def summed(
    *polls: list[InterfaceReading], rows: SummedRows | None = None
) -> list[tuple[int | None, int | None, int | None]]:
    """Rows, bytes received and bytes sent of the sum after each poll, 60 s apart."""
    rows, found = rows or SummedRows(USUAL, 100, None), []
    for n, readings in enumerate(polls):
        rows.learn(tuple(readings), {})
        *shown, total = rows.fold(tuple(readings), 60.0 * n)
        assert all(not reading.name.startswith("<") for reading in shown)
        assert (total.name, total.index) == ("(sessions)", 0)
        found.append((total.summed_rows, total.receive_bytes, total.transmit_bytes))
    return found


def test_what_was_counted_since_the_poll_before_is_summed() -> None:
    first = [PORT, session(2, 1000, 10), session(3, 7000, 70)]
    then = [PORT, session(2, 1500, 15), session(3, 7001, 70)]
    assert summed(first, then, then) == [(2, 0, 0), (2, 501, 5), (2, 501, 5)]


def test_a_session_that_begins_or_ends_leaves_no_leap() -> None:
    assert summed([session(2, 10**9)], [session(2, 10**9 + 5), session(3, 10**12)], [session(3, 10**12 + 7)]) == [
        (1, 0, 0),
        (2, 5, 0),
        (1, 12, 0),
    ]


def test_another_session_on_the_same_number_adds_only_its_own() -> None:
    other = session(2, 10**12)._replace(name="<pppoe-bob>")
    assert [
        received for _, received, _ in summed([session(2, 5)], [other], [other._replace(receive_bytes=10**12 + 3)])
    ] == [0, 0, 3]


def test_a_counter_that_starts_again_or_wraps_or_is_absent_or_leaps() -> None:
    narrow = {"counter_bits": 32}
    assert summed([session(2, 900)], [session(2, 40)])[-1][1] == 40
    assert summed([session(2, 2**32 - 10, **narrow)], [session(2, 20, **narrow)])[-1][1] == 30
    assert summed([session(2, 900)], [session(2, None)], [session(2, 950)])[-1][1] == 0
    fast = {"speed_bytes_per_second": 1000.0}
    assert summed([session(2, 900, **fast)], [session(2, 10**9, **fast)])[-1][1] == 0


def test_sums_go_on_when_the_device_is_learnt_anew() -> None:
    rows = SummedRows(USUAL, 100, None)
    summed([session(2, 10)], [session(2, 25)], rows=rows)
    again = SummedRows(USUAL, 100, None)
    again.keep_from(rows)
    again.learn((session(2, 30),), {})
    assert again.fold((session(2, 30),), 1000.0)[0].receive_bytes == 20


def test_of_too_many_the_last_are_summed_but_none_that_is_named() -> None:
    ports = tuple(InterfaceReading(f"ge-{n}", n, receive_bytes=0, transmit_bytes=0) for n in range(1, 8))
    rows = SummedRows(parse_filter("ge-7|ge-*"), 3, "ge-6")
    rows.learn(ports, {})
    shown = rows.fold(ports, 0.0)
    assert {reading.name: reading.summed_rows for reading in shown} == {
        "ge-1": None,
        "ge-6": None,
        "ge-7": None,
        "(others)": 4,
    }


def test_where_nothing_is_summed_nothing_is_added() -> None:
    rows = SummedRows(USUAL, 100, None)
    rows.learn((PORT,), {})
    assert rows.fold((PORT,), 0.0) == (PORT,)
