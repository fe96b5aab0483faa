"""Poll stage: results that are kept because most devices ask for the same ones, in memory that no agent can drive up."""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import lru_cache, wraps
from typing import TypeVar

K = TypeVar("K", bound=Sized)
V = TypeVar("V")

SHORT = 64
"""Bytes or numbers; what agents make up beyond has no end, and what devices have in common is shorter."""


def kept_if_short(size: int) -> Callable[[Callable[[K], V]], Callable[[K], V]]:
    """Keep the last ``size`` results for arguments of up to SHORT bytes or numbers, so that they take bounded memory."""

    def decorate(function: Callable[[K], V]) -> Callable[[K], V]:
        keeping = lru_cache(maxsize=size)(function)

        @wraps(function)
        def either(given: K) -> V:
            return keeping(given) if len(given) <= SHORT else function(given)  # type: ignore[arg-type]

        return either

    return decorate
