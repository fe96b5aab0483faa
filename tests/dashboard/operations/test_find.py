"""What the search answers: the best first, whatever case and accents it was typed in."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from dashboard.operations.find import MOST, Finder, Named, fold
from dashboard.pages.sections import search_results
from dashboard.pages.source import Source, visit

AREAS = {"n03": "São João", "n11": "Lantern Yard", "n12": "Yardley"}
ALIASES = (("core-1", "ge-0/0/1", "Uplink to Lisbon IX"), ("core-1", "ge-0/0/2", "Uplink to Porto"))


@pytest.fixture(scope="module")
def live(sample, tmp_path_factory):
    settings = sample.settings(tmp_path_factory.mktemp("find"))
    now = datetime.now(UTC)
    table = sample.network(now)
    table.loc[table["device_id"] == "n11-olt2", "address"] = "10.20.0.7"
    table.loc[table["device_id"] == "n11-olt3", "address"] = "10.20.0.71"
    sample.write_live(settings.data, now, table, sample.HOURLY)
    sample.write_incidents(settings.database_url, now)
    return Source(settings).live()


def keys(live, asked, areas=AREAS):
    return [one.key for one in Finder().find(asked, Named(live, areas, ALIASES), 1)]


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("n03-agg", "n03-agg"),
        ("N03-AGG ", "n03-agg"),
        ("sao joao", "n03"),
        ("São João", "n03"),
        ("joão", "n03"),
        ("yard", "n12"),
        ("yard lantern", "n11"),
        ("10.20.0.7", "n11-olt2"),
        ("core", "core-1"),
        ("i-olt", "i-olt"),
        ("lisbon", "core-1"),
    ],
)
def test_the_best_answer_comes_first(live, asked, first):
    assert keys(live, asked)[0] == first


def test_exact_before_beginning_before_word_before_inside(live):
    areas = {"a": "xnode", "b": "big node", "c": "node nine", "d": "node"}
    assert keys(live, "node", areas)[:4] == ["d", "c", "b", "a"]


def test_devices_of_the_network_come_before_those_at_customers(live):
    devices = live.devices.copy()
    devices.loc[devices["device_id"] == "n03-olt1", "device_id"] = "n03-olt-with-a-long-name"
    named = Named(dataclasses.replace(live, devices=devices), {})
    found = [one.key for one in Finder().find("n03", named, 1) if one.kind == "device"]
    assert any("cpe" in key for key in found)
    assert found.index("n03-olt-with-a-long-name") < min(n for n, key in enumerate(found) if "cpe" in key)


def test_a_thing_is_told_once_and_never_more_than_twenty(live):
    found = keys(live, "n")
    assert len(found) == MOST
    assert len(set(found)) == MOST


@pytest.mark.parametrize("asked", ["", "   ", "no such thing", "(", "[a-", "\\", "%", "a" * 5000, "\x00"])
def test_what_fits_nothing_finds_nothing(live, asked):
    assert keys(live, asked) == []


def test_an_incident_is_found_by_its_device(live):
    found = Finder().find("n03-agg", Named(live, AREAS), 1)
    assert [(one.kind, one.key) for one in found] == [("device", "n03-agg"), ("incident", "i-agg")]


def test_what_is_new_is_found_once_the_version_changes(live):
    finder = Finder()
    assert not finder.find("elsewhere", Named(live, {}), 1)
    assert not finder.find("elsewhere", Named(live, {"z": "Elsewhere"}), 1)
    assert finder.find("elsewhere", Named(live, {"z": "Elsewhere"}), 2)


def test_each_port_of_a_device_is_an_answer_of_its_own(live):
    found = Finder().find("uplink", Named(live, AREAS, ALIASES), 1)
    assert [(one.kind, one.row) for one in found] == [("port", 1), ("port", 0)], "the shorter name first"


def test_letters_of_other_alphabets_are_kept():
    assert fold("Łódź ÅSE Ялта") == "łodz ase ялта"


def test_lines_say_kind_state_and_place(source):
    def line(asked):
        return search_results.answers(visit(source), asked)[0]

    assert line("n03-agg") == {
        "kind": "Device",
        "name": "n03-agg",
        "detail": f"Down · Router · {source.name('n03')}",
        "shape": "■",
        "href": "/device/n03-agg",
    }
    assert line(source.name("n03"))["href"] == "/area/n03"
    assert line("i-past")["detail"].endswith(", over")
    assert line("i-olt")["name"].startswith("n11-olt2 and ")
