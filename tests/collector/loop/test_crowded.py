"""Half-open, idle and pipelining connections by the hundred, against a collector that polls: scrapes go through all the same."""

from __future__ import annotations

import contextlib
import http.client
import resource
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..fleet import CollectorRun, Echoes
from ..publish.certificates import Authority

pytestmark = pytest.mark.slow

HALF_OPEN = IDLE = 500
ROUNDS = 3
SECONDS = 10.0
"""That a scrape may take here, on a machine that does much else; Prometheus gives it ten."""
BEGUN = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
BEGUN_TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"


class Crowd:
    """Connections that are held: ``of`` half-open ones and idle ones, opened again where the collector ended them."""

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext | None,
        sources: int,
        *,
        half_open: int = HALF_OPEN,
        idle: int = IDLE,
        begun: bytes = BEGUN,
    ) -> None:
        self._port, self._context, self._sources = port, context, sources
        self._begun = begun if context is None else BEGUN_TLS
        self._held: list[tuple[bool, socket.socket | None]] = [(n < half_open, None) for n in range(half_open + idle)]

    def fill(self) -> int:
        """How many had to be opened."""
        opened = 0
        for number, (is_half_open, held) in enumerate(self._held):
            if held is None or _is_over(held):
                self._held[number] = (is_half_open, self._open(number, is_half_open))
                opened += 1
        return opened

    def _open(self, number: int, is_half_open: bool) -> socket.socket | None:
        source = (
            "127.0.0.1"
            if self._sources == 1
            else f"127.3.{number % self._sources // 200}.{number % self._sources % 200 + 1}"
        )
        opened = socket.create_connection(("127.0.0.1", self._port), SECONDS, (source, 0))
        with contextlib.suppress(OSError):
            if is_half_open:
                opened.sendall(self._begun)
            elif self._context is not None:
                return self._context.wrap_socket(opened, server_hostname="127.0.0.1")
        return opened

    def close(self) -> None:
        for _, held in self._held:
            if held is not None:
                held.close()


def _is_over(held: socket.socket) -> bool:
    """Whether the other side has ended it."""
    if held.fileno() < 0:
        return True
    held.setblocking(False)
    try:
        return held.recv(4096) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def get(port: int, path: str, context: ssl.SSLContext | None) -> tuple[int, float]:
    """Status, and the seconds that it took, connection and handshake included."""
    began = time.monotonic()
    connection = (
        http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        if context is None
        else http.client.HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=context)
    )
    connection.request("GET", path)
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply.status, time.monotonic() - began


def _counted(text: str, reason: str) -> float:
    (line,) = [line for line in text.splitlines() if f'connections_ended_total{{reason="{reason}"}}' in line]
    return float(line.split()[-1])


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("this system lets a process have too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096 if soft < 4096 else soft, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def run(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[CollectorRun]:
    echoes = Echoes(("core",), free_port())
    collector = CollectorRun(tmp_path, port=free_port())
    collector.write_inventory(f"core,{echoes.addresses['core']},router,centro,,echo:{echoes.port},,,0")
    yield collector
    if collector.process is not None:
        collector.process.kill()
        collector.process.wait()
    echoes.close()


@pytest.mark.parametrize("sources", [1, 250], ids=["the scraper's own source", "250 sources"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_scrapes_go_through_a_crowd(run, tmp_path, many_files, eventually, scheme, sources):
    context, options = None, []
    if scheme == "https":
        authority = Authority(tmp_path)
        authority.sign("server")
        (tmp_path / "web.yml").write_text("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n")
        context, options = (
            ssl.create_default_context(cafile=authority.file),
            ["--web.config.file", tmp_path / "web.yml"],
        )
    run.start(*options)
    eventually(lambda: get(run.port, "/-/ready", context)[0] == 200, 60)
    crowd = Crowd(run.port, context, sources)
    slowest = {"/-/healthy": 0.0, "/metrics": 0.0}
    try:
        assert crowd.fill() == HALF_OPEN + IDLE
        for _ in range(ROUNDS):
            for path, before in slowest.items():
                status, seconds = get(run.port, path, context)
                assert status == 200
                slowest[path] = max(before, seconds)
            crowd.fill()
    finally:
        crowd.close()
    print(f"slowest under {HALF_OPEN + IDLE} connections, {scheme}, from {sources}: {slowest}")
    status, text = run.get("/metrics") if context is None else (200, "")
    assert status == 200
    assert context is not None or _counted(text, "crowded" if sources > 1 else "source_crowded") > 500
    assert run.process.poll() is None
    assert "Traceback" not in run.said()


def test_health_is_told_while_others_pipeline_and_do_not_read(run, many_files, eventually):
    """Sixty sources ask for hundreds of pages in advance and read none, again wherever they are ended."""
    run.start()
    eventually(lambda: get(run.port, "/-/ready", None)[0] == 200, 60)
    asked = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 300
    crowd = Crowd(run.port, None, 60, half_open=120, idle=0, begun=asked)
    slowest = 0.0
    try:
        for _ in range(3 * ROUNDS):
            crowd.fill()
            status, seconds = get(run.port, "/-/healthy", None)
            assert status == 200
            slowest = max(slowest, seconds)
    finally:
        crowd.close()
    print(f"slowest /-/healthy beside pipelined requests: {slowest:.3f} s")
    eventually(lambda: get(run.port, "/metrics", None)[0] == 200, 60)
    assert "Traceback" not in run.said()
