"""Poll stage: what the collector counts of its own traffic, and the rare log lines about what it refuses."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

log = logging.getLogger("bairro.poll")

LOG_EVERY_SECONDS = 60.0


@dataclass(slots=True)
class PollCounts:
    """Packets since the start. ``rejected`` counts by reason, ``late`` those of them that came after the timeout.

    ``send_errors`` are packets that this host itself refused to send.
    """

    packets_sent: int = 0
    packets_received: int = 0
    retries: int = 0
    send_errors: int = 0
    late: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    _silent_until: dict[str, float] = field(default_factory=dict, repr=False)
    _logged: dict[str, int] = field(default_factory=dict, repr=False)

    def reject(self, reason: str, sender: str, now: float) -> None:
        """Count a refused packet and, at most once a minute for each reason, say so."""
        count = self.rejected.get(reason, 0) + 1
        self.rejected[reason] = count
        if reason == "late":
            self.late += 1
        if now >= self._silent_until.get(reason, 0.0):
            self._silent_until[reason] = now + LOG_EVERY_SECONDS
            more = count - self._logged.get(reason, 0) - 1
            self._logged[reason] = count
            log.warning("packet refused (%s) from %s%s", reason, sender, f", and {more} more before it" if more else "")
