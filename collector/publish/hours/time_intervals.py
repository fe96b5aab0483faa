"""Spans of time as sorted, disjoint ``(start, end)`` pairs in Unix seconds, and what was believed over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from collector.quality.maintenance import Calendar
from collector.reading import StateName

Span = tuple[float, float]


class Belief(NamedTuple):
    """Since when, which state, and the device that the outage is attributed to."""

    since: float
    state: StateName
    root: str | None


NETWORK_DOWN: frozenset[StateName] = frozenset({"down", "suppressed"})
LONE_SILENCE: frozenset[StateName] = frozenset({"silent"})
UNOBSERVED: frozenset[StateName] = frozenset({"unknown"})


def extend(spans: list[Span], start: float, end: float) -> None:
    """Add a span that begins no earlier than the last one; one that touches it makes it longer."""
    if spans:
        last_start, last_end = spans[-1]
        if start <= last_end:
            spans[-1] = (last_start, end if end > last_end else last_end)
            return
    spans.append((start, end))


def clip(spans: Iterable[Span], start: float, end: float) -> list[Span]:
    """The parts within ``start`` to ``end``."""
    return [(max(a, start), min(b, end)) for a, b in spans if b > start and a < end]


def subtract(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """The parts of ``spans`` outside every hole."""
    for hole_start, hole_end in holes:
        spans = [
            (start, end)
            for a, b in spans
            for start, end in ((a, min(b, hole_start)), (max(a, hole_end), b))
            if start < end
        ]
    return list(spans)


def seconds(spans: Iterable[Span]) -> float:
    """Their total length."""
    return sum(b - a for a, b in spans)


def within(spans: Sequence[Span], others: Sequence[Span]) -> float:
    """Seconds that ``spans`` and ``others`` have in common."""
    return sum(max(0.0, min(b, d) - max(a, c)) for a, b in spans for c, d in others)


def believe(beliefs: list[Belief], belief: Belief) -> None:
    """What holds from then on: a verdict that reaches back replaces what was believed since."""
    while beliefs and beliefs[-1].since >= belief.since:
        beliefs.pop()
    beliefs.append(belief)


def held(beliefs: Sequence[Belief], states: frozenset[StateName], end: float) -> list[Span]:
    """When one of ``states`` held, up to ``end``; spans that touch are one."""
    spans: list[Span] = []
    for i, (since, state, _) in enumerate(beliefs):
        until = beliefs[i + 1].since if i + 1 < len(beliefs) else end
        if state in states and until > since:
            extend(spans, since, until)
    return spans


def planned(device_id: str, beliefs: Sequence[Belief], calendar: Calendar, *, within: Span) -> list[Span]:
    """When the device was down by the network and it, or the device that this is attributed to, was in a window."""
    found: list[Span] = []
    first, last = within
    for i, (since, state, root) in enumerate(beliefs):
        until = beliefs[i + 1].since if i + 1 < len(beliefs) else last
        start, end = max(since, first), min(until, last)
        if state in NETWORK_DOWN and start < end:
            found += calendar.spans({device_id, root or device_id}, start, end)
    return found


def forget(spans: list[Span], beliefs: list[Belief], before: float) -> None:
    """Drop what ended by ``before``, but keep the belief that was in force then."""
    spans[:] = [(start, end) for start, end in spans if end > before]
    while len(beliefs) > 1 and beliefs[1].since <= before:
        beliefs.pop(0)
