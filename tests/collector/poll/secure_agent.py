"""Debian's snmpd with users of version 3, started, stopped and started anew by a test."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from collector.config import PingSettings, PollSettings
from collector.credentials import Credential
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import reply_id
from collector.poll.snmp.v3 import encode_discovery, parse
from collector.reading import Device, Reading

from .agents import QUICK

CALM = dataclasses.replace(QUICK, timeout_seconds=2.0, retries=2, budget_seconds=10.0)
HASTY = dataclasses.replace(QUICK, timeout_seconds=0.15, retries=1, budget_seconds=5.0)
PROFILES = load_profiles()
CPE = {"role": "cpe", "uplink_interface": "lo"}
"""A device that costs one packet a poll once it is known."""
AUTH_PASSWORD, PRIV_PASSWORD = "auth-password", "priv-password"
AUTHS = {
    "MD5": "MD5",
    "SHA": "SHA",
    "SHA224": "SHA-224",
    "SHA256": "SHA-256",
    "SHA384": "SHA-384",
    "SHA512": "SHA-512",
}
"""Our name of a signing protocol -> net-snmp's."""
PRIVS = {"DES": "DES", "AES": "AES", "AES192": "AES-192", "AES256": "AES-256"}


def credential(auth: str | None, priv: str | None = None, **fields: Any) -> Credential:
    """The credential of the user that SecureAgent has for these protocols."""
    fields = {"name": "v3", "auth_password": AUTH_PASSWORD if auth else "", **fields}
    fields = {"user": user_name(auth, priv), "priv_password": PRIV_PASSWORD if priv else "", **fields}
    return Credential(version="3", community="", auth_protocol=auth, priv_protocol=priv, **fields)


def user_name(auth: str | None, priv: str | None) -> str:
    return f"{auth or 'no'}-{priv or 'no'}"


EVERYONE: tuple[tuple[str | None, str | None], ...] = (
    (None, None),
    *((auth, None) for auth in AUTHS),
    *((auth, priv) for auth in AUTHS for priv in PRIVS),
)


class SecureAgent:
    """A running snmpd with a user for each of ``users``, which are pairs of our names of protocols. ``view`` is what they may read."""

    def __init__(
        self,
        program: str,
        folder: Path,
        port: int,
        processes: Any,
        *,
        users: Sequence[tuple[str | None, str | None]] = (("SHA", "AES"),),
        engine: str = "bairro-test",
        address: str = "127.0.0.1",
        auth_password: str = AUTH_PASSWORD,
        view: Sequence[str] = ("1",),
    ) -> None:
        self.folder, self.port, self.address = folder, port, address
        self._processes = processes
        lines = [f"engineID {engine}", "sysName bairro-secure", "rocommunity also-by-community"]
        for auth, priv in users:
            level = "priv" if priv else "auth" if auth else "noauth"
            protocols = f" {AUTHS[auth]} {auth_password}" if auth else ""
            protocols += f" {PRIVS[priv]} {PRIV_PASSWORD}" if priv else ""
            lines += [
                f"createUser {user_name(auth, priv)}{protocols}",
                f"rouser {user_name(auth, priv)} {level} -V seen",
            ]
        lines += [f"view seen included {root}" for root in view]
        folder.mkdir(exist_ok=True)
        (folder / "agent.conf").write_text("\n".join(lines) + "\n")
        where = f"udp6:[{address}]:{port}" if ":" in address else f"udp:{address}:{port}"
        options = ["-f", "-Lf", folder / "log", "-c", folder / "agent.conf", "-I", "-smux", where]
        self._command = [program, *options]
        self.start()

    def start(self) -> None:
        """Start it, with what it has kept of an earlier start: the number of its starts goes up."""
        environment = {"SNMP_PERSISTENT_DIR": str(self.folder), "SNMPCONFPATH": str(self.folder)}
        self._running = self._processes.start(self._command, env=environment)

    def stop(self) -> None:
        self._processes.stop(self._running, signal.SIGTERM)

    def forget(self) -> None:
        """Drop what a stopped agent has kept: it will say that it was never started before."""
        (self.folder / "snmpd.conf").unlink()

    def is_up(self) -> bool:
        """Whether it says who it is."""
        assert self._running.poll() is None, (self.folder / "log").read_text()[-500:]
        return bool(self.clock())

    def clock(self) -> tuple[bytes, int, int]:
        """Its engine id, boots and time, as it says them to anybody."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.settimeout(1)
            asking.sendto(encode_discovery(0x40000001, 0x40000002), (self.address, self.port))
            data = asking.recv(65535)
        assert reply_id(data) == 0x40000001
        message = parse(data)
        return message.engine_id, message.boots, message.seconds


Start = Callable[..., SecureAgent]


class Steps:
    """One Poller, and a poll of one device whenever it is asked for, with time for anything between."""

    def __init__(self, target: Device, *credentials: Credential, settings: PollSettings = CALM) -> None:
        self._target, self._settings, self._credentials = target, settings, credentials
        self._loop = asyncio.new_event_loop()
        self.poller = Poller(settings, PingSettings(), credentials, PROFILES)
        self._loop.run_until_complete(self.poller.open())

    def poll(self) -> Reading:
        async def ask() -> Reading:
            answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
            self.poller.start(self._target, answered.set_result)
            return await asyncio.wait_for(answered, 60)

        return self._loop.run_until_complete(ask())

    @property
    def sent(self) -> int:
        return self.poller.counts.packets_sent

    def close(self) -> None:
        self._loop.run_until_complete(self.poller.close())
        self._loop.close()


MakeSteps = Callable[..., Steps]
