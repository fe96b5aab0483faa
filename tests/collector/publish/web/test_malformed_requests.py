"""Requests that servers have read wrongly: each has one answer or none, and nothing within it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from collector.publish.web import conversation
from collector.publish.web.messages import Request, Response, text
from collector.publish.web.server import WebServer

from .malformed import CASES, HIDDEN, MARKER, Case, get


class Served:
    """A server on a loop in a thread of its own, and what was asked of its paths."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.server = WebServer({"/": self.answer, "/-/healthy": self.answer, "/-/ready": self.answer})
        self.loop = asyncio.new_event_loop()
        self.faults: list[object] = []
        self.loop.set_exception_handler(lambda _, fault: self.faults.append(fault))
        self.thread = Thread(target=self.loop.run_forever)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.server.open("127.0.0.1", 0), self.loop).result(10)

    async def answer(self, request: Request) -> Response:
        self.hosts.append(request.headers.get("host", ""))
        return text("here\n")

    def answers(self, *pieces: bytes) -> list[int]:
        """The statuses of all answers to what is sent; the client asks for nothing more and reads to the end."""
        received = b""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(ConnectionError):  # a server that has answered all it will may be gone by now
                for piece in pieces:
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
            while received_now := connection.recv(65536):
                received += received_now
        return list(statuses(received))

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def statuses(received: bytes) -> Iterator[int]:
    """The status of each answer, one after the other."""
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, _, headers = head.partition(b"\r\n")
        found = http.client.parse_headers(io.BytesIO(headers + b"\r\n\r\n"))
        size = int(found["Content-Length"])
        assert len(rest) >= size
        assert first.startswith(b"HTTP/1.1 ")
        assert found["Date"]
        yield int(first.split()[1])
        received = rest[size:]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    running = Served()
    yield running
    running.close()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_answered_once_and_hides_nothing(served: Served, case: Case) -> None:
    served.hosts.clear()
    answers = served.answers(case.sent + MARKER)
    assert answers
    assert answers[0] in case.statuses
    if answers[0] != 400:
        assert answers[1:] == ([200] if case.goes_on else []), answers
        assert ("marker" in served.hosts) == case.goes_on
    assert "hidden" not in served.hosts
    assert served.answers(get()) == [200]
    assert not served.faults


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_does_not_matter_how_it_is_cut(served: Served, case: Case) -> None:
    """The same in one piece, in two cut anywhere, and byte by byte."""
    whole = served.answers(case.sent)
    for cut in {1, len(case.sent) // 3, len(case.sent) - 1}:
        assert served.answers(case.sent[:cut], case.sent[cut:]) == whole
    if len(case.sent) < 500:
        assert served.answers(*(case.sent[place : place + 1] for place in range(len(case.sent)))) == whole


@pytest.mark.parametrize("sent", [b"", b"\r\n" * 20_000, b"GET", get()[:-1], get(b"X: y")[:-4]], ids=repr)
def test_who_ends_within_a_request_has_no_answer(served: Served, sent: bytes) -> None:
    assert served.answers(sent) == []
    assert served.answers(get()) == [200]


def test_requests_in_advance_are_answered_in_their_order(served: Served) -> None:
    served.hosts.clear()
    hosts = [f"h{number}" for number in range(500)]
    sent = b"".join(get(host=f"Host: {host}\r\n".encode()) for host in hosts)
    assert served.answers(sent) == [200] * 500
    assert served.hosts == hosts


def test_what_a_client_sends_after_its_last_request_does_not_take_the_answer_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its side of the connection, and waits for the client to end the other."""
    monkeypatch.setattr(conversation, "LINGER_SECONDS", 30.0)
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=30) as connection:
        connection.sendall(get(b"Connection: close"))
        received = b""
        while received_now := connection.recv(1):
            received += received_now
        connection.sendall(get())
        connection.sendall(get())
    assert list(statuses(received)) == [200]


def test_what_is_refused_is_said_and_the_client_can_read_it(served: Served) -> None:
    """Though more has come than was read: closing at once would take the answer back."""
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=30) as connection:
        connection.sendall(b"POST /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n" + b"x" * 400_000)
        received = b""
        while received_now := connection.recv(4096):
            received += received_now
    assert list(statuses(received)) == [405]
    assert b"Allow: GET, HEAD" in received
    assert b"Connection: close" in received
    assert received.endswith(b"only GET and HEAD\n")
    assert HIDDEN not in received
