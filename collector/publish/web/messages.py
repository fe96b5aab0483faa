"""What is asked of the collector's HTTP paths and what they answer, whichever way it travels."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from collector.publish.exposition.gzip_chunks import Chunk, gzip, plain

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
CHUNK = 65_536
"""Bytes that a connection is given in one turn of the event loop, and that may wait in memory for a client."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a handler answers. A large body is sent in chunks, so that no single write blocks the loop for long."""

    body: bytes | Sequence[Chunk]
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = PLAIN
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def pieces(self) -> Sequence[Chunk]:
        return (self.body,) if isinstance(self.body, bytes) else self.body

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    @property
    def chunks(self) -> Iterator[bytes]:
        """The body in portions of about CHUNK."""
        gathered: list[bytes] = []
        size = 0
        for piece in map(plain, self.pieces):
            for start in range(0, len(piece), CHUNK):
                gathered.append(piece[start : start + CHUNK])
                size += len(gathered[-1])
                if size >= CHUNK:
                    yield b"".join(gathered)
                    gathered, size = [], 0
        if gathered:
            yield b"".join(gathered)

    def with_headers(self, more: Mapping[str, str]) -> Response:
        """The same with more headers, which win over its own."""
        return replace(self, headers={**self.headers, **more}) if more else self


def text(body: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A line or two of plain text."""
    return Response(body.encode(), status)


async def compress(response: Response) -> Response:
    """gzip level 1, in a thread: zlib lets the loop run meanwhile."""
    body = await asyncio.to_thread(gzip, response.pieces)
    vary = ", ".join(filter(None, (response.headers.get("Vary"), "Accept-Encoding")))
    return replace(response, body=body).with_headers({"Content-Encoding": "gzip", "Vary": vary})


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for: ``headers`` by their names in lower case, ``query`` with the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def takes_gzip(self) -> bool:
        """Whether the answer may be gzip (RFC 9110, 12.5.3): its own weight counts before that of ``*``."""
        weights: dict[str, float] = {}
        for part in self.headers.get("accept-encoding", "").lower().split(","):
            coding, *parameters = (word.strip() for word in part.split(";"))
            weights[coding] = _weight(parameters)
        return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0.0


Handler = Callable[[Request], Awaitable[Response]]


def _weight(parameters: Sequence[str]) -> float:
    """The q-value of a coding: 1 if none is given, 0 if it is not a number from 0 to 1."""
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if math.isfinite(weight) and 0.0 <= weight <= 1.0 else 0.0
    return 1.0
