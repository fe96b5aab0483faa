"""Traps and informs from net-snmp's own snmptrap and snmpinform, and from nobody in particular."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from collector.config import TrapSettings
from collector.credentials import Credential
from collector.poll.traps.kinds import KINDS, kind_of
from collector.poll.traps.receiver import TrapPortError, Traps

LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
NOTIFICATIONS = {
    f"1.3.6.1.6.3.1.1.5.{n}": kind
    for n, kind in enumerate(("cold_start", "warm_start", "link_down", "link_up", "authentication_failure"), start=1)
}
ELSEWHERE = "127.0.0.9"
Eventually = Callable[..., Any]


def user(name: str, *protocols: str) -> Credential:
    """A credential of version 3: authentication protocol and password, privacy protocol and password."""
    auth, auth_password, priv, priv_password = (*protocols, *(None, "", None, "")[len(protocols) :])
    return Credential(name, "3", "", name.partition("-")[0], auth, auth_password, priv, priv_password)  # type: ignore[arg-type]


def options(user: Credential) -> list[str]:
    """What makes net-snmp's tools use it; they write SHA-256 and AES-256-C."""
    level = "authPriv" if user.priv_protocol else "authNoPriv" if user.auth_protocol else "noAuthNoPriv"
    words = ["-v3", "-u", user.user, "-l", level]
    spelt = [
        re.sub(r"(?<=[AS])(\d+)", r"-\1", p or "").replace("C", "-C") for p in (user.auth_protocol, user.priv_protocol)
    ]
    if user.auth_protocol:
        words += ["-a", spelt[0], "-A", user.auth_password]
    return words + (["-x", spelt[1], "-X", user.priv_password] if user.priv_protocol else [])


NAMELESS = user("nameless")
SIGNED = user("signed", "SHA", "of-the-signed")
SECRET = user("secret", "SHA256", "of-the-secret", "AES", "and-its-key")
OLD = user("old", "MD5", "of-the-old-one", "DES", "and-its-key")
STRONG = user("strong", "SHA512", "of-the-strong", "AES256", "and-its-key")
NAMESAKE = user("secret-of-another", "SHA256", "of-another-one", "AES", "and-another-key")
CISCO = user("cisco", "SHA384", "of-the-vendor", "AES256C", "and-its-key")
USERS = (NAMELESS, SIGNED, SECRET, OLD, STRONG, CISCO, NAMESAKE)
COMMUNITIES = (Credential("a", community="first"), Credential("b", "1", "second"))


class Listening:
    """Traps on a loop in a thread of its own, and what was heard."""

    def __init__(self, identity: Path, settings: TrapSettings) -> None:
        self.heard: Counter[tuple[str, str]] = Counter()
        self.traps = Traps(settings, (*COMMUNITIES, *USERS), identity, self._take)
        self.traps.open()
        self.to = f"127.0.0.1:{self.traps.port}"
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever)
        self._thread.start()
        self.know("127.0.0.1")
        self._task = asyncio.run_coroutine_threadsafe(self.traps.run(), self.loop)

    def _take(self, source: str, kind: str, count: int) -> None:
        self.heard[source, kind] += count

    def know(self, *addresses: str) -> None:
        self.loop.call_soon_threadsafe(self.traps.know, addresses)

    def send(
        self, tool: str, *words: str, what: Sequence[str] = ("", LINK_DOWN), to: str = "", expect: int = 0
    ) -> None:
        """Run snmptrap or snmpinform with these options, to send ``what``."""
        patience = "60" if expect == 0 else "3"
        command = [tool, "-r", "0", "-t", patience, *words, to or self.to, *what]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == expect, done.stderr

    def close(self) -> None:
        self._task.cancel()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop).result(10)
        worker = self.traps.worker
        while worker is not None and worker.returncode is None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.02), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()
        self.traps.close()


