"""Poll stage: how the SNMP part of one poll ended, and what it has found so far."""

from __future__ import annotations

from collector.poll.objects.compiled_reply import CompiledAnswer
from collector.poll.objects.decode import Found
from collector.reading import (
    EchoBurst,
    InterfaceReading,
    PartReading,
    ProbeReading,
    Reading,
    SignalReading,
    SnmpOutcome,
)

_new_record = tuple.__new__


class Outcome:
    """How the SNMP part of one poll ended."""

    __slots__ = (
        "boot_seconds",
        "failure",
        "interfaces",
        "is_sent",
        "parts",
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
        self.parts: tuple[PartReading, ...] | None = None

    def add(self, found: Found) -> None:
        self.interfaces += found.interfaces
        self.signals += found.signals
        self.probes += found.probes

    def add_seldom(self, signals: tuple[SignalReading, ...]) -> None:
        """Signals of the last look at what is asked for seldom, but for those that this poll has read itself."""
        if signals:
            own = {signal.channel for signal in self.signals}
            self.signals += tuple(signal for signal in signals if signal.channel not in own)

    def take(self, answer: CompiledAnswer) -> None:
        self.uptime_seconds, self.boot_seconds, self.interfaces, self.signals = answer

    def cut(self, failure: str) -> None:
        """The answer is partial; of several failures the first is told."""
        self.snmp = "partial"
        self.failure = self.failure or failure

    def reading(
        self, device_id: str, times: tuple[float, float], became: tuple[SnmpOutcome, bool], echoes: EchoBurst | None
    ) -> Reading:
        """The Reading of a poll; ``times`` are when it began and how long it took, ``became`` what became of SNMP and
        whether anything was sent.
        """
        fields = (
            device_id,
            *times,
            *became,
            self.rtt_seconds,
            self.uptime_seconds,
            self.boot_seconds,
            echoes,
            self.interfaces,
            self.signals,
            self.failure,
            self.probes,
            self.parts,
            (),  # what is odd about the counters is found later
        )
        return _new_record(Reading, fields)
