"""The collector's HTTP: /metrics, /probe, /-/healthy, /-/ready and a landing page, on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import Collection, Mapping
from http import HTTPMethod, HTTPStatus
from typing import TYPE_CHECKING

from bairro_error import BairroError
from collector.publish.web.connection_limits import Place, Places
from collector.publish.web.conversation import LARGEST_REQUEST, Conversation, MalformedError
from collector.publish.web.listener import REQUEST_SECONDS, Listener
from collector.publish.web.messages import CHUNK, Handler, Request, Response, compress, text

if TYPE_CHECKING:
    from collector.publish.web.guard import Guard

log = logging.getLogger(__name__)

IDLE_SECONDS = 75.0
"""How long a connection may wait for its next request; its first one must come as fast as any."""
COMPRESS_FROM = 1_024
SERVED_IN_A_TURN = 8
"""So many connections at most are served in one turn of the event loop, so that polls and newcomers have theirs too."""


class PortInUseError(BairroError, OSError):
    """The address of ``[web]`` is taken or not this host's; the message says what to do."""


class WebServer:
    """GET and HEAD over HTTP/1.1 with keep-alive, gzip of level 1 and strict limits on everything.

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
        try:
            await self._converse(Conversation(reader, writer), place)
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

    async def _converse(self, client: Conversation, place: Place) -> None:
        """Answer one request after the other. Raises TimeoutError where the client is too slow."""
        async with asyncio.timeout(REQUEST_SECONDS):
            begins = await client.begins()
        while begins and await self._answer_one(client, place):
            place.rest(in_advance=client.has_asked_again)
            begins = await self._goes_on(client)
        place.rest()
        await client.linger()

    async def _goes_on(self, client: Conversation) -> bool:
        """Whether the client asks again, and does so in time. Newcomers come before who asked in advance."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                begins = await client.begins()
                await self._turn()
                return begins
        return False

    async def _turn(self) -> None:
        """Wait for a turn of the event loop in which few others are served."""
        async with self._turns:
            await asyncio.sleep(0)

    async def _answer_one(self, client: Conversation, place: Place) -> bool:
        """Answer one request; False ends the connection."""
        is_head = False
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await client.request()
            place.work()
            is_head = request.method == "HEAD"
            response = await self._guarded(request, place)
        except MalformedError as refused:
            place.work()
            response = refused.response
        response = response if self._guard is None else self._guard.dress(response)
        async with asyncio.timeout(REQUEST_SECONDS):
            client.begin(response)
            for chunk in () if is_head else response.chunks:
                place.send()
                if len(chunk) >= CHUNK:
                    await self._turn()
                await client.send(chunk)
            place.send()
            return await client.end()

    async def _guarded(self, request: Request, place: Place) -> Response:
        refusal = await self._guard.refuse(request) if self._guard is not None else None
        response = refusal or await self._respond(request, place)
        if request.takes_gzip and response.size >= COMPRESS_FROM and "Content-Encoding" not in response.headers:
            return await compress(response)
        return response

    async def _respond(self, request: Request, place: Place) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _other_method(request.method)
        handler = self._handlers.get(request.path)
        if handler is None:
            known = " ".join(sorted(self._handlers))
            return text(f"there is nothing at this path; there is: {known}\n", HTTPStatus.NOT_FOUND)
        if request.path in self._costly and place.is_crowded:
            told = text("too many requests are being answered; ask again later\n", HTTPStatus.SERVICE_UNAVAILABLE)
            return told.with_headers({"Retry-After": "5"})
        try:
            return await handler(request)
        except Exception:
            log.exception("GET %s failed", request.path)
            return text("the collector failed on this request; its log says how\n", HTTPStatus.INTERNAL_SERVER_ERROR)


def _other_method(method: str) -> Response:
    """405 for a method of RFC 9110 or 5789, 501 for any other."""
    if method in HTTPMethod.__members__:
        return text("only GET and HEAD\n", HTTPStatus.METHOD_NOT_ALLOWED).with_headers({"Allow": "GET, HEAD"})
    return text("unknown method; only GET and HEAD\n", HTTPStatus.NOT_IMPLEMENTED)
