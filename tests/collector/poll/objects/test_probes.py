"""Probes that devices run themselves: recordings written from the MIBs' definitions, read and polled."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector import recordings
from collector.poll.profile_files import load_profiles
from collector.reading import ProbeReading

from ..agents import Mib, Serve, answering, device, poll
from ..recordings import read_recording

PROFILES = load_profiles()
RTTMON = "1.3.6.1.4.1.9.9.42.1"
CISCO = f"""\
1.3.6.1.2.1.1.1.0|4|Cisco IOS Software, an invented router
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.99999
1.3.6.1.2.1.1.3.0|67|100
{RTTMON}.2.1.1.3.1|4|to core
{RTTMON}.2.1.1.3.2|4|
{RTTMON}.2.1.1.3.3|4|lost
{RTTMON}.2.1.1.3.4|4|slow
{RTTMON}.2.1.1.3.5|4|not yet run
{RTTMON}.2.1.1.3.6|4|voice
{RTTMON}.2.1.1.3.7|4|voice all lost
{RTTMON}.2.1.1.3.8|4|still busy
{RTTMON}.2.2.1.18.1|2|10
{RTTMON}.2.2.1.18.6|2|1000
{RTTMON}.2.2.1.18.7|2|1000
{RTTMON}.2.2.1.37.1|2|1
{RTTMON}.2.2.1.37.6|2|2
{RTTMON}.2.2.1.37.7|2|2
{RTTMON}.2.10.1.1.1|66|12
{RTTMON}.2.10.1.1.2|66|7
{RTTMON}.2.10.1.1.3|66|12
{RTTMON}.2.10.1.1.4|66|1200
{RTTMON}.2.10.1.1.5|66|0
{RTTMON}.2.10.1.1.6|66|12345
{RTTMON}.2.10.1.1.7|66|0
{RTTMON}.2.10.1.1.8|66|15
{RTTMON}.2.10.1.2.1|2|1
{RTTMON}.2.10.1.2.2|2|1
{RTTMON}.2.10.1.2.3|2|4
{RTTMON}.2.10.1.2.4|2|3
{RTTMON}.2.10.1.2.5|2|0
{RTTMON}.2.10.1.2.6|2|1
{RTTMON}.2.10.1.2.7|2|4
{RTTMON}.2.10.1.2.8|2|5
{RTTMON}.5.2.1.1.6|66|990
{RTTMON}.5.2.1.1.7|66|0
{RTTMON}.5.2.1.46.6|66|850
{RTTMON}.5.2.1.46.7|66|0
"""
CISCO_PROBES = (
    ProbeReading("to core", 0.012, None, 0.0),
    ProbeReading("2", 0.007, None, 0.0),
    ProbeReading("lost", None, None, 1.0),
    ProbeReading("slow", 1.2, None, 0.0),
    ProbeReading("voice", 0.012345, 0.00085, 0.01),
    ProbeReading("voice all lost", None, None, 1.0),
    ProbeReading("still busy", 0.015, None, None),
)
JUNIPER_PING, DISMAN_PING = "1.3.6.1.4.1.2636.3.7.1", "1.3.6.1.2.1.80.1.3.1"
OPS_PING, OPS_DNS, NET_PING = (
    "3.111.112.115.4.112.105.110.103",
    "3.111.112.115.3.100.110.115",
    "3.110.101.116.4.112.105.110.103",
)
JUNIPER = f"""\
1.3.6.1.2.1.1.1.0|4|Juniper Networks, Inc. an invented router
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.2636.1.1.1.2.99999
{DISMAN_PING}.6.{OPS_DNS}|66|0
{DISMAN_PING}.6.{NET_PING}|66|31
{JUNIPER_PING}.3.1.5.{OPS_PING}|66|999
{JUNIPER_PING}.5.1.1.{OPS_DNS}|66|0
{JUNIPER_PING}.5.1.1.{OPS_PING}|66|9
{JUNIPER_PING}.5.1.2.{OPS_DNS}|66|10
{JUNIPER_PING}.5.1.2.{OPS_PING}|66|10
{JUNIPER_PING}.5.1.6.{OPS_DNS}|66|0
{JUNIPER_PING}.5.1.6.{OPS_PING}|66|1843
"""
JUNIPER_PROBES = (
    ProbeReading("net/ping", 0.031),
    ProbeReading("ops/dns", None, None, 1.0),
    ProbeReading("ops/ping", 0.001843, None, 0.1),
)
DISMAN = f"""\
1.3.6.1.2.1.1.1.0|4|an invented router
{DISMAN_PING}.6.{OPS_DNS}|66|0
{DISMAN_PING}.6.{OPS_PING}|66|18
{DISMAN_PING}.6.{NET_PING}|66|0
{DISMAN_PING}.7.{OPS_DNS}|66|0
{DISMAN_PING}.7.{OPS_PING}|66|15
{DISMAN_PING}.7.{NET_PING}|66|0
{DISMAN_PING}.8.{OPS_DNS}|66|15
{DISMAN_PING}.8.{OPS_PING}|66|15
{DISMAN_PING}.8.{NET_PING}|66|0
"""
DISMAN_PROBES = (ProbeReading("ops/dns", None, None, 1.0), ProbeReading("ops/ping", 0.018, None, 0.0))
HUAWEI = f"""\
1.3.6.1.2.1.1.1.0|4|Huawei Versatile Routing Platform Software VRP (R) software, an invented router
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.2011.2.62.99999
{DISMAN_PING}.6.{OPS_PING}|66|18
{DISMAN_PING}.7.{OPS_PING}|66|3
{DISMAN_PING}.8.{OPS_PING}|66|4
"""
HUAWEI_PROBES = (ProbeReading("ops/ping", 0.018, None, 0.25),)
CHECK, MONITOR = "1.3.6.1.4.1.12356.101.4.9.2.1", "1.3.6.1.4.1.12356.101.4.8.2.1"
FORTINET = f"""\
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.12356.101.1.99999
{CHECK}.2.1|4|dns
{CHECK}.2.2|4|dns
{CHECK}.2.3|4|office
{CHECK}.4.1|2|0
{CHECK}.4.2|2|1
{CHECK}.4.3|2|0
{CHECK}.5.1|4|2.5
{CHECK}.5.2|4|0.000
{CHECK}.5.3|4|25.030
{CHECK}.6.1|4|0.25
{CHECK}.6.2|4|0.000
{CHECK}.9.1|4|12.500
{CHECK}.9.2|4|100.000
{MONITOR}.2.1|4|wan1
{MONITOR}.2.2|4|wan2
{MONITOR}.3.1|2|0
{MONITOR}.3.2|2|1
{MONITOR}.4.1|4|8.125
{MONITOR}.4.2|4|0.000
{MONITOR}.5.1|4|0.500
{MONITOR}.5.2|4|0.000
{MONITOR}.8.1|4|3.000
{MONITOR}.8.2|4|100.000
"""
FORTINET_PROBES = (
    ProbeReading("dns#1", 0.0025, 0.00025, 0.125),
    ProbeReading("dns#2", None, None, 1.0),
    ProbeReading("office", 0.02503, None, 0.0),
    ProbeReading("wan1", 0.008125, 0.0005, 0.03),
    ProbeReading("wan2", None, None, 1.0),
)


@pytest.mark.parametrize(
    ("recording", "named", "expected"),
    [
        (CISCO, None, CISCO_PROBES),
        (JUNIPER, None, JUNIPER_PROBES),
        (DISMAN, "disman-ping", DISMAN_PROBES),
        (FORTINET, None, FORTINET_PROBES),
        (HUAWEI, None, HUAWEI_PROBES),
    ],
    ids=["cisco", "juniper", "disman-ping", "fortinet", "huawei"],
)
def test_probes_of_a_recording(
    tmp_path: Path, recording: str, named: str | None, expected: tuple[ProbeReading, ...]
) -> None:
    path = tmp_path / "device.snmprec"
    path.write_text(recording)
    found = recordings.put(recordings.read(path)[0], PROFILES, named=named)
    assert [probe.name for probe in found.probes] == [probe.name for probe in expected]
    for probe, wanted in zip(found.probes, expected, strict=True):
        assert probe[1:] == pytest.approx(wanted[1:])
    assert found.signals == ()
    assert f"probes ({len(expected)})" in str(found)


def test_a_poll_reads_the_probes(tmp_path: Path, serve: Serve) -> None:
    path = tmp_path / "device.snmprec"
    path.write_text(CISCO)
    served = serve(answering(Mib(read_recording(path)).answer))
    polled = poll(*[device(served.port)] * 2, profiles=PROFILES)
    for reading in polled.readings:
        assert reading.snmp == "answered"
        assert reading.probes == recordings.put(recordings.read(path)[0], PROFILES).probes
