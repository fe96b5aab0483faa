"""Capture: a real agent recorded, nothing of its owner left, and what a profile makes of it unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bairro
from collector import recordings
from collector.commands.scrub import scrub
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Oid, parse_oid
from collector.recordings import Recorded

PROFILES = load_profiles()
MAC = bytes((0x44, 0xD9, 0xE7, 0x82, 0xFE, 0x6A))
STATION = f"1.3.6.1.4.1.41112.1.11.1.3.1.3.{'.'.join(map(str, MAC))}.1"
ONU = "1.3.6.1.4.1.41112.1.5.6.2.1"
SERIAL = "12." + ".".join(str(byte) for byte in b"UBNT12345678")
PRIVATE = {
    "1.3.6.1.2.1.1.1.0": b"Linux tower-of-joao of Bairro Novo 192.168.7.9 S/N: ZX81-77 mac 44:d9:e7:82:fe:6a",
    "1.3.6.1.2.1.1.4.0": b"maria@example.org",
    "1.3.6.1.2.1.1.5.0": b"tower-of-joao",
    "1.3.6.1.2.1.2.2.1.2.1": b"wlan0",
    "1.3.6.1.2.1.2.2.1.6.1": MAC,
    "1.3.6.1.2.1.31.1.1.1.1.1": b"wlan0",
    "1.3.6.1.2.1.31.1.1.1.18.1": b"to Joao da Silva",
    "1.3.6.1.4.1.41112.1.4.5.1.2.1": b"ssid of joao",
    "1.3.6.1.4.1.41112.1.4.5.1.9.1": b"866.7 Mbps",
    "1.3.6.1.6.3.18.1.1.1.2.1": b"private-community",
    f"{ONU}.1.{SERIAL}": b"UBNT12345678",
}
NUMBERS = {STATION: -55, f"{ONU}.9.{SERIAL}": -1142, "1.3.6.1.2.1.2.2.1.8.1": 1}
SECRETS = (b"192.168.7.9", b"ZX81", b"44:d9", b"maria", b"joao", b"Joao", b"private", b"UBNT1234", b"tower", MAC)


def private_recording() -> dict[Oid, Recorded]:
    objects = {parse_oid(oid): Recorded(4, value) for oid, value in PRIVATE.items()}
    objects |= {parse_oid(oid): Recorded(2, value) for oid, value in NUMBERS.items()}
    objects[parse_oid("1.3.6.1.4.1.9.1.1.0")] = Recorded(0x40, bytes((10, 1, 2, 3)))
    objects[recordings.OBJECT_ID] = Recorded(6, parse_oid("1.3.6.1.4.1.10002.1"))
    return dict(sorted(objects.items()))


def test_nothing_of_the_owner_is_left_and_the_measures_are(tmp_path: Path) -> None:
    before = private_recording()
    scrubbed = scrub(before, PROFILES.values())
    path = tmp_path / "scrubbed.snmprec"
    recordings.write(path, scrubbed.objects)
    read, problems = recordings.read(path)
    assert (read, problems) == (scrubbed.objects, [])
    written = path.read_bytes()
    assert [secret for secret in SECRETS if secret in written or secret.hex().encode() in written] == []
    assert ".".join(map(str, MAC)).encode() not in written
    assert ".".join(map(str, b"12345678")).encode() not in written
    assert b"10.1.2.3" not in written
    assert b"866.7 Mbps" in written
    assert b"wlan0" in written
    assert scrubbed.replaced["community strings (left out)"] == 1
    assert scrubbed.replaced["serial numbers"] == 1
    old, new = recordings.put(before, PROFILES), recordings.put(read, PROFILES)
    assert [signal.received_dbm for signal in new.signals] == [signal.received_dbm for signal in old.signals] == [-55]
    assert [interface.name for interface in new.interfaces] == ["wlan0"]


def test_the_same_text_has_the_same_stand_in() -> None:
    objects = {
        parse_oid(f"1.3.6.1.4.1.5.{n}.0"): Recorded(4, value) for n, value in enumerate((b"ana", b"eva", b"ana"))
    }
    first, second, third = (recorded.value for recorded in scrub(objects, ()).objects.values())
    assert first == third != second


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_real_agent_is_captured_and_read_again(
    snmpd: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    (tmp_path / "devices.csv").write_text(
        f"device_id,address,role,area,ping\nr1,{snmpd.address}:{snmpd.port},router,centre,off\n"
    )
    (tmp_path / "collector.toml").write_text(
        f'inventory = "devices.csv"\ndata = "data"\n[[credentials]]\nname = "default"\ncommunity = "{snmpd.community}"\n'
        f'version = "{version}"\n'
    )
    path = tmp_path / "r1.snmprec"
    code = bairro.main(["capture", "r1", "--config", str(tmp_path / "collector.toml"), "--out", str(path)])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "replaced or left out:" in said
    objects, problems = recordings.read(path)
    assert problems == [], path.read_text()
    assert snmpd.community.encode() not in path.read_bytes()
    assert len(objects) > 50
    assert bairro.main(["profile", "test", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "generic: for every device" in shown
    assert "lo: index" in shown


def test_a_device_that_is_silent_or_unknown_is_said(
    tmp_path: Path, free_port: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "devices.csv").write_text(f"device_id,address,role,area\nr1,127.0.0.1:{free_port()},router,centre\n")
    settings = tmp_path / "collector.toml"
    settings.write_text('inventory = "devices.csv"\ndata = "data"\n[poll]\ntimeout_seconds = 0.05\nretries = 0\n')
    assert bairro.main(["capture", "r1", "--config", str(settings)]) == 1
    assert bairro.main(["capture", "r2", "--config", str(settings)]) == 2
    said = capsys.readouterr().out
    assert "bairro capture: r1: " in said
    assert "'r2' is not in" in said


def test_a_recording_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bairro.main(["profile", "test", str(tmp_path / "none.snmprec")]) == 2
    assert "none.snmprec: cannot be read" in capsys.readouterr().err
