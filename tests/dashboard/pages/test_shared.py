"""Parts that everybody sees alike are made once, by whoever asks first, and kept for as long as somebody looks at them."""

from __future__ import annotations

import threading

import pytest
from dash import no_update

from dashboard.pages.shared import KEPT, SharedParts, changed, part


def test_a_part_is_made_once_for_each_key():
    made = []
    shared = SharedParts()
    for key in ("a", "b", "a"):
        assert shared.take("rows", key, lambda key=key: made.append(key) or [key]).value == [key]
    assert made == ["a", "b"]
    assert shared.take("cards", "a", lambda: "another part").value == "another part"


def test_those_who_ask_at_once_wait_for_the_first():
    shared, began, go, made, told = SharedParts(), threading.Event(), threading.Event(), [], []

    def make() -> str:
        made.append(1)
        began.set()
        go.wait(20)
        return "drawn"

    threads = [threading.Thread(target=lambda: told.append(shared.take("map", 1, make).value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    began.wait(20)
    go.set()
    for thread in threads:
        thread.join(20)
    assert told == ["drawn"] * 8
    assert made == [1]


def test_one_that_could_not_be_made_is_tried_again():
    shared = SharedParts()
    with pytest.raises(ZeroDivisionError):
        shared.take("map", 1, lambda: 1 / 0)
    assert shared.take("map", 1, lambda: "drawn").value == "drawn"


def test_the_oldest_are_forgotten():
    shared = SharedParts()
    for key in range(KEPT + 1):
        shared.take("rows", key, lambda key=key: key)
    assert shared.take("rows", 0, lambda: "again").value == "again"
    assert shared.take("rows", KEPT, lambda: "again").value == KEPT


@pytest.mark.parametrize("seen", [None, [], ["x"], ["", "", "", ""]])
def test_whoever_has_seen_something_else_is_told_everything(seen):
    assert changed([part(1), part(2)], seen)[0] == [1, 2]


def test_only_what_changed_is_told():
    _, digests = changed([part({"a": 1, "b": 2}), part("x")], None)
    assert changed([part({"b": 2, "a": 1}), part("y")], digests)[0] == [no_update, "y"]
