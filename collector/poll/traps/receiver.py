"""Poll stage: traps and informs. Owns the socket and the worker that reads it; reports which source sent what."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bairro_error import BairroError
from collector.address import parse_ip
from collector.config import TrapSettings
from collector.credentials import Credential
from collector.poll.datagrams import enlarge
from collector.poll.traps.kinds import KINDS, REASONS

log = logging.getLogger("bairro.traps")

Heard = Callable[[str, str, int], None]
"""Called with the sender's address, the kind (one of KINDS) and how many of them came together."""

WORKER = "collector.poll.traps.worker"
LOG_EVERY_SECONDS = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
STEADY_SECONDS = 60.0
STOP_SECONDS = 1.0
LONGEST_REPORT = 1 << 22


class TrapPortError(BairroError, OSError):
    """The address of ``[traps]`` cannot be listened on; the message says what to do."""


class Traps:
    """Listens for notifications while the collector runs. Counters only grow; ``restarts`` counts workers that died."""

    def __init__(self, settings: TrapSettings, credentials: Sequence[Credential], identity: Path, heard: Heard) -> None:
        """``identity`` is the file that keeps this receiver's SNMP engine id."""
        self.heard_by_kind: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self.dropped_by_reason: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self.restarts = 0
        self.worker: asyncio.subprocess.Process | None = None
        self._settings = settings
        self._order = {"begin": _order(settings, credentials, identity)}
        self._heard = heard
        self._sources: frozenset[str] = frozenset()
        self._socket: socket.socket | None = None
        self._silent_until: dict[str, float] = {}

    def open(self) -> None:
        """Bind the socket here, so that a fault is reported at the start and a worker's death loses nothing that is queued.

        Raises TrapPortError.
        """
        assert self._settings.address is not None
        try:
            self._socket = _bind(self._settings.address, self._settings.port)
        except OSError as error:
            raise TrapPortError(_advice(self._settings, error)) from error

    @property
    def port(self) -> int:
        """The port that it listens on, where 0 was asked for."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    def know(self, sources: Iterable[str]) -> None:
        """The addresses from which notifications are taken, as the kernel writes them."""
        sources = frozenset(sources)
        if sources != self._sources:
            self._sources = sources
            self._tell_sources()

    async def run(self) -> None:
        """Keep a worker running until cancelled; one that dies is replaced, ever more slowly while they keep dying."""
        pause, loop = FIRST_PAUSE_SECONDS, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                code = await self._work()
            except Exception:
                log.exception("what the trap worker said could not be used")
                code = "stopped"
            self.restarts += 1
            pause = FIRST_PAUSE_SECONDS if loop.time() - began >= STEADY_SECONDS else pause
            log.error("the trap worker ended (%s); the next one starts in %g s", code, pause)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)

    def close(self) -> None:
        """Close the socket; ``run`` has been cancelled before."""
        if self._socket is not None:
            self._socket.close()

    async def _work(self) -> int | str:
        """One worker's life; returns its exit code, or why it could not start."""
        assert self._socket is not None
        number = self._socket.fileno()
        pipe = asyncio.subprocess.PIPE
        try:
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", WORKER, str(number)),
                stdin=pipe,
                stdout=pipe,
                pass_fds=(number,),
                limit=LONGEST_REPORT,
            )
        except OSError as error:
            return error.strerror or str(error)
        self.worker = worker
        try:
            self._tell(self._order)
            self._tell_sources()
            assert worker.stdout is not None
            async for line in worker.stdout:
                self._take(json.loads(line))
            return await worker.wait()
        finally:
            await _end(worker)
            self.worker = None

    def _tell_sources(self) -> None:
        self._tell({"sources": sorted(self._sources)})

    def _tell(self, order: dict[str, Any]) -> None:
        if self.worker is not None and self.worker.stdin is not None:
            self.worker.stdin.write(json.dumps(order).encode() + b"\n")

    def _take(self, report: dict[str, Any]) -> None:
        if "ready" in report:
            log.info("hearing traps and informs on udp %s port %d", self._settings.address, self.port)
        for source, kind, count in report.get("heard", ()):
            self.heard_by_kind[kind] += count
            self._heard(source, kind, count)
        for reason, count in report.get("dropped", {}).items():
            self.dropped_by_reason[reason] += count
            self._log_drop(reason, report["latest"].get(reason, ""))

    def _log_drop(self, reason: str, source: str) -> None:
        """At most once a minute for each reason."""
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until.get(reason, 0.0):
            self._silent_until[reason] = now + LOG_EVERY_SECONDS
            total = self.dropped_by_reason[reason]
            log.warning("traps dropped (%s): %d since the start, the latest from %s", reason, total, source or "many")


def _order(settings: TrapSettings, credentials: Sequence[Credential], identity: Path) -> dict[str, Any]:
    """What a worker needs to begin. It holds secrets, so it travels through a pipe and is never printed."""
    return {
        "rate": settings.packets_per_second,
        "burst": settings.burst,
        "relays": [parse_ip(relay) for relay in settings.relays],
        "communities": sorted({c.community for c in credentials if c.version != "3"}),
        "users": [_user(c) for c in credentials if c.version == "3"],
        "identity": str(identity),
    }


def _user(credential: Credential) -> dict[str, Any]:
    return {
        "name": credential.user,
        "auth": (credential.auth_protocol, credential.auth_password),
        "priv": (credential.priv_protocol, credential.priv_password),
    }


def _bind(address: str, port: int) -> socket.socket:
    """A bound UDP socket; ``::`` also receives IPv4. Raises OSError."""
    family, kind, protocol, _, where = socket.getaddrinfo(
        address, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(family, kind, protocol)
    try:
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        enlarge(opened)
        opened.bind(where)
    except OSError:
        opened.close()
        raise
    return opened


def _advice(settings: TrapSettings, error: OSError) -> str:
    where = f"cannot hear traps on udp {settings.address} port {settings.port}: "
    if error.errno == errno.EADDRINUSE:
        return f"{where}the port is in use; stop the other program (snmptrapd?) or change [traps] port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"{where}ports below 1024 need a privilege: CAP_NET_BIND_SERVICE for the service (systemd: "
            "AmbientCapabilities=CAP_NET_BIND_SERVICE), or sysctl net.ipv4.ip_unprivileged_port_start=162, or "
            f"[traps] port = 1162 and a redirect: iptables -t nat -A PREROUTING -p udp --dport {settings.port} "
            "-j REDIRECT --to-ports 1162"
        )
    return f"{where}{error.strerror or error}; change [traps] address"


async def _end(worker: asyncio.subprocess.Process) -> None:
    """A worker ends at the end of its input; one that does not is killed."""
    if worker.stdin is not None:
        worker.stdin.close()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await worker.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()
