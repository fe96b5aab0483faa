"""Every metric that the collector exposes, declared once: page.py makes the text, reference.py the document.

A metric names the attribute of a record that its value is: nothing else ties the two together, least of all its place.
"""

from __future__ import annotations

from collector.part_measures import HEALTH
from collector.publish.exposition.counts.area_counts import AreaStates, RoleSums
from collector.publish.exposition.counts.device_counts import BurstFigures, DeviceCounts
from collector.publish.exposition.counts.own_figures import OwnFigures
from collector.publish.exposition.family import Detail, Family, Kind, Measured, all_are_shown, all_shown_from
from collector.reading import InterfaceReading, ProbeReading, Reading, SignalReading


def _device(
    name: str,
    kind: Kind,
    help_: str,
    detail: Detail = "full",
    *,
    value: str,
    of: type = DeviceCounts,
    spelled: str = "",
) -> Measured:
    series = 2 if kind == "summary" else 1
    return Measured(f"bairro_{name}", kind, help_, ("device",), detail, series, of=of, value=value, spelled=spelled)


DEVICE_INFO = Family(
    "bairro_device_info",
    "info",
    "What the inventory says of the device.",
    ("device", "area", "site", "role", "parent", "profile"),
    "summary",
)
DEVICE_STATE = Family(
    "bairro_device_state", "gauge", "1 for the state that the device is judged to be in.", ("device", "state"), series=6
)
DEVICE_REACHABLE = Family(
    "bairro_device_reachable",
    "gauge",
    "Whether the device answered its last poll by this method (snmp, ping).",
    ("device", "by"),
    series=2,
)
DEVICE_DOWN = Family(
    "bairro_device_down",
    "gauge",
    "Present, and 1, only while the device is down or suppressed; root is the device that the outage is attributed to.",
    ("device", "root"),
    "area",
)
DEVICE_IN_MAINTENANCE = Family(
    "bairro_device_in_maintenance",
    "gauge",
    "Present, and 1, only while a maintenance window on the device, its site or its area holds.",
    ("device",),
    "area",
)

DEVICE_DEGRADED = Family(
    "bairro_device_degraded",
    "gauge",
    "Present, and 1, only while the device answers but was bad for several windows: loss, latency or saturation.",
    ("device", "measure"),
    "summary",
)
DEVICE_FAULT = Family(
    "bairro_device_fault",
    "gauge",
    "Present, and 1, only while the device answers but a part of it has failed for several polls: "
    "snmp_silent, snmp_refused, snmp_partial, ping_silent, uplink_down, uplink_shut, uplink_missing, two_devices.",
    ("device", "fault"),
    "summary",
)

# Grouped by how they are written. The order within a group is that of the page, and means nothing else.
SELDOM: tuple[Measured, ...] = (
    _device("device_up", "gauge", "Whether the device answered its last poll by any method.", "summary", value="is_up"),
    _device("device_restarts_total", "counter", "Restarts of the device that were seen.", "summary", value="restarts"),
    _device(
        "device_outage_seconds_total",
        "counter",
        "Time in which the device was down or suppressed.",
        "summary",
        value="outage_seconds_so_far",
    ),
    _device(
        "device_outages_total",
        "counter",
        "Outages of the device, its own and those attributed to others.",
        "summary",
        value="outages",
    ),
    _device("polls_failed_total", "counter", "Polls that no enabled method answered.", "summary", value="polls_failed"),
    _device("ping_lost_total", "counter", "Echoes that never came back.", "summary", value="pings_lost"),
)
"""Few polls change them: their lines are kept, and written anew where a value has changed."""
EACH_POLL: tuple[Measured, ...] = (
    _device("polls_total", "counter", "Polls of the device.", "summary", value="polls", spelled="%d"),
    _device(
        "device_last_poll_timestamp_seconds",
        "gauge",
        "When the last answered poll was sent; retained while the device does not answer.",
        "summary",
        value="last_poll",
        spelled="%.3f",
    ),
    _device("device_uptime_seconds", "gauge", "sysUpTime of the device.", "summary", value="uptime", spelled="%.2f"),
    _device(
        "device_poll_duration_seconds",
        "gauge",
        "Duration of the last poll, pings included.",
        value="duration",
        spelled="%.6f",
    ),
    _device("ping_sent_total", "counter", "Echoes sent.", "summary", value="pings_sent", spelled="%d"),
    _device("ping_rtt_seconds", "summary", "Round trips of echoes.", "summary", value="ping_rtt"),
    _device("snmp_rtt_seconds", "summary", "Response time of the SNMP agent.", value="snmp_rtt"),
)
LAST_BURST: tuple[Measured, ...] = (
    _device(
        "ping_rtt_p50_seconds",
        "gauge",
        "Median round trip of the last burst of echoes.",
        of=BurstFigures,
        value="p50_seconds",
        spelled="%.9f",
    ),
    _device(
        "ping_rtt_p95_seconds",
        "gauge",
        "95th percentile of the round trip in the last burst of echoes.",
        of=BurstFigures,
        value="p95_seconds",
        spelled="%.9f",
    ),
    _device(
        "ping_jitter_seconds",
        "gauge",
        "Mean absolute difference of consecutive round trips in the last burst.",
        of=BurstFigures,
        value="jitter_seconds",
        spelled="%.9f",
    ),
)


