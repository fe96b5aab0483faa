"""HTTP/1.1 with one client (RFC 9112): h11 reads and writes it, this says what is taken and how much."""

from __future__ import annotations

import asyncio
import contextlib
import re
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import h11

from collector.publish.web.messages import Request, Response, text

LARGEST_REQUEST = 16_384
MOST_LINES = 128
"""Of a request's head: each costs time."""
LINGER_SECONDS = 1.0
_BLANK_LINE = re.compile(rb"\n\r?\n")
_PATH = re.compile(r"/[\w.~!$&'()*+,;=:@/%-]*", re.ASCII)
_HOST = re.compile(r"[\w.~!$&'()*+,;=:%\[\]-]*", re.ASCII)


class MalformedError(Exception):
    """What came is no request that can be answered; ``response`` says why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.response = text(f"{reason}\n", status)


class Conversation:
    """Requests from one client and the answers, one after the other. Bodies are never read: their connection ends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._unread = b""
        self._http = h11.Connection(h11.SERVER)
        self._is_whole = True
        self._head_of_answer = b""

    async def begins(self) -> bool:
        """Wait for a request to begin, after empty lines (RFC 9112, 2.2); False where the client has ended instead."""
        while not (unread := self._unread.lstrip(b"\r\n")):
            self._unread = await self._reader.read(LARGEST_REQUEST)
            if not self._unread:
                return False
        self._unread = unread
        return True

    @property
    def has_asked_again(self) -> bool:
        """Whether something of the next request came with the last one."""
        return bool(self._unread.strip(b"\r\n"))

    async def request(self) -> Request:
        """The rest of it. Raises MalformedError, and asyncio.IncompleteReadError where the client ended within it."""
        self._is_whole = False
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_REQUEST)
        try:
            head = await self._head()
            headers = _joined(head)
            has_ended = not _brings_more(head, headers) and isinstance(self._http.next_event(), h11.EndOfMessage)
        except h11.RemoteProtocolError as error:
            raise MalformedError(HTTPStatus(error.error_status_hint), f"not a valid request: {error}") from None
        self._unread = self._http.trailing_data[0]
        request = _understood(head, headers)
        self._is_whole = has_ended
        return request

    async def _head(self) -> h11.Request:
        taken = received = self._unread
        while True:
            if taken.count(b"\n") > MOST_LINES and _BLANK_LINE.split(taken, 1)[0].count(b"\n") > MOST_LINES:
                raise MalformedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request has too many lines")
            self._http.receive_data(received)
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                return event
            if len(taken) >= LARGEST_REQUEST:
                raise _too_large(taken)
            received = await self._reader.read(LARGEST_REQUEST - len(taken))
            if not received:
                raise asyncio.IncompleteReadError(taken, None)
            taken += received

    def begin(self, response: Response) -> None:
        """Take the head of an answer; it goes out with what follows."""
        headers = {
            "Date": formatdate(usegmt=True),
            "Content-Type": response.content_type,
            "Content-Length": str(response.size),
            "X-Content-Type-Options": "nosniff",
            **response.headers,
        }
        if not self._is_whole:
            headers["Connection"] = "close"
        status, reason = response.status.value, response.status.phrase.encode()
        event = h11.Response(status_code=status, reason=reason, headers=list(headers.items()))
        self._head_of_answer = self._http.send(event) or b""

    async def send(self, chunk: bytes) -> None:
        """Send some of its body, and wait while the client is slow to take it."""
        await self._write(h11.Data(data=chunk))

    async def end(self) -> bool:
        """Wait until all of it is taken. Whether another request may follow."""
        await self._write(h11.EndOfMessage())
        # To the last byte: what a client never takes would stay in memory after the connection's place is given back.
        self._writer.transport.set_write_buffer_limits(0)
        await self._writer.drain()
        self._writer.transport.set_write_buffer_limits()
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def linger(self) -> None:
        """Leave a client that has not ended the time to read the answer (RFC 9112, 9.6).

        Closing on data that is unread, or still on its way, would take the answer back.
        """
        if self._reader.at_eof() and not self._unread:
            return
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(LINGER_SECONDS):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(LARGEST_REQUEST):
                    pass

    async def _write(self, event: h11.Event) -> None:
        sent = self._http.send(event)
        if self._head_of_answer or sent:
            self._writer.write(self._head_of_answer + (sent or b""))
            self._head_of_answer = b""
        await self._writer.drain()


def _too_large(taken: bytes) -> MalformedError:
    if b"\n" not in taken:
        return MalformedError(HTTPStatus.REQUEST_URI_TOO_LONG, "the request line is too long")
    return MalformedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request is too large")


def _joined(head: h11.Request) -> dict[str, str]:
    """Header values by name; those of one name joined as RFC 9110, 5.3 says."""
    found: dict[str, str] = {}
    for name, value in head.headers:
        key, said = name.decode("ascii"), value.decode("latin-1")
        found[key] = f"{found[key]}, {said}" if key in found else said
    return found


def _brings_more(head: h11.Request, headers: dict[str, str]) -> bool:
    """Whether a body follows, or may: after CONNECT clients send what is for somebody else.

    h11 has checked the headers: lengths are digits, and the same where there are several.
    """
    has_length = bool(headers.get("content-length", "").strip("0"))
    return has_length or "transfer-encoding" in headers or head.method == b"CONNECT"


def _understood(head: h11.Request, headers: dict[str, str]) -> Request:
    """Raises MalformedError for another major version, an invalid host or an invalid target."""
    if not head.http_version.startswith(b"1."):
        raise MalformedError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    if not _HOST.fullmatch(headers.get("host", "")):
        raise MalformedError(HTTPStatus.BAD_REQUEST, "not a valid request: Host is not the name of one")
    method, target = head.method.decode("ascii"), head.target.decode("ascii")
    path, query = _split(target) if method in ("GET", "HEAD") else (target, "")
    values = {name: values[-1] for name, values in parse_qs(query).items()}
    return Request(method, path, values, headers)


def _split(target: str) -> tuple[str, str]:
    """Path and query of a target in origin or absolute form (RFC 9112, 3.2). Raises MalformedError."""
    if target.lower().startswith(("http://", "https://")):
        with contextlib.suppress(ValueError):
            url = urlsplit(target)
            target = (url.path or "/") + ("?" + url.query if url.query else "")
    path, _, query = target.partition("?")
    if not _PATH.fullmatch(path) or "#" in query:
        raise MalformedError(HTTPStatus.BAD_REQUEST, "not a valid request: its target is no path")
    return path, query
