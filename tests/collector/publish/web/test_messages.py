"""Which codings a client takes, and bodies in portions."""

from __future__ import annotations

import pytest

from collector.publish.exposition.gzip_chunks import RepeatedChunk
from collector.publish.web.messages import CHUNK, Request, Response


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("br;q=1.0, gzip;q=0.001", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("identity", False),
        ("gzipped", False),
        ("gzip;q=nan", False),
        ("gzip;q=2", False),
        ("gzip;q=-1", False),
        (",, ;q=1,", False),
    ],
)
def test_gzip_where_it_has_a_weight(header: str, takes: bool) -> None:
    """RFC 9110, 12.5.3."""
    assert Request("GET", "/", {}, {"accept-encoding": header}).takes_gzip == takes


@pytest.mark.parametrize("sizes", [[], [0], [1], [CHUNK], [CHUNK + 1], [3, 4, CHUNK - 1, 5], [3 * CHUNK + 7, 1]])
def test_portions_hold_the_same_and_are_not_large(sizes: list[int]) -> None:
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    response = Response([RepeatedChunk(piece) if number % 2 else piece for number, piece in enumerate(pieces)])
    portions = list(response.chunks)
    assert b"".join(portions) == b"".join(pieces)
    assert all(0 < len(portion) < 2 * CHUNK for portion in portions)
    assert all(len(portion) >= CHUNK for portion in portions[:-1])
