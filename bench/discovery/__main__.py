"""A newcomer's path: from nothing to 300 devices on the live page, timed step by step.

`make bench-discovery` runs the commands as a newcomer would: discover, check, collect; and waits until the live table has
every device with its area and parent up. ARGS="--keep FOLDER" leaves the files there.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from bench.discovery.agents import Agents, Mib
from bench.discovery.network import Network, build
from bench.discovery.tables import objects_of
from collector.publish.live.device_spans import current_rows

COMMUNITY = "newcomer"
INTERVAL_SECONDS = 10


def serve(network: Network, port: int = 0) -> Agents:
    """Every device of the network that answers, on UDP."""
    mibs = {}
    for node in network.nodes.values():
        if node.answers:
            own, of_vlan = objects_of(network, node)
            mibs[node.address, COMMUNITY] = Mib(own)
            if of_vlan:
                mibs[node.address, f"{COMMUNITY}@120"] = Mib(of_vlan)
                mibs[node.address, f"{COMMUNITY}@1"] = Mib({"1.3.6.1.2.1.1.1.0": b""})
    return Agents(mibs, port)


def score(network: Network, rows: list[dict[str, str]]) -> Counter[str]:
    """How many parents are right, wrong or not known, marked unsure or not."""
    names = {node.address: node.name for node in network.nodes.values()}
    by_id = {row["device_id"]: names[row["address"].partition(":")[0]] for row in rows}
    truth = network.truth()
    found: Counter[str] = Counter()
    for row in rows:
        name, parent = by_id[row["device_id"]], by_id.get(row["parent"])
        how = "right" if parent == truth[name] else "not known" if parent is None else "wrong"
        found[f"{how}, {'unsure' if 'parent' in row['unsure'].split() else 'sure'}"] += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    network = build()
    agents = serve(network)
    try:
        if arguments.keep is not None:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            _run(network, agents.port, arguments.keep)
        else:
            with tempfile.TemporaryDirectory() as folder:
                _run(network, agents.port, Path(folder))
    finally:
        agents.stop()


def _run(network: Network, port: int, folder: Path) -> None:
    (folder / "collector.toml").write_text(
        f'inventory = "devices.csv"\ndata = "data"\n[poll]\ninterval_seconds = {INTERVAL_SECONDS}\n'
        f'[web]\nport = 0\n[[credentials]]\nname = "default"\ncommunity = "{COMMUNITY}"\n'
    )
    start = time.monotonic()
    _bairro(folder, "discover", "--from", "127.40.0.0/22", "--port", str(port), "--tree", "tree.svg")
    _say(start, "devices.csv is written")
    with (folder / "devices.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for what, count in sorted(score(network, rows).items()):
        print(f"          parents {what}: {count}")
    _bairro(folder, "check")
    _say(start, "bairro check has read it")
    collector = subprocess.Popen([sys.executable, "-m", "bairro", "collect"], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        while not _is_all_up(folder / "data", len(rows)):
            if collector.poll() is not None:
                raise SystemExit("the collector ended")
            time.sleep(0.2)
    finally:
        collector.terminate()
        collector.wait()
    _say(start, f"{len(rows)} devices are up on the live table, with areas and parents")


def _is_all_up(data: Path, count: int) -> bool:
    path = data / "live" / "shard=0.parquet"
    if not path.exists():
        return False
    states = pq.read_table(path, columns=["state"])["state"].to_pylist()
    return states.count("up") == count and sum(bool(row["area"]) for row in current_rows(data)) == count


def _bairro(folder: Path, *words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "bairro", *words], cwd=folder, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.returncode)


def _say(start: float, what: str) -> None:
    print(f"[{time.monotonic() - start:6.1f} s] {what}", flush=True)


if __name__ == "__main__":
    main()
