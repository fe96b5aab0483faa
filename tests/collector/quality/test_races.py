"""What may cross on its way: answers and misses out of order, roots behind their children, borders of hours."""

from __future__ import annotations

import asyncio
import itertools

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from collector.publish.hours.hour_history import History
from collector.publish.incidents.incident_rows import entry, write
from collector.publish.incidents.migrate import migrate
from collector.published import INCIDENTS, connect
from collector.quality.counters.belief import Beliefs
from collector.quality.counters.rates import Delta
from collector.reading import Reading
from tests.collector.quality.conftest import Scene, World, device, devices, reading

HOUR = 3600


def test_a_parents_answer_sent_before_the_child_failed_proves_nothing(make_scene):
    """The parent's poll left at 58 and came back at 61; the child's, which failed, left at 60."""
    scene = make_scene({"core": None, "agg": "core", "c1": "agg"}, down_after=1)
    scene.all_up()
    scene.silent(60, "agg")
    scene.poll(58, "core")
    assert scene.state("agg").state == "suspect"
    scene.silent(63, "core")
    assert (scene.state("core").state, scene.state("agg").state) == ("down", "suppressed")
    assert scene.state("agg").root == "core"


def test_an_answer_that_arrives_after_a_later_miss_does_not_end_the_silence(make_scene):
    scene = make_scene({"core": None}, down_after=2)
    scene.all_up()
    scene.silent(120, "core")
    scene.poll(60, "core")
    assert (scene.state("core").state, scene.state("core").since) == ("suspect", 120)
    scene.silent(180, "core")
    assert scene.state("core").state == "down"
    scene.poll(179, "core")
    assert scene.state("core").state == "down"


def test_a_miss_that_arrives_after_a_later_answer_is_old_news(make_scene):
    scene = make_scene({"core": None}, down_after=1)
    scene.all_up()
    scene.poll(65, "core")
    assert scene.silent(60, "core").transitions == ()
    assert scene.state("core").state == "up"


@pytest.mark.parametrize("order", [("core", "agg1", "agg2"), ("agg2", "agg1", "core"), ("agg1", "core", "agg2")])
def test_a_root_found_before_between_or_after_its_children(make_scene, order):
    scene = make_scene({"core": None, "agg1": "core", "agg2": "core"})
    scene.all_up()
    for turn in range(1, 6):
        for place, name in enumerate(order):
            scene.silent(60 * turn + place, name)
    (incident,) = scene.open()
    assert (incident.root, len(incident.members)) == ("core", 3)
    scene.poll(400, "core", "agg1", "agg2")
    for place, name in enumerate(order):
        assert scene.books.down_seconds(name, 999) == 400 - 60 - place, "each from its own first miss"


def test_a_parent_that_falls_while_the_verdict_on_its_child_waits_for_it(make_scene):
    scene = make_scene({"core": None, "agg": "core"}, down_after=2)
    scene.all_up()
    scene.silent(60, "agg")
    scene.poll(61, "core")
    scene.silent(119, "core")
    scene.silent(120, "agg")
    assert scene.state("agg").state == "suspect", "the parent has fallen silent since: wait"
    scene.silent(179, "core")
    assert scene.states() == {"core": "down", "agg": "suppressed"}


def test_two_roots_at_once_and_one_of_them_back_first(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"olt1", "agg2"}
    world.run(420)
    world.broken = {"olt1"}
    world.run(600)
    (incident,) = world.open()
    assert incident.root == "olt1"
    ended = [i for i in world.books.incidents.values() if i.ended_at is not None]
    assert [i.root for i in ended] == ["agg2"]


def test_two_roots_of_which_one_stands_above_the_other(make_world, tree):
    world = make_world(tree)
    world.run(120)
    world.broken = {"olt1"}
    world.run(180)
    world.broken = {"olt1", "core"}
    world.run(700)
    (incident,) = world.open()
    assert (incident.root, len(incident.members)) == ("core", len(tree))
    world.broken = {"olt1"}
    world.run(1300)
    (incident,) = world.open()
    assert (incident.root, len(incident.members)) == ("olt1", 11), "what is left is the other root's"
    assert world.books.down_seconds("c1", 1300) == pytest.approx(1300 - 180, abs=121)


def test_half_of_the_network_back_in_one_tick(make_world, tree):
    """Answers of one moment in the worst order: those behind before those above."""
    world = make_world(tree)
    world.run(120)
    world.broken = {"core"}
    world.run(600)
    back = [name for name in reversed(tree) if name not in {"agg2", "olt2", *(f"c{i}" for i in range(11, 15))}]
    world.broken = {"agg2", "olt2"}
    world.poll(606, *back)
    assert {world.states()[name] for name in back} == {"up"}
    world.run(1300)
    assert {(i.root, len(i.members)) for i in world.open()} == {("agg2", 1), ("olt2", 5)}
    for name in back:
        assert world.books.down_seconds(name, 1300) == pytest.approx(606 - 120, abs=62)


def test_a_reload_in_the_middle_of_an_outage_changes_no_second(make_world, tree):
    seconds = []
    for reloads in (False, True):
        world = make_world(tree)
        world.run(120)
        world.broken = {"olt1"}
        for _ in range(9):
            world.run(world.now + 50)
            if reloads:
                world.take(world.network.replace(devices(tree), world.now))
        world.broken = set()
        world.run(world.now + 300)
        seconds.append([world.books.down_seconds(name, world.now) for name in tree])
    assert seconds[0] == seconds[1]


