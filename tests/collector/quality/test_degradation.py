"""Degradation: sustained, laid to its root, never of a device that is out, and never on one bad window."""

from __future__ import annotations

import pytest

from collector.config import DegradationSettings
from collector.quality.counters.uplink import Traffic
from collector.quality.meter import STEP_WHILE_BAD, WINDOWS_TO_LEARN, Meter
from collector.quality.state import Network
from collector.reading import EchoBurst
from tests.collector.quality.conftest import RTT, burst, devices, reading

WINDOW = 300.0
SETTINGS = DegradationSettings()
LEARNT = WINDOW * (WINDOWS_TO_LEARN + 1)


def degraded(world):
    return {(i.root, i.scope, i.measure) for i in world.open("degradation")}


def names(incident):
    return {name for name, _ in incident.members}


# --- one device, window by window ---


def meter_after(*windows, usual=RTT):
    """A meter over windows given as (lost of 25 echoes, round trip, how full)."""
    meter = Meter()
    meter.know_usual(usual, 100)
    seen = []
    for number, (lost, rtt, used) in enumerate((*windows, (0, RTT, None))):
        meter.turn_window(number, SETTINGS, WINDOW)
        seen.append(meter.degraded)
        for poll in range(5):
            at = number * WINDOW + 60 * poll
            traffic = None if used is None else Traffic(60.0, None, None, None, None, used)
            taken = reading("core", at)._replace(echoes=burst(min(5, max(0, lost - 5 * poll)), rtt))
            meter.add(taken, traffic)
    return meter, seen[1:]


GOOD = (0, RTT, 0.5)


@pytest.mark.parametrize(
    ("bad", "measure"),
    [((2, RTT, 0.5), "loss"), ((0, 0.04, 0.5), "latency"), ((0, RTT, 0.95), "saturation")],
)
def test_degraded_after_three_bad_windows_of_five_and_until_three_good_ones(bad, measure):
    _, seen = meter_after(bad, bad, GOOD, GOOD, GOOD)
    assert seen == [()] * 5, "two of five are not enough"
    meter, seen = meter_after(GOOD, bad, GOOD, bad, GOOD, bad, GOOD, GOOD, bad, GOOD, GOOD, GOOD)
    assert seen == [()] * 5 + [(measure,)] * 6 + [()]
    assert (meter.degraded_since, meter.recovered_at) == (1 * WINDOW, 9 * WINDOW)


@pytest.mark.parametrize(
    ("window", "is_bad"),
    [
        ((1, RTT, None), False),  # one echo of 25 may be lost anywhere
        ((2, RTT, None), True),
        ((0, 0.0299, None), False),  # thrice the usual, and not 20 ms more
        ((0, 0.0301, None), True),
        ((0, RTT, 0.89), False),
        ((0, RTT, 0.91), True),
    ],
)
def test_where_the_limits_lie(window, is_bad):
    _, seen = meter_after(*[window] * 3)
    assert bool(seen[-1]) is is_bad


def test_what_is_not_measured_any_more_is_not_known_to_be_degraded():
    full = (0, RTT, 0.99)
    _, seen = meter_after(full, full, full, *[(0, RTT, None)] * 3)
    assert seen[2:] == [("saturation",)] * 3 + [()]


def test_a_straggler_in_a_burst_moves_nothing():
    """Each burst of the tests holds an echo of a second."""
    meter, seen = meter_after(*[GOOD] * 6)
    assert seen[-1] == ()
    assert meter.usual_rtt_seconds == pytest.approx(RTT, rel=0.05)


def learning(meter, rtt, windows, begin=0):
    for number in range(begin, begin + windows):
        meter.turn_window(number, SETTINGS, WINDOW)
        meter.add(reading("core", number * WINDOW)._replace(echoes=burst(0, rtt)), None)


def test_the_usual_is_learnt_within_an_hour_and_not_trusted_before():
    meter = Meter()
    learning(meter, 0.2, 2)
    learning(meter, 0.01, 10, begin=2)
    assert meter.bad == [0, 0, 0], "not judged yet, though the second value was a twentieth of the first"
    learning(meter, 0.01, 2000, begin=12)
    assert meter.usual_rtt_seconds == pytest.approx(0.01, rel=0.01), "whatever it began with"


