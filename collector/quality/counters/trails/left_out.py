"""What leapt in the counters of an interface, and is left out of what is shown of them from then on."""

from __future__ import annotations

from collections.abc import Iterable

from collector.quality.counters.counter_bounds import BYTES, NARROW, WRAP_32, with_values
from collector.reading import InterfaceReading


class LeftOut:
    """By counter, what it has gone on by that did not pass."""

    __slots__ = ("_sizes",)

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._sizes)

    def clear(self) -> None:
        """The counters began anew."""
        self._sizes.clear()

    def note(self, field: str, before: int | None, after: int | None, room: float) -> None:
        """The counter did not pass what lies between. One that began at 0 meanwhile is as good as any: it says so itself."""
        if before is None or after is None:
            return
        if after < before and after <= room:
            self._sizes.pop(field, None)
        else:
            self._sizes[field] = self._sizes.get(field, 0) + after - before

    def note_round(self, field: str) -> None:
        """The counter went round at 2^32: what is shown of it goes on."""
        self._sizes[field] = self._sizes.get(field, 0) - WRAP_32

    def shown(self, interface: InterfaceReading, refused: Iterable[str]) -> InterfaceReading:
        """What is to be shown of the interface: no counters that are ``refused``, and of the others what passed."""
        shown: dict[str, int | None] = dict.fromkeys(refused)
        for field, leapt in self._sizes.items():
            counter = getattr(interface, field)
            if counter is not None and field not in shown:
                bits = interface.counter_bits if field in BYTES else NARROW
                shown[field] = (counter - leapt) % 2**bits
        return with_values(interface, shown) if shown else interface