def _interface(
    name: str, kind: Kind, help_: str, detail: Detail = "full", *, value: str, spelled: str = ""
) -> Measured:
    labels = ("device", "interface")
    return Measured(
        f"bairro_interface_{name}", kind, help_, labels, detail, of=InterfaceReading, value=value, spelled=spelled
    )


INTERFACE_BYTES: tuple[Measured, ...] = (
    _interface(
        "receive_bytes_total",
        "counter",
        "Bytes that the interface received: as the device counts, or the sum of what 32-bit counters passed since the collector began.",
        "summary",
        value="receive_bytes",
        spelled="%d",
    ),
    _interface(
        "transmit_bytes_total",
        "counter",
        "Bytes that the interface sent: as the device counts, or the sum of what 32-bit counters passed since the collector began.",
        "summary",
        value="transmit_bytes",
        spelled="%d",
    ),
)
INTERFACE_SELDOM: tuple[Measured, ...] = (
    _interface("receive_errors_total", "counter", "Packets received in error.", value="receive_errors"),
    _interface("transmit_errors_total", "counter", "Packets not sent because of errors.", value="transmit_errors"),
    _interface(
        "receive_discards_total",
        "counter",
        "Good packets that were dropped on receipt.",
        value="receive_discards",
    ),
    _interface(
        "transmit_discards_total",
        "counter",
        "Good packets that were dropped instead of sent.",
        value="transmit_discards",
    ),
    _interface("up", "gauge", "Whether ifOperStatus is up.", value="is_up"),
    _interface(
        "admin_up",
        "gauge",
        "Whether ifAdminStatus is up: 0 where an operator has shut the interface.",
        value="is_admin_up",
    ),
    _interface("speed_bytes_per_second", "gauge", "Speed of the interface.", value="speed_bytes_per_second"),
    _interface(
        "summed_rows",
        "gauge",
        "How many interfaces this sum stands for, which have no series of their own; its bytes begin with the collector.",
        value="summed_rows",
    ),
)
SUMMED_ROWS = "bairro_interface_summed_rows"
"""Shown of sums alone."""
INTERFACE_INFO = Family(
    "bairro_interface_info", "info", "The alias given to the interface.", ("device", "interface", "alias")
)


def _signal(name: str, help_: str, *, value: str) -> Measured:
    return Measured(f"bairro_{name}", "gauge", help_, ("device", "channel"), of=SignalReading, value=value)


SIGNAL_LEVELS: tuple[Measured, ...] = (
    _signal("signal_received_dbm", "Received level of the channel.", value="received_dbm"),
    _signal("signal_noise_ratio_db", "Signal-to-noise ratio of the channel.", value="noise_ratio_db"),
    _signal("signal_noise_dbm", "Noise floor of the channel.", value="noise_dbm"),
    _signal(
        "signal_quality_ratio",
        "The radio's own figure of its quality: CCQ or its like.",
        value="quality_ratio",
    ),
    _signal("signal_transmitted_dbm", "Power that the channel is sent with.", value="transmitted_dbm"),
    _signal("signal_rsrp_dbm", "Power of the reference signal of a cellular channel (RSRP).", value="rsrp_dbm"),
    _signal("signal_rsrq_db", "Quality of the reference signal of a cellular channel (RSRQ).", value="rsrq_db"),
    _signal("signal_sinr_db", "Signal to interference and noise of a cellular channel (SINR).", value="sinr_db"),
    _signal("signal_mse_db", "Error of a radio's modulation (MSE): the lower the better.", value="mse_db"),
    _signal(
        "signal_receive_rate_bytes_per_second",
        "Rate of the modulation that the channel is received with.",
        value="receive_rate_bytes_per_second",
    ),
    _signal(
        "signal_transmit_rate_bytes_per_second",
        "Rate of the modulation that the channel is sent with.",
        value="transmit_rate_bytes_per_second",
    ),
)
CODEWORDS = Family(
    "bairro_docsis_codewords_total",
    "counter",
    "DOCSIS codewords by outcome: unerrored, corrected, uncorrectable.",
    ("device", "channel", "outcome"),
    series=3,
)
SIGNALS: tuple[Family, ...] = (*SIGNAL_LEVELS, CODEWORDS)


