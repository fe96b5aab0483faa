"""Which devices an area's customers stand behind, each worked out by hand."""

from __future__ import annotations

import pytest

from .conftest import SmallWorld

FIRST, LAST = "2025-01-06", "2025-03-03"
CHANGED = "2024-12-01"
STARTED = "2024-01-01"
WAY_UP = {"ap": (10, 0), "east": (10, 1), "core": (10, 2)}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, tuple[int, int]]]:
    """By area and device: how many customers are behind it, and how many steps it is up.

    core > east > ap and core > west > dish; each area has ten customers, on one device where nothing else is said.
    """
    world = SmallWorld(tmp_path_factory.mktemp("nodes"))
    world.observe("ap", FIRST, LAST)
    for device, parent in (("core", None), ("east", "core"), ("west", "core"), ("ap", "east"), ("dish", "west")):
        world.device(device, parent)
    world.device("moved", "west", until=CHANGED)
    world.device("moved", "east", since=CHANGED)
    for device, parent in (("renamed", "ring"), ("ring", "core")):
        world.device(device, parent, until=CHANGED)
        world.device(device, parent, since=CHANGED)
    world.device("gone", "east", until="2025-02-01")
    world.device("orphan", "nobody")
    world.device("here", "there")
    world.device("there", "here")
    hangs: dict[str, list[str | None]] = {
        "north": ["ap"] * 10,
        "south": ["dish"] * 10,
        "both": ["ap"] * 8 + ["dish"] * 2,
        "one-without": ["ap"] * 10 + [None],
        "two-without": ["ap"] * 10 + [None, "not in the inventory"],
        **{device: [device] * 10 for device in ("moved", "renamed", "gone", "orphan", "here")},
    }
    for area, devices in hangs.items():
        for number, device in enumerate(devices):
            world.customer(f"{area}-{number}", area, started_on=STARTED, device_id=device)
    found: dict[str, dict[str, tuple[int, int]]] = {area: {} for area in hangs}
    for row in world.build().area_nodes.to_dict("records"):
        found[str(row["area"])][str(row["node"])] = int(row["customers_behind"]), int(row["steps_up"])
    return found


@pytest.mark.parametrize(
    ("area", "nodes"),
    [
        pytest.param("north", WAY_UP, id="the whole way up, the top too"),
        pytest.param("south", {"dish": (10, 0), "west": (10, 1), "core": (10, 2)}, id="another way"),
        pytest.param("both", {"core": (10, 2)}, id="behind two devices: what they share"),
        pytest.param("one-without", WAY_UP, id="one in ten without a device is borne"),
        pytest.param("two-without", {}, id="two are not"),
        pytest.param("moved", {"moved": (10, 0), "core": (10, 2)}, id="moved within the year"),
        pytest.param("renamed", {"renamed": (10, 0), "ring": (10, 1), "core": (10, 2)}, id="a row changed, nobody moved"),
        pytest.param("gone", {}, id="a device that is gone"),
        pytest.param("orphan", {"orphan": (10, 0)}, id="a parent that is not on record"),
        pytest.param("here", {"here": (10, 0)}, id="a loop ends, and nothing in it is above"),
    ],
)  # fmt: skip
def test_devices_that_an_area_stands_behind(behind, area, nodes):
    assert behind[area] == nodes
