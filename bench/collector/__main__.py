"""``make bench-collector ARGS="SCENARIO ..."``: runs scenarios, contenders in turn, and keeps every run.

Every run is appended to bench-results.jsonl (--output); ``--table`` prints the medians of what is there. Needs gcc, and
for the peers prometheus-snmp-exporter and snmp (Debian's packages); a peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.collector import contenders, long_runs, peers, soak
from bench.collector.contest import Scene
from bench.collector.load import FIRST_ROUTER, agents, build
from bench.collector.process_figures import Log, Run
from bench.collector.table import print_table

Contender = Callable[[Scene], Run]
SIDE_BY_SIDE = ("cpe-closed", "cpe-paced", "router", "wire", "wire-router")
OVER_TIME = {"dead5": long_runs.dead, "network": long_runs.network, "soak": soak.soak}
SCENARIOS = (*SIDE_BY_SIDE, *OVER_TIME)


def contenders_of(scenario: str) -> list[Contender]:
    """Who runs in a side-by-side scenario, in the order in which they alternate."""
    whole: list[Contender] = [contenders.bairro]
    loops: list[Contender] = [partial(peers.c_loop, stamps=False), peers.c_loop]
    exporters: list[Contender] = [contenders.exporter, partial(contenders.exporter, gzip=False)]
    exporters += [partial(contenders.exporter, processors=1)]
    if shutil.which("prometheus-snmp-exporter") is None:
        print("prometheus-snmp-exporter is not installed: it is left out")
        exporters = []
    if scenario.startswith("wire"):
        return [contenders.bairro_wire, *loops]
    if scenario == "cpe-paced":
        return whole + exporters
    tools: list[Contender] = [peers.net_snmp] if shutil.which("snmpbulkwalk") else []
    return [*whole, *exporters, *tools, peers.pysnmp, *loops]


def side_by_side(scenario: str, programs: dict[str, Path], folder: Path, options: argparse.Namespace, log: Log) -> None:
    """Rounds of all contenders, one after the other, each on fresh processes."""
    is_router, is_paced = "router" in scenario, scenario == "cpe-paced"
    first = FIRST_ROUTER if is_router else 0
    count = options.routers if is_router else options.devices
    rate = options.rate if is_paced else None
    if rate is not None:
        count = int(rate * options.paced_seconds)
    polls = options.polls or (count if is_paced else 2 * count if is_router else 4 * count)
    for number in range(1, options.rounds + 1):
        for contender in contenders_of(scenario):
            with agents(programs["agent"], columns=8 if is_router else 10, delay=int(is_paced)) as truth:
                scene = Scene(scenario, truth, programs, folder, first, count, polls, rate)
                log.add(contender(scene), round=number)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-collector", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("scenarios", nargs="*", help=" ".join(SCENARIOS))
    parser.add_argument("--rounds", type=int, default=5, help="how often every contender runs (default 5)")
    parser.add_argument("--devices", type=int, default=5000, help="CPE in closed loop (default 5000)")
    parser.add_argument("--routers", type=int, default=500, help="routers in closed loop (default 500)")
    parser.add_argument("--polls", type=int, help="polls of each run (default: a few of each device)")
    parser.add_argument("--rate", type=float, default=1000, help="polls a second of cpe-paced (default 1000)")
    parser.add_argument("--paced-seconds", type=float, default=20, help="length of a paced run (default 20)")
    parser.add_argument("--minutes", type=float, help="length of network (default 30) and soak (default 60)")
    parser.add_argument("--cpe", type=int, default=10_000, help="CPE of network (default 10000)")
    parser.add_argument("--network-routers", type=int, default=200, help="its routers (default 200)")
    parser.add_argument("--detail", choices=("full", "summary", "area"), help="of its CPE (default: the collector's)")
    parser.add_argument("--soak-cpe", type=int, default=3000, help="CPE of soak (default 3000)")
    parser.add_argument("--soak-routers", type=int, default=100, help="its routers (default 100)")
    parser.add_argument("--soak-interval", type=float, default=60, help="its poll interval in seconds (default 60)")
    parser.add_argument("--soak-drop", type=int, default=2, help="percent of packets it loses each way (default 2)")
    parser.add_argument("--soak-renumber", type=int, default=420, help="seconds between renumberings (default 420)")
    parser.add_argument("--output", type=Path, default=Path("bench-results.jsonl"), help="default: %(default)s")
    parser.add_argument("--table", action="store_true", help="print the medians of what is in the output, run nothing")
    options = parser.parse_args()
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown or not (options.scenarios or options.table):
        parser.error(f"name one or more of {', '.join(SCENARIOS)}" + (f", not {unknown[0]}" if unknown else ""))
    if options.table:
        print_table(options.output)
        return
    log = Log(options.output)
    with tempfile.TemporaryDirectory(prefix="bench-collector-") as made:
        folder = Path(made)
        programs = build(folder)
        for scenario in options.scenarios:
            if scenario in SIDE_BY_SIDE:
                side_by_side(scenario, programs, folder, options, log)
                continue
            lasting = options.minutes or (60 if scenario == "soak" else 30)
            OVER_TIME[scenario](programs, folder, argparse.Namespace(**vars(options) | {"minutes": lasting}), log)
    print_table(options.output)


if __name__ == "__main__":
    main()
