"""Every table that the collector publishes or shares: columns, units, keys. The one module that others import."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
import sqlalchemy as sa

log = logging.getLogger(__name__)

ColumnType = Literal["text", "integer", "number", "timestamp", "date", "boolean", "text_list", "number_map"]

END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC).timestamp()

ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "text_list": pa.list_(pa.string()),
    "number_map": pa.map_(pa.string(), pa.float64()),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its unit stands in its name; ``required`` means never null."""

    name: str
    type: ColumnType
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: its name, what a row is, its key and its columns."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def arrow_schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, ARROW[c.type], nullable=not c.required) for c in self.columns])


QUALITY_HOURS = TableSpec(
    "quality_hours",
    "one device and one hour in which it was observed, or should have been",
    ("hour", "device_id"),
    (
        Column("hour", "timestamp", "start of the hour, UTC", True),
        Column("device_id", "text", "the device", True),
        Column("observed_seconds", "number", "time in which the collector could judge the device, 0 to 3600", True),
        Column(
            "down_seconds",
            "number",
            "silence attributed to the network: an own verdict on a network device, a root above it, a group",
        ),
        Column("silent_seconds", "number", "silence of a lone customer device, which does not count as an outage"),
        Column("planned_seconds", "number", "the part of down_seconds that lies inside a maintenance window"),
        Column("outages", "integer", "outages that began in the hour"),
        Column("restarts", "integer", "restarts of the device seen in the hour"),
        Column("polls_answered", "integer", "polls that the device answered"),
        Column("pings_sent", "integer", "echoes sent while the device was neither down nor silent"),
        Column("pings_lost", "integer", "those of them that never came back"),
        Column("rtt_seconds_sum", "number", "sum of the round trips"),
        Column("rtt_count", "integer", "number of round trips"),
        Column("rtt_p50_seconds", "number", "median round trip within the hour"),
        Column("rtt_p95_seconds", "number", "95th percentile of the round trip within the hour"),
        Column("jitter_seconds", "number", "mean absolute difference of consecutive round trips within a burst"),
        Column("receive_bytes", "number", "bytes received on the uplink (from the network towards the customer)"),
        Column("transmit_bytes", "number", "bytes transmitted on the uplink (from the customer towards the network)"),
        Column(
            "receive_p95_bytes_per_second",
            "number",
            "95th percentile of the receive rate between polls; null if fewer than half have one",
        ),
        Column(
            "transmit_p95_bytes_per_second",
            "number",
            "95th percentile of the transmit rate between polls; null likewise",
        ),
        Column(
            "utilization_p95_ratio",
            "number",
            "95th percentile of the fuller direction's rate over its capacity, 0 to 1",
        ),
        Column("error_packets", "number", "errors on the uplink, both directions"),
        Column("discard_packets", "number", "discards on the uplink, both directions"),
        Column(
            "signal_dbm", "number", "received level (RSRP of a cellular one) of the worst channel, mean over the hour"
        ),
        Column(
            "signal_noise_db",
            "number",
            "signal-to-noise ratio (SINR of a cellular one) of the worst channel, mean over the hour",
        ),
        Column("codewords_total", "number", "DOCSIS codewords"),
        Column("codewords_uncorrectable", "number", "DOCSIS codewords that could not be corrected"),
        Column("processor_ratio", "number", "busiest processor of the device, mean over the hour, 0 to 1"),
        Column("memory_ratio", "number", "fullest memory of the device, mean over the hour, 0 to 1"),
        Column("temperature_celsius", "number", "hottest part of the device, mean over the hour"),
    ),
)

DEVICES = TableSpec(
    "devices",
    "one device over a span of time in which its inventory row did not change",
    ("device_id", "valid_from"),
    (
        Column("device_id", "text", "the device", True),
        Column("valid_from", "timestamp", "from when the row held", True),
        Column("valid_to", "timestamp", "until when; null while it holds"),
        Column("area", "text", "the neighbourhood that the device stands in", True),
        Column("parent", "text", "the device that it hangs from"),
        Column("role", "text", "router, olt, cmts, ap, switch or cpe", True),
        Column("site", "text", "the site"),
        Column("technology", "text", "fibre, cable, wireless, dsl, ..."),
        Column("uplink_interface", "text", "the interface whose traffic counts as the device's"),
        Column("capacity_receive_bytes_per_second", "number", "capacity towards the customer"),
        Column("capacity_transmit_bytes_per_second", "number", "capacity towards the network"),
        Column("subscribers", "integer", "customers behind this device and behind none of its children", True),
        Column("latitude", "number", "WGS 84"),
        Column("longitude", "number", "WGS 84"),
    ),
)

