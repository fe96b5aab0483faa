"""What a discovery found: a device that answered, and what is concluded about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from collector.commands.neighbours.surroundings import Surroundings


@dataclass(frozen=True)
class Found:
    """A device that answered. ``also`` are other addresses at which the same device answers."""

    device_id: str
    address: str
    seen: Surroundings
    port: int = 161
    credential: str = ""
    also: tuple[str, ...] = ()


class Guess(NamedTuple):
    """Something concluded, why, and whether it may be relied upon. An empty ``value`` says that it is not known."""

    value: str
    why: str
    is_sure: bool = True


NOT_KNOWN = Guess("", "", False)


def replace_sure(guess: Guess, why: str) -> Guess:
    """The same, but not sure any more."""
    return guess._replace(why=why, is_sure=False)
