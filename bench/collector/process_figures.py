"""What a run costs: CPU and memory of a process and its children, read from /proc; and what was run on what."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """One contender's run of one scenario. ``cpu_seconds`` is user and system time of the measured process alone."""

    scenario: str
    contender: str
    polls: int
    cpu_seconds: float
    wall_seconds: float
    peak_rss_bytes: int
    errors: int
    values_per_poll: float
    more: dict[str, float] = field(default_factory=dict)

    @property
    def microseconds(self) -> float:
        """CPU microseconds per device poll."""
        return self.cpu_seconds / max(1, self.polls) * 1e6


def process_tree(pid: int) -> Iterator[int]:
    """A process and what it has started and not yet awaited."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from process_tree(int(child))


def cpu_seconds(pid: int) -> float:
    """User and system time so far of a process, its threads, and its children, ended or not."""
    ticks = 0
    for each in process_tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def peak_rss_bytes(pid: int) -> int:
    return sum(_memory(each, "VmHWM") for each in process_tree(pid))


def rss_bytes(pid: int) -> int:
    return sum(_memory(each, "VmRSS") for each in process_tree(pid))


def _memory(pid: int, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def environment() -> dict[str, str]:
    """Date, machine and versions, for the record."""
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    commit = _said("git", "rev-parse", "--short", "HEAD")
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "processor": f"{os.cpu_count()} x {processor[1] if processor else platform.machine()}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "pysnmp": importlib.metadata.version("pysnmp"),
        "net-snmp": _said("snmpget", "--version").removeprefix("NET-SNMP version: "),
        "snmp_exporter": " ".join(
            re.findall(r"version (\d[\d.]*)|(go\d[\d.]*)", _said("prometheus-snmp-exporter", "--version"))[0][:1]
        ),
        "go": next(iter(re.findall(r"go\d[\d.]+", _said("prometheus-snmp-exporter", "--version"))), ""),
        "gcc": _said("gcc", "-dumpfullversion"),
    }


def _said(*command: str) -> str:
    """What a program prints of itself; empty where it is not installed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip()


class Log:
    """Every run as a line of JSON, flushed at once, so that a stopped bench still counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._environment = environment()

    def add(self, run: Run, **more: object) -> None:
        """One line; and one on the terminal."""
        row = asdict(run) | {"microseconds": round(run.microseconds, 2)} | more | {"environment": self._environment}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        extra = " ".join(f"{name}={value:.4g}" for name, value in run.more.items())
        print(
            f"{run.scenario:<11} {run.contender:<24} {run.microseconds:9.1f} us of CPU a poll, {run.polls} polls in "
            f"{run.wall_seconds:.1f} s, {run.peak_rss_bytes / 1e6:.0f} MB, {run.errors} errors, "
            f"{run.values_per_poll:.1f} values a poll {extra}",
            flush=True,
        )
