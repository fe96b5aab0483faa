"""A device that goes down again and again: one incident, true seconds, and an end once it is stable."""

from __future__ import annotations

import pytest

from collector.config import OutageSettings
from collector.quality.state import Network
from collector.reading import OpenIncident
from tests.collector.quality.conftest import TREE, devices, reading

MINUTE = 60


def flap(scene, name, begin, *, down=5, up=5):
    """``down`` minutes silent, then ``up`` minutes answering; returns when it ends and the transitions seen."""
    seen = []
    for minute in range(down + up):
        at = begin + MINUTE * minute
        seen += scene.poll(at, name, answers=minute >= down).transitions
        scene.take(scene.network.tick(at + 10))
    return begin + MINUTE * (down + up), seen


def test_from_the_third_outage_within_an_hour_on_it_is_one_incident(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    at, flaps = 60, []
    for _ in range(6):
        at, seen = flap(scene, "core", at)
        flaps += [t.is_flap for t in seen if t.new == "down"]
    assert flaps == [False] + [True] * 5
    incidents = sorted(scene.books.incidents.values(), key=lambda i: i.started_at)
    assert [i.started_at for i in incidents] == [60, 660, 1260]
    assert [i.ended_at for i in incidents] == [360, 960, None], "the third stays open through the fourth to sixth"
    assert scene.open()[0].members == ()
    assert scene.books.down_seconds("core", at) == 6 * 5 * MINUTE, "not a second of answering counts"
    while scene.open():
        scene.poll(at, "core")
        scene.take(scene.network.tick(at + 10))
        at += MINUTE
    (third,) = (i for i in scene.books.incidents.values() if i.started_at == 1260)
    assert third.ended_at == 60 + 6 * 600 - 300, "ended when it last came back"
    assert at == pytest.approx(third.ended_at + 900, abs=120), "told so after a quarter of an hour"
    at, (first, *_) = flap(scene, "core", at + 3600)
    assert len(scene.books.incidents) == 4
    assert not first.is_flap


def test_rare_outages_are_incidents_of_their_own(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    at = 60
    for _ in range(5):
        at, _ = flap(scene, "core", at, up=40)
    assert len(scene.books.incidents) == 5
    assert scene.open() == []


def test_those_behind_join_and_leave_with_every_fall(make_world, tree):
    world = make_world(tree)
    world.run(120)
    for _ in range(5):
        world.broken = {"olt2"}
        world.run(world.now + 400)
        world.broken = set()
        world.run(world.now + 200)
    assert len(world.books.incidents) == 3
    (incident,) = world.open()
    rows = [key for key in world.books.rows[incident.incident_id] if key[0] == "c12"]
    assert len(rows) == 3
    for name in ("olt2", "c12"):
        assert world.books.down_seconds(name, world.now) == pytest.approx(5 * 400, abs=5 * 61)


def test_a_flapping_node_is_one_group_incident(make_world, tree):
    world = make_world(tree)
    world.run(120)
    cut = {f"c{i}" for i in range(1, 9)}
    for _ in range(5):
        world.broken = set(cut)
        world.run(world.now + 400)
        assert {world.states()[name] for name in cut} == {"suppressed"}
        world.broken = set()
        world.run(world.now + 200)
    assert [i.scope for i in world.books.incidents.values()] == ["group"] * 3
    assert len(world.open()) == 1
    world.run(world.now + 1000)
    assert world.open() == []


def test_a_flapping_device_whose_root_falls_is_the_roots(make_world, tree):
    world = make_world(tree)
    world.run(120)
    for _ in range(4):
        world.broken = {"agg1"}
        world.run(world.now + 400)
        world.broken = set()
        world.run(world.now + 200)
    (kept,) = world.open()
    world.broken = {"core"}
    world.run(world.now + 600)
    (root,) = (i for i in world.open() if i.root == "core")
    assert len(root.members) == len(tree)
    world.run(world.now + 600)
    ended = world.books.incidents[kept.incident_id].ended_at
    assert ended == pytest.approx(120 + 4 * 600 - 200, abs=61), "when it last came back, whatever came then"
    for name in tree:
        world.books.down_seconds(name, world.now)


def test_blind_time_is_not_stable_time(make_world):
    world = make_world({"a": None, "b": None, "c": None})
    world.run(120)
    for _ in range(3):
        world.broken = {"a"}
        world.run(world.now + 400)
        world.broken = set()
        world.run(world.now + 200)
    world.connected = False
    world.run(world.now + 2000)
    assert [i.kind for i in world.open()] == ["outage", "blind"]
    world.connected = True
    world.run(world.now + 600)
    assert [i.kind for i in world.open()] == ["outage"]
    world.run(world.now + 600)
    assert world.open() == []


def test_a_kept_incident_that_a_restart_finds_ended_when_its_last_device_left():
    found = OpenIncident("i-1", "outage", "device", "olt2", 100.0, (), last_left_at=700.0)
    network = Network(devices(TREE), OutageSettings(), interval_seconds=60)
    (change,) = network.restore([found], at=2000, observed_until=1000).incidents
    assert change.ended_at == 700
    assert network.open_incidents() == ()
    assert network.observe(reading("olt2", 2010)).incidents == ()
