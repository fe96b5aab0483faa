"""What everybody sees alike: each part of a page is made once for all who look, and sent only to those who lack it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import no_update
from plotly.utils import PlotlyJSONEncoder

KEPT = 24
"""Of each part the newest that are kept: one for each theme, filter or area that somebody looks at."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page as it is sent; two that look alike have the same ``digest``."""

    value: Any
    digest: str


def part(value: Any) -> Part:
    text = json.dumps(value, cls=PlotlyJSONEncoder, sort_keys=True)
    return Part(value, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12])


def changed(parts: Sequence[Part], seen: Sequence[str] | None) -> tuple[list[Any], list[str]]:
    """Each part's value, or no_update where its digest is the one in ``seen``; and the digests to see next time."""
    before = list(seen or [])[: len(parts)]
    before += [""] * (len(parts) - len(before))
    values = [no_update if old == one.digest else one.value for one, old in zip(parts, before, strict=True)]
    return values, [one.digest for one in parts]


class SharedParts:
    """Parts by name and by what they were made of; threads that want the same one wait for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._made: dict[str, OrderedDict[Hashable, Part]] = {}

    def keys(self, name: str) -> list[Hashable]:
        """What is kept of the part ``name``, the oldest first."""
        with self._lock:
            return list(self._made.get(name, ()))

    def take(self, name: str, key: Hashable, make: Callable[[], Any]) -> Part:
        """The part ``name`` as made of what ``key`` stands for; ``make`` makes its value where nobody has yet."""
        with self._lock:
            made = self._made.setdefault(name, OrderedDict())
            making = self._making.setdefault(name, threading.Lock())
            if (found := made.get(key)) is not None:
                return found
        with making:
            with self._lock:
                if (found := made.get(key)) is not None:
                    return found
            new = part(make())
            with self._lock:
                made[key] = new
                while len(made) > KEPT:
                    made.popitem(last=False)
        return new
