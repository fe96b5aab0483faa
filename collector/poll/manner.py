"""Poll stage: how one device is spoken to, where it needs something else than others: its own wishes go before those of all."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, Protocol

from collector import counted

MOST_REPETITIONS = 100
REPLY_BYTES = 1400
"""What a reply should stay under, so that it crosses an Ethernet path in one piece (1,472 less some headroom)."""


class Manners(Protocol):
    """What may say how a device is spoken to: a device, a credential, a profile; None: it does not say."""

    @property
    def max_repetitions(self) -> int | None: ...

    @property
    def max_reply_bytes(self) -> int | None: ...

    @property
    def getnext(self) -> bool | None: ...

    @property
    def requests_per_second(self) -> float | None: ...


class Manner(NamedTuple):
    """Rows to one GETBULK at most, bytes that its reply should stay under, whether GETNEXT is used instead, and the time
    between two requests at least.
    """

    max_repetitions: int = MOST_REPETITIONS
    reply_bytes: int = REPLY_BYTES
    is_getnext: bool = False
    gap_seconds: float = 0.0

    def __str__(self) -> str:
        said = [
            "by GETNEXT, row by row"
            if self.is_getnext
            else f"up to {counted.of(self.max_repetitions, 'row')} to a GETBULK"
        ]
        said += [] if self.is_getnext else [f"replies of up to {self.reply_bytes} bytes"]
        said += [f"at most {1 / self.gap_seconds:g} requests a second"] if self.gap_seconds else []
        return ", ".join(said)


USUAL = Manner()


def manner(*wishes: Manners) -> Manner:
    """What holds for a device whose ``wishes`` come in the order in which they count."""
    rows = next((w.max_repetitions for w in wishes if w.max_repetitions is not None), MOST_REPETITIONS)
    size = next((w.max_reply_bytes for w in wishes if w.max_reply_bytes is not None), REPLY_BYTES)
    getnext = next((w.getnext for w in wishes if w.getnext is not None), False)
    pace = next((w.requests_per_second for w in wishes if w.requests_per_second is not None), None)
    return _shared(rows, size, getnext, 1 / pace if pace else 0.0)


@lru_cache(maxsize=256)
def _shared(max_repetitions: int, reply_bytes: int, is_getnext: bool, gap_seconds: float) -> Manner:
    """One for all devices that are spoken to alike."""
    return Manner(max_repetitions, reply_bytes, is_getnext, gap_seconds)
