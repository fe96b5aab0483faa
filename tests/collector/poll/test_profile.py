"""Profiles: what they may hold, who they are for, and one broken file for each fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.poll.profile import choose
from collector.poll.profile_files import BUILT_IN, load_profile, load_profiles
from collector.poll.snmp.codec import encode_tlv
from settings_file import SettingsError

from .agents import Mib, Serve, answering, device, encode_integer, poll, router

RADIO = """
title = "A radio"

[match]
object_ids = ["1.3.6.1.4.1.99999"]
descriptions = ["^Radio "]

[[scalars]]
name = "radioRssi.0"
oid = "1.3.6.1.4.1.99999.1.1.0"
field = "received_dbm"
channel = "radio"
divisor = 10
absent = [-32768]
source = "an invented MIB"

[[tables]]
name = "radioTable"
rows = "signals"

[[tables.columns]]
name = "radioName"
oid = "1.3.6.1.4.1.99999.2.1.1"
field = "channel"
source = "an invented MIB"

[[tables.columns]]
name = "radioNoise"
oid = "1.3.6.1.4.1.99999.2.1.2"
field = "noise_ratio_db"
divisor = 4
source = "an invented MIB"
"""
IDENTITY = {
    "1.3.6.1.2.1.1.1.0": encode_tlv(0x04, b"Radio 2000"),
    "1.3.6.1.2.1.1.2.0": encode_tlv(0x06, b"\x2b\x06\x01\x04\x01\x86\x8d\x1f\x07"),
}
SIGNALS = {
    "1.3.6.1.4.1.99999.1.1.0": encode_integer(-655),
    "1.3.6.1.4.1.99999.2.1.1.7": encode_tlv(0x04, b"north"),
    "1.3.6.1.4.1.99999.2.1.2.7": encode_integer(130),
    "1.3.6.1.4.1.99999.2.1.2.8": encode_integer(90),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "radio.toml").write_text(RADIO)
    return tmp_path


def test_built_in_profiles_load_and_name_their_sources() -> None:
    profiles = load_profiles()
    assert "generic" in profiles
    for profile in profiles.values():
        sources = [*profile.scalars, *(column for table in profile.tables for column in table.columns)]
        assert all(source.source for source in sources)
        for together in (profile.scalars, *(table.columns for table in profile.tables)):
            assert len({source.numbers + source.ending for source in together}) == len(together)


def test_profiles_of_a_folder_come_beside_the_built_in_ones(folder: Path) -> None:
    built_in = {path.stem for path in BUILT_IN.glob("*.toml")}
    assert "generic" in built_in
    assert set(load_profiles(folder)) == built_in | {"radio"}


@pytest.mark.parametrize(
    ("named", "object_id", "description", "titles"),
    [
        (None, "", "", ["Any SNMP agent"]),
        (None, "1.3.6.1.4.1.99999.3", "", ["Any SNMP agent", "A radio"]),
        (None, "1.3.6.1.4.1.999991", "", ["Any SNMP agent"]),
        (None, "", "Radio 7", ["Any SNMP agent", "A radio"]),
        ("radio", "", "", ["Any SNMP agent", "A radio"]),
        ("generic", "1.3.6.1.4.1.99999.3", "", ["Any SNMP agent"]),
        ("unknown", "1.3.6.1.4.1.99999.3", "", ["Any SNMP agent", "A radio"]),
    ],
)
def test_choice_of_profiles(
    folder: Path, named: str | None, object_id: str, description: str, titles: list[str]
) -> None:
    chosen = choose(load_profiles(folder), named, object_id, description)
    assert [profile.title for profile in chosen] == titles


def test_a_device_is_recognised_and_its_signals_are_read(folder: Path, serve: Serve) -> None:
    served = serve(answering(Mib(router(2) | IDENTITY | SIGNALS).answer))
    polled = poll(*[device(served.port)] * 2, profiles=load_profiles(folder))
    for reading in polled.readings:
        assert reading.snmp == "answered"
        assert [interface.name for interface in reading.interfaces] == ["if1", "if2"]
        signals = {signal.channel: signal for signal in reading.signals}
        assert signals["radio"].received_dbm == -65.5
        assert signals["north"].noise_ratio_db == 32.5
        assert signals["8"].noise_ratio_db == 22.5
        assert signals["8"].received_dbm is None


def test_a_device_of_another_kind_is_not_asked_for_signals(folder: Path, serve: Serve) -> None:
    served = serve(answering(Mib(router(2)).answer))
    polled = poll(device(served.port), profiles=load_profiles(folder))
    assert polled.reading.snmp == "answered"
    assert polled.reading.signals == ()
    asked = {bind.oid[:7] for message in served.asked for bind in message.varbinds}
    assert (1, 3, 6, 1, 4, 1, 99999) not in asked


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "titel: unknown key; known here: title, match, scalars, tables"),
        ("divisor = 10", "divider = 10", "scalars[0].divider: unknown key"),
        ("divisor = 10", "divisor = 0", "scalars[0].divisor: must not be 0"),
        ("divisor = 10", 'divisor = "10"', "scalars[0].divisor: must be a number, not '10'"),
        ('oid = "1.3.6.1.4.1.99999.1.1.0"', 'oid = "rssi"', "scalars[0].oid: not an object identifier: 'rssi'"),
        ('field = "received_dbm"', 'field = "rssi"', "scalars[0].field: must be one of received_dbm, noise_ratio_db"),
        ('channel = "radio"', "", "scalars[0].field: must be one of uptime_seconds, boot_seconds"),
        (
            'rows = "signals"',
            'rows = "antennas"',
            "tables[0].rows: must be one of interfaces, signals, probes, parts, not 'antennas'",
        ),
        ('"^Radio "', '"("', "match.descriptions[0]: not a regular expression"),
        ("divisor = 4", 'divisor = 4\ninstead_of = "other"', "tables[0].columns[1].instead_of: no column 'other'"),
        ("divisor = 4", 'index_ends = "a"', "tables[0].columns[1].index_ends: must be numbers with dots between"),
        ('"^Radio "', '"^Radio "]\nanswers = ["x"', "match.answers[0]: not an object identifier: 'x'"),
        ("divisor = 4", "bits = 16", "tables[0].columns[1].bits: must be 32 or 64, not 16"),
        ("divisor = 4", 'values = { one = "up" }', "tables[0].columns[1].values: 'one' is no whole number"),
        ("divisor = 4", 'values = { 1 = "up" }\ntrue = ["on"]', "tables[0].columns[1]: 'on' is none of its values"),
        ('source = "an invented MIB"\n\n[[tables]]', "\n[[tables]]", "scalars[0].source: is required"),
    ],
)
def test_each_fault_names_file_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "radio.toml"
    assert old in RADIO
    path.write_text(RADIO.replace(old, new, 1))
    with pytest.raises(SettingsError) as raised:
        load_profile(path)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such folder of profiles"):
        load_profiles(tmp_path / "none")


MEASURE = """title = "A generator"

