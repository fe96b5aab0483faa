"""The split of an inventory: whole subtrees, the same on every host, and what each shard must poll beside its own."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from collector import config
from collector.config import Shard, parse_shard
from collector.inventory.shards import owners_of, part_of, top_parents
from collector.reading import Device, Role


def device(name: str, role: Role, parent: str | None = None) -> Device:
    return Device(name, "192.0.2.1", role, "centro", parent=parent)


TREE = [
    device("core", "router"),
    device("edge", "router", "core"),
    device("olt", "olt", "edge"),
    device("cabinet", "switch", "olt"),
    device("home-1", "cpe", "cabinet"),
    device("home-2", "cpe", "olt"),
    device("tower", "ap", "core"),
    device("hill-router", "router", "tower"),
    device("hill", "ap", "hill-router"),
    device("farm", "cpe", "hill"),
    device("office", "cpe", "edge"),
    device("lone", "cpe"),
    device("orphan", "cpe", "gone"),
]

TOPS = {
    "core": "core",
    "edge": "edge",
    "olt": "olt",
    "cabinet": "olt",
    "home-1": "olt",
    "home-2": "olt",
    "tower": "tower",
    "hill-router": "hill-router",
    "hill": "hill",
    "farm": "hill",
    "office": "edge",
    "lone": "lone",
    "orphan": "orphan",
}


def network(tops: int = 40, below: int = 20) -> list[Device]:
    found = [device("core", "router")]
    for number in range(tops):
        found.append(device(f"olt-{number}", "olt", "core"))
        found += [device(f"cpe-{number}-{n}", "cpe", f"olt-{number}") for n in range(below)]
    return found


def test_a_subtree_hangs_from_its_highest_access_device():
    assert top_parents(TREE) == TOPS
    shuffled = random.Random(3).sample(TREE, len(TREE))
    assert top_parents(shuffled) == TOPS


def test_a_loop_that_slipped_through_ends():
    loop = [device("a", "ap", "b"), device("b", "ap", "a"), device("c", "cpe", "a")]
    assert top_parents(loop).keys() == {"a", "b", "c"}
    part_of(loop, Shard(0, 2))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_device_has_one_owner_and_every_ancestor_is_polled(count):
    devices = network()
    parents = {d.device_id: d.parent for d in devices}
    parts = [part_of(devices, Shard(index, count)) for index in range(count)]
    owned = Counter(d.device_id for part in parts for d in part.owned)
    assert owned == Counter(parents.keys())
    for part in parts:
        names, shadows = {d.device_id for d in part.owned}, {d.device_id for d in part.shadows}
        assert part.cpe_count == 800
        assert not names & shadows
        above = {parents[name] for name in names | shadows} - {None}
        assert above <= names | shadows
        assert shadows <= {"core"}


def test_shares_are_even_and_a_shard_more_takes_only_its_own():
    devices = network(tops=3000, below=0)
    three, four = owners_of(devices, 3), owners_of(devices, 4)
    assert all(900 < size < 1100 for size in Counter(three.values()).values())
    moved = {name for name in three if three[name] != four[name]}
    assert {four[name] for name in moved} == {3}
    assert 650 < len(moved) < 850


def test_the_split_is_the_same_in_every_process_and_version():
    assert owners_of(TREE, 2) == EXPECTED_OF_TWO
    code = "from tests.collector.inventory.test_shards import *; print(owners_of(TREE, 2) == EXPECTED_OF_TWO)"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "True"


EXPECTED_OF_TWO = {
    "core": 1,
    "edge": 1,
    "olt": 0,
    "cabinet": 0,
    "home-1": 0,
    "home-2": 0,
    "tower": 1,
    "hill-router": 0,
    "hill": 1,
    "farm": 1,
    "office": 1,
    "lone": 0,
    "orphan": 1,
}


@pytest.mark.parametrize(("text", "shard"), [("0/1", Shard(0, 1)), ("3/4", Shard(3, 4)), ("255/256", Shard(255, 256))])
def test_k_of_n(text, shard):
    assert parse_shard(text) == shard
    assert str(shard) == text


@pytest.mark.parametrize("text", ["", "1", "2/2", "1/0", "-1/2", "0/257", "1/2/3", "١/2", "a/b", " 0/1"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ValueError, match=r"must be K/N|there may be|there is no"):
        parse_shard(text)


def test_the_option_stands_in_for_the_settings_own(tmp_path):
    path = tmp_path / "collector.toml"
    path.write_text('inventory = "d.csv"\ndata = "data"\n[web]\nport = 9800\ntargets = ["a:1", "b:2"]\n')
    settings = config.load(path)
    assert settings.own_shard == Shard(0, 1)
    taken = config.with_shard(settings, "1/2")
    assert (taken.own_shard, taken.own_port) == (Shard(1, 2), 9801)
    assert replace(taken, web=replace(taken.web, port=0)).own_port == 0
    for wrong, message in (("2/2", "--shard: of 2 shards"), ("0/3", "web.targets: names 2 addresses")):
        with pytest.raises(config.settings_file.SettingsError, match=message):
            config.with_shard(settings, wrong)
