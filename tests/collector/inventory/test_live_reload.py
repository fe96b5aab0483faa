"""The inventory of a running collector changes again and again under 2,000 devices: nobody who stays misses a turn."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..fleet import CollectorRun, Samples

pytestmark = pytest.mark.slow

DEVICES, PARENTS, CHANGED = 2000, 40, 150
INTERVAL = 4.0


@pytest.fixture
def port(free_port: Callable[[], int], processes: Any) -> int:
    """Where a process of its own answers: in this one it would wait while the test reads large texts."""
    number = free_port()
    processes.start([sys.executable, Path(__file__).parents[1] / "any_address.py", str(number)])
    return number


def rows(names: list[int], parents: dict[int, int], port: int) -> list[str]:
    head = [f"ap-{n},127.2.0.{n + 1},ap,area-{n % 4},,echo:{port},off,," for n in range(PARENTS)]
    return head + [
        f"cpe-{n},127.3.{n // 250}.{n % 250 + 1},cpe,area-{n % 4},ap-{parents[n]},echo:{port},off,," for n in names
    ]


def polls(now: Samples) -> dict[str, float]:
    return {dict(labels)["device"]: value for labels, value in now["bairro_polls_total"].items()}


def test_who_stays_misses_no_turn_whatever_comes_and_goes(
    tmp_path: Path, free_port: Callable[[], int], port: int, eventually: Callable[..., Any]
) -> None:
    chance = random.Random(7)
    parents = {n: n % PARENTS for n in range(3 * DEVICES)}
    present = list(range(DEVICES))
    run = CollectorRun(tmp_path, port=free_port(), interval=INTERVAL)
    run.config.write_text(run.config.read_text().replace("count = 3", "count = 1").replace("= 0.2", "= 1.0"))
    run.write_inventory(*rows(present, parents, port))
    run.start()
    try:
        eventually(lambda: sum(run.metrics()["bairro_device_up"].values()) == DEVICES + PARENTS, 90)
        before, stayed, began = run.metrics(), set(present), time.monotonic()
        following = DEVICES
        for _ in range(6):
            gone = set(chance.sample(present, CHANGED))
            fresh = list(range(following, following + CHANGED))
            following += CHANGED
            present = [n for n in present if n not in gone] + fresh
            stayed -= gone
            for moved in chance.sample(present, CHANGED):
                parents[moved] = chance.randrange(PARENTS)
            assert run.process is not None
            run.write_inventory(*rows(present, parents, port))
            run.process.send_signal(signal.SIGHUP)
            wanted = f"cpe-{fresh[-1]}"
            eventually(lambda: any(dict(k)["device"] == wanted for k in run.metrics()["bairro_device_info"]), 60)  # noqa: B023
            time.sleep(chance.uniform(0, INTERVAL / 2))  # somewhere within a cycle, with polls in flight
        cycles = (time.monotonic() - began) / INTERVAL
        names = {f"cpe-{n}" for n in stayed} | {f"ap-{n}" for n in range(PARENTS)}
        eventually(lambda: sum(run.metrics()["bairro_device_up"].values()) == DEVICES + PARENTS, 60)
        after = run.metrics()
        had, have = polls(before), polls(after)
        skipped = after["bairro_collector_polls_skipped_total"][()] - before["bairro_collector_polls_skipped_total"][()]
        asked = sorted(have[name] - had[name] for name in names)
        assert len(asked) > DEVICES / 2
        assert asked[0] >= int(cycles) - 1
        assert asked[-1] - asked[0] <= 1 + skipped, "one more turn than another, where the end fell between the two"
        assert skipped <= 0.001 * sum(asked), "a machine under load may be late for some, a reload for none"
        assert set(have) == {f"cpe-{n}" for n in present} | {f"ap-{n}" for n in range(PARENTS)}
        shown = {dict(k)["device"]: dict(k)["parent"] for k in after["bairro_device_info"]}
        assert all(shown[f"cpe-{n}"] == f"ap-{parents[n]}" for n in present)
        assert "bairro_device_down" not in after
        assert sum(after["bairro_area_devices"].values()) == DEVICES + PARENTS
        assert "ERROR" not in run.said()
        assert run.stop(signal.SIGTERM) == 0
    finally:
        if run.process is not None and run.process.poll() is None:
            run.process.kill()
            run.process.wait()
