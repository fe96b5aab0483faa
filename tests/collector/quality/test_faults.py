"""A device that is there, and of which a part does not answer: told apart, after as many misses as an outage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collector.config import OutageSettings
from collector.quality.state import Network
from collector.reading import Device, EchoBurst, InterfaceReading, Reading

ROUTER = Device("core", "192.0.2.1", "router", "Area", uplink_interface="wan")
WELL = Reading(
    "core",
    0.0,
    0.05,
    "answered",
    echoes=EchoBurst(5, 0, (0.01,) * 5),
    interfaces=(InterfaceReading("lan", 1, is_up=False), InterfaceReading("wan", 2, is_up=True)),
)
SILENT_PINGS = EchoBurst(5, 5)
CASES = {
    "snmp_silent": {"snmp": "silent", "interfaces": ()},
    "snmp_refused": {"snmp": "refused", "interfaces": ()},
    "snmp_partial": {"snmp": "partial", "interfaces": ()},
    "ping_silent": {"echoes": SILENT_PINGS},
    "uplink_down": {"interfaces": (InterfaceReading("wan", 2, is_up=False),)},
    "uplink_shut": {"interfaces": (InterfaceReading("wan", 2, is_up=False, is_admin_up=False),)},
    "uplink_missing": {"interfaces": (InterfaceReading("lan", 1, is_up=True),)},
}


@pytest.fixture
def network():
    network = Network([ROUTER], OutageSettings(), interval_seconds=60)
    network.observe(WELL)
    return network


def poll(network, at, **changes):
    return network.observe(WELL._replace(at=at, **changes))


@pytest.mark.parametrize("fault", CASES)
def test_each_is_told_after_three_polls_in_a_row_and_ends_with_the_first_that_is_well(network, fault):
    for at, faults in ((60.0, ()), (120.0, ()), (180.0, (fault,))):
        verdict = poll(network, at, **CASES[fault])
        state = network.state("core")
        assert (state.state, state.faults) == ("up", faults), "somebody is there"
    (told,) = verdict.impairments
    assert (told.device_id, told.at, told.faults) == ("core", 180.05, (fault,))
    assert poll(network, 240.0, **CASES[fault]).impairments == (), "told once"
    (told,) = poll(network, 300.0).impairments
    assert told.faults == ()
    assert poll(network, 360.0).impairments == ()


def test_polls_in_a_row(network):
    for at in range(60, 1200, 60):
        poll(network, float(at), **(CASES["snmp_silent"] if at % 180 else {}))
    assert network.state("core").faults == ()


def test_probing_in_haste_counts_once(network):
    for at in (60.0, 61.0, 62.0, 63.0, 120.0):
        poll(network, at, **CASES["ping_silent"])
    assert network.state("core").faults == ()


def test_several_at_once(network):
    for at in (60.0, 120.0, 180.0):
        verdict = poll(network, at, echoes=SILENT_PINGS, **CASES["uplink_down"])
    assert verdict.impairments[0].faults == ("ping_silent", "uplink_down")


def test_one_kind_of_failure_may_follow_another(network):
    for at in (60.0, 120.0, 180.0):
        poll(network, at, **CASES["snmp_silent"])
    poll(network, 240.0, **CASES["snmp_refused"])
    assert network.state("core").faults == (), "the agent has spoken, and not often enough to be refusing"


def test_what_was_not_asked_or_not_read_ends_nothing(network):
    for at in (60.0, 120.0, 180.0):
        poll(network, at, **CASES["uplink_down"])
    poll(network, 240.0, **CASES["snmp_silent"])
    assert network.state("core").faults == ("uplink_down",)
    poll(network, 300.0, snmp="off", interfaces=())
    assert network.state("core").faults == ("uplink_down",)


@pytest.mark.parametrize(("uplink", "faults"), [(None, ()), ("no such", ("uplink_missing",))])
def test_an_interface_that_is_not_named_is_nobodys_uplink(uplink, faults):
    network = Network([replace(ROUTER, uplink_interface=uplink)], OutageSettings(), interval_seconds=60)
    for at in (0.0, 60.0, 120.0, 180.0):
        poll(network, at, **CASES["uplink_down"])
    assert network.state("core").faults == faults


@pytest.mark.parametrize("changes", [{"snmp": "partial"}, {"snmp": "silent"}, {"snmp": "off"}], ids=str)
def test_an_uplink_that_an_answer_could_not_show_is_not_missing(network, changes):
    for at in (60.0, 120.0, 180.0):
        poll(network, at, interfaces=(), **changes)
    assert "uplink_missing" not in network.state("core").faults


def test_an_uplink_that_comes_back_shut_is_not_missing_any_more(network):
    for at in (60.0, 120.0, 180.0):
        poll(network, at, **CASES["uplink_missing"])
    for at in (240.0, 300.0, 360.0):
        poll(network, at, **CASES["uplink_shut"])
    assert network.state("core").faults == ("uplink_shut",)


def test_two_devices_at_one_address_hold_as_long_as_they_are_seen(network):
    network.observe(WELL._replace(at=60.0, interfaces=()), seen=("two_devices",))
    assert network.state("core").faults == ("two_devices",), "several polls have shown it already"
    for at in (120.0, 180.0, 240.0):
        network.observe(WELL._replace(at=at, interfaces=()), seen=("two_devices",))
    assert network.state("core").faults == ("two_devices",), "nobody knows whose uplink is missing"
    poll(network, 300.0)
    assert network.state("core").faults == ()


def test_a_device_that_is_out_has_no_partial_failure(network):
    for at in (60.0, 120.0, 180.0):
        poll(network, at, **CASES["snmp_silent"])
    for at in (240.0, 300.0):
        assert poll(network, at, snmp="silent", echoes=SILENT_PINGS).impairments == (), "not judged yet"
    verdict = poll(network, 360.0, snmp="silent", echoes=SILENT_PINGS)
    assert network.state("core").state == "down"
    assert [i.faults for i in verdict.impairments] == [()]
    poll(network, 420.0, **CASES["snmp_silent"])
    assert network.state("core").faults == (), "counted anew"


def test_an_uplink_that_is_down_is_no_verdict_on_what_hangs_below(network):
    below = Device("c1", "192.0.2.2", "cpe", "Area", parent="core")
    network.replace([ROUTER, below], 0.0)
    network.observe(Reading("c1", 10.0, 0.05, "answered"))
    for at in (60.0, 120.0, 180.0):
        poll(network, at, **CASES["uplink_down"])
    assert network.state("c1").state == "up"
