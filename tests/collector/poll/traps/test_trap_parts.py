"""The parts of the trap receiver without a socket: buckets, the intake, addresses, the identity that is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collector.credentials import AUTH_PROTOCOLS, PRIV_PROTOCOLS
from collector.poll.traps.notification import AUTHENTICATION, PRIVACY
from collector.poll.traps.worker import MOST_WAITING, RELAY_SHARE, Buckets, Identity, Intake, address_of


def test_a_bucket_refills() -> None:
    buckets = Buckets(rate=2.0, burst=3)
    assert [buckets.allows("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert buckets.allows("b", 0.0)
    assert [buckets.allows("a", 1.0) for _ in range(3)] == [True, True, False]
    assert [buckets.allows("a", 1000.0) for _ in range(4)] == [True, True, True, False]


def test_the_intake_is_bounded() -> None:
    intake = Intake(rate=1.0, burst=10 * MOST_WAITING)
    intake.know(frozenset({"192.0.2.1"}))
    for _ in range(MOST_WAITING + 3):
        intake.offer(b"\x30\x00", ("192.0.2.1", 1), 0.0)
    assert (len(intake.waiting), intake.dropped) == (MOST_WAITING, {"overload": 3})


def test_a_relay_may_send_more() -> None:
    buckets = Buckets(rate=1.0, burst=2, relays=frozenset({"relay"}))
    assert sum(buckets.allows("relay", 0.0) for _ in range(1000)) == 2 * RELAY_SHARE


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::1"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::1"),
    ],
)
def test_addresses_are_those_of_the_inventory(peer: tuple[Any, ...], address: str) -> None:
    assert address_of(peer) == address


@pytest.mark.parametrize("text", ["", "{", "{}", '{"engine_id": "80", "boots": 3}', '{"engine_id": 1, "boots": 1}'])
def test_an_identity_that_cannot_be_read_is_made_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / "engine.json"
    path.write_text(text)
    engine_id, boots = Identity(path).boot()
    assert (len(engine_id), boots) == (13, 1)
    assert Identity(path).boot() == (engine_id, 2)


def test_an_identity_that_cannot_be_kept_still_serves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert Identity(tmp_path / "file" / "engine.json").boot()[1] == 1
    assert "cannot be kept" in capsys.readouterr().err


def test_every_protocol_of_the_settings_is_known() -> None:
    assert {None, *AUTH_PROTOCOLS} == AUTHENTICATION.keys()
    assert {None, *PRIV_PROTOCOLS} == PRIVACY.keys()
