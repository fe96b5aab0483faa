"""Alerts arrive: the shipped rules and routes in a real Prometheus and a real Alertmanager, up to the message."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from collector.inventory.shards import owners_of
from collector.reading import Device

from ..collector.fleet import CollectorRun, Echoes
from .alarm import Alarm, Page, Receiver, ask

pytestmark = pytest.mark.slow

HERE = "192.0.2.1"
APS = ("ap-a", "ap-b", "ap-c", "ap-d")
REAL = (
    Device("core", HERE, "router", "centro"),
    Device("neighbour", HERE, "router", "centro"),
    *(Device(ap, HERE, "ap", "centro", parent="core") for ap in APS),
    *(Device(f"{ap}-{n}", HERE, "cpe", "centro", parent=ap, subscribers=5) for ap in APS for n in range(50)),
)
"""A router and 200 customers' devices behind it, which two collectors share."""
OWNERS = owners_of(REAL, 2)
ALL_TOLD_SECONDS = 25
"""More than twenty minutes of the rules: whatever they tell of an outage they have told by then."""
Eventually = Callable[..., Any]


def area(name: str, *, nodes: int = 2, cpes: int = 0) -> list[Device]:
    """A router, access nodes under it and customers' devices under the first of them, named after the area."""
    site = f"{name}-hut"
    return [
        Device(f"{name}-core", HERE, "router", name, site=site),
        *(Device(f"{name}-an-{n}", HERE, "olt", name, parent=f"{name}-core", site=site) for n in range(nodes)),
        *(Device(f"{name}-cpe-{n}", HERE, "cpe", name, parent=f"{name}-an-0", subscribers=100) for n in range(cpes)),
    ]


PAGES = {
    "0": area("gone"),
    "1": area("blind"),
    "2": [*area("seen"), *area("grouped", cpes=8), *area("planned"), Device("bare", HERE, "olt", "")],
    "": area("alone"),
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[str, Page]]:
    opened = {shard: Page(devices) for shard, devices in PAGES.items()}
    yield opened
    for page in opened.values():
        page.close()


@pytest.fixture(scope="module")
def echoes(free_port: Callable[[], int]) -> Iterator[Echoes]:
    agents = Echoes((device.device_id for device in REAL), free_port())
    yield agents
    agents.close()


@pytest.fixture(scope="module")
def collectors(
    echoes: Echoes,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    eventually: Eventually,
) -> Iterator[list[CollectorRun]]:
    """Two real ones that share a network and poll it every second."""
    folder, port = tmp_path_factory.mktemp("collectors"), free_port()
    runs = [CollectorRun(folder, port=port, interval=1.0) for _ in range(2)]
    at, ping = echoes.addresses, f"echo:{echoes.port}"
    runs[0].write_inventory(
        *(
            f"{d.device_id},{at[d.device_id]},{d.role},{d.area},{d.parent or ''},{ping},off,,{d.subscribers}"
            for d in REAL
        )
    )
    for shard, run in enumerate(runs):
        run.port, run.log = port + shard, folder / f"log-{shard}"
        run.start("--shard", f"{shard}/2")
    try:
        eventually(lambda: sum(len(run.metrics()["bairro_device_up"]) for run in runs) == len(REAL), 60)
        eventually(lambda: all(all(run.metrics()["bairro_device_up"].values()) for run in runs), 60)
        yield runs
    finally:
        for run in runs:
            assert run.process is not None
            run.process.kill()
            run.process.wait()


@pytest.fixture(scope="module")
def cut_off(alarm: Alarm, echoes: Echoes, eventually: Eventually) -> float:
    """When the router and all behind it fell silent, in monotonic time; begun first, since it is looked at longest."""
    up = f'{alarm.prometheus}/api/v1/query?query=bairro_device_up{{device="core"}}'
    eventually(lambda: ask(up)["data"]["result"])
    echoes.silent |= {device.device_id for device in REAL if device.device_id != "neighbour"}
    return time.monotonic()


