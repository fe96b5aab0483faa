"""Runs the demo's processes side by side: starts them in order, waits until they answer, ends all when one ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bairro_error import BairroError

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10.0
PARENT_VARIABLE = "BAIRRO_SUPERVISOR"
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Part:
    """One process: what it is called, its command, where it answers once it is up (None: at once)."""

    name: str
    command: tuple[str, ...]
    ready_url: str | None = None
    is_task: bool = False


class PortInUseError(BairroError, RuntimeError):
    """A port that the demo wants is taken; the message names it and the option that moves it."""


def claim_ports(ports: dict[str, int], kind: socket.SocketKind) -> None:
    """Raise PortInUseError if one of ``ports`` (option -> number) on 127.0.0.1 is taken."""
    for option, port in ports.items():
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise PortInUseError(f"port {port} is in use; choose another with {option} PORT") from None


class Supervisor:
    """Starts parts, forwards SIGINT and SIGTERM to them as SIGTERM and leaves none behind.

    Each part has its own process group, so that a Ctrl-C in the terminal reaches only this process; should this
    process be killed outright, the kernel ends the parts (PR_SET_PDEATHSIG).
    """

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._say = say
        self._running: list[tuple[Part, subprocess.Popen[bytes]]] = []
        self._stopping = False
        logs.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def run(self, parts: Sequence[Part], on_ready: Callable[[], None]) -> int:
        """Start all parts and stay until a signal (0) or until one that should stay has ended (1)."""
        try:
            for part in parts:
                self._start(part)
            for part, process in list(self._running):
                if not self._wait_until_ready(part, process):
                    return 0 if self._stopping else 1
            on_ready()
            return self._watch()
        finally:
            self._stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _log(self, part: Part) -> Path:
        return self._logs / f"{part.name}.log"

    def _start(self, part: Part) -> None:
        environment = os.environ | {PARENT_VARIABLE: str(os.getpid())}
        with self._log(part).open("wb") as log:
            process = subprocess.Popen(
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                env=environment,
            )
        self._running.append((part, process))

    def _wait_until_ready(self, part: Part, process: subprocess.Popen[bytes], seconds: float = 180.0) -> bool:
        deadline = time.monotonic() + seconds
        while part.ready_url and not self._stopping and not _answers(part.ready_url):
            if process.poll() is not None:
                self._say(self._obituary(part, process))
                return False
            if time.monotonic() > deadline:
                self._say(
                    f"{part.name} does not answer at {part.ready_url} after {seconds:.0f} s; see {self._log(part)}"
                )
                return False
            time.sleep(0.1)
        return not self._stopping

    def _watch(self) -> int:
        while not self._stopping:
            for part, process in list(self._running):
                code = process.poll()
                if code is None:
                    continue
                self._running.remove((part, process))
                if not part.is_task:
                    self._say(self._obituary(part, process))
                    return 1
                self._say(f"{part.name} done" if code == 0 else self._obituary(part, process))
            time.sleep(0.2)
        return 0

    def _obituary(self, part: Part, process: subprocess.Popen[bytes]) -> str:
        tail = self._log(part).read_text(errors="replace").splitlines()[-8:]
        return "\n".join(
            [f"{part.name} ended with code {process.returncode}; its last lines ({self._log(part)}):", *tail]
        )

    def _stop(self) -> None:
        for _, process in reversed(self._running):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for part, process in reversed(self._running):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{part.name} did not stop in {STOP_SECONDS:.0f} s and is killed")
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def end_with_parent() -> None:
    """In a part: let the kernel send SIGTERM when the supervisor that started this process is gone (prctl(2))."""
    parent = os.environ.pop(PARENT_VARIABLE, None)
    if parent is None:
        return
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):
        os._exit(1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # a loopback address of our own
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
