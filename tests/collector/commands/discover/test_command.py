"""`bairro discover` as it is used: agents on loopback, a file to look at, and the same again a week later."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bairro
from bench.discovery.__main__ import serve
from bench.discovery.agents import Agents
from bench.discovery.network import build
from collector import config
from collector.commands.discover import device_areas, devices_csv, ranges
from collector.commands.discover.naming import tame
from collector.inventory import devices_file

QUICK = ["--pace", "20000", "--timeout", "0.2"]


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    running = serve(build(sectors=1, clients=2))
    yield running
    running.stop()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "collector.toml").write_text(
        'inventory = "devices.csv"\ndata = "data"\n[[credentials]]\nname = "new"\ncommunity = "newcomer"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def discover(agents: Agents, *words: str) -> int:
    return bairro.main(["discover", *words, "--port", str(agents.port), *QUICK])


def rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["device_id"]: row for row in csv.DictReader(file)}


def test_a_range_becomes_an_inventory(agents: Agents, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = folder / "collector.toml"
    first = '[[credentials]]\nname = "old"\ncommunity = "other"\n[[credentials]]'
    settings.write_text(settings.read_text().replace("[[credentials]]", first))
    settings.chmod(0o600)
    assert discover(agents, "--from", "127.40.0.2-127.40.0.7") == 0
    said = capsys.readouterr().out
    assert "core-1  router  127.40.0.2" in said
    assert "└─ agg-4  switch  127.40.0.6" in said
    found = rows(folder / "devices.csv")
    core, agg = found["core-1"], found["agg-1"]
    assert (core["role"], core["area"], core["parent"], core["credential"]) == ("router", "Centrum", "", "new")
    assert (agg["parent"], agg["uplink_interface"], agg["vendor"]) == ("core-1", "Gi0/1", "Cisco")
    read = devices_file.load(folder / "devices.csv", config.load(folder / "collector.toml"))
    assert ([str(problem) for problem in read.problems], len(read.devices)) == ([], len(found))
    capsys.readouterr()
    assert bairro.main(["check"]) == 0
    assert "devices.csv: marked as unsure: area of 1, parent of 1; look at" in capsys.readouterr().out


def test_only_what_was_named_is_asked(agents: Agents, folder: Path) -> None:
    agents.asked.clear()
    assert discover(agents, "--seed", "127.40.0.3", "--within", "127.40.0.2-127.40.0.4") == 0
    assert agents.asked <= {"127.40.0.2", "127.40.0.3", "127.40.0.4"}
    assert "core-1" in rows(folder / "devices.csv"), "the neighbour of the seed"


def test_again_it_shows_what_is_new_gone_and_moved(
    agents: Agents, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    discover(agents, "--from", "127.40.0.2-127.40.0.5")
    path = folder / "devices.csv"
    text = path.read_text()
    columns, first, *rest = text.splitlines()
    assert first.startswith("agg-1,")
    edited = [
        first.replace(",core-1,", ",old-core,").replace(",Centrum,", ",Noord,", 1),
        "gone-1,127.40.0.5,cpe,Noord",
        "elsewhere-1,127.40.9.9,cpe,Noord",
    ]
    path.write_text("\n".join([columns, *edited, *rest[1:]]) + "\n")
    before = path.read_bytes()
    capsys.readouterr()
    assert discover(agents, "--from", "127.40.0.2-127.40.0.5") == 0
    said = capsys.readouterr().out
    assert "new: agg-2 at 127.40.0.4:" in said
    assert "gone: gone-1 at 127.40.0.5 did not answer" in said
    assert "not asked: elsewhere-1 at 127.40.9.9, which you did not name" in said
    assert "moved: agg-1: parent was old-core, is now core-1" in said
    assert path.read_bytes() == before, "never written over without being told"
    assert discover(agents, "--from", "127.40.0.2-127.40.0.5", "--replace") == 0
    now = rows(path)
    assert (now["agg-1"]["parent"], now["agg-1"]["area"]) == ("old-core", "Noord"), "what somebody has put right stays"
    assert {"gone-1", "elsewhere-1", "agg-2"} <= set(now)
    assert (folder / "devices.csv.old").read_bytes() == before
    assert discover(agents, "--from", "127.40.0.2-127.40.0.3", "--out", "other.csv", "--tree", "tree.svg") == 0
    assert (folder / "tree.svg").read_text().startswith("<svg ")


REFUSED = {
    "nothing": ([], "say which addresses to ask: --from RANGE, or --seed ADDRESS --within RANGE"),
    "too large": (["--from", "10.0.0.0/12"], "--from 10.0.0.0/12: 1,048,574 addresses are too many; at most 65,536"),
    "public": (["--from", "8.8.8.0/24"], "--from 8.8.8.0/24: is a public range; --public says that it is yours to ask"),
    "partly public": (["--from", "9.255.255.250-10.0.0.3"], "is a public range"),
    "no range": (["--from", "10.0.0.1/22"], "--from 10.0.0.1/22: is no range: 10.0.0.1/22 has host bits set"),
    "backwards": (["--from", "10.0.0.9-10.0.0.1"], "--from 10.0.0.9-10.0.0.1: does not end after its beginning"),
    "multicast": (["--from", "224.0.0.1"], "--from 224.0.0.1: has addresses that are no device's"),
    "seed alone": (["--seed", "10.0.0.1"], "--seed and --within go together"),
    "seed outside": (["--seed", "10.0.1.1", "--within", "10.0.0.0/24"], "--seed 10.0.1.1: is no address in --within"),
    "pattern": (["--from", "10.0.0.1", "--area-pattern", "("], "--area-pattern: is no regular expression"),
    "group": (["--from", "10.0.0.1", "--area-pattern", "^sw"], "--area-pattern: needs a group around the area"),
    "outlines": (["--from", "10.0.0.1", "--outlines", "no.geojson"], "no.geojson: cannot be read: No such file"),
    "pace": (["--from", "10.0.0.1", "--pace", "0"], "--pace must be 1 to 100000"),
}


@pytest.mark.parametrize(("words", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_must_not_be_asked_is_refused(
    words: list[str], expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bairro.main(["discover", *words]) == 2
    assert expected in capsys.readouterr().err
    assert not (folder / "devices.csv").exists()


def test_nothing_that_answers_is_said_with_the_likely_reasons(
    agents: Agents, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert discover(agents, "--from", "127.40.200.1-127.40.200.2") == 1
    assert "nothing answered. An agent is silent to a community that it does not know" in capsys.readouterr().err


def test_hosts_without_an_agent_are_told_in_one_sentence(
    folder: Path, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    assert bairro.main(["discover", "--from", "127.40.0.1-127.40.0.9", "--port", str(port), *QUICK]) == 1
    said = capsys.readouterr().err
    assert "and 6 more: a device is there, but lets none of the credentials in: its port" in said
    assert f"{port} is closed" in said


def test_addresses_that_cannot_be_reached_are_no_devices(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The system refuses to send to a network's broadcast address, as it does where no route leads."""
    assert bairro.main(["discover", "--from", "127.255.255.255", *QUICK]) == 1
    said = capsys.readouterr().err
    assert "127.255.255.255: nothing can be sent there, so what is there is not known: " in said
    assert "a device is there" not in said


