"""The lines of a recording as other tools write them: what is read, what is not and how that is said."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import bairro
from collector import recordings
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import parse_oid
from collector.recordings import Recorded

PROFILES = load_profiles()
UPTIME = "1.3.6.1.2.1.1.3.0"


@pytest.mark.parametrize(
    ("line", "recorded"),
    [
        (f"{UPTIME}|67|4200", Recorded(0x43, 4200)),
        (f"{UPTIME}|67|4200\r", Recorded(0x43, 4200)),
        (f"\ufeff{UPTIME}|67|4200", Recorded(0x43, 4200)),
        (f"{UPTIME}|4x|c3a9", Recorded(4, "é".encode())),
        (f"{UPTIME}|4x|C3 A9 0", Recorded(4, "é".encode())),
        (f"{UPTIME}|4e|a\\x00b", Recorded(4, b"a\0b")),
        (f"{UPTIME}|4|a|b", Recorded(4, b"a|b")),
        (f"{UPTIME}|4|a\x0bb\u2028c", Recorded(4, "a\x0bb\u2028c".encode())),
        (f"{UPTIME}|4|", Recorded(4, b"")),
        (f".{UPTIME}|6|.1.3.6", Recorded(6, (1, 3, 6))),
        (f"{UPTIME}|64|10.0.0.1", Recorded(0x40, b"\x0a\0\0\x01")),
        (f"{UPTIME}|64x|0a000001", Recorded(0x40, b"\x0a\0\0\x01")),
        (f"{UPTIME}|70|18446744073709551615", Recorded(0x46, 2**64 - 1)),
        (f"{UPTIME}|65:writecache|value=12", Recorded(0x41, 12)),
        (f"{UPTIME}|65:numeric|min=1,initial=34,rate=2", Recorded(0x41, 34)),
    ],
)
def test_a_line_is_an_object(tmp_path: Path, line: str, recorded: Recorded) -> None:
    path = tmp_path / "one.snmprec"
    path.write_text(line + "\n\n", encoding="utf-8", newline="")
    assert recordings.read(path) == ({parse_oid(UPTIME): recorded}, [])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nothing", "not of the form OID|type|value: 'nothing'"),
        (f"{UPTIME}|67", f"not of the form OID|type|value: '{UPTIME}|67'"),
        ("1.3.x|2|3", "not an object identifier: '1.3.x'"),
        (f"{UPTIME}|2|three", "'three' is no number"),
        (f"{UPTIME}|2|", "'' is no number"),
        (f"{UPTIME}|2|{'9' * 400}", f"'{'9' * 40}...' is no number"),
        (f"{UPTIME}|2|1.5", "'1.5' is no number"),
        (f"{UPTIME}|4x|58AC78XXYYZZ", "'58AC78XXYYZZ' is not in hexadecimal digits"),
        (f"{UPTIME}|6|0", "not an object identifier: '0'"),
        (f"{UPTIME}|64|10.0.0.300", "Octet 300 (> 255) not permitted in '10.0.0.300'"),
        (f"{UPTIME}|5|", "'5' is no type of a value"),
        (f"{UPTIME}|string|a", "'string' is no type of a value"),
        (f"{UPTIME}|2:error|op=get", "the module 'error' of a simulator would make up its value"),
    ],
)
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "one.snmprec"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    assert recordings.read(path) == ({}, [f"line 2: {problem}"])


def test_what_is_wrong_with_a_recording_is_said_and_the_rest_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.snmprec"
    path.write_text(f"1.3.6.1.2.1.2.2.1.2.1|4|eth0\n1.3.6.1.2.1.2.2.1.10.1|65|7\n{UPTIME}|67|100\n" + "x\n" * 12)
    assert bairro.main(["profile", "test", str(path)]) == 0
    said = capsys.readouterr()
    assert "receive_bytes 7" in said.out
    assert f"{path}: line 4: not of the form OID|type|value: 'x'" in said.err
    assert f"{path}: 12 lines in total are not objects" in said.err


def test_no_recording_however_spoilt_stops_the_test(tmp_path: Path) -> None:
    """Values and types of a recording exchanged at random: each still yields something."""
    chance = random.Random(1101)
    columns = [column.oid for profile in PROFILES.values() for table in profile.tables for column in table.columns] + [
        scalar.oid for profile in PROFILES.values() for scalar in profile.scalars
    ]
    tags = ["2", "4", "4x", "4e", "6", "64", "64x", "65", "66", "67", "70", "68", "5", "2:numeric"]
    values = ["", "0", "-1", "1", "2147483647", "4294967295", "18446744073709551615", "-9.3 dBm", "9" * 300, "nan",
              "inf", "1e400", "up", "1.3.6", "10.0.0.1", "c3a9", "\\x00", "é\u2028"]  # fmt: skip
    identities = [prefix for profile in PROFILES.values() for prefix in profile.match.object_ids]
    path = tmp_path / "spoilt.snmprec"
    for _ in range(40):
        lines = [f"1.3.6.1.2.1.1.2.0|6|{chance.choice(identities)}"]
        lines += [
            f"{oid}{chance.choice(['', '.0', '.1', '.1', '.2', '.4294967295', '.3.97.98.99'])}"
            f"|{chance.choice(tags)}|{chance.choice(values)}"
            for oid in columns
        ]
        path.write_text("\n".join(lines), encoding="utf-8")
        objects, _ = recordings.read(path)
        assert str(recordings.put(objects, PROFILES))
