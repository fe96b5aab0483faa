"""The peers without a server: the bare C loop, net-snmp's tools and pysnmp, each asking the same objects."""

from __future__ import annotations

import asyncio
import json
import math
import os
import resource
import subprocess
import sys
import time

from bench.collector.contest import Scene
from bench.collector.load import CPE_OIDS, ROUTER_COLUMNS, ROUTER_INTERFACES, SCALARS, UPLINK, Truth, address_of
from bench.collector.process_figures import Run, peak_rss_bytes

LOOP_WINDOW, ROUTER_LOOP_WINDOW = 256, 50
COMMON = ("-v2c", "-c", "public", "-Oqnet")
TOOL_POLLS = {False: 200, True: 20}
PYSNMP_POLLS = {False: 300, True: 10}
PYSNMP_AT_ONCE = 20


def _values(scene: Scene) -> int:
    return len(ROUTER_COLUMNS) * ROUTER_INTERFACES if scene.is_router else len(CPE_OIDS)


def c_loop(scene: Scene, *, stamps: bool = True) -> Run:
    """sendmmsg and recvmmsg in C: what the kernel and reading the replies cost."""
    columns = len(ROUTER_COLUMNS) if scene.is_router else 0
    window = min(ROUTER_LOOP_WINDOW if scene.is_router else LOOP_WINDOW, scene.count // 4)
    rounds = max(20, math.ceil(scene.polls / scene.count))
    words = (scene.truth.port, scene.first, scene.count, rounds, window, columns, int(stamps))
    done = subprocess.run([str(word) for word in (scene.programs["loop"], *words)], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    errors = found["failed"] + abs(found["values"] - found["polls"] * _values(scene))
    name = "bare C loop" + (", kernel timestamps" if stamps else "")
    return Run(
        scene.name,
        name,
        found["polls"],
        found["cpu_seconds"],
        found["seconds"],
        found["rss_bytes"],
        errors,
        found["values"] / found["polls"],
    )


def net_snmp(scene: Scene) -> Run:
    """snmpget, or snmpbulkwalk a column: one process each, as scripts and plugins run them."""
    polls = min(TOOL_POLLS[scene.is_router], scene.polls)
    scalars = [f"{oid}.0" for oid in SCALARS.values()]
    commands = [["snmpget", *COMMON, "{}", *(scalars if scene.is_router else CPE_OIDS)]]
    if scene.is_router:
        commands += [["snmpbulkwalk", *COMMON, "-Cr25", "{}", column] for column in ROUTER_COLUMNS.values()]
    before, began, errors, values = _children_cpu(), time.time(), 0, 0
    for number in scene.numbers[:polls]:
        answers: dict[str, str] = {}
        for command in commands:
            target = f"{address_of(number)}:{scene.truth.port}"
            words = [target if word == "{}" else word for word in command]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            answers.update(line.lstrip(".").partition(" ")[::2] for line in done.stdout.splitlines())
        values += len(answers)
        errors += _is_wrong(answers, scene, number, began)
    cpu, wall = _children_cpu() - before, time.time() - began
    return Run(scene.name, "net-snmp's tools", polls, cpu, wall, 0, errors, values / polls)


def _is_wrong(answers: dict[str, str], scene: Scene, number: int, began: float) -> bool:
    """Whether the uplink's bytes are off their line, or values are missing."""
    wanted = _values(scene) + (len(SCALARS) if scene.is_router else 0)
    passed = float(answers.get(f"{ROUTER_COLUMNS['ifHCInOctets']}.{UPLINK}", "-1"))
    low, high = (scene.truth.octets(number, UPLINK, at) for at in (began - 0.05, time.time() + 0.05))
    return len(answers) != wanted or not low <= passed <= high


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# --- pysnmp, in a process of its own ---


def pysnmp(scene: Scene) -> Run:
    """pysnmp's asyncio interface, twenty requests under way at once."""
    polls = min(PYSNMP_POLLS[scene.is_router], scene.polls)
    words = (scene.truth.port, scene.truth.started_at, scene.first, scene.count, polls)
    command = [sys.executable, "-m", "bench.collector.peers", *map(str, words)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return Run(scene.name, "pysnmp", polls, **found)


async def _poll_by_pysnmp(scene: Scene) -> dict[str, float]:
    from pysnmp.hlapi.v3arch import asyncio as hlapi

    engine = hlapi.SnmpEngine()
    access = hlapi.CommunityData("public", mpModel=1), hlapi.UdpTransportTarget, hlapi.ContextData()
    turns = asyncio.Semaphore(PYSNMP_AT_ONCE)
    began, errors, values = time.time(), 0, 0

    async def poll(number: int) -> None:
        nonlocal errors, values
        async with turns:
            target = await access[1].create((address_of(number), scene.truth.port))
            answers: dict[str, str] = {}
            single = [f"{oid}.0" for oid in SCALARS.values()] if scene.is_router else CPE_OIDS
            asked = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in single]
            error, status, _, found = await hlapi.get_cmd(engine, access[0], target, access[2], *asked, lookupMib=False)
            assert not error, error
            answers.update((str(name), value.prettyPrint()) for name, value in found)
            if scene.is_router:
                answers.update(await walk(target))
            values += len(answers)
            errors += bool(status) or _is_wrong(answers, scene, number, began)

    async def walk(target: object) -> dict[str, str]:
        columns = list(ROUTER_COLUMNS.values())
        names, answers = columns, {}
        while names[0].startswith(columns[0]):
            asked = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in names]
            _, _, _, found = await hlapi.bulk_cmd(engine, access[0], target, access[2], 0, 6, *asked, lookupMib=False)
            rows = len(found) // len(columns)
            for place in range(rows * len(columns)):
                name, value = found[place]
                if str(name).startswith(columns[place % len(columns)] + "."):
                    answers[str(name)] = value.prettyPrint()
            names = [str(name) for name, _ in found[(rows - 1) * len(columns) : rows * len(columns)]]
        return answers

    await poll(scene.first)
    errors = values = 0
    before, at = resource.getrusage(resource.RUSAGE_SELF), time.time()
    await asyncio.gather(*(poll(number) for number in scene.numbers[: scene.polls]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu_seconds": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime,
        "wall_seconds": time.time() - at,
        "peak_rss_bytes": peak_rss_bytes(os.getpid()),
        "errors": errors,
        "values_per_poll": values / scene.polls,
    }


if __name__ == "__main__":
    port, started, first, count, polls = sys.argv[1:]
    scene = Scene("", Truth(int(port), float(started)), {}, None, int(first), int(count), int(polls))  # type: ignore[arg-type]
    print(json.dumps(asyncio.run(_poll_by_pysnmp(scene))))
