"""What is odd about the counters of an uplink, for whoever asks why its traffic is not what the counters seem to say."""

from __future__ import annotations

from collections.abc import Mapping

ODDITIES: Mapping[str, str] = {
    "cached": "its agent renews them more slowly than they are polled, so rates are those of three minutes and more",
    "leap": "they leapt by more than the line carries: what that brought is left out",
    "set_back": "they were set back: what passed in the poll before is not known",
    "set_aside": "they stood where they cannot, and are not believed until they have gone on from there for a while",
    "may_have_wrapped": "they have 32 bits and may have gone round unseen, so the traffic is not known: "
    "a shorter interval would tell, or 64-bit counters",
    "wraps_at_32_bits": "they are given as 64-bit counters and go round at 2^32",
    "speed_unknown": "they pass more than the stated speed allows, so that speed is not believed: "
    "capacity_receive_bytes_per_second in the inventory can say what the line carries",
    "renumbered": "their row has changed its number (ifIndex)",
}
"""Each kind, and what it means."""
MEMORY_SECONDS = 3600.0
"""So long is told what was seen last."""


class Oddities:
    """The kinds that were seen, and until when each is told."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, kind: str, at: float) -> None:
        """It was seen at ``at``."""
        self._until[kind] = at + MEMORY_SECONDS

    def told(self, at: float) -> tuple[str, ...]:
        """The kinds that were seen within the hour, in the order of ODDITIES."""
        self._until = {kind: until for kind, until in self._until.items() if until > at}
        return tuple(kind for kind in ODDITIES if kind in self._until)
