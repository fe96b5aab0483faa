"""Listens for TLS: each connection gets the context of its moment, and who speaks plain HTTP is told so."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, cast

log = logging.getLogger(__name__)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HANDSHAKE_SECONDS = 10.0
MOST_HANDSHAKES = 128
ACCEPT_AGAIN_SECONDS = 0.1
LINGER_SECONDS = 1.0
LOG_EVERY_SECONDS = 60.0
BACKLOG = 128
_HANDSHAKE = b"\x16"
_NOT_TLS = b"this port speaks HTTPS, not HTTP\n"
_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_NOT_TLS), _NOT_TLS)
)


class TlsListener:
    """What ``asyncio.start_server`` is, with a context asked for at each connection."""

    def __init__(self, serve: Serve, context: Callable[[], ssl.SSLContext], *, largest_request: int) -> None:
        self.sockets: list[socket.socket] = []
        self._serve = serve
        self._context = context
        self._limit = largest_request
        self._accepting: list[asyncio.Task[None]] = []
        self._greeting: set[asyncio.Task[None]] = set()
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
        for opened in self.sockets:
            opened.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(listening)
            except OSError:  # no file descriptor left, or a client that has gone already
                await asyncio.sleep(ACCEPT_AGAIN_SECONDS)
                continue
            if len(self._greeting) >= MOST_HANDSHAKES:
                connection.close()
                continue
            task = asyncio.create_task(self._greet(connection, str(peer[0])))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, connection: socket.socket, peer: str) -> None:
        """See what the client speaks, and either shake hands or tell it."""
        with connection.dup() as kept:
            try:
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    await _readable(kept)
                if kept.recv(1, socket.MSG_PEEK) == _HANDSHAKE:
                    await self._shake_hands(connection, kept)
                    return
                kept.send(_REFUSAL)
            except (OSError, TimeoutError) as error:
                self._log(peer, error)
            except asyncio.CancelledError:
                connection.close()
                raise
            connection.close()
            await _let_read(kept)

    async def _shake_hands(self, connection: socket.socket, kept: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(self._limit, loop)
        protocol = asyncio.StreamReaderProtocol(reader, self._serve, loop)
        handshake = cast(ssl.SSLContext, _Handshake(self._context(), kept))
        await loop.connect_accepted_socket(
            lambda: protocol, connection, ssl=handshake, ssl_handshake_timeout=HANDSHAKE_SECONDS
        )

    def _log(self, peer: str, error: OSError | TimeoutError) -> None:
        """At most once a minute: a scraper with the wrong certificate is told of, a port scan fills no disk."""
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until and isinstance(error, ssl.SSLError):
            self._silent_until = now + LOG_EVERY_SECONDS
            log.warning(
                "TLS handshake with %s failed: %s",
                peer,
                error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason,
            )


class _Handshake:
    """A context for one connection, which tells the client why a handshake failed: asyncio drops that alert."""

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