@pytest.fixture(scope="module", autouse=True)
def _tools(require_program: Callable[[str], str]) -> None:
    require_program("snmptrap")
    require_program("snmpinform")


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[..., Listening]]:
    """Start listening on loopback, on a port of its own."""
    made: list[Listening] = []

    def start(identity: Path = tmp_path / "engine.json", **settings: Any) -> Listening:
        made.append(Listening(identity, TrapSettings("127.0.0.1", 0, **settings)))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def listening(listen: Callable[..., Listening], eventually: Eventually) -> Listening:
    return listen()


@pytest.fixture
def packet() -> bytes:
    """A linkDown of version 2c, as snmptrap writes it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as catcher:
        catcher.bind(("127.0.0.1", 0))
        catcher.settimeout(10)
        to = f"127.0.0.1:{catcher.getsockname()[1]}"
        subprocess.run(["snmptrap", "-v2c", "-c", "first", to, "", LINK_DOWN], check=True, timeout=30)
        return catcher.recv(65535)


@pytest.mark.parametrize("version", ["1", "2c", "3"])
def test_each_notification_is_told_by_its_kind(listening: Listening, eventually: Eventually, version: str) -> None:
    for number, (oid, kind) in enumerate(NOTIFICATIONS.items()):
        who = options(SECRET) if version == "3" else [f"-v{version}", "-c", "second"]
        v1 = ("1.3.6.1.4.1.1", "192.0.2.9", str(number), "0", "")
        listening.send("snmptrap", *who, what=v1 if version == "1" else ("", oid))
        eventually(lambda kind=kind: listening.heard["127.0.0.1", kind] == 1, pause=0.05)
    assert sum(listening.heard.values()) == len(NOTIFICATIONS)


def test_a_dying_gasp_is_heard_as_one(listening: Listening, eventually: Eventually) -> None:
    log = "1.3.6.1.2.1.158.1.6.1"
    event = ("", "1.3.6.1.2.1.158.0.2", f"{log}.4.3.9", "u", "257", f"{log}.5.3.9", "i", "1")
    listening.send("snmptrap", "-v2c", "-c", "first", what=event)
    eventually(lambda: listening.heard == {("127.0.0.1", "dying_gasp"): 1}, pause=0.05)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_v3_traps_come_from_engines_never_seen_before(
    listening: Listening, eventually: Eventually, user: Credential
) -> None:
    listening.send("snmptrap", *options(user))
    listening.send("snmptrap", *options(user), "-e", "0x80001f8804756e6b6e6f776e")
    listening.send("snmptrap", *options(user), "-e", "0x80001f8804756e6b6e6f776e")
    eventually(lambda: listening.heard["127.0.0.1", "link_down"] == 3, pause=0.05)
    assert not +listening.traps.dropped_by_reason


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_v3_informs_are_acknowledged(listening: Listening, user: Credential) -> None:
    listening.send("snmpinform", *options(user))
    listening.send("snmpinform", *options(user))
    assert listening.heard["127.0.0.1", "link_down"] <= 2
    assert not +listening.traps.dropped_by_reason


def test_v2c_inform_is_acknowledged(listening: Listening, eventually: Eventually) -> None:
    listening.send("snmpinform", "-v2c", "-c", "first")
    eventually(lambda: listening.heard["127.0.0.1", "link_down"] == 1, pause=0.05)


def test_informs_survive_a_restart_of_the_receiver(
    listen: Callable[..., Listening], tmp_path: Path, eventually: Eventually
) -> None:
    """The engine id stays the same and its boots grow, by which senders know that they must synchronise again."""
    identity = tmp_path / "kept" / "engine.json"
    seen = []
    for _ in range(2):
        running = listen(identity)
        running.send("snmpinform", *options(SECRET))
        seen.append(re.findall(r'"engine_id": "([0-9a-f]+)", "boots": (\d+)', identity.read_text())[0])
    assert seen[0][0] == seen[1][0]
    assert [int(boots) for _, boots in seen] == [1, 2]


def test_what_is_not_let_in_is_counted_by_reason(listening: Listening, eventually: Eventually) -> None:
    wrong = {
        "community": ["-v2c", "-c", "neither"],
        "v3_user": options(user("nobody", "SHA", "has-no-password")),
        "v3_password": options(user("signed", "SHA", "not-the-password")),
        "v3_level": ["-v3", "-u", "secret", "-l", "noAuthNoPriv"],
    }
    for words in wrong.values():
        listening.send("snmptrap", *words)
    listening.send("snmptrap", *options(user("secret", "SHA256", "of-the-secret", "AES", "not-its-key")))
    dropped = listening.traps.dropped_by_reason
    expected = Counter({**dict.fromkeys(wrong, 1), "v3_password": 2})
    eventually(lambda: +dropped == expected, pause=0.05)
    listening.send("snmpinform", "-v2c", "-c", "neither", "-t", "1", expect=1)
    listening.send("snmpinform", *options(user("signed", "SHA", "not-the-password")), expect=1)
    assert not listening.heard


def test_unknown_sources_are_counted_and_dropped(listening: Listening, eventually: Eventually) -> None:
    there = (f"--clientaddr={ELSEWHERE}", "-v2c", "-c", "first")
    listening.send("snmptrap", *there)
    eventually(lambda: listening.traps.dropped_by_reason["unknown_source"] == 1, pause=0.05)
    listening.know("127.0.0.1", ELSEWHERE)
    listening.send("snmpinform", *there)
    eventually(lambda: listening.heard == {(ELSEWHERE, "link_down"): 1}, pause=0.05)


def test_a_relay_is_believed_about_whose_it_is(listen: Callable[..., Listening], eventually: Eventually) -> None:
    listening = listen(relays=("127.0.0.1",))
    listening.know(ELSEWHERE)
    v1 = ("1.3.6.1.4.1.1", ELSEWHERE, "2", "0", "")
    listening.send("snmptrap", "-v1", "-c", "first", what=v1)
    listening.send("snmptrap", "-v2c", "-c", "first", what=("", LINK_DOWN, "1.3.6.1.6.3.18.1.3.0", "a", ELSEWHERE))
    eventually(lambda: listening.heard == {(ELSEWHERE, "link_down"): 2}, pause=0.05)
    listening.send("snmptrap", "-v1", "-c", "first", what=(v1[0], "192.0.2.9", *v1[2:]))
    listening.send("snmptrap", "-v2c", "-c", "first")
    eventually(lambda: listening.traps.dropped_by_reason["unknown_source"] == 2, pause=0.05)


def test_nobody_else_is_believed_about_whose_it_is(listening: Listening, eventually: Eventually) -> None:
    listening.know("127.0.0.1", ELSEWHERE)
    listening.send("snmptrap", "-v1", "-c", "first", what=("1.3.6.1.4.1.1", ELSEWHERE, "2", "0", ""))
    eventually(lambda: listening.heard == {("127.0.0.1", "link_down"): 1}, pause=0.05)


def test_a_storm_is_dropped_unread(listen: Callable[..., Listening], packet: bytes, eventually: Eventually) -> None:
    listening = listen(packets_per_second=0.01, burst=20)
    dropped = listening.traps.dropped_by_reason
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", listening.traps.port))
        sent = [sender.send(packet) for _ in range(5000)]

        def is_accounted_for() -> bool:
            """What the kernel had no room for is told with the next packet, so there is one more each time."""
            sent.append(sender.send(packet))
            time.sleep(0.2)
            return listening.heard.total() + dropped["rate"] + dropped["overload"] == len(sent)

        eventually(is_accounted_for, pause=0.05)
    assert 20 <= listening.heard.total() <= 21


def test_malformed_packets_are_counted_and_harm_nobody(
    listen: Callable[..., Listening], packet: bytes, eventually: Eventually
) -> None:
    listening = listen(burst=1000)
    chance = random.Random(7)
    bad = [b"", b"\x30", b"\x30\x80", b"0" * 20_000, b"\x30\x84\xff\xff\xff\xff", packet[:-3], packet[:7]]
    bad += [bytes(chance.randrange(256) for _ in range(chance.randrange(1, 90))) for _ in range(100)]
    bad += [b"\x30\x82\x01\x00" * 64, b"\x30\x80" * 2_000]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in bad:
            sender.sendto(data, ("127.0.0.1", listening.traps.port))
    eventually(lambda: listening.traps.dropped_by_reason["bad_packet"] == len(bad), pause=0.05)
    listening.send("snmpinform", "-v2c", "-c", "first")
    assert listening.traps.restarts == 0


def test_mutated_packets_never_end_the_worker(
    listen: Callable[..., Listening], packet: bytes, eventually: Eventually
) -> None:
    listening = listen(burst=1000)
    chance = random.Random(11)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(300):
            data = bytearray(packet)
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(1, len(data))] = chance.randrange(256)
            sender.sendto(data, ("127.0.0.1", listening.traps.port))
    dropped = listening.traps.dropped_by_reason
    eventually(lambda: listening.heard.total() + dropped.total() == 300, pause=0.05)
    assert listening.traps.restarts == 0


def test_a_worker_that_dies_is_replaced_and_nothing_queued_is_lost(
    listening: Listening, eventually: Eventually
) -> None:
    listening.send("snmpinform", "-v2c", "-c", "first")
    worker = listening.traps.worker
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    eventually(lambda: listening.traps.restarts == 1, pause=0.05)
    listening.send("snmptrap", "-v2c", "-c", "first")
    eventually(lambda: listening.heard["127.0.0.1", "link_down"] == 2, pause=0.05)


def test_secrets_are_in_no_command_line(listening: Listening) -> None:
    listening.send("snmpinform", "-v2c", "-c", "first")
    assert listening.traps.worker is not None
    folder = Path(f"/proc/{listening.traps.worker.pid}")
    shown = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
    for secret in (b"first", b"second", b"of-the-secret", b"and-its-key"):
        assert secret not in shown


def test_a_port_in_use_is_told(free_port: Callable[[], int], tmp_path: Path) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        traps = Traps(TrapSettings("127.0.0.1", port), COMMUNITIES, tmp_path / "e", lambda *_: None)
        with pytest.raises(TrapPortError) as told:
            traps.open()
    assert str(told.value) == (
        f"cannot hear traps on udp 127.0.0.1 port {port}: the port is in use; "
        "stop the other program (snmptrapd?) or change [traps] port"
    )


def test_an_address_of_another_host_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrapPortError, match=r"Cannot assign requested address; change \[traps\] address"):
        Traps(TrapSettings("192.0.2.1", 0), COMMUNITIES, tmp_path / "e", lambda *_: None).open()


def test_ipv4_and_ipv6_on_one_socket(tmp_path: Path, listen: Callable[..., Listening], eventually: Eventually) -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").read_text().strip():
        pytest.skip("this host has no IPv6")
    listening = Listening(tmp_path / "six.json", TrapSettings("::", 0))
    try:
        listening.know("127.0.0.1", "::1")
        listening.send("snmpinform", "-v2c", "-c", "first")
        listening.send("snmpinform", *options(SECRET), to=f"udp6:[::1]:{listening.traps.port}")
        eventually(lambda: listening.heard == {("127.0.0.1", "link_down"): 1, ("::1", "link_down"): 1}, pause=0.05)
    finally:
        listening.close()


def test_dying_gasps_are_told_by_rfc_4878() -> None:
    event = {"1.3.6.1.6.3.1.1.4.1.0": "1.3.6.1.2.1.158.0.2"}
    log = "1.3.6.1.2.1.158.1.6.1"
    assert kind_of(event | {f"{log}.4.3.9": 257, f"{log}.5.3.9": 1}) == "dying_gasp"
    assert kind_of(event | {f"{log}.4.3.9": 257, f"{log}.5.3.9": 2}) == "other", "of the far end"
    assert kind_of(event | {f"{log}.4.3.9": 256, f"{log}.5.3.9": 1}) == "other", "a link fault"
    assert kind_of({}) is None
    assert {kind_of({"1.3.6.1.6.3.1.1.4.1.0": oid}) for oid in NOTIFICATIONS} | {"dying_gasp", "other"} == set(KINDS)
