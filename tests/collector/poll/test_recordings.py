"""Recordings of real devices, served as agents: nothing crashes, and interfaces are what another monitor saw."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector import recordings
from collector.config import PollSettings
from collector.credentials import Credential
from collector.poll.profile_files import load_profiles
from collector.reading import InterfaceReading, Reading

from .agents import Mib, Serve, answering, device, poll, undated
from .recordings import read_recording

WRONG_UNITS = (1, 1e3, 1e6, 1e-3, 1e-6)
"""The other monitor shows bit/s where Mbit/s are due, and the like, as they are stated."""
pytestmark = pytest.mark.shared

FOLDER = Path(os.environ.get("BAIRRO_SHARED") or Path(__file__).parents[4] / "shared") / "data" / "snmp_recordings"
RECORDINGS = sorted(path.stem for path in FOLDER.glob("*.snmprec"))
PROFILES = load_profiles()
PATIENT = PollSettings(timeout_seconds=5.0, budget_seconds=120.0, tick_seconds=0.002, health_every_polls=1)
COUNTERS = {
    "ifInOctets": "receive_bytes",
    "ifOutOctets": "transmit_bytes",
    "ifInErrors": "receive_errors",
    "ifOutErrors": "transmit_errors",
    "ifInDiscards": "receive_discards",
    "ifOutDiscards": "transmit_discards",
}
TEXTS = ("1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.31.1.1.1.18", "1.3.6.1.2.1.2.2.1.2")
SIMULATED = ("routeros_rb760igs", "thomson-cm", "keeneticos_hero2311", "tplink_sg2008")


def expected_ports(name: str) -> list[dict[str, Any]]:
    """The interfaces that the other monitor read in one poll."""
    ports = json.loads((FOLDER / f"{name}.json").read_text()).get("ports", {})
    seen = ports.get("poller")
    return (ports.get("discovery") if seen == "matches discovery" else seen or {}).get("ports", [])


def differences(port: dict[str, Any], interface: InterfaceReading) -> list[str]:
    """Where a reading is not what was expected. The other monitor has 0 where the device gave nothing; we have None."""
    wrong = [
        f"{name}: {port[name]} is not {getattr(interface, field)}"
        for name, field in COUNTERS.items()
        if port[name] is not None and port[name] != (getattr(interface, field) or 0)
    ]
    speed, status = port["ifSpeed"], port["ifOperStatus"]
    own_speed = (interface.speed_bytes_per_second or 0) * 8
    if speed and speed != 2**32 - 1 and speed not in {own_speed * unit for unit in WRONG_UNITS}:
        wrong.append(f"ifSpeed: {speed}")
    if (
        status in ("up", "down", "testing", "dormant", "notPresent", "lowerLayerDown")
        and (status == "up") != interface.is_up
    ):
        wrong.append(f"ifOperStatus: {status}")
    return wrong


def compare(name: str, reading: Reading, texts: set[int]) -> int:
    """How many interfaces were compared, all of them alike; ``texts`` are the rows that the device gives a name."""
    found = {interface.index: interface for interface in reading.interfaces}
    assert len({interface.name for interface in reading.interfaces}) == len(reading.interfaces)
    compared = 0
    for port in expected_ports(name):
        if port["ifIndex"] in texts:
            assert differences(port, found[port["ifIndex"]]) == []
            compared += 1
    return compared


def named_rows(objects: dict[str, bytes]) -> set[int]:
    return {
        int(oid.rpartition(".")[2])
        for oid, value in objects.items()
        if oid.rpartition(".")[0] in TEXTS and value[1] and value[2:].strip(b"\0 ")
    }


def test_there_are_recordings(shared: Path) -> None:
    assert len(RECORDINGS) >= 80, f"no recordings below {shared}"


@pytest.mark.parametrize("name", RECORDINGS)
def test_recording_is_read_as_another_monitor_read_it(serve: Serve, name: str) -> None:
    objects = read_recording(FOLDER / f"{name}.snmprec")
    served = serve(answering(Mib(objects).answer))
    first, second = poll(*[device(served.port)] * 2, settings=PATIENT).readings
    assert first.snmp == second.snmp == "answered"
    assert undated(first) == undated(second), "what a usual poll leaves out is remembered rightly"
    told = recordings.put(recordings.read(FOLDER / f"{name}.snmprec")[0], PROFILES)
    assert first.signals == second.signals == told.signals, "a recording yields what a poll of the device does"
    compare(name, first, named_rows(objects))


@pytest.fixture(scope="module")
def snmpsim(
    tmp_path_factory: pytest.TempPathFactory, shared: Path, free_port: Callable[[], int], module_processes: Any
) -> int:
    """snmpsim serving a few of the recordings, each as a community of its name; the port."""
    folder = tmp_path_factory.mktemp("snmpsim")
    data = folder / "data"
    data.mkdir()
    for name in SIMULATED:
        shutil.copy(shared / "data" / "snmp_recordings" / f"{name}.snmprec", data)
    folder.chmod(0o777)
    port = free_port()
    command = [Path(sys.executable).with_name("snmpsim-command-responder"), f"--data-dir={data}"]
    command += [f"--agent-udpv4-endpoint=127.0.0.1:{port}", f"--cache-dir={folder}/cache"]
    if os.geteuid() == 0:
        command += ["--process-user=root", "--process-group=root"]
    module_processes.start(command, env={"HOME": str(folder)}, stdout=(folder / "log").open("wb"))
    return port


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMULATED)
def test_snmpsim_is_read_as_another_monitor_read_it(snmpsim: int, eventually: Callable[..., Any], name: str) -> None:
    """The simulator itself, whose answers are encoded by pysnmp."""
    settings = dataclasses.replace(PATIENT, tick_seconds=0.02)
    credentials = [Credential("default", community=name)]

    def answered() -> Reading | None:
        reading = poll(device(snmpsim), settings=settings, credentials=credentials).reading
        return reading if reading.snmp == "answered" else None

    reading = eventually(answered, 60)
    texts = named_rows(read_recording(FOLDER / f"{name}.snmprec"))
    assert compare(name, reading, texts) == len(expected_ports(name)) > 0