LIVE = TableSpec(
    "live",
    "the newest state of one device",
    ("device_id",),
    (
        Column("device_id", "text", "the device", True),
        Column("address", "text", "where it is asked, as in the inventory; null: written by an older collector"),
        Column("area", "text", "its neighbourhood", True),
        Column("role", "text", "its role", True),
        Column("parent", "text", "the device that it hangs from"),
        Column("subscribers", "integer", "customers behind it and behind none of its children", True),
        Column("state", "text", "up, suspect, down, suppressed, silent or unknown", True),
        Column("since", "timestamp", "when that state began", True),
        Column("root", "text", "the device that its outage is attributed to"),
        Column("incident_id", "text", "the open incident that it belongs to"),
        Column(
            "maintenance_until",
            "timestamp",
            "until when it, or the root of its outage, is in a maintenance window; null: in none",
        ),
        Column("polled_at", "timestamp", "the last poll; null before the first"),
        Column("answered_at", "timestamp", "the last poll that was answered"),
        Column("rtt_seconds", "number", "median round trip of the last burst, else of SNMP"),
        Column("loss_ratio", "number", "echoes lost in the last bursts, 0 to 1"),
        Column("receive_bytes_per_second", "number", "rate on the uplink towards the customer"),
        Column("transmit_bytes_per_second", "number", "rate on the uplink towards the network"),
        Column("utilization_ratio", "number", "the fuller direction's rate over its capacity"),
        Column("signal_dbm", "number", "received level (RSRP of a cellular one) of the worst channel"),
        Column("signal_noise_db", "number", "signal-to-noise ratio (SINR of a cellular one) of the worst channel"),
        Column("processor_ratio", "number", "its busiest processor, 0 to 1, when it was last asked for its parts"),
        Column("memory_ratio", "number", "its fullest memory, 0 to 1"),
        Column("temperature_celsius", "number", "its hottest part"),
        Column("failed_parts", "text_list", "fans and power supplies that it says have failed; null: none"),
        Column("measures", "number_map", "what profiles declare themselves, by name{part}; null: nothing"),
        Column("degraded", "text_list", "what is degraded while it answers: loss, latency, saturation; null: nothing"),
        Column("faults", "text_list", "parts that fail while it answers, as in bairro_device_fault; null: none"),
        Column(
            "counter_oddities",
            "text_list",
            "what was odd about the uplink's counters within the hour, as `bairro explain` puts it in words; null: nothing",
        ),
        Column(
            "usual_rtt_seconds", "number", "round trip that is usual for it; null while nothing ails it, or not learnt"
        ),
    ),
)

PORTS = TableSpec(
    "ports",
    "one port of one network device, as it last answered",
    ("device_id", "interface"),
    (
        Column("device_id", "text", "the device; customers' devices are not in it", True),
        Column("interface", "text", "the port, as it is called on /metrics", True),
        Column("index", "integer", "its ifIndex, in whose order devices show their ports", True),
        Column("alias", "text", "what people call it (ifAlias)"),
        Column("is_up", "boolean", "whether ifOperStatus is up"),
        Column("is_admin_up", "boolean", "whether ifAdminStatus is up: false where an operator has shut it"),
        Column("speed_bytes_per_second", "number", "its speed, as the device states it"),
        Column("receive_bytes_per_second", "number", "bytes received between the last two answers"),
        Column("transmit_bytes_per_second", "number", "bytes sent"),
        Column("polled_at", "timestamp", "when the poll was sent that told this", True),
    ),
)

PARQUET_TABLES: tuple[TableSpec, ...] = (QUALITY_HOURS, DEVICES, LIVE, PORTS)


