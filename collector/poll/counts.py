"""Poll stage: what the collector counts of its own traffic, and the rare log lines about what it cannot read."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from collector.poll.damage import Damaged

log = logging.getLogger("bairro.poll")

LOG_EVERY_SECONDS = 60.0
MOST_STRANGERS = 1000


@dataclass(slots=True)
class PollCounts:
    """Packets since the start. ``rejected`` counts by reason, ``late`` those of them that came after the timeout.

    ``send_errors`` are packets that this host itself refused to send. ``damaged`` counts values that could not be read in
    replies that were taken, by kind, ``bulk_avoided`` devices whose tables came to be walked by GETNEXT.
    """

    packets_sent: int = 0
    packets_received: int = 0
    retries: int = 0
    send_errors: int = 0
    late: int = 0
    bulk_avoided: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)
    """Who answered instead of a device, by the address that was asked; the last one."""
    damaged: dict[str, int] = field(default_factory=dict)
    _silent_until: dict[str, float] = field(default_factory=dict, repr=False)
    _logged: dict[str, int] = field(default_factory=dict, repr=False)

    def reject(self, reason: str, sender: str, now: float) -> None:
        """Count a refused packet and, at most once a minute for each reason, say so."""
        count = self.rejected.get(reason, 0) + 1
        self.rejected[reason] = count
        if reason == "late":
            self.late += 1
        self._say(reason, count, f"packet refused ({reason}) from {sender}", now)

    def note_stranger(self, asked: str, sender: str) -> None:
        """An answer to a request came from another address than the one asked."""
        if len(self.strangers) < MOST_STRANGERS or asked in self.strangers:
            self.strangers[asked] = sender

    def damage(self, damaged: Damaged, name: str, device_id: str, now: float) -> None:
        """Count a value that could not be read and, at most once a minute for each kind, say so."""
        kind = damaged.value
        count = self.damaged.get(kind, 0) + 1
        self.damaged[kind] = count
        self._say(f"damaged {kind}", count, f"{device_id}: {name} cannot be read: {damaged.words}", now)

    def avoid_bulk(self, device_id: str, trouble: str, now: float) -> None:
        """Count a device whose GETBULK fails though GETNEXT does not and, at most once a minute, say so."""
        self.bulk_avoided += 1
        what = f"{device_id}: GETBULK {trouble}: its tables are walked by GETNEXT, row by row"
        self._say("bulk", self.bulk_avoided, what, now)

    def _say(self, about: str, count: int, what: str, now: float) -> None:
        if now >= self._silent_until.get(about, 0.0):
            self._silent_until[about] = now + LOG_EVERY_SECONDS
            more = count - self._logged.get(about, 0) - 1
            self._logged[about] = count
            log.warning("%s%s", what, f", and {more} more before it" if more else "")
