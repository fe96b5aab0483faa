"""What a walk, or a GET that is repeated in parts, needs from the poll that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from collector.config import PollSettings
from collector.poll.damage import Damaged
from collector.poll.device.get_bulk import GetBulk
from collector.poll.manner import Manner
from collector.poll.objects.get_request import Access, Question
from collector.poll.snmp.engine import Exchange, Request


class Talk(Protocol):
    """One poll of one device: how it is spoken to, and how to send it a request."""

    access: Access
    limits: PollSettings
    manner: Manner
    tries: int

    @property
    def bulk(self) -> GetBulk:
        """What is known of the device's GETBULK."""

    def ask(self, request: Request, tries: int, *, at_once: bool = False) -> Exchange:
        """Send a request, up to this many times; ``at_once``: it need not wait for the next tick."""

    def ask_question(
        self, question: Question, heard: Callable[[Any, float], None], lost: Callable[[str], None]
    ) -> None:
        """Ask by GET; ``heard`` receives the answer and its round trip in seconds, or ``lost`` the reason why none came."""

    def has_time(self) -> bool:
        """Whether the poll's budget is not spent."""

    def late_seconds(self) -> float:
        """How long after the poll's first packet the request left that was answered last."""

    def count_avoided(self, trouble: str) -> None:
        """Count a GETBULK that did not serve."""

    def count_damage(self, damaged: Damaged, name: str) -> None:
        """Count a value that could not be read."""
