"""The collector's HTTP: /metrics, /probe, /-/healthy, /-/ready and a landing page, on the event loop."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from bairro_error import BairroError
from collector.publish.exposition.gzip_chunks import Piece, gzip, plain
from collector.publish.web.connection_limits import Place, Places
from collector.publish.web.listener import Listener

if TYPE_CHECKING:
    from collector.publish.web.guard import Guard

log = logging.getLogger(__name__)

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"

LARGEST_REQUEST = 16_384
IDLE_SECONDS = 75.0
"""How long a connection may wait for its next request; its first one must come as fast as any."""
REQUEST_SECONDS = 10.0
"""In which a request must have come whole, and an answer be taken."""
COMPRESS_FROM = 1_024
SERVED_IN_A_TURN = 16
"""So many connections at most are served in one turn of the event loop, so that polls and newcomers have theirs too."""
CHUNK = 65_536
"""Bytes that a connection is given in one turn, and that may wait in memory for a client to take them."""


class PortInUseError(BairroError, OSError):
    """The address of ``[web]`` is taken or not this host's; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a handler answers. A large body comes in pieces, so that none of them holds the loop for long."""

    body: bytes | Sequence[Piece]
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = PLAIN
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def pieces(self) -> Sequence[Piece]:
        return (self.body,) if isinstance(self.body, bytes) else self.body

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))


