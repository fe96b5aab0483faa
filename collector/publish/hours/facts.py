"""What hours are made of: one poll, one change of state, one time that the collector was blind, rates taken back.

``kind`` comes first, so that ``tuple(fact)`` is what the journal holds. Decision 0307 has what the names cost.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from collector.reading import StateName

AMOUNTS = (
    "receive_bytes",
    "transmit_bytes",
    "error_packets",
    "discard_packets",
    "codewords_total",
    "codewords_uncorrectable",
)
"""What is counted between two polls: bytes and packets of the uplink, codewords of all channels."""

Amounts = tuple[int | None, int | None, int | None, int | None, int | None, int | None]
"""Those of AMOUNTS, in their order. A plain tuple, since marshal takes no other within a fact."""

NO_AMOUNTS: Amounts = (None,) * 6


class PollFact(NamedTuple):
    """What history keeps of one poll.

    ``since`` is the poll before, where the time between counts as observed. ``amounts`` are over ``seconds``, which may
    be long after a gap; ``has_rate`` says that it is short enough for a rate. ``health`` are the values of a
    part_measures.Health in a plain tuple; None for a poll that did not ask.
    """

    kind: Literal["poll"]
    device_id: str
    at: float
    since: float | None
    is_reachable: bool
    pings_sent: int
    pings_lost: int
    rtt_seconds: tuple[float, ...]
    seconds: float
    has_rate: bool
    amounts: Amounts
    utilization_ratio: float | None
    has_restarted: bool
    signal_dbm: float | None
    signal_noise_db: float | None
    health: tuple[float | None, ...] | None = None


class StateFact(NamedTuple):
    """A device is believed to be in ``state`` from ``since`` on; an outage is attributed to the device ``root``."""

    kind: Literal["state"]
    device_id: str
    since: float
    state: StateName
    root: str | None


class BlindFact(NamedTuple):
    """The collector could not judge anything from ``started_at`` on; ``ended_at`` None: and still cannot."""

    kind: Literal["blind"]
    started_at: float
    ended_at: float | None


class RecallFact(NamedTuple):
    """Rates that polls of a device seemed to show from ``since`` until ``at`` were none."""

    kind: Literal["recall"]
    device_id: str
    since: float
    at: float


Fact = PollFact | StateFact | BlindFact | RecallFact
Row = tuple[Any, ...]
"""A fact as the journal holds it: the same values in a plain tuple."""
