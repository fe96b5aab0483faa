"""Poll stage: how long to wait for one device, and how often to ask it: its own wishes go before those of all."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, Protocol

from collector.config import PollSettings


class Wishes(Protocol):
    """What may say how long one waits: a device, a credential, a profile; None: it does not say."""

    @property
    def timeout_seconds(self) -> float | None: ...

    @property
    def retries(self) -> int | None: ...


class Patience(NamedTuple):
    """How long one try waits, how many tries there are, and the most that one poll may take."""

    timeout_seconds: float
    tries: int
    budget_seconds: float


def patience(poll: PollSettings, *wishes: Wishes) -> Patience:
    """What holds for a device whose ``wishes`` come in the order in which they count.

    Where its tries take longer than others', so may its poll, up to twice ``poll.budget_seconds``.
    """
    timeout = next((w.timeout_seconds for w in wishes if w.timeout_seconds is not None), poll.timeout_seconds)
    retries = next((w.retries for w in wishes if w.retries is not None), poll.retries)
    longer = timeout * (1 + retries) / (poll.timeout_seconds * (1 + poll.retries))
    return _shared(timeout, 1 + retries, poll.budget_seconds * min(2.0, max(1.0, longer)))


@lru_cache(maxsize=256)
def _shared(timeout_seconds: float, tries: int, budget_seconds: float) -> Patience:
    """One for all devices of the same patience: the engine lets those wait together."""
    return Patience(timeout_seconds, tries, budget_seconds)


def slowest(wishes: Iterable[Wishes]) -> list[Wishes]:
    """Several that apply together, such as profiles: those that wait longest and ask most often first."""
    return sorted(wishes, key=lambda w: (w.timeout_seconds or 0.0, w.retries or 0), reverse=True)