def text(body: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A line or two of plain text."""
    return Response(body.encode(), status)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for: ``headers`` by their names in lower case, ``query`` with the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    version: str

    @property
    def keeps_alive(self) -> bool:
        """Whether another request may follow on the connection."""
        # A body is never read, so what follows one could not be told from the next request.
        if "content-length" in self.headers or "transfer-encoding" in self.headers:
            return False
        return self.version == "HTTP/1.1" and self.headers.get("connection", "").lower() != "close"

    @property
    def takes_gzip(self) -> bool:
        """Whether the answer may be gzip."""
        return "gzip" in self.headers.get("accept-encoding", "")


Handler = Callable[[Request], Awaitable[Response]]


class WebServer:
    """A small HTTP/1.1 server: GET and HEAD, keep-alive, gzip level 1, strict limits on everything.

    A request must come whole within REQUEST_SECONDS, of at most LARGEST_REQUEST bytes; a body is never read. Where
    ``places`` are short the connection that has waited for longest makes way.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        guard: Guard | None = None,
        places: Places | None = None,
        *,
        costly: Collection[str] = (),
    ) -> None:
        """``guard`` stands before every path, those of health too; without one everybody may read.

        ``costly`` paths are refused while most places are at work, so that the others always have room.
        """
        self.places = places or Places()
        self._handlers = handlers
        self._guard = guard
        self._costly = costly
        self._server: Listener | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(SERVED_IN_A_TURN)

    async def open(self, address: str, port: int) -> None:
        """Listen. Raises PortInUseError."""
        try:
            self._server = await self._listen(address, port)
        except OSError as error:
            reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
            raise PortInUseError(
                f"cannot serve {self.scheme}://{address}:{port}: {reason}; stop the other program or change [web] port"
            ) from error

    async def _listen(self, address: str, port: int) -> Listener:
        guard = self._guard
        context = guard.context if guard is not None and guard.speaks_tls else None
        listener = Listener(self._serve, context, self.places, largest_request=LARGEST_REQUEST)
        await listener.open(address, port)
        return listener

    @property
    def scheme(self) -> str:
        """``https`` where the guard speaks TLS."""
        return "https" if self._guard is not None and self._guard.speaks_tls else "http"

    @property
    def port(self) -> int:
        """The port that it listens on, where 0 was asked for."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end the connections."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: Place) -> None:
        task = asyncio.current_task()
        assert task is not None
        if not self._lets_in(writer):
            place.leave()
            writer.close()
            return
        place.let_go = writer.transport.abort
        self._connections.add(task)
        has_asked = False
        try:
            while await self._answer_one(reader, writer, place, has_asked=has_asked):
                place.rest()
                has_asked = True
        except TimeoutError:
            self.places.ended["slow"] += 1
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            place.leave()
            writer.close()

    def _lets_in(self, writer: asyncio.StreamWriter) -> bool:
        """Whether the client's certificate, where one is wanted, has one of the names that are."""
        return self._guard is None or self._guard.allows(writer.get_extra_info("peercert"))

    async def _answer_one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: Place, *, has_asked: bool
    ) -> bool:
        """Answer one request, the first one unless it ``has_asked``; False ends the connection."""
        try:
            async with asyncio.timeout(IDLE_SECONDS if has_asked else REQUEST_SECONDS):
                begun = await reader.readexactly(1)
        except TimeoutError:
            if has_asked:
                return False
            raise
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                raw = begun + await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            await self._send(
                writer, place, text("the request is too large\n", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            )
            return False
        if has_asked:
            await self._turn()
        place.work()
        request = _parse(raw)
        if request is None:
            await self._send(writer, place, text("not an HTTP/1 request\n", HTTPStatus.BAD_REQUEST))
            return False
        response = await self._guarded(request, place)
        if request.takes_gzip and response.size >= COMPRESS_FROM and "Content-Encoding" not in response.headers:
            response = await compress(response)
        await self._send(writer, place, response, is_head=request.method == "HEAD", keeps=request.keeps_alive)
        return request.keeps_alive

    async def _turn(self) -> None:
        """Wait for a turn of the event loop in which few others are served: newcomers come first."""
        async with self._turns:
            await asyncio.sleep(0)

    async def _guarded(self, request: Request, place: Place) -> Response:
        if self._guard is None:
            return await self._respond(request, place)
        refusal = await self._guard.refuse(request)
        return self._guard.dress(refusal or await self._respond(request, place))

    async def _respond(self, request: Request, place: Place) -> Response:
        if request.method not in ("GET", "HEAD"):
            return text("only GET and HEAD\n", HTTPStatus.METHOD_NOT_ALLOWED)
        handler = self._handlers.get(request.path)
        if handler is None:
            known = " ".join(sorted(self._handlers))
            return text(f"there is nothing at this path; there is: {known}\n", HTTPStatus.NOT_FOUND)
        if request.path in self._costly and place.is_crowded:
            told = text("too many requests are being answered; ask again later\n", HTTPStatus.SERVICE_UNAVAILABLE)
            return replace(told, headers={"Retry-After": "5"})
        try:
            return await handler(request)
        except Exception:
            log.exception("GET %s failed", request.path)
            return text("the collector failed on this request; its log says how\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        place: Place,
        response: Response,
        *,
        is_head: bool = False,
        keeps: bool = False,
    ) -> None:
        headers = {
            "Content-Type": response.content_type,
            "Content-Length": str(response.size),
            "Connection": "keep-alive" if keeps else "close",
            "X-Content-Type-Options": "nosniff",
            **response.headers,
        }
        head = f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        async with asyncio.timeout(REQUEST_SECONDS):
            writer.write(head.encode("latin-1") + b"\r\n")
            for chunk in () if is_head else _chunks(response.pieces):
                place.send()
                if len(chunk) >= CHUNK:
                    await self._turn()
                writer.write(chunk)
                await writer.drain()
            # To the last byte: what a client never takes would stay in memory after the connection's place is given back.
            place.send()
            writer.transport.set_write_buffer_limits(0)
            await writer.drain()
            writer.transport.set_write_buffer_limits()


def _parse(raw: bytes) -> Request | None:
    """The request line and headers, or None if they are not HTTP."""
    first, *lines = raw.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[1].startswith("/") or parts[2] not in ("HTTP/1.0", "HTTP/1.1"):
        return None
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    try:
        url = urlsplit(parts[1])
    except ValueError:
        return None
    query = {name: values[-1] for name, values in parse_qs(url.query).items()}
    return Request(parts[0], url.path, query, headers, parts[2])


async def compress(response: Response) -> Response:
    """gzip level 1, in a thread: zlib lets the loop run meanwhile."""
    body = await asyncio.to_thread(gzip, response.pieces)
    vary = ", ".join(filter(None, (response.headers.get("Vary"), "Accept-Encoding")))
    headers = {**response.headers, "Content-Encoding": "gzip", "Vary": vary}
    return Response(body, response.status, response.content_type, headers)


def _chunks(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """The same bytes in portions of about CHUNK."""
    gathered: list[bytes] = []
    size = 0
    for piece in map(plain, pieces):
        for start in range(0, len(piece), CHUNK):
            gathered.append(piece[start : start + CHUNK])
            size += len(gathered[-1])
            if size >= CHUNK:
                yield b"".join(gathered)
                gathered, size = [], 0
    yield b"".join(gathered)
