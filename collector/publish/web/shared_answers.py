"""Costly answers, made one at a time: all who ask before one is begun share it, however many they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from collector.publish.web.messages import Response

Key = TypeVar("Key", bound=Hashable)


class SharedAnswers(Generic[Key]):
    """Answers by key, from ``make``.

    Nobody gets what was begun before they asked, so nothing is older than the request. A hundred requests at once cost
    as much as one, in time and in memory.
    """

    def __init__(self, make: Callable[[Key], Awaitable[Response]]) -> None:
        self._make = make
        self._next: dict[Key, asyncio.Task[Response]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def get(self, key: Key) -> Response:
        """The next answer of this key. Raises what ``make`` raises."""
        coming = self._next.get(key)
        if coming is None:
            coming = self._next[key] = asyncio.create_task(self._begin(key))
        return await asyncio.shield(coming)

    async def _begin(self, key: Key) -> Response:
        async with self._one_at_a_time:
            del self._next[key]
            return await self._make(key)