@dataclass(frozen=True, slots=True)
class LiveNote:
    """What the file of a live table says of the collector that wrote it; times are Unix seconds.

    The file is written anew every ``live_seconds`` though nothing changed, so that its age tells whether the collector
    of ``shard`` (of ``shards``) lives. ``inventory_at`` is when it took in its inventory, ``blind_since`` since when it
    doubts its own connection. The last four are from which values on a measure is bad.
    """

    shard: int = 0
    shards: int = 1
    written_at: float = 0.0
    inventory_at: float = 0.0
    poll_interval_seconds: float = 60.0
    live_seconds: float = 10.0
    blind_since: float | None = None
    loss_ratio: float | None = None
    rtt_ratio: float | None = None
    rtt_rise_seconds: float | None = None
    utilization_ratio: float | None = None

    KEY = b"bairro.live"

    def metadata(self) -> dict[bytes, bytes]:
        """The note as an entry of the file's metadata."""
        return {self.KEY: json.dumps(asdict(self)).encode()}

    @classmethod
    def of(cls, metadata: Mapping[bytes, bytes] | None) -> LiveNote | None:
        """The note in a file's metadata; None if an older collector wrote none, or if it cannot be read."""
        try:
            said = json.loads((metadata or {})[cls.KEY])
            shard, shards = int(said["shard"]), int(said.get("shards", 1))
            numbers = [field.name for field in fields(cls)[2:] if said.get(field.name) is not None]
            known: dict[str, Any] = {name: float(said[name]) for name in numbers}
            if not all(abs(number) < END_OF_TIME for number in known.values()):
                return None
            return cls(shard, shards, **known)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


# --- the operations database: declared here, created and upgraded by `bairro migrate` ---


