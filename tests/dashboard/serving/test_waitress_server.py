"""The server against people who send half a request, none, too much or nonsense: whoever asks properly is answered."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from urllib.request import urlopen

import pytest

from dashboard.serving import waitress_server
from dashboard.serving.gate import MOST_BODY_BYTES

HEAD = b"POST /_dash-update-component HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
HALVES = (
    b"G",
    b"GET / HTTP/1.1\r\nHost: 127",
    HEAD + b"Content-Length: 1000\r\n\r\n",
    HEAD + b"Content-Length: 9\r\n\r\n{",
)
HELD = 500


def address(url: str) -> tuple[str, int]:
    return "127.0.0.1", int(url.rpartition(":")[2])


@contextlib.contextmanager
def held(url: str, beginnings: tuple[bytes, ...]) -> Iterator[list[socket.socket]]:
    """Connections that each have sent one of ``beginnings`` and stay open."""
    with contextlib.ExitStack() as stack:
        made = []
        for i in range(HELD):
            made.append(stack.enter_context(socket.create_connection(address(url), timeout=20)))
            made[-1].sendall(beginnings[i % len(beginnings)])
        yield made


def ask(url: str, request: bytes) -> bytes:
    with socket.create_connection(address(url), timeout=20) as one:
        one.sendall(request)
        return one.recv(65_536)


@pytest.mark.parametrize("beginnings", [HALVES, (b"",)], ids=["half sent", "idle"])
def test_requests_that_do_not_come_stop_nobody(served, beginnings):
    url, _ = served
    with held(url, beginnings) as connections:
        for _ in range(5):
            assert urlopen(f"{url}/-/healthy", timeout=20).read() == b"healthy\n"
        assert urlopen(f"{url}/areas", timeout=20).status == 200
        assert b"excess" in urlopen(f"{url}/areas.csv", timeout=20).read()
        rest = connections[1]
        rest.sendall(
            b"GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" if beginnings == (b"",) else b".0.0.1\r\n\r\n"
        )
        assert rest.recv(4096).startswith(b"HTTP/1.1 200"), "a request that comes late is answered too"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
        (HEAD + b"Content-Length: 300000000\r\n\r\n", b"413"),
        (HEAD + b"Content-Length: %d\r\n\r\n" % (MOST_BODY_BYTES + 1), b"413"),
        (HEAD + b"Content-Length: minus\r\n\r\n", b"400"),
    ],
)
def test_broken_requests_are_refused_with_the_headers_of_every_answer(served, request_, status):
    url, _ = served
    answer = ask(url, request_)
    assert answer.split(b" ")[1] == status
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in answer
    assert b"\r\nContent-Security-Policy: default-src 'none';" in answer


def test_a_body_in_chunks_has_the_same_limit(served):
    url, _ = served
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with socket.create_connection(address(url), timeout=20) as one, contextlib.suppress(ConnectionError):
        one.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(8):
                one.sendall(chunk)
        assert one.recv(4096).split(b" ")[1] == b"413"


@pytest.fixture
def small(free_port) -> Iterator[Callable[[float], tuple[waitress_server._Server, int]]]:
    """A server in this process that takes 20 connections, whose loop the test turns by hand."""
    made: list[waitress_server._Server] = []

    def start(quiet_seconds: float) -> tuple[waitress_server._Server, int]:
        port = free_port()
        listener = socket.create_server(("127.0.0.1", port), backlog=100)

        def application(_, start_response):
            start_response("200 OK", [("Content-Length", "2")])
            return [b"ok"]

        one = waitress_server._make(application, listener, MOST_BODY_BYTES)
        one.adj.connection_limit, one.adj.channel_timeout = 20 + waitress_server.SPARE_CONNECTIONS, quiet_seconds
        made.append(one)
        return one, port

    yield start
    for one in made:
        one.task_dispatcher.shutdown()
        one.close()


def turn(one: waitress_server._Server, times: int = 1) -> None:
    one.asyncore.loop(timeout=0.05, use_poll=True, map=one._map, count=times)


def test_where_there_are_too_many_the_one_that_is_quiet_for_longest_goes(small):
    one, port = small(60)
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(40):
            connections.append(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
            turn(one, 3)
        assert len(one.active_channels) <= 21
        for connection in connections[:15]:
            connection.settimeout(5)
            assert connection.recv(1) == b"", "the oldest were closed"
        newest = connections[-1]
        newest.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 20
        newest.settimeout(0.05)
        while time.monotonic() < deadline:
            turn(one)
            with contextlib.suppress(TimeoutError):
                assert newest.recv(4096).startswith(b"HTTP/1.1 200")
                break
        else:
            pytest.fail("the newest was not answered")


def test_a_request_that_trickles_in_is_cut_off_in_time(small):
    one, port = small(3600)
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET / HT")
        while not any(channel.request for channel in one.active_channels.values()):
            turn(one)
        (channel,) = one.active_channels.values()
        one.maintenance(channel.began + waitress_server.QUIET_SECONDS - 1)
        assert not channel.will_close
        slow.sendall(b"TP/1.1")
        turn(one, 3)
        one.maintenance(channel.began + waitress_server.QUIET_SECONDS + 1)
        assert channel.will_close


def refuse(*_):
    raise PermissionError


def test_it_holds_as_many_connections_as_the_system_lets_it(monkeypatch):
    raised = []
    monkeypatch.setattr(waitress_server.resource, "setrlimit", lambda _, limits: raised.append(limits))
    monkeypatch.setattr(waitress_server.resource, "getrlimit", lambda _: (1024, 1_048_576))
    assert waitress_server._connection_limit() == waitress_server.MOST_CONNECTIONS
    assert raised == [(waitress_server.MOST_CONNECTIONS + waitress_server.OWN_DESCRIPTORS, 1_048_576)]
    monkeypatch.setattr(waitress_server.resource, "setrlimit", refuse)
    assert waitress_server._connection_limit() == 1024 - waitress_server.OWN_DESCRIPTORS, "where a sandbox forbids it"
    monkeypatch.setattr(waitress_server.resource, "getrlimit", lambda _: (1024, 1024))
    assert waitress_server._connection_limit() == 1024 - waitress_server.OWN_DESCRIPTORS