def test_a_busy_evening_does_not_become_usual_and_a_new_path_does_within_weeks():
    meter = Meter()
    meter.know_usual(0.010, 288)
    day = int(86400 / WINDOW)
    for number in range(7):
        learning(meter, 0.010, 18 * day // 24, begin=number * day)
        learning(meter, 0.019, 6 * day // 24, begin=number * day + 18 * day // 24)
        assert 0.0095 < meter.usual_rtt_seconds < 0.012
    learning(meter, 0.050, day, begin=7 * day)
    assert "latency" in meter.degraded
    assert meter.usual_rtt_seconds < 0.012 * (1 + STEP_WHILE_BAD) ** day
    learning(meter, 0.050, 20 * day, begin=8 * day)
    assert meter.degraded == ()


# --- the tree ---


def test_a_lossy_network_device_is_an_incident_of_its_own(make_world, tree):
    world = make_world(tree)
    world.run(600)
    world.losing["agg1"] = 1
    world.run(600 + 3 * WINDOW)
    assert degraded(world) == set(), "two whole windows"
    world.run(600 + 3 * WINDOW + 200)
    (incident,) = world.open("degradation")
    assert (incident.root, incident.scope, incident.measure) == ("agg1", "device", "loss")
    assert incident.started_at == 600
    assert world.ailing["agg1"].measures == ("loss",)
    assert world.state("agg1").measures == ("loss",)
    assert world.state("agg1").state == "up"
    del world.losing["agg1"]
    ended = world.now
    world.run(ended + 5 * WINDOW)
    assert (degraded(world), world.ailing) == (set(), {})
    (told,) = world.books.incidents.values()
    assert told.ended_at == pytest.approx(ended, abs=WINDOW)


def test_one_bad_quarter_of_an_hour_in_two_is_told_once(make_world, tree):
    """Hysteresis: two good windows between bad ones do not end it."""
    world = make_world(tree)
    world.run(300)
    for _ in range(8):
        world.losing["agg1"] = 2
        world.run(world.now + 3 * WINDOW)
        del world.losing["agg1"]
        world.run(world.now + 2 * WINDOW)
    assert len(world.books.incidents) == 1


def test_latency_is_against_the_devices_own_usual(make_world):
    world = make_world({"near": None, "far": None})
    world.late = {"near": 0.004, "far": 0.6}
    world.run(LEARNT)
    world.late = {"near": 0.030, "far": 0.65}
    world.run(LEARNT + 5 * WINDOW)
    assert degraded(world) == {("near", "device", "latency")}


def test_a_new_collector_knows_what_was_usual(make_world):
    world = make_world({"near": None})
    world.network.know_usual("near", 0.004, hours=24)
    world.network.know_usual("nobody", 0.004, hours=24)
    world.late = {"near": 0.030}
    world.run(5 * WINDOW)
    assert degraded(world) == {("near", "device", "latency")}


def test_a_full_uplink_is_a_network_devices_trouble_and_a_customers_right(make_world, tree):
    world = make_world(tree)
    world.full = {"agg1": 0.97, "agg2": 0.8, **{f"c{i}": 1.0 for i in range(1, 11)}}
    world.run(6 * WINDOW)
    assert degraded(world) == {("agg1", "device", "saturation")}
    assert set(world.ailing) == {"agg1"}


def test_what_hangs_from_a_degraded_device_is_laid_to_it(make_world, tree):
    world = make_world(tree)
    behind = {"olt1", "c1", "c2", "c11"}
    world.losing = dict.fromkeys(behind, 2)
    world.full["agg1"] = 0.99
    world.run(6 * WINDOW)
    (incident,) = world.open("degradation")
    assert (incident.root, incident.scope, incident.measure) == ("agg1", "subtree", "saturation")
    assert names(incident) == {"agg1", *behind}


def test_a_root_that_shows_later_takes_over_from_then(make_world, tree):
    world = make_world(tree)
    world.losing["olt1"] = 2
    world.run(6 * WINDOW)
    assert degraded(world) == {("olt1", "device", "loss")}
    world.losing["agg1"] = 2
    world.run(12 * WINDOW)
    assert degraded(world) == {("agg1", "subtree", "loss")}
    first, second = sorted(world.books.incidents.values(), key=lambda i: i.started_at)
    assert (first.root, first.ended_at) == ("olt1", second.started_at) == ("olt1", 6 * WINDOW)
    del world.losing["agg1"]
    world.run(18 * WINDOW)
    assert degraded(world) == {("olt1", "device", "loss")}, "and gives back what is not its doing"
    world.losing.clear()
    world.run(24 * WINDOW)
    assert world.open() == []
    for name in ("olt1", "agg1"):
        world.books.down_seconds(name, world.now, "degradation")


@pytest.mark.parametrize(("ailing", "expected"), [(4, set()), (5, {("olt1", "group", "loss")})])
def test_a_lone_customers_loss_is_no_incident_and_that_of_half_a_node_is(make_world, tree, ailing, expected):
    world = make_world(tree)
    world.losing = {f"c{i}": 2 for i in range(1, ailing + 1)}
    world.run(6 * WINDOW)
    assert degraded(world) == expected
    assert set(world.ailing) == set(world.losing), "shown all the same"
    if expected:
        (incident,) = world.open()
        assert names(incident) == set(world.losing)
        del world.losing["c1"], world.losing["c2"]
        world.run(12 * WINDOW)
        assert degraded(world) == expected, "until less than half as many are left"
        assert names(world.open()[0]) == set(world.losing)
        del world.losing["c3"]
        world.run(18 * WINDOW)
        assert degraded(world) == set()
        assert set(world.ailing) == {"c4", "c5"}


# --- degradation and silence ---


def test_a_device_that_goes_down_is_down_and_no_longer_degraded(make_world, tree):
    world = make_world(tree)
    world.losing["agg1"] = 2
    world.run(6 * WINDOW)
    world.broken.add("agg1")
    world.run(6 * WINDOW + 280)
    assert degraded(world) == set()
    assert world.state("agg1").state == "down"
    assert world.state("agg1").measures == ()
    assert "agg1" not in world.ailing
    incidents = sorted(world.books.incidents.values(), key=lambda i: i.started_at)
    assert [i.kind for i in incidents] == ["degradation", "outage"]
    assert incidents[0].ended_at <= incidents[1].started_at + 60
    world.broken.clear()
    world.run(world.now + 400)
    assert degraded(world) == set(), "its windows begin anew"


def test_a_restart_of_the_device_is_no_degradation(make_world, tree):
    world = make_world(tree)
    for i in range(12):
        world.run(WINDOW * (i + 1) * 4)
        world.broken.add("agg1")
        world.run(world.now + 100)
        world.broken.clear()
    assert degraded(world) == set()


def test_polls_lost_between_answers_are_loss(make_scene):
    """A ping-only device that answers every other poll loses half its echoes; silence has not been judged."""
    scene = make_scene({"core": None})
    for number in range(60):
        lost = 5 * (number % 2)
        taken = reading("core", 60.0 * number, answers=not lost)._replace(snmp="off", echoes=EchoBurst(5, lost, ()))
        scene.take(scene.network.observe(taken))
        scene.take(scene.network.tick(60.0 * number + 30))
    assert {i.measure for i in scene.open("degradation")} == {"loss"}


def test_nothing_is_degraded_while_the_collector_is_blind(make_world):
    world = make_world({"a": None, "b": None, "c": None})
    world.losing["a"] = 2
    world.run(6 * WINDOW)
    assert degraded(world) == {("a", "device", "loss")}
    world.connected = False
    world.run(6 * WINDOW + 200)
    assert world.network.is_blind
    assert degraded(world) == set()


def test_who_is_not_polled_any_more_is_not_degraded(make_world, tree):
    world = make_world(tree)
    world.losing["agg1"] = 2
    world.run(6 * WINDOW)
    world._due = [(at, name) for at, name in world._due if name != "agg1"]
    world.run(7 * WINDOW + 200)
    assert degraded(world) == set()
    assert world.state("agg1").state == "unknown"


# --- reload and restart ---


def test_a_device_that_leaves_the_inventory_leaves_its_degradation(make_world, tree):
    world = make_world(tree)
    world.losing = {"agg1": 2, "olt1": 2}
    world.run(6 * WINDOW)
    rest = {name: parent for name, parent in tree.items() if name != "agg1"} | {"olt1": "core", "olt2": "core"}
    world.take(world.network.replace(devices(rest), world.now))
    world.tree = rest
    world._due = [(at, name) for at, name in world._due if name != "agg1"]
    world.run(8 * WINDOW)
    assert degraded(world) == {("olt1", "device", "loss")}


def restarted(world, away):
    found, until = world.network.open_incidents(), world.now
    world.now += away
    world.network = Network(devices(world.tree), world.settings, interval_seconds=60, at=world.now)
    world._due = [(world.now + i, name) for i, name in enumerate(world.tree)]
    return world.take(world.network.restore(found, at=world.now, observed_until=until))


def test_a_degradation_goes_on_through_a_restart(make_world, tree):
    world = make_world(tree)
    world.losing = {"agg1": 2}
    world.run(6 * WINDOW)
    (before,) = world.open()
    restarted(world, 300)
    world.run(world.now + 4 * WINDOW)
    assert [i.incident_id for i in world.open()] == [before.incident_id]
    world.losing.clear()
    world.run(world.now + 5 * WINDOW)
    assert world.open() == []
    assert len(world.books.incidents) == 1


@pytest.mark.parametrize("what", ["long ago", "gone", "never polled"])
def test_a_degradation_that_nobody_can_vouch_for_is_closed(make_world, tree, what):
    world = make_world(tree)
    world.losing = {"agg1": 2}
    world.run(6 * WINDOW)
    until = world.now
    if what == "gone":
        world.tree = {"core": None}
    restarted(world, 7200 if what == "long ago" else 10)
    if what == "never polled":
        world._due = []
        for at in range(0, 2000, 60):
            world.take(world.network.tick(world.now + at))
    (change,) = world.books.incidents.values()
    assert change.ended_at is not None
    assert world.open() == []
    assert what == "never polled" or change.ended_at == until
