"""Listens, plainly or for TLS: each handshake uses the context in force then, and a client that speaks plain HTTP gets an error that says so."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, cast

from collector.publish.web.connection_limits import NEWCOMERS_IN_A_TURN, Place, Places
from collector.publish.web.conversation import MOST_LINES

log = logging.getLogger(__name__)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Place], Awaitable[None]]

HANDSHAKE_SECONDS = 10.0
"""From the connection's beginning to the end of the handshake."""
SHUTDOWN_SECONDS = 5.0
REQUEST_SECONDS = 10.0
"""In which a request must have come whole, and an answer be taken."""
ACCEPT_AGAIN_SECONDS = 0.1
LINGER_SECONDS = 1.0
LOG_EVERY_SECONDS = 60.0
BACKLOG = 1024
_BLANK_LINE = re.compile(rb"\n\r?\n")
_HANDSHAKE = b"\x16"
_NOT_TLS = b"this port speaks HTTPS, not HTTP\n"
_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_NOT_TLS), _NOT_TLS)
)


class Listener:
    """What ``asyncio.start_server`` is, with a place for each connection and a context asked for at each handshake.

    A connection has its place from its beginning on: who shakes hands for long makes way like who asks for nothing.
    Few are taken in at each turn of the loop, so that what those before have asked for is read before many more come.
    """

    def __init__(
        self,
        serve: Serve,
        context: Callable[[], ssl.SSLContext] | None,
        places: Places,
        *,
        largest_request: int,
    ) -> None:
        self.sockets: list[socket.socket] = []
        self._serve = serve
        self._context = context
        self._places = places
        self._limit = largest_request
        self._accepting: list[asyncio.Task[None]] = []
        self._greeting: set[asyncio.Task[None]] = set()
        self._waiting: dict[socket.socket, Callable[[], None]] = {}
        self._silent_until = 0.0

    async def open(self, address: str, port: int) -> None:
        """Listen on every address that the name has. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, _, _, _, where in dict.fromkeys(found):
                self.sockets.append(socket.create_server(where, family=family, backlog=BACKLOG))
        except OSError:
            self.close()
            raise
        for opened in self.sockets:
            opened.setblocking(False)
            self._accepting.append(asyncio.create_task(self._accept(opened)))

    def close(self) -> None:
        """Stop listening; connections that are being served go on."""
        for task in (*self._accepting, *self._greeting):
            task.cancel()
        for leave in tuple(self._waiting.values()):
            leave()
        for opened in self.sockets:
            opened.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        newcomers = 0
        while True:
            newcomers = (newcomers + 1) % NEWCOMERS_IN_A_TURN
            if not newcomers:
                await asyncio.sleep(0)
            try:
                connection, peer = await loop.sock_accept(listening)
            except OSError:  # no file descriptor left, or a client that has gone already
                await asyncio.sleep(ACCEPT_AGAIN_SECONDS)
                continue
            place = self._places.take(str(peer[0]), _nothing)
            if place is None:
                connection.close()
                continue
            if self._context is None:
                self._wait_for_request(connection, place)
            else:
                self._begin(self._greet(connection, str(peer[0]), place, self._context), connection, place)

    def _greeted(self, connection: socket.socket, place: Place, task: asyncio.Task[None]) -> None:
        """One that is served is asyncio's by now, and stays open."""
        self._greeting.discard(task)
        connection.close()
        if task.cancelled():
            place.leave()
        elif (error := task.exception()) is not None:
            place.leave()
            if not isinstance(error, OSError):
                log.error("a connection could not be taken in", exc_info=error)

    async def _greet(
        self, connection: socket.socket, peer: str, place: Place, context: Callable[[], ssl.SSLContext]
    ) -> None:
        """See what the client speaks, and either serve it, after a handshake, or answer with an error."""
        with connection.dup() as kept:
            try:
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    await _readable(kept)
                    if kept.recv(1, socket.MSG_PEEK) == _HANDSHAKE:
                        handshake = cast(ssl.SSLContext, _Handshake(context(), kept))
                        await self._hand_over(connection, place, handshake)
                        return
                kept.send(_REFUSAL)
            except TimeoutError:
                self._places.ended["slow"] += 1
            except OSError as error:
                self._log(peer, error)
            place.leave()
            connection.close()
            await _let_read(kept)

    def _wait_for_request(self, connection: socket.socket, place: Place) -> None:
        """Serve a client of plain HTTP once the head of its request has come, or what can be none.

        One that only connects, or stops within its request, costs half of one that asks: no task waits for it, and
        asyncio makes no stream of it, while it may have to make way yet.
        """
        loop = asyncio.get_running_loop()
        said = bytearray()

        def let_go() -> None:
            loop.remove_reader(connection)
            silent.cancel()
            self._waiting.pop(connection, None)

        def leave() -> None:
            let_go()
            connection.close()

        def is_silent() -> None:
            self._places.ended["slow"] += 1
            place.leave()
            leave()

        def speaks() -> None:
            try:
                heard = connection.recv(self._limit)
            except OSError:
                heard = b""
            said.extend(heard)
            if not heard or not _may_go_on(said, self._limit):
                let_go()
                self._begin(self._hand_over(connection, place, said=bytes(said)), connection, place)

        silent = loop.call_later(REQUEST_SECONDS, is_silent)
        loop.add_reader(connection, speaks)
        place.let_go = self._waiting[connection] = leave

    def _begin(self, greeting: Coroutine[Any, Any, None], connection: socket.socket, place: Place) -> None:
        task = asyncio.create_task(greeting)
        place.let_go = task.cancel
        self._greeting.add(task)
        task.add_done_callback(partial(self._greeted, connection, place))

    async def _hand_over(
        self,
        connection: socket.socket,
        place: Place,
        handshake: ssl.SSLContext | None = None,
        *,
        said: bytes = b"",
    ) -> None:
        """From here on asyncio closes the connection in every case."""
        loop = asyncio.get_running_loop()
        own = socket.socket(connection.family, connection.type, connection.proto, connection.detach())
        own.setblocking(False)
        reader = asyncio.StreamReader(self._limit, loop)
        reader.feed_data(said)
        protocol = asyncio.StreamReaderProtocol(reader, lambda reader, writer: self._serve(reader, writer, place), loop)
        seconds = {"ssl_handshake_timeout": HANDSHAKE_SECONDS, "ssl_shutdown_timeout": SHUTDOWN_SECONDS}
        options = seconds if handshake is not None else {}
        await loop.connect_accepted_socket(lambda: protocol, own, ssl=handshake, **options)

    def _log(self, peer: str, error: OSError) -> None:
        """At most once a minute: a scraper with the wrong certificate is logged, and a port scan does not fill the disk."""
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until and isinstance(error, ssl.SSLError):
            self._silent_until = now + LOG_EVERY_SECONDS
            log.warning(
                "TLS handshake with %s failed: %s",
                peer,
                error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason,
            )