def _own_probe(name: str, help_: str, *, value: str) -> Measured:
    return Measured(f"bairro_device_probe_{name}", "gauge", help_, ("device", "probe"), of=ProbeReading, value=value)


OWN_PROBES: tuple[Measured, ...] = (
    _own_probe(
        "rtt_seconds",
        "Mean round trip in the last test of a probe that the device runs itself (IP SLA, RPM, DISMAN-PING).",
        value="rtt_seconds",
    ),
    _own_probe(
        "jitter_seconds",
        "Mean difference of consecutive packets in that test, where the device measures it.",
        value="jitter_seconds",
    ),
    _own_probe(
        "loss_ratio",
        "Share of the packets of that test that nothing came back of; 1 for a test that failed.",
        value="loss_ratio",
    ),
)

PARTS: dict[str, Family] = {
    measure.name: Family(measure.metric, "gauge", measure.help, ("device", "part")) for measure in HEALTH.values()
}
"""The health of a device's parts, by measure: the names of profiles' own measures stand beside these."""

for _group in (SELDOM, INTERFACE_BYTES):
    all_shown_from("summary", _group)
for _group in (LAST_BURST, INTERFACE_SELDOM, SIGNAL_LEVELS, OWN_PROBES):
    all_shown_from("full", _group)

DEVICE_FAMILIES: tuple[Family, ...] = (
    DEVICE_INFO,
    *SELDOM,
    *EACH_POLL,
    *LAST_BURST,
    DEVICE_STATE,
    DEVICE_REACHABLE,
    *INTERFACE_BYTES,
    *INTERFACE_SELDOM,
    INTERFACE_INFO,
    *SIGNALS,
    *OWN_PROBES,
    *PARTS.values(),
)
MOVING: tuple[Family, ...] = (
    *EACH_POLL,
    *LAST_BURST,
    *INTERFACE_BYTES,
    *SIGNALS,
    *OWN_PROBES,
    *PARTS.values(),
)
"""Of DEVICE_FAMILIES those that nearly every poll changes. Their text is made when it is wanted, that of STILL is kept."""
STILL: tuple[Family, ...] = tuple(family for family in DEVICE_FAMILIES if family not in MOVING)

DEVICE_FLAPS = Family(
    "bairro_device_flaps_total",
    "counter",
    "Outages attributed to the device that began soon after another; not there before the first.",
    ("device",),
    "summary",
)
ROOT_SUBSCRIBERS = Family(
    "bairro_root_subscribers_affected",
    "gauge",
    "Customers of the area behind devices whose outage is attributed to root; present only while there are any.",
    ("area", "root"),
    "area",
)
PASSING_FAMILIES: tuple[Family, ...] = (
    DEVICE_DOWN,
    DEVICE_IN_MAINTENANCE,
    DEVICE_DEGRADED,
    DEVICE_FAULT,
    DEVICE_FLAPS,
    ROOT_SUBSCRIBERS,
)


def _role(name: str, kind: Kind, help_: str, *, value: str) -> Measured:
    series = 2 if kind == "summary" else 1
    return Measured(f"bairro_area_{name}", kind, help_, ("area", "role"), "area", series, of=RoleSums, value=value)


def _area(name: str, help_: str, *, value: str) -> Measured:
    return Measured(f"bairro_area_{name}", "gauge", help_, ("area",), "area", of=AreaStates, value=value)


AREA_DEVICES = Family("bairro_area_devices", "gauge", "Devices of the area by state.", ("area", "state"), "area", 6)
AREA_WHOLE: tuple[Measured, ...] = (
    _area(
        "subscribers_affected",
        "Customers of the area behind devices that are down or suppressed.",
        value="affected",
    ),
    _area(
        "subscribers_planned",
        "Those of them whose device, or the root of its outage, is in a maintenance window.",
        value="planned",
    ),
)
AREA_ROLES: tuple[Measured, ...] = (
    _role("ping_sent_total", "counter", "Echoes sent to the area's devices of this role.", value="pings_sent"),
    _role("ping_lost_total", "counter", "Echoes that never came back from them.", value="pings_lost"),
    _role("ping_rtt_seconds", "summary", "Round trips of echoes to them.", value="ping_rtt"),
    _role(
        "receive_bytes_total",
        "counter",
        "Bytes received on their uplinks, towards the customer.",
        value="receive_bytes",
    ),
    _role(
        "transmit_bytes_total",
        "counter",
        "Bytes sent on their uplinks, towards the network.",
        value="transmit_bytes",
    ),
)
AREA_FAMILIES: tuple[Family, ...] = (AREA_DEVICES, *AREA_WHOLE, *AREA_ROLES)


