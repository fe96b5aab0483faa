"""The records that cross the collector's stages: what is polled, what was read, what is believed of it.

What each poll makes anew is a named tuple, which is built in a tenth of the time of a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Role = Literal["router", "olt", "cmts", "ap", "switch", "cpe"]
ROLES: tuple[Role, ...] = ("router", "olt", "cmts", "ap", "switch", "cpe")

StateName = Literal["up", "suspect", "down", "suppressed", "silent", "unknown"]
STATES: tuple[StateName, ...] = ("up", "suspect", "down", "suppressed", "silent", "unknown")

SnmpOutcome = Literal["answered", "partial", "silent", "refused", "off"]

Measure = Literal["loss", "latency", "saturation"]
MEASURES: tuple[Measure, ...] = ("loss", "latency", "saturation")

Fault = Literal[
    "snmp_silent",
    "snmp_refused",
    "snmp_partial",
    "ping_silent",
    "uplink_down",
    "uplink_shut",
    "uplink_missing",
    "two_devices",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(frozen=True, slots=True)
class Device:
    """One row of the inventory.

    ``credential`` names one of ``[[credentials]]``, or several to try in turn (``a+b``), or is ``off``.
    ``ping`` is ``icmp``, ``echo:PORT`` (RFC 862 over UDP) or ``off``. ``subscribers`` counts the customers
    behind this device and behind none of its listed children, so that sums over a subtree never double.
    ``timeout_seconds``, ``retries`` and what follows ``counters_refresh_seconds`` are its own; None: those of its credential, its profile
    or ``[poll]``.
    ``interfaces`` says which of its interfaces get series (``collector.interface_filter``); None: as profile or ``[poll]`` say.
    ``counters_refresh_seconds`` is how often its agent renews its counters, 0: for each poll; None: as ``[poll]`` says.
    """

    device_id: str
    address: str
    role: Role
    area: str
    port: int = 161
    parent: str | None = None
    site: str | None = None
    technology: str | None = None
    credential: str | None = None
    profile: str | None = None
    ping: str = "icmp"
    reply_from: str | None = None
    uplink_interface: str | None = None
    capacity_receive_bytes_per_second: float | None = None
    capacity_transmit_bytes_per_second: float | None = None
    subscribers: int = 0
    latitude: float | None = None
    longitude: float | None = None
    timeout_seconds: float | None = None
    retries: int | None = None
    interfaces: str | None = None
    counters_refresh_seconds: float | None = None
    max_repetitions: int | None = None
    max_reply_bytes: int | None = None
    requests_per_second: float | None = None
    getnext: bool | None = None


class InterfaceReading(NamedTuple):
    """Raw counters of one interface, as the device gave them; what it did not give is None.

    ``name`` is ifName, or ifAlias or ifDescr where ifName is missing or double. A row that has none of them is called by
    its ifIndex (``#7``).
    ``counter_bits`` is the width of the byte counters (64 for ifHC*, 32 for the RFC 1213 ones). Of what is believed it is
    never 32: in place of such counters stand sums of what they passed since the collector began, 128 bits wide.
    ``discontinuity_seconds`` is ifCounterDiscontinuityTime on the device's own uptime clock. ``late_seconds`` is how long
    after the reading's ``at`` the request left that was answered, where that is worth telling: after a retry.
    ``is_admin_up`` is False where an operator has shut the interface. A sum of rows that have no reading of their own has a
    name in brackets and ``summed_rows``, how many they are; its counters begin with the collector.
    """

    name: str
    index: int  # type: ignore[assignment]
    alias: str | None = None
    is_up: bool | None = None
    speed_bytes_per_second: float | None = None
    counter_bits: int = 64
    receive_bytes: int | None = None
    transmit_bytes: int | None = None
    receive_errors: int | None = None
    transmit_errors: int | None = None
    receive_discards: int | None = None
    transmit_discards: int | None = None
    discontinuity_seconds: float | None = None
    late_seconds: float | None = None
    is_admin_up: bool | None = None
    summed_rows: int | None = None


class SignalReading(NamedTuple):
    """One radio, optical, cable or DSL channel; not measured is None.

    ``noise_ratio_db`` of a DSL line is its noise margin. ``quality_ratio`` is a radio's CCQ or its like, from 0 to 1.
    Of a cellular channel ``received_dbm`` is all power in the band (RSSI), ``rsrp_dbm`` that of one reference signal,
    and ``rsrq_db`` and ``sinr_db`` are its quality (3GPP TS 36.214, TS 38.215). ``mse_db`` is a radio's error of
    modulation, the lower the better. The rates are those of the modulation in use. An optical receiver shows
    ``dark_dbm`` or less where no light comes in; None for other channels.
    """

    channel: str
    received_dbm: float | None = None
    noise_ratio_db: float | None = None
    codewords_unerrored: int | None = None
    codewords_corrected: int | None = None
    codewords_uncorrectable: int | None = None
    noise_dbm: float | None = None
    quality_ratio: float | None = None
    transmitted_dbm: float | None = None
    rsrp_dbm: float | None = None
    rsrq_db: float | None = None
    sinr_db: float | None = None
    mse_db: float | None = None
    receive_rate_bytes_per_second: float | None = None
    transmit_rate_bytes_per_second: float | None = None
    dark_dbm: float | None = None

    @property
    def is_dark(self) -> bool:
        """Whether this is an optical receiver that no light comes in to: a socket not in use, as a rule."""
        return self.dark_dbm is not None and self.received_dbm is not None and self.received_dbm <= self.dark_dbm

    @property
    def level_dbm(self) -> float | None:
        """The level that tells how well the channel is received: of a cellular one RSRP, where it is given."""
        return self.received_dbm if self.rsrp_dbm is None else self.rsrp_dbm


def worst_received_dbm(signals: Iterable[SignalReading]) -> float | None:
    """The received level of a device: that of its worst channel, but for those that are dark."""
    return min((dbm for s in signals if (dbm := s.level_dbm) is not None and not s.is_dark), default=None)


def worst_noise_ratio_db(signals: Iterable[SignalReading]) -> float | None:
    """The signal-to-noise ratio of a device: that of its worst channel, SINR where that is what the channel gives."""
    ratios = (s.sinr_db if s.noise_ratio_db is None else s.noise_ratio_db for s in signals)
    return min((ratio for ratio in ratios if ratio is not None), default=None)


class ProbeReading(NamedTuple):
    """One probe that the device runs itself (IP SLA, RPM, DISMAN-PING), as its last test went; not measured is None.

    ``rtt_seconds`` is the mean of what came back, and None where nothing did. ``jitter_seconds`` is the mean difference
    of consecutive packets, ``loss_ratio`` the share of the test's packets that nothing came back of.
    """

    name: str
    rtt_seconds: float | None = None
    jitter_seconds: float | None = None
    loss_ratio: float | None = None


class PartReading(NamedTuple):
    """One value of one part of a device: of a processor, a fan, a battery.

    ``measure`` is a name of part_measures.HEALTH, or of a profile's own. ``part`` is empty where a device has it once.
    """

    measure: str
    part: str
    value: float


class EchoBurst(NamedTuple):
    """One ping burst: echoes sent, echoes lost and the round trips of those that came back, in seconds."""

    sent: int
    lost: int
    rtt_seconds: tuple[float, ...] = ()


class Reading(NamedTuple):
    """One poll of one device, decoded: the only thing that crosses from polling to quality.

    ``at`` is when the first request left (Unix seconds, UTC). ``snmp`` and ``echoes`` say what became of each
    reachability method; a method that is off for this device is ``"off"`` or None and counts for nothing.
    ``sent`` is False where the collector's own host refused to send: such a reading says nothing of the device.
    ``counter_oddities`` is what quality has found odd about the uplink's counters.
    ``uptime_seconds`` is sysUpTime; ``boot_seconds`` is snmpEngineTime or hrSystemUptime, which outlive its
    497-day roll. ``parts`` is None where this poll did not ask for them: they are asked for once in some polls.
    """

    device_id: str
    at: float
    duration_seconds: float
    snmp: SnmpOutcome
    sent: bool = True
    snmp_rtt_seconds: float | None = None
    uptime_seconds: float | None = None
    boot_seconds: float | None = None
    echoes: EchoBurst | None = None
    interfaces: tuple[InterfaceReading, ...] = ()
    signals: tuple[SignalReading, ...] = ()
    failure: str | None = None
    probes: tuple[ProbeReading, ...] = ()
    parts: tuple[PartReading, ...] | None = None
    counter_oddities: tuple[str, ...] = ()

    @property
    def is_reachable(self) -> bool | None:
        """True if any enabled method answered, False if all stayed silent, None if none could be tried.

        A refused request (wrong community on an agent that says so) is an answer: somebody is there.
        """
        if not self.sent:
            return None
        snmp = self.snmp
        if snmp not in {"silent", "off"}:
            return True
        echoes = self.echoes
        if echoes is not None and echoes.sent > 0:
            return echoes.lost < echoes.sent
        return None if snmp == "off" else False


@dataclass(frozen=True, slots=True)
class QualityState:
    """What is believed of one device now.

    ``since`` is when the condition began (for a silence: its first missed poll), ``missed`` the misses in a row,
    ``root`` the device that an outage is attributed to (itself when it is the root) and ``incident_id`` its incident.
    ``measures`` are degraded and ``faults`` hold while it answers all the same.
    """

    device_id: str
    state: StateName
    since: float
    missed: int = 0
    root: str | None = None
    incident_id: str | None = None
    measures: tuple[Measure, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """A device changed state: ``old`` held until ``since``, ``new`` holds from then; it was decided at ``at``.

    ``since`` lies before ``at`` where the verdict reaches back to the first miss. ``is_flap`` says that this outage of
    its own began soon after another.
    """

    device_id: str
    at: float
    since: float
    old: StateName
    new: StateName
    root: str | None = None
    incident_id: str | None = None
    is_flap: bool = False


@dataclass(frozen=True, slots=True)
class Impairment:
    """What ails a device that answers, from ``at`` on; empty once nothing does, or once it no longer answers.

    ``measures`` were bad for several windows of time; ``faults`` are parts of it that failed for several polls:
    its agent is silent, refuses or answers in part, pings are lost though the agent answers, its uplink is down, shut
    or not there, two devices answer at its address. ``usual_rtt_seconds`` is the round trip that is usual for it; None
    where that is not learnt yet.
    """

    device_id: str
    at: float
    measures: tuple[Measure, ...] = ()
    faults: tuple[Fault, ...] = ()
    usual_rtt_seconds: float | None = None


IncidentKind = Literal["outage", "degradation", "planned", "blind"]
IncidentScope = Literal["device", "subtree", "group", "collector"]


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """An incident opened, took in or let go of devices, or closed; ``ended_at`` is None while it is open.

    ``measure`` says what a degradation is one of; None for any other kind.
    """

    incident_id: str
    kind: IncidentKind
    scope: IncidentScope
    root: str | None
    started_at: float
    ended_at: float | None
    joined: tuple[tuple[str, float], ...] = ()
    left: tuple[tuple[str, float], ...] = ()
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that is still open, as a starting collector finds it: ``members`` are (device_id, since).

    ``last_left_at`` is when a device last left it; None if none has.
    """

    incident_id: str
    kind: IncidentKind
    scope: IncidentScope
    root: str | None
    started_at: float
    members: tuple[tuple[str, float], ...] = ()
    measure: Measure | None = None
    last_left_at: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one observation led to: state changes, incident changes, devices that must be asked first, impairments.

    ``again`` are suspects and when (Unix seconds) they should be asked again, so that their silence is soon told from chance.
    """

    transitions: tuple[Transition, ...] = ()
    incidents: tuple[IncidentChange, ...] = ()
    ask: tuple[str, ...] = ()
    impairments: tuple[Impairment, ...] = ()
    again: tuple[tuple[str, float], ...] = ()
