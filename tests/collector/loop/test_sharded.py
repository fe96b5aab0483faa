"""Two collectors on one inventory: every device published once, one incident for a root that both see fall."""

from __future__ import annotations

import json
import signal
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from collector.config import Shard
from collector.inventory.shards import owners_of, part_of
from collector.published import INCIDENT_DEVICES, INCIDENTS, connect
from collector.reading import Device

from ..fleet import ROOT, CollectorRun, Echoes

pytestmark = pytest.mark.slow

APS = ("ap-a", "ap-b", "ap-c", "ap-d")
CPES = tuple(f"{ap}-{number}" for ap in APS for number in range(3))
NAMES = ("core", *APS, *CPES)
DEVICES = (
    Device("core", "192.0.2.1", "router", "centro"),
    *(Device(ap, "192.0.2.1", "ap", "centro", parent="core") for ap in APS),
    *(Device(cpe, "192.0.2.1", "cpe", "centro", parent=cpe[:4], subscribers=2) for cpe in CPES),
)
OWNERS = owners_of(DEVICES, 2)
Eventually = Callable[..., Any]


class Pair:
    """The files of one network and its two collectors."""

    def __init__(self, folder: Path, port: int, echoes: Echoes, database: str | None) -> None:
        self.url = database or f"sqlite:///{folder / 'data' / 'operations.sqlite'}"
        top = f'database = "{database}"' if database else ""
        self.shards = [CollectorRun(folder, port=port, top=top) for _ in range(2)]
        for index, run in enumerate(self.shards):
            run.port, run.log = port + index, folder / f"log-{index}"
        self.data = self.shards[0].data
        at, ping = echoes.addresses, f"echo:{echoes.port}"
        self.shards[0].write_inventory(
            *(
                f"{d.device_id},{at[d.device_id]},{d.role},{d.area},{d.parent or ''},{ping},,,{d.subscribers}"
                for d in DEVICES
            )
        )

    def start(self, index: int) -> None:
        self.shards[index].start("--shard", f"{index}/2")

    def up(self) -> int:
        return sum(sum(run.metrics().get("bairro_device_up", {}).values()) for run in self.shards)

    def down(self) -> dict[str, tuple[str, ...]]:
        """Root by device, over both."""
        found: dict[str, tuple[str, ...]] = {}
        for run in self.shards:
            for labels in run.metrics().get("bairro_device_down", {}):
                own = dict(labels)
                found[own["device"]] = (*found.get(own["device"], ()), own["root"])
        return found

    def rows(self, table: sa.Table) -> list[Any]:
        engine = connect(self.url)
        with engine.connect() as connection:
            found = list(connection.execute(sa.select(table)))
        engine.dispose()
        return found


@pytest.fixture
def echoes(free_port: Callable[[], int]) -> Iterator[Echoes]:
    agents = Echoes(NAMES, free_port())
    yield agents
    agents.close()


@pytest.fixture
def pairs(tmp_path: Path, free_port: Callable[[], int], echoes: Echoes) -> Iterator[Callable[[str | None], Pair]]:
    made: list[Pair] = []

    def make(database: str | None = None) -> Pair:
        made.append(Pair(tmp_path, free_port(), echoes, database))
        return made[-1]

    yield make
    for run in (run for pair in made for run in pair.shards):
        if run.process is not None and run.process.poll() is None:
            run.process.kill()
            run.process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: Any, pairs: Callable[[str | None], Pair]) -> Pair:
    return pairs(request.getfixturevalue("postgresql") if request.param == "postgresql" else None)


def minutes_by_hand(members: list[Any]) -> float:
    return sum(m.subscribers * (m.ended_at - m.started_at).total_seconds() / 60 for m in members)


def test_the_test_network_falls_to_both_shards() -> None:
    assert {OWNERS[ap] for ap in APS} == {0, 1}
    owner = OWNERS["core"]
    assert [d.device_id for d in part_of(DEVICES, Shard(1 - owner, 2)).shadows] == ["core"]


