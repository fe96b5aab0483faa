"""Every recording put to the profiles: ports and signals are what another monitor read from the same devices."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from collector import recordings
from collector.poll.objects import decode
from collector.poll.profile import Source, choose
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Oid, parse_oid
from collector.reading import InterfaceReading
from collector.recordings import Recorded, Yield

pytestmark = pytest.mark.shared

FOLDER = Path(os.environ.get("BAIRRO_SHARED") or Path(__file__).parents[4] / "shared") / "data" / "snmp_recordings"
NAMES = sorted(path.stem for path in FOLDER.glob("*.snmprec"))
PROFILES = load_profiles()
COUNTERS = {
    "ifInOctets": "receive_bytes",
    "ifOutOctets": "transmit_bytes",
    "ifInErrors": "receive_errors",
    "ifOutErrors": "transmit_errors",
    "ifInDiscards": "receive_discards",
    "ifOutDiscards": "transmit_discards",
}
STATUSES = ("up", "down", "testing", "dormant", "notPresent", "lowerLayerDown")
AS_SHOWN = {
    "quality_ratio": 100.0,
    "rtt_seconds": 1000.0,
    "jitter_seconds": 1000.0,
    "loss_ratio": 100.0,
    "receive_rate_bytes_per_second": 8.0,
    "transmit_rate_bytes_per_second": 8.0,
}
CORE = {
    **dict.fromkeys(("rssi", "dbm", "power", "tv_signal", "signal"), ("received_dbm", "transmitted_dbm", "rsrp_dbm")),
    **dict.fromkeys(("snr", "sinr"), ("noise_ratio_db", "sinr_db")),
    "rsrp": ("rsrp_dbm",),
    "rsrq": ("rsrq_db",),
    "quality_factor": ("rsrq_db",),
    "mse": ("mse_db",),
    "noise-floor": ("noise_dbm",),
    "rate": ("receive_rate_bytes_per_second", "transmit_rate_bytes_per_second"),
    **dict.fromkeys(("ccq", "quality"), ("quality_ratio",)),
    **dict.fromkeys(("ssr", "ber"), ()),
}
"""What the other monitor calls a radio, an optical or a cable signal, and what it is here."""
HEALTH = {
    "temperature": ("temperature_celsius", 1.0),
    "voltage": ("voltage_volts", 1.0),
    "fanspeed": ("fan_speed_rpm", 1.0),
    "power": ("power_watts", 1.0),
    "current": ("current_amperes", 1.0),
    "charge": ("battery_ratio", 0.01),
}
TURNED = "1.3.6.1.4.1.48690.2.22.0"
"""The other monitor shows this ratio with its sign turned: a modem that hears -74 dBm of its cell has 14 dB, not -14."""
DBMV_TO_DBM = -48.75
WRONG_UNITS = (1, 1e3, 1e6, 1e-3, 1e-6)  # the other monitor shows bit/s where Mbit/s are due, and the like, as stated
NO_SPEED = 4294967295  # RFC 2863: ifSpeed of an interface whose speed it cannot hold


@cache
def recording(name: str) -> dict[Oid, Recorded]:
    return recordings.read(FOLDER / f"{name}.snmprec")[0]


@cache
def yielded(name: str) -> Yield:
    return recordings.put(recording(name), PROFILES)


@cache
def expected(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def expected_rows(name: str, module: str, table: str) -> list[dict[str, Any]]:
    found = expected(name).get(module, {})
    polled = found.get("poller")
    return ((found.get("discovery") if polled in ("matches discovery", None) else polled) or {}).get(table, [])


def is_read_alike(port: dict[str, Any], interface: InterfaceReading | None) -> bool:
    """Counters, speed, status and name; the other monitor has 0 where the device gave nothing, we have None."""
    if interface is None:
        return False
    counters = all(port[name] in (None, getattr(interface, field) or 0) for name, field in COUNTERS.items())
    stated, own_speed = port["ifSpeed"], (interface.speed_bytes_per_second or 0) * 8
    speed = stated in (0, None, NO_SPEED) or stated in {own_speed * unit for unit in WRONG_UNITS}
    status = port["ifOperStatus"] not in STATUSES or (port["ifOperStatus"] == "up") == interface.is_up
    names = {port["ifName"], port["ifDescr"], port["ifAlias"]}
    return counters and speed and status and bool(names & {interface.name, interface.name.rpartition("#")[0]})


def same_port(port: dict[str, Any], interfaces: tuple[InterfaceReading, ...]) -> InterfaceReading | None:
    """By ifIndex where the device has a row of it, else by name: vendors' own tables have no ifIndex."""
    by_index = {interface.index: interface for interface in reversed(interfaces)}
    by_name = {interface.name: interface for interface in interfaces}
    return by_index.get(port["ifIndex"]) or by_name.get(port["ifName"])


