"""How long somebody has to wait before the next attempt to sign in: longer with each failure, and never for ever.

Failures are counted by account and source together, by source, and by account. Those of an account alone hold back only
sources from which nobody has signed in to it: whoever guesses at a name elsewhere does not keep its owner out.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

FREE_OF_BOTH, FREE_OF_SOURCE, FREE_OF_ACCOUNT = 5, 20, 20
"""Failures without consequence, by account and source, by source, by account."""
MOST_SECONDS = 300.0
FORGOTTEN_SECONDS = 1_800.0
MOST_KEPT = 10_000
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: float


class Throttle:
    """Kept in memory: a restart forgives. ``now`` is in seconds of any clock that never goes back; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: OrderedDict[_Key, _Failures] = OrderedDict()
        self._known: OrderedDict[_Key, None] = OrderedDict()

    def begin(self, account: str, source: str, now: float) -> float:
        """How long until ``account`` may be tried from ``source``; 0 where that is now, and then this counts as a failure
        until `succeeded` says otherwise, so that many attempts at once are no way around.
        """
        with self._lock:
            waits = [self._wait((account, source), FREE_OF_BOTH, now), self._wait(("", source), FREE_OF_SOURCE, now)]
            if (account, source) not in self._known:
                waits.append(self._wait((account, ""), FREE_OF_ACCOUNT, now))
            if max(waits) > 0:
                return max(waits)
            for key in _keys(account, source):
                before = self._failed.pop(key, None)
                is_old = before is None or now - before.last > FORGOTTEN_SECONDS
                self._failed[key] = _Failures(1 if is_old or before is None else before.count + 1, now)
            while len(self._failed) > MOST_KEPT:
                self._failed.popitem(last=False)
            return 0.0

    def succeeded(self, account: str, source: str) -> None:
        """It was no failure, and those of this account from this source before it count no more."""
        with self._lock:
            for key in _keys(account, source):
                if (found := self._failed.get(key)) is not None:
                    self._failed[key] = _Failures(found.count - 1, found.last)
            self._failed.pop((account, source), None)
            self._known[account, source] = None
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)

    def _wait(self, key: _Key, free: int, now: float) -> float:
        found = self._failed.get(key)
        if found is None or found.count < free or now - found.last > FORGOTTEN_SECONDS:
            return 0.0
        return max(0.0, found.last + min(2.0 ** min(found.count - free, 20), MOST_SECONDS) - now)


def _keys(account: str, source: str) -> tuple[_Key, ...]:
    return (account, source), ("", source), (account, "")
