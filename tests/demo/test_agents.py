"""The demo's agents against net-snmp's own tools: what they say, when they keep silent, how they count."""

import csv
import datetime
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo import files, network

NODE = files.address_of(3)
CPE = files.address_of(39)
OCTETS = "1.3.6.1.2.1.31.1.1.1.6.1"
UPTIME = "1.3.6.1.2.1.1.3.0"


@pytest.fixture(scope="module")
def make_folder(tmp_path_factory, free_port):
    return lambda: make(tmp_path_factory.mktemp("agents"), free_port)


@pytest.fixture(scope="module")
def folder(make_folder):
    return make_folder()


def make(made, free_port, areas=4, devices=40):
    """All that agents read: the plan of a world, and here its inventory; no history."""
    as_of = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=30)
    plan = files.Plan(3, areas, devices, as_of, is_fixed=False, snmp_port=free_port(), echo_port=free_port())
    plan.write(made)
    files.inventory(network.lay(3, areas, devices), plan).to_csv(made / "devices.csv", index=False)
    (made / "faults.json").write_text('{"timeline": false}')
    return made


@pytest.fixture(scope="module")
def agents(folder, module_processes):
    return start(folder, module_processes)


def start(folder, processes):
    process = processes.start([sys.executable, "-m", "bairro", "demo-agents", folder], stdout=subprocess.PIPE)
    assert b"agents answer" in process.stdout.readline()
    return process


def ask(program, folder, address, *oids, community=files.COMMUNITY, seconds="1"):
    port = files.Plan.read(folder).snmp_port
    words = ["-v2c", "-c", community, "-t", seconds, "-r", "1", "-On", f"{address}:{port}", *oids]
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def counter(text):
    return int(re.search(r"Counter64: (\d+)", text).group(1))


def test_get_names_the_device_and_what_it_does_not_have(agents, folder, require_program):
    told = ask(require_program("snmpget"), folder, NODE, "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.99.0").stdout
    assert 'STRING: "' in told
    assert "No Such Object" in told


def test_bulkwalk_and_walk_see_the_same_objects_in_order(agents, folder, require_program):
    walks = [ask(require_program(p), folder, NODE, "1.3.6.1.2.1.31").stdout for p in ("snmpbulkwalk", "snmpwalk")]
    names = [re.findall(r"^(\.[\d.]+) =", walk, re.MULTILINE) for walk in walks]
    assert names[0] == names[1]
    assert names[0] == sorted(names[0], key=lambda name: [int(part) for part in name[1:].split(".")])
    assert len(names[0]) == 18


def test_a_wrong_community_gets_silence(agents, folder, require_program):
    told = ask(require_program("snmpget"), folder, NODE, UPTIME, community="wrong", seconds="0.3")
    assert told.returncode != 0
    assert "Timeout" in told.stderr


def test_counters_go_on_where_a_stopped_agent_left_them(make_folder, processes, require_program):
    folder = make_folder()
    snmpget = require_program("snmpget")
    first = start(folder, processes)
    before = counter(ask(snmpget, folder, CPE, OCTETS).stdout)
    assert processes.stop(first) == 0
    second = start(folder, processes)
    after = counter(ask(snmpget, folder, CPE, OCTETS).stdout)
    assert before < after < before + 60 * 6.25e7
    assert processes.stop(second) == 0


def test_echoes_come_back_and_a_fault_silences_all_behind_it(agents, folder):
    port = files.Plan.read(folder).echo_port
    assert echo(NODE, port) is not None
    node = next(line.split(",")[0] for line in (folder / "devices.csv").read_text().splitlines() if NODE in line)
    child = next(
        line.split(",") for line in (folder / "devices.csv").read_text().splitlines() if f",{node},cpe" in line
    )
    fault(folder, {"device": node, "kind": "outage"})
    assert echo(NODE, port) is None
    assert echo(child[1].split(":")[0], port) is None
    fault(folder, {"device": node, "kind": "delay", "value": 0.2})
    assert echo(NODE, port) > 0.15
    fault(folder)
    assert echo(NODE, port) < 0.15


def test_a_restart_sets_the_uptime_back(agents, folder, require_program):
    snmpget = require_program("snmpget")
    node = (folder / "devices.csv").read_text().splitlines()[4].split(",")[0]
    assert ticks(ask(snmpget, folder, NODE, UPTIME).stdout) > 24 * 3600 * 100
    fault(folder, {"device": node, "kind": "restart"})
    assert ticks(ask(snmpget, folder, NODE, UPTIME).stdout) < 60 * 100


def test_a_broken_faults_file_is_reported_and_changes_nothing(agents, folder):
    (folder / "faults.json").write_text("{")
    time.sleep(0.8)
    assert echo(NODE, files.Plan.read(folder).echo_port) is not None
    assert b"faults.json: not understood" in agents.stdout.readline()


def test_ten_thousand_agents_share_what_is_alike(tmp_path, free_port, processes, require_program):
    folder = make(tmp_path, free_port, areas=24, devices=10_000)
    process = start(folder, processes)
    rows = list(csv.DictReader((folder / "devices.csv").open(encoding="utf-8")))
    for row in (rows[5], rows[5000], rows[-1]):
        told = ask(require_program("snmpget"), folder, row["address"].split(":")[0], "1.3.6.1.2.1.1.5.0", OCTETS).stdout
        assert f'STRING: "{row["device_id"]}"' in told
        assert counter(told) > 0
    resident = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert int(resident.group(1)) < 300_000
    assert processes.stop(process) == 0


def ticks(text):
    return int(re.search(r"Timeticks: \((\d+)\)", text).group(1))


def fault(folder, *faults):
    (folder / "faults.json").write_text(json.dumps({"timeline": False, "faults": list(faults)}))
    time.sleep(1.2)


def echo(address, port):
    """Seconds until an echo came back; None where none of three did."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1.0)
        for _ in range(3):
            sent = time.monotonic()
            asking.sendto(b"is anybody there", (address, port))
            try:
                assert asking.recv(100) == b"is anybody there"
            except TimeoutError:
                continue
            return time.monotonic() - sent
    return None