def claimed(name: str) -> Iterator[tuple[dict[str, Any], Recorded, Source]]:
    """The other monitor's sensors of recorded objects that a chosen profile reads as a signal."""
    own = yielded(name)
    chosen = choose(PROFILES, None, own.object_id, own.description)
    sources = [scalar for profile in chosen for scalar in profile.scalars if scalar.channel and not scalar.is_of_part]
    tables = [table for profile in chosen for table in profile.tables if table.rows in ("signals", "probes")]
    sources += [column for table in tables for column in table.columns if not column.is_text and not column.values]
    for module, table in (("wireless", "wireless_sensors"), ("sensors", "sensors")):
        for row in expected_rows(name, module, table):
            recorded = recording(name).get(sensor_oid(row))
            for source in sources:
                if recorded is not None and is_of(sensor_oid(row), source):
                    yield row, recorded, source


def is_of(oid: Oid, source: Source) -> bool:
    return oid[: len(source.numbers)] == source.numbers and oid[len(oid) - len(source.ending) :] == source.ending


def shown_by_the_other(row: dict[str, Any]) -> float:
    return -row["sensor_current"] if sensor_oid(row) == parse_oid(TURNED) else row["sensor_current"]


def sensor_oid(row: dict[str, Any]) -> Oid:
    written = row.get("sensor_oid") or json.loads(row["sensor_oids"])[0]
    return parse_oid(written.strip("."))


def is_left_out(recorded: Recorded, source: Source) -> bool:
    """Whether we say that a number stands for no value, where the other monitor shows it as it is."""
    value = decode.number(dataclasses.replace(source, absent=(), milliwatts=False), recorded.value)
    raw = decode.number(Source("raw", source.oid, source.field, source.source), recorded.value)
    return raw in source.absent or (source.milliwatts and value == 0)


