"""Instructions of a poll, counted: ``python -m bench.protocol.wire_instructions``, ``--tree FOLDER`` for other checkouts.

The poll stage of ``wire.py`` runs under callgrind (Debian's valgrind), which counts while polls of devices that are
known already run: nothing of start-up, learning or the kernel. Of a short and a long count the difference is taken, so
that what a count costs by itself is out too. Unlike CPU time it comes out the same on an idle and on a busy machine, to a
few in a thousand. Needs gcc and valgrind.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.protocol.wire import agents

HERE = Path(__file__).parent.parent.parent
LEARNING, SHORT, LONG = 4, 1, 4
SIZES = {"cpe": 100, "router": 4}
WHAT = {"cpe": "CPE, one GET", "router": "router, walk of 48 interfaces"}
SWITCH = """
#include <valgrind/callgrind.h>
void start(void) { CALLGRIND_START_INSTRUMENTATION; CALLGRIND_ZERO_STATS; }
void stop(void) { CALLGRIND_STOP_INSTRUMENTATION; }
"""
PROGRAM = """
import asyncio, ctypes, gc, sys
try:
    from collector.poll import profile_files
except ImportError:  # a checkout from before that module
    from collector.poll import profile as profile_files
    sys.modules["collector.poll.profile_files"] = profile_files
from bench.protocol.wire import devices, poll_all
from collector.config import PingSettings, PollSettings
from collector.credentials import Credential
from collector.poll.poller import Poller

async def main(role, port, count, learning, rounds):
    settings = PollSettings(packets_per_second=50000.0, timeout_seconds=120.0, budget_seconds=600.0)
    poller = Poller(settings, PingSettings(), [Credential("default")], profile_files.load_profiles())
    await poller.open()
    targets = devices(count, port, role=role)
    for number in range(learning + rounds):
        if number == learning:
            gc.collect()
            gc.freeze()
            switch.start()
        readings = await poll_all(poller, targets, None)
        assert all(reading.snmp == "answered" for reading in readings)
    switch.stop()
    await poller.close()

switch = ctypes.CDLL(sys.argv[1])
asyncio.run(main(sys.argv[2], *map(int, sys.argv[3:])))
"""


def instructions(tree: Path, role: str, port: int, rounds: int, account: Path | None = None) -> int:
    """Instructions of so many polls of each device; callgrind's own ``account`` of them is written where it is wanted."""
    with tempfile.TemporaryDirectory() as folder:
        switch, out = Path(folder, "switch.so"), account or Path(folder, "callgrind.out")
        subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-o", switch, "-"], input=SWITCH, text=True, check=True)
        counter = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
        told = subprocess.run(  # noqa: PLW1510 - what it says on failing is shown
            [*counter, sys.executable, "-c", PROGRAM, switch, role, *map(str, (port, SIZES[role], LEARNING, rounds))],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{HERE}", "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
        )
    found = re.search(r"Collected : (\d+)", told.stderr)
    if told.returncode or found is None:
        sys.exit(f"{tree}: {told.stderr[-2000:]}")
    return int(found[1])


def of_one_poll(tree: Path, role: str, port: int) -> float:
    """Instructions of one poll of a device that is known."""
    more = instructions(tree, role, port, LONG) - instructions(tree, role, port, SHORT)
    return more / ((LONG - SHORT) * SIZES[role])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.protocol.wire_instructions", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--tree", type=Path, action="append", help="a checkout to measure, again for each (this one)")
    parser.add_argument("--role", choices=SIZES, action="append")
    parser.add_argument("--times", type=int, default=1)
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("bench/protocol/wire_instructions.py needs valgrind")
    with agents(48) as port:
        for role in options.role or SIZES:
            for tree in options.tree or [HERE]:
                found = [of_one_poll(tree.resolve(), role, port) for _ in range(options.times)]
                each = ", ".join(f"{count:,.0f}" for count in found)
                print(f"{WHAT[role]:<30} {statistics.median(found):12,.0f}   {tree}   ({each})", flush=True)


if __name__ == "__main__":
    main()