class _Handshake:
    """A context for one connection that sends the client the alert why a handshake failed: asyncio drops it."""

    def __init__(self, context: ssl.SSLContext, connection: socket.socket) -> None:
        self._context = context
        self._connection = connection

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **options: Any) -> ssl.SSLObject:
        """As the context's own, the only method of it that asyncio calls."""
        made = self._context.wrap_bio(incoming, outgoing, **options)
        really = made.do_handshake

        def do_handshake() -> None:
            try:
                really()
            except ssl.SSLWantReadError:
                raise
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._connection.send(outgoing.read())
                raise

        made.do_handshake = do_handshake  # type: ignore[method-assign]
        return made


async def _let_read(connection: socket.socket) -> None:
    """Leave a client the time to read what it was told: closing on unread data would take that back."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        connection.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(LINGER_SECONDS):
            while await loop.sock_recv(connection, 65536):
                pass


def _may_go_on(said: bytearray, limit: int) -> bool:
    """Whether this is the beginning of a request (RFC 9112) of which more must come before it can be answered."""
    return said[:1].isalpha() and len(said) < limit and said.count(b"\n") < MOST_LINES and not _BLANK_LINE.search(said)


def _nothing() -> None:
    """What ends a connection that has not begun."""


def _settle(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)


async def _readable(connection: socket.socket) -> None:
    """Wait until something, or the end, has arrived."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connection, _settle, arrived)
    try:
        await arrived
    finally:
        with contextlib.suppress(ValueError, OSError):
            loop.remove_reader(connection)
