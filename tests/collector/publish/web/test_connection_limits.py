"""Which connection makes way for a newcomer, and when most are at work."""

from __future__ import annotations

from functools import partial

import pytest

from collector.publish.web.connection_limits import IDLE_KEPT, Place, Places, source_of


class Held:
    """Connections by name, and which were ended to make way."""

    def __init__(self, most: int, most_of_source: int | None = None) -> None:
        self.places = Places(most, most_of_source or most)
        self.ended: list[str] = []

    def take(self, name: str, address: str = "192.0.2.1") -> Place:
        place = self.places.take(address, partial(self.ended.append, name))
        assert place is not None
        return place


def test_one_that_takes_nothing_of_its_answer_makes_way_before_few_idle_ones() -> None:
    held = Held(most=3)
    slow, stuck, _ = (held.take(name) for name in ("slow", "stuck", "idle"))
    for place in (slow, stuck):
        place.work()
        place.send()
    slow.send()
    for name in ("a", "b", "c"):
        held.take(name)
    assert held.ended == ["stuck", "slow", "idle"]


def test_who_asks_in_advance_makes_way_first() -> None:
    held = Held(most=3)
    idle, sending, in_advance = (held.take(name) for name in ("idle", "sending", "in advance"))
    for place in (sending, in_advance):
        place.work()
        place.send()
    in_advance.rest(in_advance=True)
    held.take("newcomer")
    assert held.ended == ["in advance"]
    assert idle in held.places.held


def test_where_many_are_idle_nobody_who_is_answered_makes_way() -> None:
    held = Held(most=IDLE_KEPT + 1)
    answered = held.take("answered")
    answered.work()
    answered.send()
    for number in range(IDLE_KEPT):
        held.take(f"idle {number}")
    held.take("newcomer")
    assert held.ended == ["idle 0"]


def test_who_is_at_work_never_makes_way() -> None:
    held = Held(most=1)
    held.take("busy").work()
    assert held.places.take("192.0.2.1", lambda: None) is None
    assert (held.ended, held.places.ended["turned_away"]) == ([], 1)


def test_one_that_has_left_is_neither_counted_nor_ended() -> None:
    held = Held(most=1)
    gone = held.take("gone")
    gone.work()
    gone.leave()
    for late in (gone.send, gone.rest, gone.leave):
        late()
    held.take("next")
    assert held.ended == []


@pytest.mark.parametrize(("at_work", "is_crowded"), [(6, False), (7, True)])
def test_crowded_is_when_three_quarters_are_at_work(at_work: int, is_crowded: bool) -> None:
    held = Held(most=8)
    places = [held.take(str(number), f"192.0.2.{number}") for number in range(8)]
    for place in places[:at_work]:
        place.work()
    assert places[0].is_crowded == is_crowded


def test_a_source_is_crowded_by_its_own_alone() -> None:
    held = Held(most=100, most_of_source=4)
    places = [held.take(str(number)) for number in range(4)]
    other = held.take("other", "192.0.2.9")
    for place in places:
        place.work()
    assert places[0].is_crowded
    assert not other.is_crowded
    places[0].send()
    assert not places[0].is_crowded


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_what_counts_as_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