@pytest.fixture(scope="module")
def alarm(
    receiver: Receiver,
    pages: dict[str, Page],
    collectors: list[CollectorRun],
    tmp_path_factory: pytest.TempPathFactory,
    module_processes: Any,
    require_program: Callable[[str], str],
    free_port: Callable[[], int],
    eventually: Eventually,
) -> Alarm:
    targets = {page.address: shard or None for shard, page in pages.items()}
    targets |= {f"127.0.0.1:{run.port}": f"real-{shard}" for shard, run in enumerate(collectors)}
    made = Alarm(tmp_path_factory.mktemp("alarm"), receiver, targets, free_port)
    made.start(module_processes, require_program, eventually)
    return made


@pytest.mark.usefixtures("cut_off")
def test_a_collector_that_blinds_mutes_its_own_devices_and_no_others(
    alarm: Alarm, pages: dict[str, Page], receiver: Receiver, eventually: Eventually
) -> None:
    pages["1"].is_blind = True
    eventually(lambda: receiver.of(alertname="BairroCollectorBlind", shard="1"))
    for shard, name in (("1", "blind"), ("2", "seen")):
        pages[shard].ails(f"{name}-an-0")
        pages[shard].fails(f"{name}-an-1", f"{name}-an-1")
    fault = eventually(lambda: receiver.of(alertname="BairroDeviceFault", device="seen-an-0"))[0]
    assert fault.receiver == "operations"
    assert fault.tells(area="seen", site="seen-hut", root="seen-an-0", shard="2", role="olt")
    eventually(lambda: receiver.of(alertname="BairroOutage", root="seen-an-1", area="seen", site="seen-hut"))
    eventually(lambda: alarm.is_muted(alertname="BairroDeviceFault", device="blind-an-0", shard="1"))
    assert not alarm.firing(alertname="BairroOutage", root="blind-an-1")
    pages["1"].is_blind = False
    eventually(lambda: receiver.of(alertname="BairroDeviceFault", device="blind-an-0"))
    eventually(lambda: receiver.of(alertname="BairroOutage", root="blind-an-1"))


def test_a_collector_that_dies_is_told_and_mutes_its_own_devices_and_no_others(
    alarm: Alarm, pages: dict[str, Page], receiver: Receiver, eventually: Eventually
) -> None:
    pages["0"].ails("gone-an-0")
    pages["0"].fails("gone-an-1", "gone-an-1")
    eventually(lambda: receiver.of(alertname="BairroDeviceFault", device="gone-an-0"))
    eventually(lambda: receiver.of(alertname="BairroOutage", root="gone-an-1", area="gone"))
    pages["0"].is_gone = True
    told = eventually(lambda: receiver.of(alertname="BairroCollectorGone", shard="0"))
    assert [message.receiver for message in told] == ["monitoring"]
    pages[""].ails("alone-an-0")
    pages[""].fails("alone-an-1", "alone-an-1")
    eventually(lambda: receiver.of(alertname="BairroDeviceFault", device="alone-an-0"))
    eventually(lambda: receiver.of(alertname="BairroOutage", root="alone-an-1"))
    eventually(lambda: not alarm.firing(alertname="BairroDeviceFault", device="gone-an-0"))
    assert alarm.firing(alertname="BairroOutage", root="gone-an-1", area="gone"), "nobody has said that it is over"
    pages["0"].is_gone = False
    eventually(lambda: receiver.of("resolved", alertname="BairroCollectorGone", shard="0"))
    eventually(lambda: alarm.firing(alertname="BairroDeviceFault", device="gone-an-0"))
    assert not receiver.of("resolved", alertname="BairroDeviceFault", device="gone-an-0")
    assert not receiver.of("resolved", alertname="BairroOutage", root="gone-an-1")


def test_a_collector_without_a_shard_goes_by_its_address(
    alarm: Alarm, pages: dict[str, Page], receiver: Receiver, eventually: Eventually
) -> None:
    pages[""].is_blind = True
    eventually(lambda: receiver.of(alertname="BairroCollectorBlind", shard=pages[""].address))
    pages[""].ails("alone-core")
    eventually(lambda: alarm.is_muted(alertname="BairroDeviceFault", device="alone-core"))
    pages[""].is_blind = False