def measured(recorded: Recorded, source: Source) -> float | None:
    value = decode.number(source, recorded.value)
    if value is None:
        return None
    in_dbmv = source.offset == DBMV_TO_DBM
    return (value - DBMV_TO_DBM if in_dbmv else value) * AS_SHOWN.get(source.field, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_interfaces_and_channels_have_names_of_their_own(name: str) -> None:
    own = yielded(name)
    assert len({interface.name for interface in own.interfaces}) == len(own.interfaces)
    assert len({signal.channel for signal in own.signals}) == len(own.signals)
    assert len({part[:2] for part in own.parts}) == len(own.parts)


def test_ports_are_read_as_another_monitor_read_them(shared: Path, record_property: Any) -> None:
    ports = [(name, port) for name in NAMES for port in expected_rows(name, "ports", "ports")]
    wrong = [
        f"{name} {port['ifIndex']} {port['ifDescr']}"
        for name, port in ports
        if not is_read_alike(port, same_port(port, yielded(name).interfaces))
    ]
    share = 1 - len(wrong) / len(ports)
    record_property("ports", f"{len(ports) - len(wrong)} of {len(ports)}")
    print(f"ports: {len(ports) - len(wrong)} of {len(ports)} alike ({share:.2%}); others: {wrong}")
    assert len(ports) > 1000
    assert share >= 0.99, wrong


def test_signals_are_read_as_another_monitor_read_them(shared: Path, record_property: Any) -> None:
    rows = [(name, row, recorded, source) for name in NAMES for row, recorded, source in claimed(name)]
    kept = [row for row in rows if not is_left_out(*row[2:])]
    wrong = [
        f"{name} {source.name}: {row['sensor_current']} is not {measured(recorded, source)}"
        for name, row, recorded, source in kept
        if measured(recorded, source) != pytest.approx(shown_by_the_other(row), abs=1e-9)
    ]
    record_property("signals", f"{len(kept) - len(wrong)} of {len(kept)}")
    print(f"signals: {len(kept) - len(wrong)} of {len(kept)} claimed alike, {len(rows) - len(kept)} no values: {wrong}")
    assert len(kept) > 80
    assert len(kept) / len(rows) > 0.9
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_a_claimed_signal_is_in_the_yield_unless_a_better_object_gave_it(name: str) -> None:
    own = yielded(name)
    for _, recorded, source in claimed(name):
        given = [getattr(record, source.field, None) for record in (*own.signals, *own.probes)]
        assert decode.number(source, recorded.value) in given or source.instead_of is not None


@pytest.mark.usefixtures("shared")
def test_most_core_signals_of_another_monitor_are_shown(record_property: Any) -> None:
    rows = [
        (name, row, CORE[row["sensor_class"]])
        for name in NAMES
        for module, table in (("wireless", "wireless_sensors"), ("sensors", "sensors"))
        for row in expected_rows(name, module, table)
        if row["sensor_class"] in CORE and (module == "wireless" or row["sensor_class"] != "power")
    ]
    left = [f"{name} {row['sensor_descr']}" for name, row, fields in rows if not is_shown(name, row, fields)]
    record_property("core signals", f"{len(rows) - len(left)} of {len(rows)}")
    print(f"core signals: {len(rows) - len(left)} of {len(rows)} shown; others: {left}")
    assert len(rows) > 200
    assert len(left) <= 0.1 * len(rows), left


def is_shown(name: str, row: dict[str, Any], fields: tuple[str, ...]) -> bool:
    """Whether a signal of the recording has the value; power in dBmV too."""
    wanted = shown_by_the_other(row)
    levels = [wanted, wanted + DBMV_TO_DBM] if row["sensor_class"] == "tv_signal" else [wanted]
    if row["sensor_class"] == "signal":
        fields = (*fields, "rsrq_db", "sinr_db")
    given = [
        value * AS_SHOWN.get(field, 1.0)
        for signal in yielded(name).signals
        for field in fields
        if (value := getattr(signal, field)) is not None
    ]
    return any(value == pytest.approx(level, abs=0.006) for value in given for level in levels)


@pytest.mark.usefixtures("shared")
def test_most_of_the_health_that_another_monitor_shows_is_shown(record_property: Any) -> None:
    rows = [
        (name, row, HEALTH[row["sensor_class"]])
        for name in NAMES
        for row in expected_rows(name, "sensors", "sensors")
        if row["sensor_class"] in HEALTH
    ]
    left = [f"{name} {row['sensor_descr']}" for name, row, kind in rows if not has_part(name, kind, row)]
    record_property("health", f"{len(rows) - len(left)} of {len(rows)}")
    print(f"health: {len(rows) - len(left)} of {len(rows)} shown; others: {left}")
    assert len(rows) > 250
    assert len(left) <= 0.15 * len(rows), left


def has_part(name: str, kind: tuple[str, float], row: dict[str, Any]) -> bool:
    measure, unit = kind
    shown = [part.value for part in yielded(name).parts if part.measure == measure]
    return any(value == pytest.approx(row["sensor_current"] * unit, abs=0.006) for value in shown)