def _own(value: str, kind: Kind, help_: str, labels: tuple[str, ...] = ()) -> Measured:
    """The metric of the figure ``value``, whose name it bears too."""
    name = f"bairro_collector_{value}_total" if kind == "counter" else f"bairro_collector_{value}"
    return Measured(name, kind, help_, labels, "area", of=OwnFigures, value=value)


BUILD_INFO = Family("bairro_collector_build_info", "info", "The version that runs.", ("version", "python"), "area")
OWN_FIGURES: tuple[Measured, ...] = (
    _own("blind", "gauge", "1 while the collector doubts its own connection; device states then say nothing."),
    _own("cycle_lag_seconds", "gauge", "How late a poll started at worst, within the last two intervals."),
    _own("poll_interval_seconds", "gauge", "The interval that each device is polled at."),
    _own("polls_in_flight", "gauge", "Devices with a poll in flight."),
    _own("polls_stuck", "counter", "Polls that never ended and were given up: a bug; see its log."),
    _own("polls_skipped", "counter", "Polls left out: the one before was still in flight, or too late by far."),
    _own("packets_sent", "counter", "Packets sent to devices, retries included."),
    _own("packets_received", "counter", "Packets that came back and were accepted."),
    _own("packets_retried", "counter", "Packets sent again because no answer came."),
    _own("packets_late", "counter", "Answers that came after their poll had ended."),
    _own("packets_rejected", "counter", "Packets that were not taken for an answer, and why.", ("reason",)),
    _own("bulk_avoided", "counter", "Times that a device came to be walked by GETNEXT, since its GETBULK fails."),
    _own("damaged_values", "counter", "Values in answers that could not be read, and why.", ("kind",)),
    _own(
        "values_refused",
        "counter",
        "Values that devices gave and that cannot be, by what they were given as: absent instead, everywhere.",
        ("field",),
    ),
    _own(
        "traffic_unknown",
        "counter",
        "Polls that read an uplink's counters and left its traffic unknown, and why.",
        ("reason",),
    ),
    _own("inventory_devices", "gauge", "Devices in the inventory in force."),
    _own("inventory_problems", "gauge", "Problems that the last reading of the inventory found."),
    _own("inventory_loaded_timestamp_seconds", "gauge", "When the inventory in force was read."),
    _own("history_rows", "counter", "Rows of quality_hours written."),
    _own("history_unwritten", "gauge", "Closed hours that wait to be written, as on a full disk."),
    _own("incidents_unwritten", "gauge", "Changes of incidents that the operations database does not have yet."),
    _own("maintenance_windows", "gauge", "Maintenance windows that are known: current, future or recent."),
    _own(
        "maintenance_read_timestamp_seconds",
        "gauge",
        "When they were last read from the operations database; while it is away those of then hold.",
    ),
    _own("write_failures", "counter", "Writes to the data folder that failed and are tried again.", ("what",)),
    _own("files_set_aside", "counter", "Files of a table that cannot be read: set aside or left out.", ("table",)),
    _own("rows_left_out", "counter", "Rows that cannot be read, of a table or of the journal.", ("table",)),
    _own(
        "connections_ended",
        "counter",
        "Connections to this port that were ended for others (crowded, source_crowded), turned away, or too slow.",
        ("reason",),
    ),
    _own("traps", "counter", "Traps and informs heard from devices of the inventory, by kind.", ("kind",)),
    _own("traps_dropped", "counter", "Packets to the trap port that were not used, and why.", ("reason",)),
    _own("trap_worker_restarts", "counter", "Deaths of the process that reads traps; another takes its place."),
    _own("polls_prompted", "counter", "Polls out of turn that traps and informs led to."),
    _own("errors", "counter", "Readings that the collector itself failed on: a bug; see its log."),
)
all_are_shown(OWN_FIGURES)
OWN_FAMILIES: tuple[Family, ...] = (BUILD_INFO, *OWN_FIGURES)

PROBE_FAMILIES: tuple[Measured, ...] = (
    Measured(
        "bairro_probe_success",
        "gauge",
        "Whether the device answered this probe by any method.",
        (),
        "area",
        of=Reading,
        value="is_reachable",
    ),
    Measured(
        "bairro_probe_duration_seconds",
        "gauge",
        "How long this probe took.",
        (),
        "area",
        of=Reading,
        value="duration_seconds",
    ),
)
