"""`bairro check`: everything wrong is told with its place, nothing is sent, and the exit code says how bad it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from collector import config
from collector.commands.check import check
from collector.inventory import devices_file
from collector.publish.live import device_spans
from collector.publish.live.live_file import LiveTable
from collector.reading import Impairment, Reading

GOOD = "device_id,address,role,area,parent\ncore,192.0.2.1,router,centro,\ncpe-1,192.0.2.2,cpe,norte,core\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "collector.toml").write_text('inventory = "devices.csv"\ndata = "data"\n')
    (tmp_path / "devices.csv").write_text(GOOD)
    return tmp_path


def test_all_is_well(files: Path) -> None:
    lines, code = check(files / "collector.toml")
    assert code == 0
    assert lines[-1] == f"{files}/devices.csv: 2 devices (1 router, 1 cpe) in 2 areas, 0 problems"
    assert lines[-2].startswith(f"{files}/collector.toml: good; polls every 60 s, 1 credential, ")
    assert not (files / "data").exists(), "a check writes nothing"


def test_bad_rows_are_told_with_file_line_and_field(files: Path) -> None:
    (files / "devices.csv").write_text(GOOD + "cpe-1,192.0.2.3,cpe,norte,core\ncpe-2,192.0.2.4,modem,norte,core\n")
    lines, code = check(files / "collector.toml")
    assert code == 1
    assert any(line.startswith("devices.csv:4: device_id: 'cpe-1' is already on line 3") for line in lines)
    assert any(line.startswith("devices.csv:5: role: must be one of router") for line in lines)
    assert lines[-1].endswith("2 devices (1 router, 1 cpe) in 2 areas, 2 problems")


def test_settings_that_cannot_be_used(files: Path) -> None:
    (files / "collector.toml").write_text('inventory = "devices.csv"\ndata = "data"\n[poll]\nintervall = 3\n')
    lines, code = check(files / "collector.toml")
    assert (len(lines), code) == (1, 2)
    assert lines[0].startswith(f"{files}/collector.toml: poll.intervall: unknown key")


def test_an_inventory_that_cannot_be_read(files: Path) -> None:
    (files / "devices.csv").unlink()
    lines, code = check(files / "collector.toml")
    assert code == 2
    assert lines[-1] == f"{files}/devices.csv: the collector would not start"


def test_profiles_that_cannot_be_used(files: Path) -> None:
    (files / "mine").mkdir()
    (files / "mine" / "odd.toml").write_text("nonsense = 1\n")
    (files / "collector.toml").write_text('inventory = "devices.csv"\ndata = "data"\nprofiles = "mine"\n')
    lines, code = check(files / "collector.toml")
    assert code == 2
    assert "odd.toml" in lines[0]


def test_no_devices_at_all_is_a_problem(files: Path) -> None:
    (files / "devices.csv").write_text("device_id,address,role,area\n")
    lines, code = check(files / "collector.toml")
    assert code == 1
    assert any("holds no devices" in line for line in lines)


def test_a_database_that_nothing_can_reach(files: Path) -> None:
    (files / "collector.toml").write_text('database = "nonsense://x"\ninventory = "devices.csv"\ndata = "data"\n')
    lines, code = check(files / "collector.toml")
    assert code == 2
    assert "collector.toml: database: cannot be used" in lines[0]


def test_no_settings_yet(tmp_path: Path) -> None:
    lines, code = check(tmp_path / "collector.toml")
    assert code == 2
    assert "no such file; `bairro init FOLDER` writes a folder with one, and --config names another" in lines[0]


def test_an_uplink_that_the_collector_did_not_find_is_told_while_the_inventory_names_it(files: Path) -> None:
    """Nothing is sent: it is known from the tables that the collector wrote."""
    named = GOOD.replace("area,parent", "area,parent,uplink_interface").replace("centro,", "centro,,xe-0/0/0")
    (files / "devices.csv").write_text(named.replace("norte,core", "norte,core,"))
    settings = config.load(files / "collector.toml")
    found = devices_file.load(settings.inventory, settings).devices
    device_spans.update(settings.data / "devices.parquet", found, 1_700_000_000.0)
    live = LiveTable(settings.data, found, at=1_700_000_000.0)
    live.update(Reading("core", 1_700_000_060.0, 0.1, "answered"), None)
    live.impair(Impairment("core", 1_700_000_060.0, (), ("uplink_missing",)))
    asyncio.run(live.write(1_700_000_070.0))
    lines, code = check(files / "collector.toml")
    assert code == 1
    assert lines[-1].endswith(", 1 problem")
    assert lines[0] == (
        f"{files}/devices.csv: core: uplink_interface: the device had no interface 'xe-0/0/0' when it was polled last, "
        "at 2023-11-14 22:14:20 UTC; `bairro explain core` lists those that it has"
    )
    (files / "devices.csv").write_text(named.replace("norte,core", "norte,core,").replace("xe-0/0/0", "xe-0/0/1"))
    lines, _ = check(files / "collector.toml")
    assert "uplink_interface" not in "".join(lines), "another name has not been looked for yet"