class UtcTimestamp(sa.TypeDecorator[datetime]):
    """An aware UTC datetime in every database: SQLite stores none, so it is naive UTC there."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a timestamp without a time zone reached the database: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def connect(url: str) -> sa.Engine:
    """An engine on the operations database: on SQLite with write-ahead log, foreign keys and a 10 s busy timeout.

    Nothing is opened until the first use; every process goes through this, so that all wait for each other. A SQLite
    file that was put in the place of another is opened anew: what is written to one that was moved away is lost.
    """
    engine = sa.create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_pragmas)
        if engine.url.database not in {None, "", ":memory:"}:
            _follow_the_file(engine, str(engine.url.database))
    return engine


def _follow_the_file(engine: sa.Engine, path: str) -> None:
    """Drop pooled connections to a file that ``path`` no longer names; one that is gone is not made anew, empty."""
    opened: list[tuple[int, int] | None] = []

    def refuse_gone(_dialect: Any, _record: Any, _arguments: Any, _options: Any) -> None:
        if opened and _file_at(path) is None:
            raise sqlite3.OperationalError(f"{path} is gone")

    def note(_connection: Any, record: Any) -> None:
        record.info["file"] = _file_at(path)
        if opened and opened[0] != record.info["file"]:
            log.warning("%s is another file than before; it is used from now on", path)
        opened[:] = [record.info["file"]]

    def refuse_another(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get("file") != _file_at(path):
            raise sa.exc.DisconnectionError(f"{path} was replaced")

    sa.event.listen(engine, "do_connect", refuse_gone)
    sa.event.listen(engine, "connect", note)
    sa.event.listen(engine, "checkout", refuse_another)


def _file_at(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


OPERATIONS = sa.MetaData()
SCHEMA_VERSION = "0005"
"""The newest migration, which every program that uses the database needs."""

INCIDENTS = sa.Table(
    "incidents",
    OPERATIONS,
    sa.Column("incident_id", sa.String(40), primary_key=True),
    sa.Column(
        "root_device_id", sa.String(200), comment="the device that it is attributed to; null for a blind collector"
    ),
    sa.Column("scope", sa.String(16), nullable=False, comment="device | subtree | group | collector"),
    sa.Column("area", sa.String(200), comment="the root's neighbourhood"),
    sa.Column("kind", sa.String(16), nullable=False, comment="outage | degradation | planned | blind"),
    sa.Column("started_at", UtcTimestamp, nullable=False),
    sa.Column("ended_at", UtcTimestamp, comment="null while it is open"),
    sa.Column("detected_by", sa.String(64), nullable=False, comment="the collector shard that opened it"),
    sa.Column("devices_affected", sa.Integer, nullable=False),
    sa.Column("subscribers_affected", sa.Integer, nullable=False),
    sa.Column("customer_minutes_lost", sa.Float, nullable=False, comment="without service, up to now while it is open"),
    sa.Column("measure", sa.String(16), comment="of a degradation: loss | latency | saturation"),
    sa.Index("incidents_by_time", "started_at"),
)

INCIDENT_DEVICES = sa.Table(
    "incident_devices",
    OPERATIONS,
    sa.Column("incident_id", sa.String(40), sa.ForeignKey("incidents.incident_id"), primary_key=True),
    sa.Column("device_id", sa.String(200), primary_key=True),
    sa.Column("started_at", UtcTimestamp, primary_key=True, comment="a device may join an incident more than once"),
    sa.Column("area", sa.String(200), nullable=False),
    sa.Column("ended_at", UtcTimestamp),
    sa.Column("subscribers", sa.Integer, nullable=False),
)

# The dashboard (its pages and `bairro maintenance`, `bairro acknowledge`) writes the tables below; collectors read them.

MAINTENANCE_WINDOWS = sa.Table(
    "maintenance_windows",
    OPERATIONS,
    sa.Column("window_id", sa.String(40), primary_key=True),
    sa.Column(
        "target_kind",
        sa.String(16),
        nullable=False,
        comment="device | site | area | subtree (a device and all behind it)",
    ),
    sa.Column("target", sa.String(200), nullable=False, comment="the device, site or area, as in the inventory"),
    sa.Column(
        "starts_at", UtcTimestamp, nullable=False, comment="when the work begins; weekly: no occurrence begins before"
    ),
    sa.Column(
        "ends_at", UtcTimestamp, comment="when it ends; weekly: no occurrence begins from then on, null: it goes on"
    ),
    sa.Column("weekdays", sa.String(20), comment="weekly: MO to SU as in RFC 5545, by commas; null: once"),
    sa.Column("local_start", sa.String(5), comment="weekly: HH:MM on the wall of time_zone"),
    sa.Column("duration_seconds", sa.Integer, comment="weekly: how long each occurrence lasts, by the clock of UTC"),
    sa.Column("time_zone", sa.String(64), nullable=False, comment="IANA zone that the times were given in"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False, comment="who entered it"),
    sa.Column("created_at", UtcTimestamp, nullable=False),
    sa.Column("cancelled_by", sa.String(200), comment="who called it off"),
    sa.Column("cancelled_at", UtcTimestamp, comment="from when it holds no more; what was before stays planned"),
    sa.Index("maintenance_windows_by_end", "ends_at"),
)

ACKNOWLEDGEMENTS = sa.Table(
    "acknowledgements",
    OPERATIONS,
    sa.Column("acknowledgement_id", sa.String(40), primary_key=True),
    sa.Column("incident_id", sa.String(40), sa.ForeignKey("incidents.incident_id"), nullable=False),
    sa.Column("acknowledged_by", sa.String(200), nullable=False, comment="who has taken it up"),
    sa.Column("acknowledged_at", UtcTimestamp, nullable=False),
    sa.Column("note", sa.Text, nullable=False, comment="what they say; several notes on one incident are several rows"),
    sa.Index("acknowledgements_by_incident", "incident_id"),
)

USERS = sa.Table(
    "users",
    OPERATIONS,
    sa.Column("user_id", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, comment="what they sign in with, in lower case"),
    sa.Column("display_name", sa.String(200), nullable=False),
    sa.Column(
        "role", sa.String(16), nullable=False, comment="what they may see and do: viewer | operator | analyst | admin"
    ),
    sa.Column("password_hash", sa.String(200), comment="with its method and salt; null: signs in elsewhere"),
    sa.Column("language", sa.String(8), comment="en, pt_BR, es, nl or ru; null: the browser's"),
    sa.Column("created_at", UtcTimestamp, nullable=False),
    sa.Column("password_changed_at", UtcTimestamp, comment="sessions from before end"),
    sa.Column("signed_in_at", UtcTimestamp, comment="the last time"),
    sa.Column("disabled_at", UtcTimestamp, comment="from when they may not sign in; the row stays, for the audit"),
    sa.Index("users_by_name", "name", unique=True),
)

SESSIONS = sa.Table(
    "sessions",
    OPERATIONS,
    sa.Column("session_id", sa.String(40), primary_key=True, comment="what it is called when it is ended"),
    sa.Column("token_hash", sa.String(64), nullable=False, comment="SHA-256 of what the browser or screen shows"),
    sa.Column("kind", sa.String(16), nullable=False, comment="browser | wall | metrics"),
    sa.Column("name", sa.String(200), nullable=False, comment="the account's name; of a token its own"),
    sa.Column("role", sa.String(16), comment="where somebody else says who they are; null: that of the account"),
    sa.Column("source", sa.String(64), comment="the address that signed in"),
    sa.Column("created_by", sa.String(200), nullable=False, comment="who signed in, or made the token"),
    sa.Column("created_at", UtcTimestamp, nullable=False),
    sa.Column("seen_at", UtcTimestamp, nullable=False, comment="when it was last used, to the minute"),
    sa.Column("expires_at", UtcTimestamp, comment="when it ends by itself; null: it does not"),
    sa.Column("ended_at", UtcTimestamp, comment="when somebody ended it"),
    sa.Index("sessions_by_token", "token_hash", unique=True),
    sa.Index("sessions_by_name", "name"),
)

AUDIT = sa.Table(
    "audit",
    OPERATIONS,
    sa.Column("audit_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcTimestamp, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False, comment="the user's name; of a command: name@host"),
    sa.Column("action", sa.String(64), nullable=False, comment="such as maintenance.add, incident.acknowledge"),
    sa.Column("subject", sa.String(200), nullable=False, comment="the id of what was acted on"),
    sa.Column("details", sa.Text, comment="what exactly, as JSON; never a secret"),
    sa.Index("audit_by_time", "at"),
    sa.Index("audit_by_subject", "subject"),
)

SILENCES = sa.Table(
    "silences",
    OPERATIONS,
    sa.Column("silence_id", sa.String(40), primary_key=True),
    sa.Column("target_kind", sa.String(16), nullable=False, comment="device | site | area"),
    sa.Column("target", sa.String(200), nullable=False, comment="the device, site or area, as in the inventory"),
    sa.Column("starts_at", UtcTimestamp, nullable=False),
    sa.Column("ends_at", UtcTimestamp, nullable=False, comment="until when; earlier where somebody ended it"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False, comment="who entered it"),
    sa.Column("ended_by", sa.String(200), comment="who ended it before its time"),
    sa.Index("silences_by_end", "ends_at"),
)

NOTICES = sa.Table(
    "notices",
    OPERATIONS,
    sa.Column("receiver", sa.String(200), primary_key=True, comment="its name in dashboard.toml"),
    sa.Column("incident_id", sa.String(40), sa.ForeignKey("incidents.incident_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, comment="which message of this incident, from 0 on"),
    sa.Column("event", sa.String(16), nullable=False, comment="opened | taken_up | ended | reopened"),
    sa.Column("content", sa.Text, nullable=False, comment="subject, text and facts as JSON; the same at each attempt"),
    sa.Column("queued_at", UtcTimestamp, nullable=False),
    sa.Column("due_at", UtcTimestamp, nullable=False, comment="not to be sent before"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("leased_by", sa.String(64), comment="the process that is sending it"),
    sa.Column("leased_until", UtcTimestamp, comment="then another may send it"),
    sa.Column("sent_at", UtcTimestamp, comment="when the receiver took it"),
    sa.Column("refused_at", UtcTimestamp, comment="when it was refused or given up; it is not sent by itself any more"),
    sa.Column("said", sa.Text, comment="what came of the last attempt"),
    sa.Index("notices_by_due", "receiver", "due_at"),
)
