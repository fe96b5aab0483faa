"""The collector's HTTP server against a real client and against bad ones, and what its paths answer."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from threading import Thread

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from collector.config import MetricsSettings
from collector.publish.exposition.content_negotiation import Form
from collector.publish.exposition.gzip_chunks import Chunk
from collector.publish.exposition.page import Exposition
from collector.publish.exposition.self_metrics import OwnMetrics
from collector.publish.web import listener
from collector.publish.web import server as web
from collector.publish.web.connection_limits import Place
from collector.publish.web.conversation import Conversation
from collector.publish.web.handlers import COSTLY, Site, Status
from collector.publish.web.messages import CHUNK, Request, Response, text
from collector.publish.web.server import PortInUseError, WebServer
from collector.reading import Reading

from ..exposed import own_figures
from ..readings import CPE, answer, silence


class Running:
    """A web server on a loop in a thread of its own, and what the site reads."""

    def __init__(self) -> None:
        self.exposition = Exposition(MetricsSettings(), [CPE])
        self.waits_for = ""
        self.reading = answer(1000.0)
        self.is_blind = False
        site = Site(self.exposition, OwnMetrics(lambda: own_figures(blind=0.0)), probe=self.probe, status=self.status)
        more = ("broken", "large", "huge", "slow", "counted")
        self.server = WebServer(
            {**site.handlers(), **{f"/{name}": getattr(self, name) for name in more}}, costly=COSTLY
        )
        self.count = 0
        self.released = asyncio.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.server.open("127.0.0.1", 0), self.loop).result(10)

    async def probe(self, device_id: str) -> Reading | None:
        if device_id != CPE.device_id:
            return None
        self.exposition.update(self.reading, restarted=False, traffic=None)
        return self.reading

    async def broken(self, _request: Request) -> Response:
        raise RuntimeError("secret words")

    async def slow(self, _request: Request) -> Response:
        await self.released.wait()
        return text("at last\n")

    async def counted(self, _request: Request) -> Response:
        self.count += 1
        return text(f"{self.count}\n")

    async def large(self, _request: Request) -> Response:
        return text("x" * 3_000_000)

    async def huge(self, _request: Request) -> Response:
        return Response([b"x" * 1_000_000] * 40)

    def status(self) -> Status:
        return Status(self.waits_for, self.is_blind, 1, {"up": 1}, 60.0, 2, ("<b>no ping</b>",))

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        found = reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
        connection.close()
        return found

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), 30, (source, 0))

    def ended(self, *pieces: bytes) -> bytes:
        """As `raw`, of a connection that the server may also reset."""
        try:
            return self.raw(*pieces)
        except ConnectionResetError:
            return b""

    def raw(self, *pieces: bytes) -> bytes:
        """Send bytes as they are and read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as connection:
            for piece in pieces:
                connection.sendall(piece)
            connection.settimeout(10)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received


def whole(connection: socket.socket) -> bytes:
    """One answer, of which head and body may come one after the other."""
    received = b""
    while b"\r\n\r\n" not in received or received.endswith(b"\r\n\r\n"):
        chunk = connection.recv(65536)
        assert chunk, "the connection ended before the answer did"
        received += chunk
    return received


def asked(connection: socket.socket) -> bytes:
    connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
    return whole(connection)


def trickle(connection: socket.socket, *, pieces: int) -> None:
    for _ in range(pieces):
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.fixture
def running() -> Iterator[Running]:
    server = Running()
    yield server
    server.close()


def test_metrics(running: Running) -> None:
    running.exposition.update(answer(1000.0), restarted=False, traffic=None)
    status, headers, body = running.get("/metrics")
    assert status == 200
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert int(headers["content-length"]) == len(body)
    assert b'bairro_device_up{device="cpe-1"} 1.0\n' in body
    assert b"bairro_collector_blind 0.0\n" in body
    assert b"process_cpu_seconds_total" in body
    assert "content-encoding" not in headers


def test_metrics_in_gzip_are_the_same(running: Running) -> None:
    plain = running.get("/metrics")[2]
    _, headers, packed = running.get("/metrics", Accept_Encoding="deflate, gzip;q=0.5")
    assert headers["content-encoding"] == "gzip"
    without_process = [line for line in gzip.decompress(packed).splitlines() if b"process_" not in line]
    assert without_process == [line for line in plain.splitlines() if b"process_" not in line]
    assert "content-encoding" not in running.get("/-/healthy", Accept_Encoding="gzip")[1]


