"""Poll stage: how the SNMP part of one poll ended, and what it has found so far."""

from __future__ import annotations

from collector.poll.decode import Found
from collector.reading import InterfaceReading, ProbeReading, SignalReading, SnmpOutcome


class Outcome:
    """How the SNMP part of one poll ended."""

    __slots__ = (
        "boot_seconds",
        "failure",
        "interfaces",
        "is_sent",
        "probes",
        "rtt_seconds",
        "sent_at",
        "signals",
        "snmp",
        "uptime_seconds",
    )

    def __init__(self) -> None:
        self.snmp: SnmpOutcome = "answered"
        self.is_sent = True
        self.sent_at = 0.0
        self.failure: str | None = None
        self.rtt_seconds: float | None = None
        self.uptime_seconds: float | None = None
        self.boot_seconds: float | None = None
        self.interfaces: tuple[InterfaceReading, ...] = ()
        self.signals: tuple[SignalReading, ...] = ()
        self.probes: tuple[ProbeReading, ...] = ()

    def add(self, found: Found) -> None:
        self.interfaces += found.interfaces
        self.signals += found.signals
        self.probes += found.probes