def test_a_verdict_that_reaches_back_over_the_hour_counts_in_both(tmp_path, make_scene):
    """Silent from 90 s before the hour, judged 30 s after it, back 210 s after it."""
    scene = make_scene({"core": None})
    start = 1_700_002_800
    history = History(tmp_path, devices({"core": None}), interval_seconds=60, settle_seconds=600)
    for at in range(start, start + 2 * HOUR, 60):
        silent = start + HOUR - 90 <= at + 30 < start + HOUR + 210
        taken = reading("core", at + 30, answers=not silent)
        for transition in scene.take(scene.network.observe(taken)).transitions:
            history.change(transition)
        history.observe(taken, Delta(), None)
    asyncio.run(history.flush(start + 2 * HOUR + 700))
    rows = [row for path in tmp_path.rglob("*.parquet") for row in pq.ParquetFile(path).read().to_pylist()]
    by_hour = {int(row["hour"].timestamp()) - start: row for row in rows}
    assert [by_hour[h]["down_seconds"] for h in (0, HOUR)] == [90, 210]
    assert [by_hour[h]["outages"] for h in (0, HOUR)] == [1, 0]
    assert scene.books.down_seconds("core", start + 2 * HOUR) == 300


# --- restarts and outages ---


def has_restarted(before: Reading, after: Reading) -> bool:
    beliefs = Beliefs()
    beliefs.take(device("core"), before)
    return beliefs.take(device("core"), after).delta.restarted


def up_for(seconds: float, at: float) -> Reading:
    return reading("core", at)._replace(uptime_seconds=seconds)


def test_a_restart_between_two_polls_is_a_restart_and_no_outage(make_scene):
    scene = make_scene({"core": None})
    before, after = up_for(86_400, 60), up_for(25, 120)
    for taken in (before, after):
        scene.take(scene.network.observe(taken))
    assert has_restarted(before, after)
    assert scene.books.incidents == {}


def test_a_restart_that_took_polls_is_one_outage_with_a_restart_in_it(make_scene):
    scene = make_scene({"core": None})
    before = up_for(86_400, 60)
    scene.take(scene.network.observe(before))
    for at in range(120, 420, 60):
        scene.silent(at, "core")
    after = up_for(30, 420)
    scene.take(scene.network.observe(after))
    assert has_restarted(before, after)
    assert [(i.started_at, i.ended_at) for i in scene.books.incidents.values()] == [(120, 420)]


def test_an_outage_of_the_path_alone_is_no_restart(make_scene):
    scene = make_scene({"core": None})
    before, after = up_for(86_400, 60), up_for(86_760, 420)
    scene.take(scene.network.observe(before))
    for at in range(120, 420, 60):
        scene.silent(at, "core")
    scene.take(scene.network.observe(after))
    assert not has_restarted(before, after)
    assert len(scene.books.incidents) == 1


def test_the_roll_of_the_uptime_after_497_days_is_neither(make_scene):
    scene = make_scene({"core": None})
    before, after = up_for(2**32 / 100 - 20, 60), up_for(40, 120)
    for taken in (before, after):
        scene.take(scene.network.observe(taken))
    assert not has_restarted(before, after)
    assert scene.books.incidents == {}


# --- minutes lost ---

NAMES = ["agg1", "olt1", "olt2", *(f"c{i}" for i in range(1, 15))]
BREAKS = strategies.lists(
    strategies.tuples(
        strategies.sets(strategies.sampled_from(NAMES), min_size=1, max_size=8), strategies.integers(30, 900)
    ),
    min_size=1,
    max_size=6,
)


class Witness(World):
    """A world that notes, second by second of its own, who was told to be out and since when."""

    def __init__(self, tree: dict[str, str | None]) -> None:
        super().__init__(tree)
        self.changes: list = []
        self.told: dict[str, list[tuple[float, bool]]] = {}

    def take(self, verdict):
        self.changes += verdict.incidents
        for t in verdict.transitions:
            told = self.told.setdefault(t.device_id, [])
            while told and told[-1][0] >= t.since:
                told.pop()
            told.append((t.since, t.new in ("down", "suppressed")))
        return Scene.take(self, verdict)

    def minutes_out(self, device_id: str, until: float) -> float:
        """From the changes of state alone."""
        told = [*self.told.get(device_id, []), (until, False)]
        return sum(after[0] - before[0] for before, after in itertools.pairwise(told) if before[1]) / 60


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(breaks=BREAKS)
def test_minutes_lost_are_those_of_the_states_by_hand(tmp_path_factory, tree, breaks):
    """Two ways to the same figure: the rows of the incidents, and the states of the devices with their customers."""
    world = Witness(dict(tree))
    world.run(130)
    for broken, seconds in breaks:
        world.broken = set(broken)
        world.run(world.now + seconds)
    world.broken = set()
    world.run(world.now + 3000)
    assert world.open() == []
    by_id = {device.device_id: device for device in devices(tree)}
    url = f"sqlite:///{tmp_path_factory.mktemp('lost')}/x.sqlite"
    migrate(url)
    engine = connect(url)
    with engine.begin() as connection:
        for change in world.changes:
            write(connection, entry(change, by_id), "0")
        rows = connection.execute(INCIDENTS.select().where(INCIDENTS.c.kind == "outage")).all()
    engine.dispose()
    expected = sum(by_id[name].subscribers * world.minutes_out(name, world.now) for name in tree)
    assert sum(row.customer_minutes_lost for row in rows) == pytest.approx(expected, abs=1e-6)
    assert all(row.ended_at is not None for row in rows)
