"""A collector that runs, and the traps of its devices: each leads to a poll at once, a storm to few."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.loop.trap_polls import MOST_AT_ONE_ADDRESS, Prompts, Sources
from collector.reading import Device

from ..fleet import CollectorRun, Echoes

LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
HOUR = 3600.0
EVERY_SECONDS = 1.0
Eventually = Callable[..., Any]


class Hearing:
    """A collector that polls once an hour and hears traps, and the devices that send them."""

    def __init__(self, run: CollectorRun, echoes: Echoes, port: int) -> None:
        self.run, self.echoes, self.port = run, echoes, port

    def send(self, device: str, *, tool: str = "snmptrap", oid: str = LINK_DOWN, community: str = "public") -> None:
        """A notification from the address of a device."""
        source = f"--clientaddr={self.echoes.addresses[device]}"
        command = [tool, "-v2c", "-c", community, source, f"127.0.0.1:{self.port}", "", oid]
        subprocess.run(command, check=True, timeout=30)

    def polls(self, device: str) -> float:
        return self.run.metrics().get("bairro_polls_total", {}).get((("device", device),), 0.0)

    def figure(self, name: str, **labels: str) -> float:
        return self.run.metrics()[f"bairro_collector_{name}"][tuple(sorted(labels.items()))]

    def worker(self) -> int:
        assert self.run.process is not None
        pid = self.run.process.pid
        (child,) = {int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in _children(task)}
        return child


def _children(task: Path) -> list[str]:
    return (task / "children").read_text().split()


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def hearing(
    tmp_path: Path,
    free_port: Callable[[], int],
    require_program: Callable[[str], str],
    eventually: Eventually,
) -> Iterator[Hearing]:
    require_program("snmptrap")
    echoes = Echoes(["core", "ap", "stranger"], free_port())
    port = free_port()
    tables = f'[traps]\naddress = "0.0.0.0"\nport = {port}\npoll_every_seconds = {EVERY_SECONDS}'
    run = CollectorRun(tmp_path, port=free_port(), interval=HOUR, tables=tables)
    ping = f"echo:{echoes.port}"
    run.write_inventory(
        f"core,{echoes.addresses['core']},router,centro,,{ping},off,,",
        f"ap,{echoes.addresses['ap']},ap,centro,core,{ping},off,,",
    )
    run.start()
    try:
        eventually(lambda: "hearing traps and informs" in run.said())
        yield Hearing(run, echoes, port)
    finally:
        if run.process is not None and run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        echoes.close()


def test_a_trap_leads_to_a_poll_of_its_sender_and_of_nobody_else(hearing: Hearing, eventually: Eventually) -> None:
    before = {name: hearing.polls(name) for name in ("core", "ap")}
    hearing.send("ap")
    eventually(lambda: hearing.polls("ap") == before["ap"] + 1, 10, 0.05)
    hearing.send("ap", tool="snmpinform", oid="1.3.6.1.6.3.1.1.5.4")
    eventually(lambda: hearing.polls("ap") == before["ap"] + 2, 10, 0.05)
    hearing.send("ap", oid="1.3.6.1.4.1.8072.2.3.0.1")
    hearing.send("ap", community="neither")
    hearing.send("stranger")
    eventually(lambda: hearing.figure("traps_dropped_total", reason="unknown_source") == 1)
    assert hearing.figure("traps_dropped_total", reason="community") == 1
    assert [hearing.figure("traps_total", kind=kind) for kind in ("link_down", "link_up", "other")] == [1, 1, 1]
    assert hearing.figure("polls_prompted_total") == 2
    assert (hearing.polls("core"), hearing.polls("ap")) == (before["core"], before["ap"] + 2)
    assert hearing.run.stop(signal.SIGTERM) == 0
    assert "ERROR" not in hearing.run.said()


def test_a_storm_leads_to_few_polls_and_the_rest_is_counted(hearing: Hearing, eventually: Eventually) -> None:
    hearing.send("core")
    eventually(lambda: hearing.polls("core") >= 1, 10, 0.05)
    packet = caught_from_snmptrap()
    began, polls = time.monotonic(), hearing.polls("core")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((hearing.echoes.addresses["core"], 0))
        sender.connect(("127.0.0.1", hearing.port))
        sent = [sender.send(packet) for _ in range(5000)]

        def is_accounted_for() -> bool:
            """What the kernel had no room for is told with the next packet, so there is one more each time."""
            sent.append(sender.send(packet))
            time.sleep(0.3)
            now = hearing.run.metrics()
            families = (now["bairro_collector_traps_total"], now["bairro_collector_traps_dropped_total"])
            return sum(sum(family.values()) for family in families) == len(sent) + 1

        eventually(is_accounted_for)
    assert hearing.figure("traps_dropped_total", reason="rate") > 1000
    eventually(lambda: hearing.polls("core") > polls)
    allowed = (time.monotonic() - began) / EVERY_SECONDS + 2
    assert 1 <= hearing.polls("core") - polls <= allowed
    assert hearing.figure("errors_total") == 0


def test_the_worker_is_replaced_and_never_outlives_the_collector(hearing: Hearing, eventually: Eventually) -> None:
    first = hearing.worker()
    os.kill(first, signal.SIGTERM)
    hearing.send("core", tool="snmpinform")
    assert hearing.worker() == first, "only its parent ends it"
    os.kill(first, signal.SIGKILL)
    eventually(lambda: hearing.figure("trap_worker_restarts_total") == 1)
    second = eventually(hearing.worker)
    hearing.send("core", tool="snmpinform")
    assert hearing.run.process is not None
    hearing.run.process.kill()
    hearing.run.process.wait()
    eventually(lambda: not is_alive(second), pause=0.05)


def test_a_device_that_joins_the_inventory_is_heard(hearing: Hearing, eventually: Eventually) -> None:
    hearing.send("stranger")
    eventually(lambda: hearing.figure("traps_dropped_total", reason="unknown_source") == 1)
    at, ping = hearing.echoes.addresses["stranger"], f"echo:{hearing.echoes.port}"
    hearing.run.write_inventory(f"stranger,{at},router,centro,,{ping},off,,")
    eventually(lambda: hearing.figure("inventory_devices") == 1)
    hearing.send("stranger")
    eventually(lambda: hearing.polls("stranger") == 1, 10, 0.05)


def test_a_port_in_use_ends_the_start(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        run = CollectorRun(tmp_path, port=free_port(), tables=f'[traps]\naddress = "127.0.0.1"\nport = {port}\n')
        run.write_inventory("a,127.0.0.1,router,centro,,off,off,,")
        run.start()
        assert run.process is not None
        assert run.process.wait(30) == 2
    assert f"cannot hear traps on udp 127.0.0.1 port {port}: the port is in use" in run.said()


def caught_from_snmptrap() -> bytes:
    """A linkDown of version 2c, as snmptrap writes it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as catcher:
        catcher.bind(("127.0.0.1", 0))
        catcher.settimeout(10)
        to = f"127.0.0.1:{catcher.getsockname()[1]}"
        subprocess.run(["snmptrap", "-v2c", "-c", "public", to, "", LINK_DOWN], check=True, timeout=30)
        return catcher.recv(65535)


