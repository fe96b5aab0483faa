"""Firmware and series that read otherwise than their siblings: recordings written from the MIBs' definitions."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from collector import recordings
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import OCTETS, OID, Value, parse_oid
from collector.reading import SignalReading
from collector.recordings import Recorded

PROFILES = load_profiles()
INTEGER = 2
STATION = "24.232.41.30.56.214"
E7, AXOS = "1.3.6.1.4.1.6321.1.2.2.2.1", "1.3.6.1.4.1.6321.1.2.4.2.6.1.1"


def signals(
    object_id: str, description: str, objects: Mapping[str, Value]
) -> dict[str, tuple[float | None, float | None]]:
    """Level and ratio of every channel of a device that calls itself so."""
    recording = {
        recordings.OBJECT_ID: Recorded(OID, parse_oid(object_id)),
        recordings.DESCRIPTION: Recorded(OCTETS, description.encode()),
    }
    for oid, value in objects.items():
        recording[parse_oid(oid)] = Recorded(OCTETS if isinstance(value, bytes) else INTEGER, value)
    found: tuple[SignalReading, ...] = recordings.put(recording, PROFILES).signals
    return {signal.channel: (signal.received_dbm, signal.noise_ratio_db) for signal in found}


def test_both_chains_of_a_radio_that_calls_itself_a_linux() -> None:
    objects = {f"1.3.6.1.4.1.41112.1.10.1.4.1.{column}.{STATION}": level for column, level in ((5, -57), (6, -48))}
    found = signals(
        "1.3.6.1.4.1.8072.3.2.10", "Linux roof 3.14.65 #1 SMP PREEMPT RT Wed May 13 UTC 2020 armv7l", objects
    )
    assert found == {f"chain 0 {STATION}": (-57, None), f"chain 1 {STATION}": (-48, None)}


def test_optical_levels_of_a_switch_that_gives_milliwatts_as_text() -> None:
    column = "1.3.6.1.4.1.11863.6.96.1.7.1.1"
    objects = {
        f"{column}.1.49177": b"1/0/25",
        f"{column}.1.49178": b"1/0/26",
        f"{column}.6.49177": b"0.251200",
        f"{column}.6.49178": b"0.000000",
    }
    found = signals("1.3.6.1.4.1.11863.5.33", "JetStream 24-Port Gigabit L2 Managed Switch", objects)
    assert found == {"optical 1/0/25": (pytest.approx(-5.99980, abs=1e-5), None)}


@pytest.mark.parametrize(
    ("object_id", "objects", "expected"),
    [
        ("1.3.6.1.4.1.6321.1.2.2.5.3", {f"{E7}.10.1.1.6.21": -9500, f"{E7}.10.1.1.8.21": -11000}, (-19.0, -22.0)),
        ("1.3.6.1.4.1.6321.1.2.4.1", {f"{AXOS}.6.21": 126, f"{AXOS}.8.21": 63}, (-18.9963, -22.0066)),
    ],
    ids=["E7 in units of 0.002 dBm", "AXOS in ten-thousandths of a milliwatt"],
)
def test_both_ends_of_an_ont(object_id: str, objects: Mapping[str, Value], expected: tuple[float, float]) -> None:
    found = signals(object_id, "E7-2", objects)
    assert found == {
        "ont 21": (pytest.approx(expected[0], abs=1e-4), None),
        "olt 21": (pytest.approx(expected[1], abs=1e-4), None),
    }


def test_noise_margins_of_both_directions_of_a_line() -> None:
    objects = {f"{E7}.9.1.3.1.2.105.1": 93, f"{E7}.9.1.3.1.2.105.2": 61}
    assert signals("1.3.6.1.4.1.6321.1.2.2.5.3", "E7-2", objects) == {
        "line 105.1": (None, 9.3),
        "line 105.2": (None, 6.1),
    }


@pytest.mark.parametrize(("series", "expected"), [("C300", "268501248"), ("C620", "285278721")])
def test_optical_modules_are_read_under_the_numbers_that_their_ports_have(series: str, expected: str) -> None:
    older, newer = "1.3.6.1.4.1.3902.1015.3.1.13.1.1", "1.3.6.1.4.1.3902.1082.30.40.2.4.1.2"
    objects = {f"{older}.268501248": -7321, f"{older}.268501504": 2147483647, f"{newer}.285278721": -7321}
    description = f"{series} Version V2.1.0 Software, Copyright (c) by ZTE Corporation Compiled"
    found = signals(f"1.3.6.1.4.1.3902.1082.1001.{series[1:]}.2.1", description, objects)
    assert found == {f"optical {expected}": (-7.321, None)}


def test_a_bridge_of_the_access_point_s_family_is_read_as_its_subscriber_module() -> None:
    column = "1.3.6.1.4.1.161.19.3.2.2"
    objects = {f"{column}.21.0": -61, f"{column}.95.0": 27, f"{column}.106.0": 0}
    found = signals("1.3.6.1.4.1.161.19.250.256", "CANOPY 13.4.1 BHUL450-AES Timing Slave", objects)
    assert found == {"radio": (-61, None), "vertical": (None, 27)}


def test_the_line_of_a_router_that_does_not_name_it() -> None:
    found = signals(
        "1.3.6.1.4.1.9.1.1378",
        "Cisco IOS Software, C880 Software (C880DATA-UNIVERSALK9-M), Version 15.3(3)M5",
        {"1.3.6.1.2.1.10.94.1.1.3.1.4.11": 121},
    )
    assert found == {"line 11": (None, 12.1)}
