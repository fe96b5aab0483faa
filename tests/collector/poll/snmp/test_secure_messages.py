"""Messages of version 3 without an agent: any bytes are a message or a reason, and sizes are known beforehand."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.poll.snmp.codec import SEQUENCE, BadPacketError, encode_tlv
from collector.poll.snmp.engine import AskAgainError
from collector.poll.snmp.usm import Keys
from collector.poll.snmp.usm_session import Peer, Refusal, Sent, Session
from collector.poll.snmp.v3 import AUTHENTIC, encode_message, encode_outside, encoded_bytes, parse

from ..secure_agent import credential

MINE = credential("SHA", "AES")
FORGED_ENGINE = b"\x80\x00\x1f\x88\x04forged"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_are_a_message_or_a_reason(data: bytes) -> None:
    for packet in (data, encode_tlv(SEQUENCE, b"\x02\x01\x03" + data)):
        with contextlib.suppress(BadPacketError):
            assert parse(packet).flags in range(256)


@pytest.mark.parametrize("protocols", [("SHA512", "DES"), ("MD5", "AES"), ("SHA", None), (None, None)])
@pytest.mark.parametrize("pdu_bytes", [20, 200, 1300])
def test_how_much_larger_a_message_is_than_its_pdu(protocols: tuple[str | None, str | None], pdu_bytes: int) -> None:
    peer = Peer(credential(*protocols, context="somewhere"), b"\x80" * 32)
    clock = 2**31 - 2, 2**31 - 2
    message = encode_message(peer.outside, peer.keys, clock, msg_id=0x41000000, pdu=bytes(pdu_bytes))
    assert -25 <= len(message) - pdu_bytes - encoded_bytes(peer.outside, peer.keys) <= 0


def test_signed_but_not_encrypted_is_less_than_was_asked() -> None:
    session, peer = Session(MINE), Peer(MINE, FORGED_ENGINE)
    outside = encode_outside(FORGED_ENGINE, MINE.user, "", AUTHENTIC)
    pdu = encode_tlv(0xA2, b"\x02\x04\x41\x00\x00\x00\x02\x01\x00\x02\x01\x00\x30\x00")
    data = encode_message(outside, Keys(peer.keys.signer, None), (1, 5), msg_id=0x41000000, pdu=pdu)
    with pytest.raises(BadPacketError, match="security_level"):
        session.open(data, parse(data), Sent(0x41000000, peer), 0.0)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([b"", b"\xa2", b"\xa8", b"\xa8\x03\x02\x01\x00", b"\xa2\x04\x02\x02\x40\x00"]),
    st.binary(max_size=60),
)
def test_a_true_key_around_nonsense_is_a_reason_too(start: bytes, rest: bytes) -> None:
    """An agent that knows the password and encodes rubbish: nothing but a reason or a refusal comes of it."""
    for protocols in (("SHA", "AES"), ("MD5", None), (None, None)):
        session = Session(credential(*protocols))
        peer = Peer(credential(*protocols), FORGED_ENGINE)
        sent = Sent(0x41000000, peer)
        data = encode_message(peer.outside, peer.keys, (1, 5), msg_id=0x41000000, pdu=start + rest)
        try:
            opened = session.open(data, parse(data), sent, 0.0)
        except (BadPacketError, AskAgainError):
            continue
        assert isinstance(opened, Refusal)
