"""Poll stage: between two polls, one small question whether a device's agent is there."""

from __future__ import annotations

from collections.abc import Callable

from collector.poll.objects.get_request import Access, Asked, Question
from collector.poll.profile import Source
from collector.poll.snmp.engine import Destination, Engine, Exchange, Request
from collector.poll.snmp.usm_guard import Guard
from collector.poll.timeouts import Patience

UPTIME = Source("sysUpTime.0", "1.3.6.1.2.1.1.3.0", "uptime_seconds", "RFC 3418, SNMPv2-MIB")
KNOCKS = 2
"""Tries: one lost packet is no reason to poll."""


def knock(
    engine: Engine, to: Destination, access: Access, patience: Patience, unanswered: Callable[[], object]
) -> None:
    """Ask for the uptime, apart from all polls. Any answer will do; ``unanswered`` is called if none comes."""
    question = Question([Asked(UPTIME)], access)

    def failed(_reason: str) -> None:
        unanswered()

    request = Request(question.packet, question.id_at, question.read, _ignore, failed)
    exchange = Exchange(engine, to, request, None, patience)
    exchange.tries = min(KNOCKS, patience.tries)
    if access.session is not None:
        Guard(access.session, exchange)
    engine.outbox.fresh.append(exchange)


def _ignore(_answer: object, _rtt: float) -> None:
    """Only that it came counts."""