@pytest.mark.parametrize("path", ["/metrics", "/probe?target=cpe-1"])
def test_openmetrics_for_who_asks_for_it(running: Running, path: str) -> None:
    running.exposition.update(answer(1000.0), restarted=False, traffic=None)
    _, headers, body = running.get(path, Accept="application/openmetrics-text; version=1.0.0", Accept_Encoding="gzip")
    assert headers["content-type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert headers["vary"] == "Accept, Accept-Encoding"
    found = {
        family.name: family.type
        for family in openmetrics.text_string_to_metric_families(gzip.decompress(body).decode())
    }
    assert found["bairro_device_up"] == "gauge"
    assert found["bairro_polls"] == "counter"
    assert found["bairro_device"] == "info"


def test_readiness(running: Running) -> None:
    assert running.get("/-/ready")[::2] == (200, b"ready\n")
    running.waits_for = "3 devices have not been polled yet"
    assert running.get("/-/ready")[::2] == (503, b"not ready: 3 devices have not been polled yet\n")
    assert running.get("/-/healthy")[::2] == (200, b"healthy\n")


def test_probe(running: Running) -> None:
    status, _, body = running.get("/probe?target=cpe-1")
    assert status == 200
    assert b'bairro_device_up{device="cpe-1"} 1.0\n' in body
    assert b"bairro_probe_success 1.0\n" in body
    running.reading = silence(1060.0)
    assert b"bairro_probe_success 0.0\n" in running.get("/probe?target=cpe-1")[2]


def test_probe_refuses_whom_the_inventory_does_not_have(running: Running) -> None:
    status, _, body = running.get("/probe?target=192.0.2.1")
    assert status == 404
    assert body == b"'192.0.2.1' is not in the inventory; only devices of the inventory are polled\n"
    assert running.get("/probe")[::2] == (400, b"say which device: /probe?target=DEVICE_ID\n")


def test_landing_page(running: Running) -> None:
    status, headers, body = running.get("/")
    page = body.decode()
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<dt>devices</dt><dd>1</dd>" in page
    assert 'href="/metrics"' in page
    assert "&lt;b&gt;no ping" in page
    assert "2 problems" in page
    assert "doubts its own connection" not in page
    running.is_blind = True
    assert "doubts its own connection" in running.get("/")[2].decode()


def test_head_has_no_body(running: Running) -> None:
    status, headers, body = running.get("/-/healthy", method="HEAD")
    assert (status, headers["content-length"], body) == (200, "8", b"")


def test_connection_is_kept_for_the_next_scrape(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.server.port, timeout=10)
    ports = []
    for _ in range(3):
        connection.request("GET", "/-/healthy")
        assert connection.getresponse().read() == b"healthy\n"
        ports.append(connection.sock.getsockname()[1])
    connection.close()
    assert len(set(ports)) == 1


def test_many_scrapers_at_once(running: Running) -> None:
    bodies: list[bytes] = []
    threads = [Thread(target=lambda: bodies.append(running.get("/large")[2])) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [len(body) for body in bodies] == [3_000_000] * 16


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /metrics HTTP/3\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET metrics HTTP/1.1\r\nHost: x\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000 + b"\r\n\r\n", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
        (b"DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", HTTPStatus.METHOD_NOT_ALLOWED),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", HTTPStatus.METHOD_NOT_ALLOWED),
        (b"GET /nowhere HTTP/1.0\r\n\r\n", HTTPStatus.NOT_FOUND),
        (b"GET /../etc/passwd HTTP/1.0\r\n\r\n", HTTPStatus.NOT_FOUND),
    ],
)
def test_bad_requests(running: Running, request_bytes: bytes, status: HTTPStatus) -> None:
    answered = running.raw(request_bytes)
    assert answered.startswith(f"HTTP/1.1 {status.value} ".encode())
    assert answered.count(b"HTTP/1.1") == 1
    assert running.get("/-/healthy")[0] == 200


def test_a_fault_in_a_handler_is_logged_and_not_told(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    status, _, body = running.get("/broken")
    assert status == 500
    assert b"secret" not in body
    assert "secret words" in caplog.text
    assert running.get("/-/healthy")[0] == 200


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /metr", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_request_that_does_not_come_whole_is_ended(
    running: Running, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 0.3)
    assert running.ended(begun) == b""
    assert running.server.places.ended["slow"] == 1