# --- who is asked, and when ---


class Polls:
    """Takes the place of the collector: starts polls, unless one is said to be in flight."""

    def __init__(self) -> None:
        self.started: list[tuple[float, str]] = []
        self.in_flight: set[str] = set()
        self.prompts = Prompts(5.0)

    def at(self, now: float, *wanted: str) -> list[str]:
        for name in wanted:
            self.prompts.want(name, now)
        begun: list[str] = []

        def start(name: str) -> bool:
            if name in self.in_flight:
                return False
            begun.append(name)
            return True

        assert self.prompts.run(start, now) == sum(name not in self.in_flight for name in begun)
        return begun


def test_wishes_within_the_time_become_one_poll_at_its_end() -> None:
    polls = Polls()
    assert polls.at(100.0, "a", "a", "b") == ["a", "b"]
    assert polls.at(101.0, "a", "a") == []
    assert polls.at(102.0, "a", "c") == ["c"]
    assert polls.at(104.9) == []
    assert polls.at(105.0) == ["a"]
    assert polls.at(120.0) == []
    assert polls.at(121.0, "a") == ["a"]


def test_a_poll_in_flight_is_followed_by_another() -> None:
    """It may have read the interface before it went down."""
    polls = Polls()
    polls.in_flight.add("a")
    assert polls.at(100.0, "a") == []
    assert polls.at(100.1) == []
    polls.in_flight.clear()
    assert polls.at(100.3) == ["a"]


def test_a_device_that_left_is_forgotten() -> None:
    polls = Polls()
    polls.in_flight |= {"a", "b"}
    polls.at(100.0, "a", "b")
    polls.in_flight.clear()
    polls.prompts.keep_only({"b": None})
    assert polls.at(101.0) == ["b"]


def test_sources_are_the_addresses_polled_and_reply_from() -> None:
    names: dict[str, str] = {}
    sources = Sources(names.get)
    sources.replace(
        [
            Device("a", "192.0.2.1", "router", "x"),
            Device("b", "192.0.2.1", "router", "x", port=1161, reply_from="192.0.2.7"),
            Device("c", "c.example.net", "router", "x"),
            Device("d", "2001:db8::1", "router", "x"),
            *(Device(f"e{n}", "192.0.2.9", "cpe", "x", port=2000 + n) for n in range(100)),
        ]
    )
    assert set(sources.addresses()) == {"192.0.2.1", "192.0.2.7", "2001:db8::1", "192.0.2.9"}
    assert (sources.at("192.0.2.1"), sources.at("192.0.2.7")) == (("a", "b"), ("b",))
    assert len(sources.at("192.0.2.9")) == MOST_AT_ONE_ADDRESS
    assert not sources.learn()
    names["c"] = "192.0.2.3"
    assert sources.learn()
    assert not sources.learn()
    assert sources.at("192.0.2.3") == ("c",)
    assert sources.at("192.0.2.4") == ()
