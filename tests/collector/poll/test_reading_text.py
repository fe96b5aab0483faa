"""A reading as text: words and units for people, nothing of Python's own way to write values."""

from __future__ import annotations

import re

import pytest

from collector.poll import reading_text
from collector.reading import EchoBurst, InterfaceReading, ProbeReading, Reading, SignalReading


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (True, "yes"),
        (False, "no"),
        (600_000_000.0, "600000000"),
        (0.00900888442993164, "0.00900888"),
        (1_213_190.64, "1213190.64"),
        (18_446_744_073_709_551_615, "18446744073709551615"),
        (float("inf"), "inf"),
        (("a", 1.5), "a, 1.5"),
        ("uplink 0", "uplink 0"),
    ],
)
def test_values(given, said):
    assert reading_text.value(given) == said


def test_a_reading_has_no_python_in_it():
    reading = Reading(
        "gate",
        0.0,
        0.1,
        "answered",
        echoes=EchoBurst(3, 1, (0.0068, 0.00934)),
        interfaces=(InterfaceReading("uplink0", 1, is_up=True, receive_bytes=5), InterfaceReading("bare", 2)),
        signals=(SignalReading("radio 1", -61.0),),
        probes=(ProbeReading("to core"),),
    )
    said = reading_text.lines(reading)
    assert said == [
        "snmp = answered",
        "sent = yes",
        "pings = 3 sent, 1 lost, round trips 6.8, 9.3 ms",
        "interface uplink0: index 1, is_up yes, counter_bits 64, receive_bytes 5",
        "interface bare: index 2, counter_bits 64",
        "signal radio 1: received_dbm -61",
        "probe to core: nothing given",
    ]
    assert not re.search(r"None|True|False|\(|\)|=\[", " ".join(said))
