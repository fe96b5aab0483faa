"""The gzip of a body in pieces: one member that any reader takes, whatever of it was kept from before."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.publish.exposition import gzip_chunks
from collector.publish.exposition.gzip_chunks import RepeatedChunk, plain

texts = st.binary(max_size=200) | st.sampled_from([b"same line\n" * 500, b"other line\n" * 5000])


@settings(max_examples=50, deadline=None)
@given(st.lists(texts | texts.map(RepeatedChunk), max_size=8))
def test_what_comes_out_is_what_went_in(body: list[gzip_chunks.Chunk]) -> None:
    whole = b"".join(map(plain, body))
    for _ in range(2):
        assert gzip.decompress(gzip_chunks.gzip(body)) == whole


def test_other_programs_read_it(require_program: Callable[[str], str]) -> None:
    kept = RepeatedChunk(b"same line\n" * 500)
    body = [kept, b"same line\n" * 20, kept, kept, b"", b"end"]
    read = subprocess.run(
        [require_program("gzip"), "-dc"], input=gzip_chunks.gzip(body), capture_output=True, check=True
    )
    assert read.stdout == b"".join(map(plain, body))