[[measures]]
name = "fuel_level_ratio"
unit = "ratio"
help = "Fuel in the tank."
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fuel_level_ratio", "fuel-level", "line 4: measures[0].name: 'fuel-level' is no name of a metric"),
        ("fuel_level_ratio", "2nd_tank", "line 4: measures[0].name: '2nd_tank' is no name of a metric"),
        ("fuel_level_ratio", "fuel_total", "line 4: measures[0].name: 'fuel_total' is a gauge: its name must not end"),
        ("fuel_level_ratio", "temperature_celsius", "line 4: measures[0].name: 'temperature_celsius' is a measure of"),
        ('"ratio"', '"percent"', "line 5: measures[0].unit: 'percent' must stand at the end of the name"),
        ('unit = "ratio"', 'type = "histogram"', "line 5: measures[0].type: must be gauge or counter"),
        (
            'unit = "ratio"',
            'type = "counter"',
            "line 4: measures[0].name: 'fuel_level_ratio' is a counter: its name must",
        ),
        ('"Fuel in the tank."', '""', "line 6: measures[0].help: must be one line"),
        ('help = "Fuel in the tank."', "", "measures[0].help: is required"),
    ],
)
def test_a_measure_that_prometheus_refuses_is_named_by_file_line_and_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "generator.toml"
    assert old in MEASURE
    path.write_text(MEASURE.replace(old, new))
    with pytest.raises(SettingsError) as raised:
        load_profile(path)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_two_profiles_mean_the_same_by_one_measure(tmp_path: Path) -> None:
    for name, text in (("one", MEASURE), ("two", MEASURE.replace("in the tank", "in the can"))):
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(SettingsError, match="'fuel_level_ratio' is declared by another profile too"):
        load_profiles(tmp_path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('rows = "signals"\nonly = "a"', "tables[0].only: only for parts"),
        ('rows = "parts"\nonly = "("', "tables[0].only: not a regular expression"),
        ('rows = "parts"\nkinds = { 1 = "speed" }', "tables[0].kinds.1: must be one of processor_ratio"),
    ],
)
def test_what_is_wrong_with_a_table_of_parts_is_named(tmp_path: Path, keys: str, message: str) -> None:
    path = tmp_path / "parts.toml"
    path.write_text(f'title = "x"\n\n[[tables]]\nname = "y"\n{keys}\ncolumns = []\n')
    with pytest.raises(SettingsError) as raised:
        load_profile(path)
    assert str(raised.value).startswith(f"{path}: {message}")