def test_a_core_router_that_falls_is_one_incident_of_both(pair: Pair, echoes: Echoes, eventually: Eventually) -> None:
    owner = OWNERS["core"]
    pair.start(0)
    pair.start(1)
    eventually(lambda: all(run.is_ready() for run in pair.shards) and pair.up() == len(NAMES), 60)
    for index, run in enumerate(pair.shards):
        shown = {dict(labels)["device"] for labels in run.metrics()["bairro_device_up"]}
        assert shown == {name for name in NAMES if OWNERS[name] == index}
        assert run.metrics()["bairro_collector_inventory_devices"][()] == len(shown)
        assert run.get("/probe?target=core")[0] == (200 if index == owner else 404)
        targets = [group["targets"] for group in json.loads(run.get("/sd")[1])]
        assert targets == [[f"127.0.0.1:{shard.port}"] for shard in pair.shards]
    eventually((pair.data / "devices.parquet").exists)
    table = pq.ParquetFile(pair.data / "devices.parquet").read()
    assert sorted(table["device_id"].to_pylist()) == sorted(NAMES)

    echoes.silent |= set(NAMES)
    eventually(lambda: len(pair.down()) == len(NAMES))
    assert set(pair.down().values()) == {("core",)}
    affected = [run.metrics()["bairro_area_subscribers_affected"][("area", "centro"),] for run in pair.shards]
    assert sum(affected) == 2 * len(CPES)
    assert min(affected) > 0
    states = [run.metrics()["bairro_area_devices"] for run in pair.shards]
    assert sum(sum(by_state.values()) for by_state in states) == len(NAMES)

    def open_incident() -> Any:
        (row,) = pair.rows(INCIDENTS)
        return row if (row.devices_affected, row.subscribers_affected) == (len(NAMES), 2 * len(CPES)) else None

    row = eventually(open_incident)
    assert (row.root_device_id, row.detected_by, row.scope, row.ended_at) == ("core", str(owner), "subtree", None)
    assert {m.device_id for m in pair.rows(INCIDENT_DEVICES)} == set(NAMES)

    def live_ids() -> set[str]:
        tables = [pq.ParquetFile(path).read() for path in (pair.data / "live").glob("shard=*.parquet")]
        names = [name for table in tables for name in table["device_id"].to_pylist()]
        assert sorted(names) == sorted(NAMES)
        return {found for table in tables for found in table["incident_id"].to_pylist()}

    eventually(lambda: live_ids() == {row.incident_id})

    # The shard that only adds its devices dies and comes back; then the one that wrote the row does.
    for index in (1 - owner, owner):
        assert pair.shards[index].stop(signal.SIGKILL) == -signal.SIGKILL
        pair.start(index)
        eventually(pair.shards[index].is_ready, 60)
    eventually(lambda: len(pair.down()) == len(NAMES))
    assert [r.incident_id for r in pair.rows(INCIDENTS) if r.devices_affected] == [row.incident_id]

    echoes.silent.clear()
    ended = eventually(lambda: next((r for r in pair.rows(INCIDENTS) if r.ended_at is not None), None), 60)
    members = pair.rows(INCIDENT_DEVICES)
    assert ended.incident_id == row.incident_id
    assert all(member.ended_at is not None for member in members)
    ended = eventually(
        lambda: next(
            (r for r in pair.rows(INCIDENTS) if abs(r.customer_minutes_lost - minutes_by_hand(members)) < 1e-6), None
        )
    )
    assert ended.ended_at == max(member.ended_at for member in members)
    assert ended.subscribers_affected == 2 * len(CPES)
    for run in pair.shards:
        assert run.stop(signal.SIGTERM) == 0
        assert "ERROR" not in run.said()


def test_prometheus_finds_both_through_one_address_and_sums_right(
    pairs: Callable[[], Pair],
    echoes: Echoes,
    eventually: Eventually,
    processes: Any,
    require_program: Callable[[str], str],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    """The configuration that we ship, with its service discovery taken in place of the one address."""
    pair = pairs()
    pair.start(0)
    pair.start(1)
    eventually(lambda: all(run.is_ready() for run in pair.shards), 60)
    shipped = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    lines = [line for line in shipped.splitlines() if "static_configs" not in line and "- targets:" not in line]
    found = "\n".join(lines).replace("# http_sd_configs:", "http_sd_configs:").replace("#   - url:", "  - url:")
    found = found.replace("collector:9733", f"127.0.0.1:{pair.shards[0].port}").replace("60s", "1s")
    for rules in ("records", "alerts"):
        found = found.replace(f"- {rules}.yml", f"- {ROOT}/deploy/prometheus/{rules}.yml")
    (tmp_path / "prometheus.yml").write_text(found)
    port = free_port()
    options = ("config.file=prometheus.yml", "storage.tsdb.path=tsdb", f"web.listen-address=127.0.0.1:{port}")
    processes.start([require_program("prometheus"), *(f"--{option}" for option in options)], cwd=tmp_path)

    def ask(what: str, **query: str) -> Any:
        url = f"http://127.0.0.1:{port}/api/v1/{what}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as reply:
            return json.load(reply)["data"]

    def value(query: str) -> float:
        (result,) = ask("query", query=query)["result"]
        return float(result["value"][1])

    eventually(lambda: [t["health"] for t in ask("targets")["activeTargets"]] == ["up", "up"], 60)
    eventually(lambda: value('sum(bairro_area_devices{state="up"})') == len(NAMES), 60)
    assert value("count(bairro_device_info)") == len(NAMES)
    assert {t["labels"]["shard"] for t in ask("targets")["activeTargets"]} == {"0", "1"}
    echoes.silent |= set(NAMES)
    eventually(lambda: value('area:bairro_area_devices_down:ratio{area="centro"}') == 1, 60)
    assert value("sum by (area) (bairro_area_subscribers_affected)") == 2 * len(CPES)
    assert value('root:bairro_device_down:count{root="core"}') == len(NAMES)


def test_without_the_roots_owner_the_other_tells_of_its_devices_itself(
    pairs: Callable[[], Pair], echoes: Echoes, eventually: Eventually
) -> None:
    pair, owner = pairs(), OWNERS["core"]
    other = pair.shards[1 - owner]
    pair.start(1 - owner)
    mine = {name for name in NAMES if OWNERS[name] == 1 - owner}
    eventually(lambda: sum(other.metrics()["bairro_device_up"].values()) == len(mine), 60)
    echoes.silent |= set(NAMES)
    row = eventually(lambda: pair.rows(INCIDENTS))[0]
    assert (row.root_device_id, row.detected_by) == ("core", str(1 - owner))
    assert {m.device_id for m in pair.rows(INCIDENT_DEVICES)} == mine
    # Its owner comes and finds the row: there is still one.
    pair.start(owner)
    eventually(lambda: {m.device_id for m in pair.rows(INCIDENT_DEVICES)} == set(NAMES), 60)
    assert [r.incident_id for r in pair.rows(INCIDENTS)] == [row.incident_id]
    eventually(lambda: pair.rows(INCIDENTS)[0].subscribers_affected == 2 * len(CPES))
    for run in pair.shards:
        assert run.stop(signal.SIGTERM) == 0
