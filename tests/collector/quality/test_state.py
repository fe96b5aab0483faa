"""Silences told apart: roots, groups, lone customers, flaps, and races between readings, each by name."""

from __future__ import annotations

import heapq
import random

import pytest


def test_a_device_is_suspect_on_its_first_miss_and_down_after_three(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    expected = [
        (60, False, "suspect"),
        (120, False, "suspect"),
        (180, False, "down"),
        (240, False, "down"),
        (300, True, "up"),
    ]
    for at, answers, state in expected:
        scene.poll(at, "core", answers=answers)
        assert scene.state("core").state == state, at
    (incident,) = scene.books.incidents.values()
    assert (incident.root, incident.scope, incident.started_at, incident.ended_at) == ("core", "device", 60, 300)


def test_the_outage_reaches_back_to_the_first_missed_poll(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    for at in (60, 120, 180):
        verdict = scene.silent(at, "core")
    (transition,) = verdict.transitions
    assert (transition.since, transition.at, transition.old, transition.new) == (60, 182, "suspect", "down")
    assert transition.root == "core"
    assert scene.state("core").since == 60


def test_probing_a_silent_device_in_haste_does_not_make_it_down(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    for at in (60, 63, 66, 69, 72):
        scene.silent(at, "core")
    assert scene.state("core").state == "suspect"


def test_one_or_two_missed_polls_as_in_a_restart_are_no_outage(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    scene.silent(60, "core")
    scene.silent(120, "core")
    verdict = scene.poll(180, "core")
    assert [(t.old, t.new, t.since) for t in verdict.transitions] == [("suspect", "up", 180)]
    assert scene.books.incidents == {}


def test_a_refused_poll_is_an_answer(make_scene):
    from collector.reading import Reading

    scene = make_scene({"core": None})
    for at in (0, 60, 120, 180):
        scene.take(scene.network.observe(Reading("core", at, 0.1, "refused")))
    assert scene.state("core").state == "up"


def test_the_highest_silent_device_is_the_root(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"agg1"}
    world.run(420)
    behind = {"olt1", "olt2", *(f"c{i}" for i in range(1, 15))}
    assert {name for name, state in world.states().items() if state == "suppressed"} == behind
    assert world.state("agg1").state == "down"
    assert {world.state(name).root for name in behind} == {"agg1"}
    (incident,) = world.open()
    assert (incident.scope, incident.root, len(incident.members)) == ("subtree", "agg1", 17)
    assert world.states()["core"] == world.states()["agg2"] == "up"


def test_the_parent_is_asked_once_for_all_its_children(make_scene, tree):
    scene = make_scene(tree)
    scene.all_up()
    for i in range(1, 11):
        scene.silent(60, f"c{i}")
    assert scene.asked == ["olt1"]


def test_a_parents_answer_sent_before_the_child_failed_does_not_clear_it(make_scene):
    scene = make_scene({"core": None, "agg": "core"}, down_after=1)
    scene.all_up()
    scene.silent(60, "agg")
    assert scene.asked == ["core"]
    scene.poll(59, "core")
    assert scene.state("agg").state == "suspect"
    assert scene.asked == ["core", "core"], "the poll that was joined had left too early: ask again"
    scene.poll(63, "core")
    assert scene.state("agg").state == "down"


def test_a_child_waits_while_its_parent_is_suspect(make_scene):
    scene = make_scene({"core": None, "agg": "core"})
    scene.all_up()
    scene.silent(60, "agg")
    scene.silent(100, "core")
    for at in (120, 180):
        scene.silent(at, "agg")
    assert scene.states() == {"core": "suspect", "agg": "suspect"}
    scene.silent(160, "core")
    scene.silent(220, "core")
    assert scene.states() == {"core": "down", "agg": "suppressed"}
    assert scene.state("agg").since == 60
    assert scene.books.incidents[scene.state("agg").incident_id].started_at == 60


def test_a_root_found_after_its_children_takes_them_in(make_scene):
    scene = make_scene({"core": None, "agg1": "core", "agg2": "core"})
    scene.all_up()
    for name in ("agg1", "agg2"):
        scene.silent(60, name)
    scene.poll(62.5, "core")
    for at in (120, 180):
        scene.silent(at, "agg1", "agg2")
    assert {i.root for i in scene.open()} == {"agg1", "agg2"}
    for at in (190, 250, 310):
        scene.silent(at, "core")
    (incident,) = scene.open()
    assert (incident.root, incident.started_at) == ("core", 60)
    assert scene.states() == {"core": "down", "agg1": "suppressed", "agg2": "suppressed"}
    absorbed = [i for i in scene.books.incidents.values() if i.root != "core"]
    assert [i.ended_at - i.started_at for i in absorbed] == [0, 0]
    scene.poll(400, "core", "agg1", "agg2")
    assert scene.books.down_seconds("agg1", 999) == 340


def test_an_outage_much_older_than_the_root_stays_its_own(make_scene):
    scene = make_scene({"core": None, "agg": "core"})
    scene.all_up()
    scene.silent(60, "agg")
    for at in range(120, 2000, 60):
        scene.poll(at - 5, "core")
        scene.silent(at, "agg")
    for at in (2000, 2060, 2120):
        scene.silent(at, "core")
    assert scene.states() == {"core": "down", "agg": "down"}
    assert scene.state("agg").root == "agg"


def test_two_roots_at_once(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"olt1", "agg2"}
    world.run(420)
    assert {(i.root, i.scope, len(i.members)) for i in world.open()} == {("olt1", "subtree", 11), ("agg2", "device", 1)}


@pytest.mark.parametrize(("silent", "scope"), [(4, None), (5, "group"), (9, "group")])
def test_group_or_lone(make_world, tree, silent, scope):
    world = make_world(tree)
    world.run(120)
    world.broken = {f"c{i}" for i in range(1, silent + 1)}
    world.run(480)
    states = world.states()
    if scope is None:
        assert {states[name] for name in world.broken} == {"silent"}
        assert world.open() == []
    else:
        assert {states[name] for name in world.broken} == {"suppressed"}
        (incident,) = world.open()
        assert (incident.root, incident.scope, len(incident.members)) == ("olt1", "group", silent)
    assert states["olt1"] == "up"


def test_five_of_many_are_no_group(make_world):
    world = make_world({"olt": None, **{f"c{i}": "olt" for i in range(1, 31)}})
    world.run(120)
    world.broken = {f"c{i}" for i in range(1, 8)}
    world.run(480)
    assert {world.states()[name] for name in world.broken} == {"silent"}


def test_those_who_were_off_already_do_not_count_in_a_group(make_world):
    world = make_world({"olt": None, **{f"c{i}": "olt" for i in range(1, 21)}})
    world.run(120)
    off = {f"c{i}" for i in range(1, 13)}
    for i in range(1, 13):
        world.broken.add(f"c{i}")
        world.run(120 + 600 * i)
    cut = {f"c{i}" for i in range(13, 18)}
    world.broken |= cut
    world.run(world.now + 400)
    (incident,) = world.open()
    assert {name for name, _ in incident.members} == cut, "5 of the 8 that were on"
    assert {world.states()[name] for name in off} == {"silent"}


def test_slow_fading_away_is_no_group(make_world):
    world = make_world({"olt": None, **{f"c{i}": "olt" for i in range(1, 11)}})
    world.run(120)
    for i in range(1, 9):
        world.broken.add(f"c{i}")
        world.run(120 + 300 * i)
    assert world.books.incidents == {}


def test_a_group_of_network_devices_takes_in_what_hangs_from_them(make_world):
    tree = {"core": None, **{f"ap{i}": "core" for i in range(6)}, **{f"c{i}": f"ap{i}" for i in range(6)}}
    world = make_world(tree)
    world.run(120)
    world.broken = {f"ap{i}" for i in range(5)}
    world.run(600)
    (incident,) = world.open()
    assert (incident.root, incident.scope) == ("core", "group")
    assert {name for name, _ in incident.members} == world.broken | {f"c{i}" for i in range(5)}
    world.broken = set()
    world.run(900)
    assert world.open() == []
    for name in incident.members:
        world.books.down_seconds(name[0], 900)


def test_a_lone_customer_device_is_silent_and_never_down(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"c3"}
    world.run(3600)
    assert world.state("c3").state == "silent"
    assert world.books.incidents == {}
    assert world.books.down_seconds("c3", 3600) == 0


def test_a_silent_customer_device_is_not_blamed_on_a_later_root(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"c3"}
    world.run(3600)
    world.broken |= {"olt1"}
    world.run(4200)
    assert world.state("c3").state == "silent"
    assert world.state("c4").state == "suppressed"


def test_a_parent_that_fails_after_its_group_takes_the_group_in(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {f"c{i}" for i in range(1, 9)}
    world.run(310)
    assert [i.scope for i in world.open()] == ["group"]
    world.broken.add("olt1")
    world.run(700)
    (incident,) = world.open()
    assert (incident.root, len(incident.members)) == ("olt1", 11)


def test_half_the_network_back_in_one_tick(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"core"}
    world.run(600)
    (incident,) = world.open()
    assert len(incident.members) == len(tree)
    world.broken = {"olt2"}
    world.run(606)
    for name in tree:
        if world.answers(name):
            world.poll(606, name)
    assert world.state("olt2").state == "suppressed", "unjudged until it has missed again"
    world.run(1200)
    (incident,) = world.open()
    assert (incident.root, len(incident.members)) == ("olt2", 5)
    for name in ("olt2", "c11"):
        assert world.books.down_seconds(name, 1200) == pytest.approx(1200 - 120, abs=61), "no time lost between"


def test_those_who_do_not_come_back_after_a_root_are_lone(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"olt1"}
    world.run(600)
    world.broken = {"c5"}
    world.run(1200)
    assert world.state("c5").state == "silent"
    assert world.open() == []
    assert world.state("c5").since < 665


def test_the_last_of_a_group_become_lone(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {f"c{i}" for i in range(1, 9)}
    world.run(600)
    world.broken = {"c3"}
    world.run(1200)
    assert world.state("c3").state == "silent"
    (incident,) = world.books.incidents.values()
    assert incident.ended_at == pytest.approx(600, abs=61)


def test_a_flap_loses_no_time(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    for at in range(60, 6000, 60):
        scene.poll(at, "core", answers=at % 600 == 0)
    scene.poll(6000, "core")
    assert scene.books.down_seconds("core", 6000) == 10 * 9 * 60
    assert len(scene.books.incidents) == 3, "the third is kept open: it flaps"


def test_a_gap_in_polling_does_not_complete_an_outage(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    scene.silent(60, "core")
    scene.silent(120, "core")
    scene.silent(7200, "core")
    assert scene.state("core").state == "suspect"
    assert scene.state("core").missed == 1


def test_a_device_that_nobody_polls_is_unknown(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    assert scene.take(scene.network.tick(200)).transitions == ()
    (transition,) = scene.take(scene.network.tick(300)).transitions
    assert (transition.new, transition.since) == ("unknown", 0)


def test_a_device_with_no_method_is_unknown_and_looked_through(make_scene):
    scene = make_scene({"core": None, "mute": "core", "c1": "mute"}, down_after=1)
    scene.poll(0, "core", "c1")
    scene.poll(0, "mute", answers=None)
    scene.silent(60, "c1")
    assert scene.asked == ["core"]
    scene.silent(63, "core")
    assert scene.states() == {"core": "down", "mute": "unknown", "c1": "suppressed"}


def test_a_device_whose_methods_are_turned_off_mid_outage_leaves_its_incident(make_scene):
    scene = make_scene({"core": None}, down_after=1)
    scene.all_up()
    scene.silent(60, "core")
    assert len(scene.open()) == 1
    scene.poll(120, "core", answers=None)
    assert scene.open() == []
    assert scene.books.down_seconds("core", 9999) == 0, "nobody saw it down after its only miss"


def test_an_answer_from_behind_a_root_has_the_root_asked(make_scene):
    scene = make_scene({"core": None, "agg": "core", "c1": "agg"}, down_after=1)
    scene.all_up()
    scene.silent(60, "core")
    scene.silent(61, "agg", "c1")
    scene.asked.clear()
    scene.poll(120, "c1")
    assert scene.asked == ["agg"]


def test_a_device_whose_parent_is_not_listed_is_judged_on_its_own(make_scene):
    scene = make_scene({"core": None, "agg": "nowhere"})
    scene.all_up()
    for at in (60, 120, 180):
        scene.silent(at, "agg")
    assert scene.state("agg").root == "agg"


def test_a_parent_that_cannot_be_reached_holds_nobody_up_for_ever(make_scene):
    scene = make_scene({"core": None, "agg": "core"})
    scene.poll(0, "agg")
    for at in range(60, 301, 60):
        scene.silent(at, "agg")
    assert scene.state("agg").state == "down"


def test_unknown_devices_are_nobodys_concern(make_scene):
    scene = make_scene({"core": None})
    assert scene.silent(60, "stranger").transitions == ()
    with pytest.raises(KeyError):
        scene.state("stranger")


# --- suspects that are asked again at once ---


def test_a_suspect_is_asked_again_before_its_turn_until_its_silence_counts(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    assert scene.silent(60, "core").again == (("core", 68),)
    assert scene.silent(63, "core").again == (("core", 68),), "asked by somebody else meanwhile"
    assert scene.silent(68, "core").again == (("core", 76),)
    verdict = scene.silent(76, "core")
    assert verdict.again == ()
    assert scene.state("core").state == "down"
    assert [(t.new, t.since, t.at) for t in verdict.transitions] == [("down", 60, 78)]


def test_an_answer_clears_a_suspect(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    scene.silent(60, "core")
    scene.silent(68, "core")
    assert scene.poll(76, "core").again == ()
    assert scene.state("core").state == "up"
    assert scene.silent(120, "core").again == (("core", 128),), "its misses count anew"


@pytest.mark.parametrize(("interval", "after"), [(10, 5), (16, 8), (300, 8)])
def test_how_soon_it_is_asked_again(make_scene, interval, after):
    scene = make_scene({"core": None}, interval_seconds=interval)
    scene.all_up()
    assert scene.silent(60, "core").again == (("core", 60 + after),)


def test_asking_again_can_be_turned_off(make_scene):
    scene = make_scene({"core": None}, again_seconds=0)
    scene.all_up()
    assert scene.silent(60, "core").again == ()
    scene.silent(70, "core")
    scene.silent(80, "core")
    assert scene.state("core").state == "suspect"


def test_customers_devices_are_asked_in_their_turn(make_scene):
    """Behind a dead access node there are thousands."""
    scene = make_scene({"olt": None, "c1": "olt"})
    scene.all_up()
    scene.poll(61, "olt")
    for at in (60, 68, 76, 84):
        assert scene.silent(at, "c1").again == ()
    assert scene.state("c1").state == "suspect"


@pytest.mark.parametrize("seed", range(3))
def test_an_hour_with_lost_packets_makes_no_outage(make_scene, seed):
    """2% of packets are lost each way; a poll of three tries is missed when each lost its request or its reply."""
    chance, scene = random.Random(seed), make_scene({f"r{n}": None for n in range(300)})
    scene.all_up()
    missed = (1 - 0.98**2) ** 3
    due = [(60 * minute + n / 5, f"r{n}") for minute in range(1, 61) for n in range(300)]
    heapq.heapify(due)
    suspected = 0
    while due:
        at, name = heapq.heappop(due)
        verdict = scene.poll(at, name, answers=chance.random() >= 40 * missed)
        suspected += len(verdict.again)
        for again, when in verdict.again:
            heapq.heappush(due, (when, again))
    assert suspected > 20, "as often as at 7% loss, so that there is something to get wrong"
    assert scene.books.incidents == {}