def test_alerts_that_both_lack_an_area_do_not_mute_each_other(
    alarm: Alarm, pages: dict[str, Page], receiver: Receiver, eventually: Eventually
) -> None:
    pages["2"].fails("bare", "never-heard-of")
    outage = eventually(lambda: receiver.of(alertname="BairroOutage", root="never-heard-of"))[0]
    assert all("area" not in labels for _status, labels in outage.alerts)
    pages["2"].ails("bare")
    fault = eventually(lambda: receiver.of(alertname="BairroDeviceFault", device="bare"))[0]
    assert all("area" not in labels for _status, labels in fault.alerts)


def test_no_label_that_both_lack_makes_alerts_equal(alarm: Alarm, receiver: Receiver, eventually: Eventually) -> None:
    """Whatever rules of one's own may send, with nothing but a name, a team and a severity."""
    network = {"team": "network", "severity": "warning"}
    sources = ("BairroOutage", "BairroCollectorGone", "BairroCollectorBlind")
    alarm.post(*({"alertname": name, "team": "other", "job": "own"} for name in sources))
    for name in sources:
        eventually(lambda name=name: receiver.of(alertname=name, job="own"))
    alarm.post({"alertname": "Own", "job": "own", **network})
    eventually(lambda: receiver.of(alertname="Own", job="own"))


def test_a_warning_about_the_root_of_an_outage_waits_for_it_and_one_about_its_neighbour_does_not(
    alarm: Alarm, pages: dict[str, Page], receiver: Receiver, eventually: Eventually
) -> None:
    """Many of a node's customers fall silent together while it answers itself: a group's outage, laid to it."""
    for number in range(8):
        pages["2"].fails(f"grouped-cpe-{number}", "grouped-an-0")
    eventually(lambda: receiver.of(alertname="BairroOutage", root="grouped-an-0", area="grouped", site="grouped-hut"))
    pages["2"].ails("grouped-an-0")
    pages["2"].ails("grouped-an-1")
    eventually(lambda: receiver.of(alertname="BairroDeviceFault", device="grouped-an-1"))
    eventually(lambda: alarm.is_muted(alertname="BairroDeviceFault", device="grouped-an-0"))
    assert len(receiver.of(alertname="BairroOutage", root="grouped-an-0")) == 1


def test_planned_work_arrives_only_once_its_window_is_over(
    alarm: Alarm, pages: dict[str, Page], receiver: Receiver, eventually: Eventually
) -> None:
    pages["2"].exposition.maintain(["planned-core"])
    for name in ("core", "an-0", "an-1"):
        pages["2"].fails(f"planned-{name}", "planned-core")
    pages["2"].ails("seen-core")
    eventually(lambda: receiver.of(alertname="BairroDeviceFault", device="seen-core"))
    assert not alarm.firing(alertname="BairroOutage", root="planned-core")
    pages["2"].exposition.maintain([])
    eventually(lambda: receiver.of(alertname="BairroOutage", root="planned-core"))


def test_a_router_with_200_customers_behind_it_is_one_message_even_if_its_collector_dies_meanwhile(
    cut_off: float,
    alarm: Alarm,
    collectors: list[CollectorRun],
    echoes: Echoes,
    receiver: Receiver,
    eventually: Eventually,
) -> None:
    owner = OWNERS["core"]
    assert {OWNERS[ap] for ap in APS} == {0, 1}
    eventually(lambda: receiver.of(alertname="BairroOutage", root="core", area="centro"))
    eventually(lambda: time.monotonic() - cut_off > ALL_TOLD_SECONDS)
    assert sum(len(run.metrics()["bairro_device_down"]) for run in collectors) == len(REAL) - 1
    assert [len(message.alerts) for message in receiver.of("", area="centro")] == [1]
    collectors[owner].stop(signal.SIGKILL)
    eventually(lambda: receiver.of(alertname="BairroCollectorGone", shard=f"real-{owner}"))
    collectors[owner].start("--shard", f"{owner}/2")
    eventually(lambda: receiver.of("resolved", alertname="BairroCollectorGone", shard=f"real-{owner}"))
    assert alarm.firing(alertname="BairroOutage", root="core", area="centro")
    assert len(receiver.of("", area="centro")) == 1
    echoes.silent.clear()
    eventually(lambda: receiver.of("resolved", alertname="BairroOutage", root="core"), 60)
    assert len(receiver.of("", area="centro")) == 2


def test_no_rule_has_failed_on_any_of_this(alarm: Alarm) -> None:
    assert alarm.faulty_rules() == {}
