"""A row that is known keeps its name, whatever rows come beside it, leave, or change places with it."""

from __future__ import annotations

import pytest

from collector.poll.objects.interfaces.interface_cache import InterfaceMemory
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Value, encode_subids
from collector.reading import Device

TABLE = load_profiles()["generic"].tables[0]
Row = tuple[str, str, str]
"""ifName, ifAlias, ifDescr."""
PORT: Row = ("Te1/5/7", "to core", "TenGigabitEthernet1/5/7")
TWIN: Row = ("Te1/5/7", "", "TenGigabitEthernet1/5/7-mpls layer")
OTHER: Row = ("Te1/5/8", "", "TenGigabitEthernet1/5/8")


def walked(rows: dict[int, Row]) -> dict[str, dict[bytes, Value]]:
    columns = zip(("ifName", "ifAlias", "ifDescr"), zip(*rows.values(), strict=True), strict=True)
    texts = {
        name: {encode_subids((n,)): t.encode() for n, t in zip(rows, found, strict=True)} for name, found in columns
    }
    return {column.name: texts.get(column.name, {}) for column in TABLE.columns}


def names(*walks: dict[int, Row], uplink: str | None = None, relearns: bool = True) -> list[dict[int, str]]:
    """What the rows are called in each walk of one collector, by ifIndex."""
    device = Device("r1", "192.0.2.1", "router", "Area", uplink_interface=uplink)
    memory, found = InterfaceMemory(TABLE, device), []
    for rows in walks:
        if relearns:
            before, memory = memory, InterfaceMemory(TABLE, device)
            memory.remember(before)
        cells = walked(rows)
        assert memory.learn(cells)
        found.append({interface.index: interface.name for interface in memory.readings(cells)})
    return found


@pytest.mark.parametrize("relearns", [True, False], ids=["learnt anew", "gone on"])
def test_a_twin_that_comes_later_gets_the_addition(relearns: bool) -> None:
    before, after, again = names({7: PORT}, {7: PORT, 160: TWIN}, {7: PORT, 160: TWIN}, relearns=relearns)
    assert before == {7: "Te1/5/7"}
    assert after == again == {7: "Te1/5/7", 160: "TenGigabitEthernet1/5/7-mpls layer"}


def test_a_twin_of_a_lower_index_does_not_take_the_name() -> None:
    assert names({7: PORT}, {3: TWIN, 7: PORT})[-1] == {3: TWIN[2], 7: "Te1/5/7"}


def test_twins_that_share_all_texts_are_told_apart_by_their_number() -> None:
    assert names({7: PORT}, {7: PORT, 160: PORT})[-1] == {7: "Te1/5/7", 160: "Te1/5/7#160"}


def test_a_known_row_keeps_its_name_when_its_twin_goes() -> None:
    assert names({7: PORT, 160: TWIN}, {160: TWIN})[-1] == {160: TWIN[2]}
    assert names({7: PORT, 160: TWIN}, {7: PORT})[-1] == {7: "to core"}


def test_names_follow_rows_to_other_indexes() -> None:
    both = {7: "Te1/5/7", 160: TWIN[2]}
    assert names({7: PORT}, {7: PORT, 160: TWIN}, {9: PORT, 12: TWIN})[1:] == [both, {9: "Te1/5/7", 12: TWIN[2]}]
    assert names({7: PORT}, {7: PORT, 160: TWIN}, {160: PORT, 7: TWIN})[-1] == {160: "Te1/5/7", 7: TWIN[2]}
    assert names({7: PORT, 8: OTHER}, {7: OTHER, 8: PORT, 160: TWIN})[-1] == {
        7: "Te1/5/8",
        8: "Te1/5/7",
        160: TWIN[2],
    }


def test_twins_that_change_places_are_seen_to() -> None:
    memory = InterfaceMemory(TABLE, Device("r1", "192.0.2.1", "router", "Area"))
    cells = walked({7: PORT, 160: TWIN})
    assert memory.learn(cells)
    swapped = walked({160: PORT, 7: TWIN})
    assert {column.name for column in memory.columns()} == {"ifName", "ifDescr"}
    asked = {column.name: swapped[column.name] for column in memory.columns()}
    assert memory.columns_left(asked), "the rows are others now"


@pytest.mark.parametrize(("uplink", "first"), [("Te1/5/7", "Te1/5/7"), ("Te1/5/8", "to core"), (None, "to core")])
def test_a_collector_that_starts_takes_the_first_of_twins_for_the_uplink(uplink: str | None, first: str) -> None:
    assert names({7: PORT, 160: TWIN}, uplink=uplink) == [{7: first, 160: TWIN[2]}]


@pytest.mark.parametrize(
    ("uplink", "called"),
    [
        ("to core", {7: "to core", 8: "Te1/5/8"}),
        ("TenGigabitEthernet1/5/8", {7: "Te1/5/7", 8: "TenGigabitEthernet1/5/8"}),
        ("no such", {7: "Te1/5/7", 8: "Te1/5/8"}),
        ("Te1/5/8", {7: "Te1/5/7", 8: "Te1/5/8"}),
    ],
)
def test_an_uplink_may_be_called_by_its_alias_or_description(uplink: str, called: dict[int, str]) -> None:
    assert names({7: PORT, 8: OTHER}, {7: PORT, 8: OTHER}, uplink=uplink) == [called, called]