def test_a_user_that_an_agent_does_not_know_is_told(
    snmpd: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "collector.toml").write_text(
        'inventory = "devices.csv"\ndata = "data"\n[[credentials]]\nname = "v3"\nversion = "3"\nuser = "nobody"\n'
    )
    assert bairro.main(["discover", "--from", snmpd.address, "--port", str(snmpd.port), *QUICK]) == 1
    assert "127.0.0.1: a device is there, but lets none of the credentials in: v3: " in capsys.readouterr().err


def test_who_is_heard_of_and_does_not_answer_is_told(
    agents: Agents, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """agg-2's neighbour answers to nobody, and the core has heard of it."""
    hidden = next(node for node in build(sectors=1, clients=2).nodes.values() if node.name == "hidden-1")
    last = int(hidden.address.rpartition(".")[2])
    assert discover(agents, "--from", "127.40.0.2", f"127.40.0.{last}") == 0
    expected = f"1 address is in ARP tables and answered to none of the credentials, such as {hidden.address} (core-1)"
    assert expected in capsys.readouterr().err


def test_large_ranges_may_hold_the_neighbours_of_a_seed() -> None:
    (given,) = ranges.parse(["10.0.0.0/8"], "--within", allow_public=False, is_asked_whole=False)
    assert ranges.allows([given], "10.200.3.4")
    assert not ranges.allows([given], "11.0.0.1")
    assert list(ranges.parse(["10.0.0.0/30"], "--from", allow_public=False)[0]) == ["10.0.0.1", "10.0.0.2"]


def test_a_name_is_no_formula_to_a_spreadsheet() -> None:
    assert tame('=HYPERLINK("x")\r\n') == 'HYPERLINK("x")'
    assert tame("--sw\x07 1") == "sw 1"


def test_coordinates_lie_in_outlines_and_names_give_areas(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    path.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "Noord"}, "geometry": '
        '{"type": "Polygon", "coordinates": [[[4.0, 52.0], [5.0, 52.0], [5.0, 53.0], [4.0, 53.0], [4.0, 52.0]]]}}]}'
    )
    outlines = device_areas.read_outlines(path)
    assert list(outlines) == ["Noord"]
    assert device_areas.coordinates("POP [52.3702, 4.8952]") == (52.3702, 4.8952)
    assert device_areas.coordinates("rack 12.5, 10.1") is None
    assert device_areas._containing(device_areas.Point(52.3702, 4.8952), outlines) == ["Noord"]
    assert device_areas._containing(device_areas.Point(4.8952, 52.3702), outlines) == []


def test_a_real_city_has_each_point_in_one_outline(shared: Path) -> None:
    outlines = device_areas.read_outlines(shared / "data" / "geojson" / "amsterdam.geojson")
    inside = [
        device_areas._containing(
            device_areas.Point(shape.representative_point().y, shape.representative_point().x), outlines
        )
        for shape in outlines.values()
    ]
    assert sum(found == [area] for found, area in zip(inside, outlines, strict=True)) >= 0.95 * len(outlines)


def test_a_device_that_moved_is_asked_where_it_is() -> None:
    old = devices_csv.OldFile(
        ("device_id", "address", "parent"), {"a": {"device_id": "a", "address": "10.0.0.1", "parent": "b"}}
    )
    new = {"a": dict.fromkeys(devices_csv.COLUMNS, "") | {"device_id": "a", "address": "10.0.0.2", "parent": "c"}}
    assert devices_csv.changes(old, new, ()).moved == (
        "a: address was 10.0.0.1, is now 10.0.0.2",
        "a: parent was b, is now c",
    )
    _, (row,) = devices_csv.combined(old, new)
    assert (row["address"], row["parent"]) == ("10.0.0.2", "b")
