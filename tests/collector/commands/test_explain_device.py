"""`bairro explain`: a real agent asked once, and clear words where it goes badly."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from collector import config
from collector.commands.explain_device import explain, impossible, verdict
from collector.config import CollectorSettings
from collector.poll.explain import Explanation
from collector.publish.live.live_file import LiveTable
from collector.reading import Device, Impairment, InterfaceReading, Reading, SignalReading, SnmpOutcome, Transition

from ..conftest import Agent

Settings = Callable[..., CollectorSettings]


@pytest.fixture
def settings(tmp_path: Path, snmpd: Agent) -> Settings:
    """Settings with an inventory of the given row."""

    def make(row: str, community: str = snmpd.community) -> CollectorSettings:
        (tmp_path / "devices.csv").write_text(f"device_id,address,role,area,ping,uplink_interface\n{row}\n")
        (tmp_path / "collector.toml").write_text(
            f'inventory = "devices.csv"\ndata = "data"\n[poll]\ntimeout_seconds = 0.2\nretries = 0\n'
            f'[ping]\ncount = 2\ntimeout_seconds = 0.2\n[[credentials]]\nname = "test"\ncommunity = "{community}"\n'
        )
        return config.load(tmp_path / "collector.toml")

    return make


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A UDP port that takes packets and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_question_answer_reading_and_state(settings: Settings, snmpd: Agent) -> None:
    text, code = explain(settings(f"gate,{snmpd.address}:{snmpd.port},router,centro,off,lo"), "gate")
    assert code == 0
    octets = snmpd.ask("snmpget", "1.3.6.1.2.1.2.2.1.2.1")
    for part in (
        "device\n  device_id = gate\n",
        "question (",
        "sysUpTime.0 (1.3.6.1.2.1.1.3.0)",
        f"ifDescr.1 (1.3.6.1.2.1.2.2.1.2.1) = OCTET STRING: '{next(iter(octets.values()))}'",
        "  sent = yes",
        "interface lo: index 1, is_up yes, ",
        "no collector has published a state for this device yet",
    ):
        assert part in text
    assert text.endswith("verdict\n  SNMP answered")
    assert snmpd.community not in text


def test_state_is_what_the_collector_last_wrote(settings: Settings, snmpd: Agent) -> None:
    made = settings(f"gate,{snmpd.address}:{snmpd.port},router,centro,off,")
    device = Device("gate", snmpd.address, "router", "centro")
    table = LiveTable(made.data, [device], at=0.0)
    table.change(Transition("gate", 1_700_000_120.0, 1_700_000_000.0, "suspect", "suppressed", "core"))
    asyncio.run(table.write(0.0))
    text, _ = explain(made, "gate")
    assert "behind an outage since 2023-11-14 22:13:20 UTC, attributed to core; not polled yet" in text
    assert "verdict\n  SNMP answered" in text


def test_an_outage_above_a_silent_device_is_said_before_its_own_causes(settings: Settings, dead_port: int) -> None:
    made = settings(f"gate,127.0.0.1:{dead_port},router,centro,off,")
    table = LiveTable(made.data, [Device("gate", "127.0.0.1", "router", "centro")], at=0.0)
    for state, root, first in (
        ("suppressed", "core", "an outage above it is open (core), as the collector last wrote; no answer from 127"),
        ("down", "gate", "no answer from 127"),
    ):
        table.change(Transition("gate", 1_700_000_120.0, 1_700_000_000.0, "suspect", state, root))
        asyncio.run(table.write(0.0))
        text, code = explain(made, "gate")
        assert code == 1
        assert text.split("verdict\n  ")[1].startswith(first)


def test_an_uplink_that_is_not_there_and_one_that_is_not_named(settings: Settings, snmpd: Agent) -> None:
    where = f"gate,{snmpd.address}:{snmpd.port},router,centro,off"
    assert "it has no interface 'wan9' (uplink_interface), only: lo" in explain(settings(f"{where},wan9"), "gate")[0]
    text, code = explain(settings(f"{where},"), "gate")
    assert code == 0
    if text.count("InterfaceReading(") > 2:
        assert "name one of its interfaces as uplink_interface" in text


def test_a_wrong_community(settings: Settings, snmpd: Agent, dead_port: int) -> None:
    text, code = explain(settings(f"gate,{snmpd.address}:{snmpd.port},router,centro,off,", "wrong-word"), "gate")
    assert code == 1
    assert f"no answer from {snmpd.address}:{snmpd.port}" in text
    assert "credential 'test' is wrong (an agent does not answer one that it does not know)" in text
    assert "wrong-word" not in text


def test_nobody_there(settings: Settings, dead_port: int) -> None:
    text, code = explain(settings(f"gate,127.0.0.1:{dead_port},router,centro,echo:{dead_port},"), "gate")
    assert code == 1
    assert f"no answer from 127.0.0.1:{dead_port}: the device is off or unreachable" in text
    assert text.endswith("0 of 2 pings came back")


def test_a_device_that_pings_but_keeps_its_snmp_to_itself(settings: Settings, dead_port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        port = agent.getsockname()[1]
        agent.settimeout(5)

        def answer_twice() -> None:
            for _ in range(2):
                data, sender = agent.recvfrom(2048)
                agent.sendto(data, sender)

        thread = Thread(target=answer_twice)
        thread.start()
        text, code = explain(settings(f"gate,127.0.0.1:{dead_port},router,centro,echo:{port},"), "gate")
        thread.join(10)
    assert code == 1, "somebody is there, but the question was not answered"
    assert (
        "does not answer although the device is there: most likely the community of credential 'test' is wrong" in text
    )
    assert text.endswith("2 of 2 pings came back")


def test_an_address_that_does_not_resolve(settings: Settings) -> None:
    text, code = explain(settings("gate,no-such-host.invalid,router,centro,off,"), "gate")
    assert code == 1
    assert "no-such-host.invalid" in text.rpartition("verdict")[2]


def test_a_device_that_is_not_in_the_inventory(settings: Settings) -> None:
    made = settings("gate-north,127.0.0.1,router,centro,off,")
    text, code = explain(made, "Gate")
    assert code == 2
    assert text.splitlines() == [f"bairro explain: 'Gate' is not in {made.inventory}", "  like it: gate-north"]
    missing = dataclasses.replace(made, inventory=made.inventory.with_name("nowhere.csv"))
    text, code = explain(missing, "gate-north")
    assert (code, "nowhere.csv" in text.splitlines()[1]) == (2, True)


def test_the_verdict_names_the_one_interface_that_can_be_the_uplink() -> None:
    interfaces = (InterfaceReading("lo", 1, is_up=True), InterfaceReading("eth0", 2, is_up=True))
    reading = Reading("r1", 0.0, 0.1, "answered", interfaces=interfaces)
    asked = Explanation(Device("r1", "192.0.2.1", "router", "A", ping="off"), (), (), reading, None, {}, {}, None, None)
    assert verdict(asked, ()) == "SNMP answered; its traffic is that of 'eth0': no other can be its uplink"


WAN = InterfaceReading("wan", 1, is_up=True, is_admin_up=True)


@pytest.mark.parametrize(
    ("snmp", "interfaces", "said"),
    [
        ("answered", (WAN,), "SNMP answered"),
        ("answered", (WAN._replace(is_up=False),), "SNMP answered; its uplink 'wan' is down (ifOperStatus)"),
        (
            "answered",
            (WAN._replace(is_up=False, is_admin_up=False),),
            "SNMP answered; its uplink 'wan' is shut (ifAdminStatus): an operator did that",
        ),
        (
            "answered",
            (WAN._replace(name="lan"),),
            "SNMP answered; but it has no interface 'wan' (uplink_interface), only: lan",
        ),
        ("answered", (), "SNMP answered; but it has no interface 'wan' (uplink_interface), and no other"),
        ("partial", (), "SNMP answered only in part; its uplink 'wan' (uplink_interface) is not among what was read"),
    ],
)
def test_the_verdict_on_an_uplink(snmp: SnmpOutcome, interfaces: tuple[InterfaceReading, ...], said: str) -> None:
    device = Device("r1", "192.0.2.1", "router", "A", ping="off", uplink_interface="wan")
    reading = Reading("r1", 0.0, 0.1, snmp, interfaces=interfaces)
    assert verdict(Explanation(device, (), (), reading, None, {}, {}, None, None), ()) == said


SESSIONS = InterfaceReading("(sessions)", 0, summed_rows=20001)
LONGER = "give it a longer timeout_seconds in its row, its credential or its profile"


@pytest.mark.parametrize(
    ("uplink", "reading", "said"),
    [
        (
            "uplink",
            Reading(
                "r1", 0.0, 0.1, "partial", interfaces=(SESSIONS,), failure="ifTable and ifXTable: more than 20000 rows"
            ),
            "SNMP answered only in part (ifTable and ifXTable: more than 20000 rows); its uplink 'uplink' "
            "(uplink_interface) is not among what was read: the table of interfaces was cut before it. Raise poll.max_rows "
            "above the number of its rows, and if that is not enough poll.budget_seconds",
        ),
        ("wan", Reading("r1", 0.0, 0.1, "off"), "SNMP is off for this device"),
        (
            None,
            Reading("r1", 0.0, 0.1, "answered", interfaces=(SESSIONS, WAN, WAN._replace(name="lan"))),
            "SNMP answered; to measure its traffic, name one of its interfaces as uplink_interface: wan, lan",
        ),
        (
            None,
            Reading("r1", 0.0, 0.1, "answered", snmp_rtt_seconds=1.7),
            f"SNMP answered; its answers come late, after 1.7 s, while a try waits 1.5 s: {LONGER}",
        ),
        (
            None,
            Reading("r1", 0.0, 0.1, "partial", snmp_rtt_seconds=4.03, failure="timeout"),
            f"SNMP answered only in part (timeout); its answers come late, after 4.0 s, while a try waits 1.5 s: {LONGER}; "
            "if that is not enough, raise poll.budget_seconds",
        ),
        (
            None,
            Reading("r1", 0.0, 0.1, "partial", snmp_rtt_seconds=0.1, failure="timeout"),
            "SNMP answered only in part (timeout); a request had no answer within 1.5 s a try: if its answers are slow, "
            + LONGER,
        ),
    ],
)
def test_the_verdict_names_the_setting_that_helps(uplink: str | None, reading: Reading, said: str) -> None:
    device = Device("r1", "192.0.2.1", "router", "A", ping="off", uplink_interface=uplink)
    asked = Explanation(device, (), (), reading, None, {}, {}, None, None, timeout_seconds=1.5)
    assert verdict(asked, ()) == said


def test_the_verdict_tells_of_which_rows_the_uplink_may_be_any() -> None:
    device = Device("r1", "192.0.2.1", "router", "A", ping="off", uplink_interface="wan")
    reading = Reading("r1", 0.0, 0.1, "answered", interfaces=(WAN,))
    asked = Explanation(device, (), (), reading, None, {}, {}, None, None, uplink_twins="'wan' is two rows")
    assert verdict(asked, ()) == "SNMP answered; 'wan' is two rows"


def test_a_level_that_cannot_be_is_told_with_its_bound() -> None:
    signals = (SignalReading("radio 1", 4294967231.0, 30.0), SignalReading("radio 2", -60.0))
    assert impossible(Reading("r1", 0.0, 0.1, "answered", signals=signals)) == (
        "\n\nnot plausible, so left out of metrics and history\n  radio 1: received_dbm 4.29497e+09 is beyond -160 to 40: "
        "thermal noise of 15 kHz lies at -132 dBm, and 10 W into a receiver would burn it"
    )
    assert impossible(Reading("r1", 0.0, 0.1, "answered", signals=signals[1:])) == ""


def test_the_state_tells_what_is_odd_about_the_counters(settings: Settings, snmpd: Agent) -> None:
    made = settings(f"gate,{snmpd.address}:{snmpd.port},router,centro,off,")
    table = LiveTable(made.data, [Device("gate", snmpd.address, "router", "centro")], at=0.0)
    reading = Reading("gate", 1_700_000_100.0, 0.1, "answered", counter_oddities=("cached", "leap"))
    table.update(reading, None)
    asyncio.run(table.write(1_700_000_100.0))
    text, _ = explain(made, "gate")
    assert "\n  its uplink's counters: its agent renews them more slowly than they are polled, so rates are" in text
    assert (
        "\n  its uplink's counters: they leapt by more than the line carries: what that brought is left out\n" in text
    )


def test_the_state_tells_what_ails_the_device(tmp_path: Path, settings: Settings, snmpd: Agent) -> None:
    made = settings(f"gate,{snmpd.address}:{snmpd.port},router,centro,off,wan")
    table = LiveTable(made.data, [Device("gate", snmpd.address, "router", "centro")], at=0.0)
    table.impair(Impairment("gate", 1_700_000_120.0, ("loss",), ("uplink_missing",)))
    asyncio.run(table.write(0.0))
    text, _ = explain(made, "gate")
    assert "not polled yet; ails: loss, uplink missing" in text
    assert "but it has no interface 'wan' (uplink_interface), only: lo" in text


def test_who_answers_instead_of_a_device_is_named() -> None:
    reading = Reading("r1", 0.0, 0.1, "silent")
    device, rejected = Device("r1", "192.0.2.1", "router", "A", ping="off"), {"wrong_address": 3}
    asked = Explanation(device, (), (), reading, None, rejected, {}, None, None, None, {"192.0.2.1": "192.0.2.9"})
    assert verdict(asked, ()) == (
        "answers came, but from 192.0.2.9 instead of 192.0.2.1, and are not taken: anybody could send them; "
        "if 192.0.2.9 is an address of this device, write it into its column reply_from"
    )
    assert "refused: 3 x wrong_address\n  from 192.0.2.9 instead of 192.0.2.1" in str(asked)