@pytest.mark.parametrize(
    ("rows", "uplink", "said"),
    [
        ({7: PORT, 8: OTHER}, "Te1/5/7", None),
        ({7: PORT, 160: TWIN}, "to core", None),
        ({7: PORT, 160: TWIN}, None, None),
        (
            {3: TWIN, 70: PORT},
            "Te1/5/7",
            "uplink_interface 'Te1/5/7' is the ifName of 2 interfaces, and ifIndex 3 is taken: ifIndex 3 (no ifAlias, ifDescr "
            "'TenGigabitEthernet1/5/7-mpls layer'), ifIndex 70 (ifAlias 'to core', ifDescr 'TenGigabitEthernet1/5/7'). Name "
            "the right one by an ifAlias or ifDescr that it alone has; where it has none, give it one",
        ),
        (
            {7: ("a", "uplink", "one"), 8: ("b", "uplink", "two")},
            "uplink",
            "uplink_interface 'uplink' is the ifAlias of 2 interfaces, and none of them is taken: ifIndex 7 (ifName 'a', "
            "ifDescr 'one'), ifIndex 8 (ifName 'b', ifDescr 'two'). Name the right one by an ifName or ifDescr that it alone "
            "has; where it has none, give it one",
        ),
    ],
)
def test_an_uplink_that_may_be_any_of_several_rows_is_told_once(
    rows: dict[int, Row], uplink: str | None, said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    names(rows, rows, rows, uplink=uplink)
    assert [record.getMessage() for record in caplog.records] == ([f"r1: {said}"] if said else [])


def test_a_twin_that_comes_beside_a_known_uplink_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A collector that starts now would take the other row."""
    assert names({70: PORT}, {3: TWIN, 70: PORT}, uplink="Te1/5/7")[-1][70] == "Te1/5/7"
    assert ["ifIndex 70 is taken" in record.getMessage() for record in caplog.records] == [True]


def test_a_twin_that_alone_has_the_uplinks_name_as_its_description_is_no_doubt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As on a Teldat RS123W, whose switch ports have the ifName of the interface that they belong to."""
    own, port = ("ethernet0/0", "", "ethernet0/0"), ("ethernet0/0", "", "Switch Port interface: Group 1")
    assert names({1: own, 64537: port}, uplink="ethernet0/0") == [{1: "ethernet0/0", 64537: port[2]}]
    assert not caplog.records
    names({1: port, 64537: own}, uplink="ethernet0/0")
    assert ["ifIndex 1 is taken" in record.getMessage() for record in caplog.records] == [True]


def test_many_rows_of_the_uplinks_name_are_told_in_few_words(caplog: pytest.LogCaptureFixture) -> None:
    names(dict.fromkeys(range(1, 10), ("eth", "", "")), uplink="eth")
    (said,) = (record.getMessage() for record in caplog.records)
    assert "is the ifName of 9 interfaces, and ifIndex 1 is taken: " in said
    assert "ifIndex 4 (no ifAlias, no ifDescr) and 5 more. Name" in said


def test_an_alias_that_moves_takes_the_uplink_with_it() -> None:
    """Though ifName tells all rows apart, the alias is walked too: nothing else says that it stands elsewhere now."""
    memory = InterfaceMemory(TABLE, Device("r1", "192.0.2.1", "router", "Area", uplink_interface="to core"))
    assert memory.learn(walked({7: PORT, 8: OTHER}))
    moved = walked({7: ("Te1/5/7", "", PORT[2]), 8: ("Te1/5/8", "to core", OTHER[2])})
    asked = {column.name: moved[column.name] for column in memory.columns()}
    assert memory.columns_left(asked), "the alias has moved"
    assert memory.learn(moved)
    assert {i.index: i.name for i in memory.readings(moved)} == {7: "Te1/5/7", 8: "to core"}


def test_the_alias_of_another_row_is_not_taken_for_an_uplink_that_is_gone() -> None:
    impostor = ("Te1/5/9", "Te1/5/7", "TenGigabitEthernet1/5/9")
    assert names({7: PORT, 9: impostor}, {9: impostor}, uplink="Te1/5/7")[-1] == {9: "Te1/5/9"}


def test_an_alias_that_two_rows_have_names_neither() -> None:
    same = {7: ("a", "uplink", "one"), 8: ("b", "uplink", "two")}
    assert names(same, uplink="uplink") == [{7: "a", 8: "b"}]


def test_a_cpe_with_twins_is_read_by_its_uplink() -> None:
    memory = InterfaceMemory(TABLE, Device("c1", "192.0.2.1", "cpe", "Area", uplink_interface="Te1/5/7"))
    assert memory.learn(walked({7: PORT, 160: TWIN}))
    assert memory.missing_uplink is None
    assert {item.instance for item in memory.asked()} == {(7,)}


def test_a_row_that_was_renamed_takes_the_new_name() -> None:
    renamed = ("Te1/5/9", "to edge", "TenGigabitEthernet1/5/9")
    assert names({7: PORT, 160: TWIN}, {7: renamed, 160: TWIN})[-1][7] == "Te1/5/9"


def test_many_rows_of_one_text_are_named_in_time() -> None:
    rows = {n: (f"pppoe-{n}", "", "PPPoE session") for n in range(1, 4001)}
    moved = {n + 1: row for n, row in rows.items()}
    assert names(rows, moved)[-1] == {n + 1: row[0] for n, row in rows.items()}
