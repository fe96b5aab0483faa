"""The collector doubts itself only when its own references fail; while it does, nobody is judged."""

from __future__ import annotations

THREE_TOPS = {"a": None, "b": None, "c": None, "d": "a", "c1": "d"}


def test_three_independent_tops_silent_at_once_make_it_blind(make_world):
    world = make_world(THREE_TOPS)
    world.run(120)
    world.connected = False
    world.run(180)
    assert world.network.is_blind
    assert set(world.states().values()) == {"unknown"}
    (incident,) = world.open()
    assert (incident.kind, incident.scope, incident.root, incident.members) == ("blind", "collector", None, ())
    world.run(1200)
    world.connected = True
    world.run(1300)
    assert not world.network.is_blind
    assert set(world.states().values()) == {"up"}
    assert all(change.kind == "blind" for change in world.books.incidents.values())


def test_three_dead_tops_of_many_do_not_make_it_blind(make_world):
    world = make_world({**THREE_TOPS, "e": None, "c2": "e"})
    world.run(120)
    world.broken = {"a", "b", "c"}
    world.run(480)
    assert not world.network.is_blind
    assert {i.root for i in world.open()} == {"a", "b", "c"}


def test_a_lone_core_is_down_and_not_a_reason_for_doubt(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.connected = False
    world.run(480)
    assert not world.network.is_blind
    assert world.state("core").state == "down"


def test_the_others_are_asked_before_a_top_is_judged(make_scene):
    scene = make_scene(THREE_TOPS, down_after=1)
    scene.all_up()
    scene.silent(60, "a")
    assert scene.state("a").state == "suspect"
    assert scene.asked == ["b", "c"]
    scene.poll(62.5, "b")
    assert scene.state("a").state == "down"


def test_all_sentinels_silent_make_it_blind_whatever_else_answers(make_scene, tree):
    scene = make_scene(tree, sentinels=("192.0.2.10", "192.0.2.11:7"))
    scene.all_up()
    scene.take(scene.network.observe_sentinel("192.0.2.10", 60, False))
    scene.take(scene.network.observe_sentinel("192.0.2.11:7", 61, True))
    assert not scene.network.is_blind
    scene.silent(70, "olt1")
    scene.take(scene.network.observe_sentinel("192.0.2.11:7", 121, False))
    assert scene.network.is_blind
    assert scene.state("olt1").state == "unknown"
    for at in (130, 190, 250):
        scene.silent(at, "olt1")
        scene.poll(at, "core")
    assert scene.network.is_blind
    assert (scene.state("olt1").state, scene.state("core").state) == ("unknown", "up")
    scene.take(scene.network.observe_sentinel("192.0.2.10", 260, True))
    assert not scene.network.is_blind
    scene.poll(300, "core", "agg1")
    for at in (310, 370, 430):
        scene.silent(at, "olt1")
    assert scene.state("olt1").state == "suspect", "wait for agg1, whose answer is older than the silence"
    scene.poll(433, "agg1")
    assert scene.state("olt1").state == "down"
    assert scene.state("olt1").since == 310, "no time of the blindness counts"


def test_with_an_answering_sentinel_a_dead_network_is_dead(make_scene):
    scene = make_scene(THREE_TOPS, sentinels=("192.0.2.10",))
    scene.all_up()
    for at in (60, 120, 180):
        scene.silent(at, "a", "b", "c")
        scene.take(scene.network.observe_sentinel("192.0.2.10", at + 5, True))
    assert not scene.network.is_blind
    assert [scene.state(name).state for name in "abc"] == ["down"] * 3


def test_a_host_that_refuses_to_send_is_blind(make_scene):
    scene = make_scene({"core": None, "c1": "core", "c2": "core"})
    scene.all_up()
    scene.poll(60, "c1", sent=False, answers=False)
    assert not scene.network.is_blind, "one address that cannot be sent to is its own affair"
    assert scene.state("c1").state == "unknown"
    scene.poll(61, "c2", sent=False, answers=False)
    assert scene.network.is_blind
    scene.poll(120, "core")
    assert not scene.network.is_blind


def test_addresses_that_cannot_be_sent_to_do_not_blind_it_while_others_answer(make_scene):
    scene = make_scene({"core": None, **{f"c{i}": "core" for i in range(1, 9)}})
    scene.all_up()
    for at in range(60, 600, 60):
        scene.poll(at, "c1", "c2", "c3", sent=False, answers=False)
        scene.poll(at, "core")
    assert not scene.network.is_blind
    assert scene.state("c1").state == "unknown"


def test_an_outage_from_before_is_held_through_blindness_without_counting_it(make_world):
    world = make_world(THREE_TOPS)
    world.run(120)
    world.broken = {"d"}
    world.run(600)
    (before,) = world.open()
    world.connected = False
    world.run(1200)
    assert world.network.is_blind
    assert world.state("d").state == "unknown"
    assert before.incident_id in {i.incident_id for i in world.open()}, "still open"
    world.connected = True
    world.run(1300)
    assert world.state("d").state == "down", "at its first miss: it was down before"
    assert world.state("d").incident_id == before.incident_id
    world.run(1800)
    world.broken = set()
    world.run(1900)
    assert world.open() == []
    counted = world.books.down_seconds("d", 1900)
    assert 950 < counted < 1140, "ten minutes before and ten after, less what nobody saw"


def test_an_outage_judged_while_the_connection_was_already_gone_is_undone(make_scene):
    scene = make_scene({"a": None, "b": None, "c": None}, down_after=1)
    scene.network.observe_sentinel("192.0.2.10", 0, True)
    scene.all_up()
    scene.silent(60, "a")
    scene.take(scene.network.observe_sentinel("192.0.2.10", 59, True))
    scene.silent(120, "a")
    scene.take(scene.network.observe_sentinel("192.0.2.10", 60.5, True))
    assert scene.state("a").state == "down"
    scene.take(scene.network.observe_sentinel("192.0.2.10", 119, False))
    assert scene.network.is_blind
    assert scene.state("a").state == "unknown"
    assert scene.books.down_seconds("a", 999) == 59
