"""Spans of time as sorted, disjoint ``(start, end)`` pairs in Unix seconds, and what was believed over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.reading import StateName

Span = tuple[float, float]
Belief = tuple[float, StateName]

NETWORK_DOWN: frozenset[StateName] = frozenset({"down", "suppressed"})
LONE_SILENCE: frozenset[StateName] = frozenset({"silent"})
UNOBSERVED: frozenset[StateName] = frozenset({"unknown"})


def extend(spans: list[Span], start: float, end: float) -> None:
    """Add a span that begins no earlier than the last one; one that touches it makes it longer."""
    if spans and start <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(spans[-1][1], end))
    else:
        spans.append((start, end))


def clip(spans: Iterable[Span], start: float, end: float) -> list[Span]:
    """The parts within ``start`` to ``end``."""
    return [(max(a, start), min(b, end)) for a, b in spans if b > start and a < end]


def subtract(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """The parts of ``spans`` outside every hole."""
    for hole_start, hole_end in holes:
        spans = [
            piece for a, b in spans for piece in ((a, min(b, hole_start)), (max(a, hole_end), b)) if piece[1] > piece[0]
        ]
    return list(spans)


def seconds(spans: Iterable[Span]) -> float:
    """Their total length."""
    return sum(b - a for a, b in spans)


def within(spans: Sequence[Span], others: Sequence[Span]) -> float:
    """Seconds that ``spans`` and ``others`` have in common."""
    return sum(max(0.0, min(b, d) - max(a, c)) for a, b in spans for c, d in others)


def believe(beliefs: list[Belief], since: float, state: StateName) -> None:
    """From ``since`` on the device is in ``state``: a verdict that reaches back replaces what was believed since."""
    while beliefs and beliefs[-1][0] >= since:
        beliefs.pop()
    beliefs.append((since, state))


def held(beliefs: Sequence[Belief], states: frozenset[StateName], end: float) -> list[Span]:
    """When one of ``states`` held, up to ``end``; spans that touch are one."""
    spans: list[Span] = []
    for i, (since, state) in enumerate(beliefs):
        until = beliefs[i + 1][0] if i + 1 < len(beliefs) else end
        if state in states and until > since:
            extend(spans, since, until)
    return spans


def forget(spans: list[Span], beliefs: list[Belief], before: float) -> None:
    """Drop what ended by ``before``, but keep the belief that was in force then."""
    while spans and spans[0][1] <= before:
        spans.pop(0)
    while len(beliefs) > 1 and beliefs[1][0] <= before:
        beliefs.pop(0)
