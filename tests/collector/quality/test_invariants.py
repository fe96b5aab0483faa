"""Whatever breaks, heals, moves or is restarted: the books agree with the states, and all closes when all is well."""

from __future__ import annotations

from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from collector.config import OutageSettings
from collector.quality.state import Network
from tests.collector.quality.conftest import World, devices

TREE: dict[str, str | None] = {
    "core": None,
    "east": "core",
    "west": "core",
    "olt": "east",
    **{f"c{i}": "olt" for i in range(1, 9)},
    "c9": "west",
    "ap": "west",
    "c10": "ap",
}
NAMES = strategies.sampled_from(sorted(TREE))
CUSTOMERS = [name for name in TREE if name[1:].isdigit()]
TIMES = strategies.sampled_from([1, 7, 30, 65, 130, 200, 400])


class Provider(RuleBasedStateMachine):
    """A provider whose devices break and recover while it is polled."""

    @initialize(others=strategies.integers(0, 3), down_after=strategies.integers(1, 4))
    def start(self, others: int, down_after: int) -> None:
        tree = {**TREE, **{f"top{i}": None for i in range(others)}}
        self.world = World(tree, down_after=down_after)
        self.settings = OutageSettings(down_after=down_after)
        self.world.run(130)

    @rule(name=NAMES, seconds=TIMES)
    def breaks(self, name: str, seconds: int) -> None:
        self.world.broken.add(name)
        self.pass_time(seconds)

    @rule(name=NAMES, seconds=TIMES)
    def recovers(self, name: str, seconds: int) -> None:
        self.world.broken.discard(name)
        self.pass_time(seconds)

    @rule(cut=strategies.sets(strategies.sampled_from(CUSTOMERS), min_size=4), seconds=TIMES)
    def a_cable_is_cut(self, cut: set[str], seconds: int) -> None:
        self.world.broken |= cut
        self.pass_time(seconds)

    @rule(share=strategies.floats(0, 1), seconds=TIMES)
    def many_recover(self, share: float, seconds: int) -> None:
        broken = sorted(self.world.broken)
        self.world.broken -= set(broken[: round(share * len(broken))])
        self.pass_time(seconds)

    @rule(names=strategies.sets(NAMES, min_size=1), lost=strategies.integers(0, 4), seconds=TIMES)
    def echoes_get_lost(self, names: set[str], lost: int, seconds: int) -> None:
        self.world.losing |= dict.fromkeys(names, lost)
        self.pass_time(seconds)

    @rule()
    def long_passes(self) -> None:
        self.pass_time(1000)

    @rule(connected=strategies.booleans(), seconds=TIMES)
    def the_collector_is_cut_off(self, connected: bool, seconds: int) -> None:
        self.world.connected = connected
        self.pass_time(seconds)

    def pass_time(self, seconds: int) -> None:
        self.world.run(self.world.now + seconds, agree)

    @rule(name=NAMES)
    def a_device_is_moved(self, name: str) -> None:
        if TREE[name] is not None:
            self.world.tree[name] = "core" if self.world.tree[name] != "core" else TREE[name]
            self.world.take(self.world.network.replace(devices(self.world.tree), self.world.now))

    @rule()
    def a_reload(self) -> None:
        self.world.take(self.world.network.replace(devices(self.world.tree), self.world.now))

    @rule(away=strategies.sampled_from([0, 10, 600]))
    def a_restart_of_the_collector(self, away: int) -> None:
        world, old = self.world, self.world.network
        world.network = Network(devices(world.tree), self.settings, interval_seconds=60, at=world.now + away)
        found, states, until = old.open_incidents(), list(old.states()), world.now
        world.now += away
        world._arriving.clear()
        world._in_flight.clear()
        world._due = [(world.now + i, name) for i, name in enumerate(world.tree)]
        for opened in found:
            rows = world.books.rows[opened.incident_id]
            assert {k for k, ended in rows.items() if ended is None} == set(opened.members)
        world.ailing.clear()
        world.take(world.network.restore(found, states, at=world.now, observed_until=until))

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "world"):
            agree(self.world)

    def teardown(self) -> None:
        """All is mended: within a few polls everything is up, every incident closed, no second counted twice."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.broken.clear()
        world.connected = True
        world.losing.clear()
        world.run(world.now + 600, agree)
        assert set(world.states().values()) == {"up"}
        assert [i for i in world.open("outage") if i.members] == [], "what flapped may be kept open, and is empty"
        assert not world.network.is_blind
        world.run(world.now + 1800, agree)
        assert world.open() == []
        assert world.ailing == {}
        for name in world.tree:
            world.books.down_seconds(name, world.now)


def agree(world: World) -> None:
    """States and books say the same."""
    members = {name: i for i in world.open("outage") for name, _ in i.members}
    for state in world.network.states():
        if state.state in ("down", "suppressed"):
            assert members[state.device_id].incident_id == state.incident_id
            assert members[state.device_id].root == state.root
        else:
            assert state.device_id not in members, f"{state} and in an open incident"
        if state.device_id in CUSTOMERS:
            assert state.state != "down"
        if state.state not in ("up", "suspect", "unknown"):
            assert not state.measures, f"{state} and degraded"
        if state.state == "down":
            assert state.root == state.device_id
        if world.network.is_blind:
            assert state.state in ("unknown", "up")
    for incident in world.open("degradation"):
        assert incident.members, "open and empty"
    open_rows = {
        (key, name) for key, rows in world.books.rows.items() for (name, _), ended in rows.items() if ended is None
    }
    assert open_rows == {(i.incident_id, name) for i in world.network.open_incidents() for name, _ in i.members}


TestProvider = Provider.TestCase
TestProvider.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
