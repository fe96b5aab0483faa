"""What is believed survives a new inventory and a new process, without counting time that nobody saw."""

from __future__ import annotations

import pytest

from collector.config import OutageSettings
from collector.quality.state import Network
from collector.reading import OpenIncident, QualityState
from tests.collector.quality.conftest import TREE, device, devices, reading


def names(incident):
    return {name for name, _ in incident.members}


def test_a_reload_that_changes_nothing_changes_nothing(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"olt1"}
    world.run(600)
    before = list(world.network.states())
    verdict = world.take(world.network.replace(devices(tree), 600))
    assert (verdict.transitions, verdict.incidents) == ((), ())
    assert list(world.network.states()) == before
    world.run(900)
    assert [i.root for i in world.open()] == ["olt1"]


def test_a_device_that_leaves_mid_outage_leaves_its_incident(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"olt1"}
    world.run(600)
    rest = {name: parent for name, parent in tree.items() if name != "c4"}
    world.take(world.network.replace(devices(rest), 600))
    (incident,) = world.open()
    assert "c4" not in names(incident)
    assert world.books.down_seconds("c4", 9999) == pytest.approx(480, abs=61)


def test_a_root_that_leaves_mid_outage_leaves_its_children_to_be_judged_anew(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"olt2"}
    world.run(600)
    rest = {name: "agg1" if parent == "olt2" else parent for name, parent in tree.items() if name != "olt2"}
    world.take(world.network.replace(devices(rest), 600))
    world._due = [(at, name) for at, name in world._due if name != "olt2"]
    world.tree = {**rest, "olt2": None, **{f"c{i}": "olt2" for i in range(11, 15)}}
    world.run(1200)
    assert world.open() == []
    assert {world.states()[f"c{i}"] for i in range(11, 15)} == {"silent"}, "four under a live parent are no group"


def test_a_moved_child_is_no_longer_behind_the_root(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"olt2"}
    world.run(600)
    moved = {**tree, "c11": "olt1"}
    world.take(world.network.replace(devices(moved), 600))
    world.tree = moved
    world.run(700)
    assert world.state("c11").state == "up"
    assert "c11" not in names(world.open()[0])


def test_a_new_device_is_unknown_until_it_is_polled(make_scene):
    scene = make_scene({"core": None})
    scene.all_up()
    scene.take(scene.network.replace([device("core"), device("agg", "core")], 30))
    assert scene.states() == {"core": "up", "agg": "unknown"}


def restored(*incidents, states=(), **when):
    network = Network(devices(TREE), OutageSettings(), interval_seconds=60)
    return network, network.restore(incidents, states, **when)


OPEN = OpenIncident("i-1", "outage", "subtree", "olt2", 100.0, (("olt2", 100.0), ("c11", 110.0)))


def test_an_open_incident_goes_on_after_a_restart(make_scene):
    network, verdict = restored(OPEN, at=2000, observed_until=1000)
    (change,) = verdict.incidents
    assert change.left == (("olt2", 1000), ("c11", 1000))
    assert change.ended_at is None
    assert network.state("olt2").state == "unknown"
    network.observe(reading("agg1", 2005))
    (again,) = network.observe(reading("olt2", 2010, answers=False)).incidents
    assert (again.incident_id, again.joined, again.ended_at) == ("i-1", (("olt2", 2010),), None)
    assert network.state("olt2").state == "down"
    network.observe(reading("c11", 2020, answers=False))
    assert (network.state("c11").state, network.state("c11").root) == ("suppressed", "olt2")
    network.observe(reading("olt2", 2070))
    (closed,) = network.observe(reading("c11", 2080)).incidents
    assert (closed.incident_id, closed.ended_at) == ("i-1", 2080)
    assert network.open_incidents() == ()


def test_an_incident_that_ended_while_nobody_looked_closes_at_the_first_answers():
    network, _ = restored(OPEN, at=2000)
    network.observe(reading("olt2", 2010))
    (closed,) = network.observe(reading("c11", 2020)).incidents
    assert (closed.ended_at, closed.left) == (2020, ())


def test_an_incident_of_devices_that_are_gone_is_closed():
    gone = OpenIncident("i-2", "outage", "device", "old", 100.0, (("old", 100.0),))
    network, verdict = restored(gone, at=2000, observed_until=1000)
    (change,) = verdict.incidents
    assert (change.ended_at, change.left) == (1000, (("old", 1000),))
    assert network.open_incidents() == ()


def test_an_open_blindness_is_closed():
    _, verdict = restored(OpenIncident("i-3", "blind", "collector", None, 100.0), at=2000)
    assert [c.ended_at for c in verdict.incidents] == [2000]


def test_a_group_goes_on_after_a_restart():
    members = tuple((f"c{i}", 100.0) for i in range(1, 8))
    network, _ = restored(OpenIncident("i-4", "outage", "group", "olt1", 100.0, members), at=2000)
    network.observe(reading("olt1", 2001))
    for i in range(1, 8):
        network.observe(reading(f"c{i}", 2010 + i, answers=False))
    assert {network.state(f"c{i}").state for i in range(1, 8)} == {"suppressed"}
    (incident,) = network.open_incidents()
    assert (incident.incident_id, len(incident.members)) == ("i-4", 7)


def test_who_was_up_before_a_restart_counts_in_a_group_after_it():
    states = [QualityState(name, "silent" if name in ("c1", "c2") else "up", 0.0) for name in TREE]
    network, _ = restored(states=states, at=2000)
    cut = [f"c{i}" for i in range(3, 11)]
    for at in (2010, 2070, 2130):
        network.observe(reading("olt1", at + 3))
        for name in ("c1", "c2", *cut):
            network.observe(reading(name, at, answers=False))
    network.observe(reading("olt1", 2135))
    (incident,) = network.open_incidents()
    assert names(incident) == set(cut)
    assert network.state("c1").state == "silent"


def test_incident_ids_are_unique_sort_by_time_and_fit_the_table():
    from collector.quality.outage import new_incident_id

    ids = [new_incident_id("core", "device", at, at + 120) for at in range(1_700_000_000, 1_700_001_000)]
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)
    assert all(len(i) <= 40 for i in ids)
    assert new_incident_id("core", "device", 1.0, 2.0) != new_incident_id("core", "group", 1.0, 2.0)


def test_a_chain_of_thousands_is_judged_without_recursion():
    chain = [device("n0"), *(device(f"n{i}", f"n{i - 1}") for i in range(1, 3000))]
    network = Network(chain, OutageSettings(), interval_seconds=60)
    for at in (0, 60, 120, 180):
        for i in range(2999, -1, -1):
            network.observe(reading(f"n{i}", at + 0.001 * (3000 - i), answers=at == 0))
    assert network.state("n0").state == "down"
    assert {state.state for state in network.states()} == {"down", "suppressed"}