def test_a_request_that_trickles_in_is_ended(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte in time, the whole not."""
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 0.5)
    with running.connect() as connection, pytest.raises((ConnectionResetError, BrokenPipeError)):
        trickle(connection, pieces=600)


def test_who_asks_for_nothing_more_is_let_go(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "IDLE_SECONDS", 0.3)
    assert running.ended(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"healthy\n")
    assert running.server.places.ended["slow"] == 0


def test_who_does_not_take_an_answer_is_ended(running: Running, monkeypatch: pytest.MonkeyPatch, eventually) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 0.5)
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /huge HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        eventually(lambda: running.server.places.ended["slow"] == 1, 30)
        assert not running.server.places.held


def test_the_oldest_idle_connection_makes_way(running: Running) -> None:
    running.server.places.most = 3
    held = [running.connect() for _ in range(3)]
    for connection in (held[0], held[1], held[2], held[0]):  # the first one has asked last
        assert asked(connection).endswith(b"healthy\n")
    assert running.get("/-/healthy")[0] == 200
    assert held[1].recv(1) == b""
    for connection in (held[0], held[2]):
        assert asked(connection).endswith(b"healthy\n")
    for connection in held:
        connection.close()


def test_a_source_has_its_own_connections_make_way(running: Running) -> None:
    running.server.places.most_of_source = 2
    other = running.connect("127.0.0.9")
    held = [running.connect() for _ in range(3)]
    assert held[0].recv(1) == b""
    for connection in (other, *held[1:]):
        assert asked(connection).endswith(b"healthy\n")
    for connection in (other, *held):
        connection.close()
    assert running.server.places.ended["source_crowded"] == 1


def test_where_all_are_at_work_a_newcomer_is_turned_away(running: Running, eventually) -> None:
    running.server.places.most = 1
    with running.connect() as busy:
        busy.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        eventually(lambda: running.server.places.held and not running.server.places.idle, 30)
        assert running.ended(b"") == b""
        running.loop.call_soon_threadsafe(running.released.set)
        assert whole(busy).endswith(b"at last\n")
    eventually(lambda: not running.server.places.held, 30)
    assert running.get("/-/healthy")[0] == 200


def test_a_newcomer_does_not_wait_for_what_others_ask_for_in_advance(running: Running) -> None:
    """It is answered after few of their requests, not after all that have come."""
    in_advance = b"GET /counted HTTP/1.1\r\nHost: x\r\n\r\n" * 300
    held = [running.connect(f"127.0.1.{number}") for number in range(1, 61)]
    for connection in held:
        connection.sendall(in_advance)
    answers = []
    for _ in range(5):
        before = running.count
        answers.append((before, int(running.get("/counted")[2])))
    assert all(answered - before < 60 * 300 / 4 for before, answered in answers), answers
    for connection in held:
        connection.close()


def test_many_who_ask_for_metrics_share_a_page(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    really = running.exposition.pieces

    async def slowly(form: Form) -> list[Chunk]:
        made.append(form)
        while len(running.server.places.idle) > 1:  # until all but who comes next have asked
            await asyncio.sleep(0.01)
        return await really(form)

    monkeypatch.setattr(running.exposition, "pieces", slowly)
    held = [running.connect(f"127.0.1.{number}") for number in range(1, 61)]
    for connection in held:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for connection in held:
        assert whole(connection).startswith(b"HTTP/1.1 200 OK")
        connection.close()
    assert len(made) <= 2


def test_what_is_costly_is_refused_while_most_places_are_at_work(running: Running, eventually) -> None:
    running.server.places.most = 4
    held = [running.connect() for _ in range(3)]
    for connection in held:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    eventually(lambda: len(running.server.places.held) == 3 and not running.server.places.idle, 30)
    status, headers, body = running.get("/metrics")
    assert (status, body) == (503, b"too many requests are being answered; ask again later\n")
    assert headers["retry-after"] == "5"
    assert running.get("/-/healthy")[0] == 200
    running.loop.call_soon_threadsafe(running.released.set)
    assert all(whole(connection).endswith(b"at last\n") for connection in held)
    for connection in held:
        connection.close()


def test_little_of_an_answer_that_is_not_taken_waits_in_memory(running: Running, eventually) -> None:
    transports: list[asyncio.WriteTransport] = []
    really = running.server._converse

    async def converse(client: Conversation, place: Place) -> None:
        transports.append(client._writer.transport)
        await really(client, place)

    running.server._converse = converse  # type: ignore[method-assign]
    with running.connect() as connection:
        connection.sendall(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: transports and transports[0].get_write_buffer_size() > 0, 30)
        assert transports[0].get_write_buffer_size() <= 3 * CHUNK


def test_a_port_in_use_is_told(free_port: Callable[[], int]) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(PortInUseError) as told:
            asyncio.run(WebServer({}).open("127.0.0.1", port))
    assert str(told.value) == (
        f"cannot serve http://127.0.0.1:{port}: the port is in use; stop the other program or change [web] port"
    )
