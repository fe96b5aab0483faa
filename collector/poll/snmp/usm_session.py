"""Poll stage, SNMP version 3: one user's dealings with the engine at one address. Sockets and timers are elsewhere.

RFC 3414 sections 3 and 4, with two rules of its own. What cannot be verified (a report without a signature) may make
the question leave once more in a poll, and may end it only while the engine has not yet proven that it knows the
keys. And a signed report that answers this very question sets the engine's clock, even back: some engines forget how
often they were restarted.
"""

from __future__ import annotations

import os
from typing import NamedTuple, NoReturn

from collector.credentials import Credential
from collector.poll.snmp.codec import (
    FIRST_REQUEST_ID,
    REPORT,
    RESPONSE,
    SEQUENCE,
    BadPacketError,
    Oid,
    decode_bare,
    encode_tlv,
)
from collector.poll.snmp.engine import TIMEOUT, AskAgainError
from collector.poll.snmp.usm import localize
from collector.poll.snmp.v3 import (
    AUTHENTIC,
    MOST_NUMBER,
    PRIVATE,
    REPORTABLE,
    USM,
    Secured,
    decrypted_scope,
    encode_discovery,
    encode_message,
    encode_outside,
    encoded_bytes,
    pdu_id,
    pdu_of,
    pdu_with_id,
)

TIME_WINDOW_SECONDS = 150
"""RFC 3414 section 2.2.3."""
ENGINE_ID_BYTES = range(5, 33)
"""RFC 3411, SnmpEngineID."""
USM_STATS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
REPORTS: dict[Oid, str] = {
    (*USM_STATS, 1): "unsupported_level",
    (*USM_STATS, 2): "not_in_time_window",
    (*USM_STATS, 3): "unknown_user",
    (*USM_STATS, 4): "unknown_engine_id",
    (*USM_STATS, 5): "wrong_digest",
    (*USM_STATS, 6): "decryption_error",
    (1, 3, 6, 1, 6, 3, 12, 1, 4): "unknown_context",
    (1, 3, 6, 1, 6, 3, 12, 1, 5): "unknown_context",
    (1, 3, 6, 1, 6, 3, 11, 2, 1, 1): "unknown_model",
}
"""What an engine reports, by the counter that it names (RFC 3414 and RFC 3412; contexts: RFC 3413), and a code of ours."""
_WORDS = {
    "unsupported_level": "the agent does not let this user in at this security level: check auth_protocol and "
    "priv_protocol, and the agent's access rules",
    "not_in_time_window": "the agent's clock (its boots and engine time) and ours do not come to agree",
    "unknown_user": "the agent knows no such user: check user",
    "unknown_engine_id": "the agent answers as one engine and then as another: are there two agents at this address?",
    "wrong_digest": "the agent finds the request's signature wrong: check auth_protocol and auth_password",
    "decryption_error": "the agent cannot decrypt the request: check priv_protocol and priv_password",
    "unknown_context": "the agent has no such context: check context",
    "unknown_model": "the agent does not know the user-based security model",
    "bad_digest": "the answers are not signed with this user's key: check auth_password, or somebody alters them",
    "bad_decryption": "the answers cannot be decrypted: check priv_protocol and priv_password",
    "report": "the agent answers with a report that says neither why nor what",
    "silent": "the agent says who it is and answers nothing else: check priv_protocol, priv_password and context",
    "security_level": "the answers are less protected than the requests",
    "wrong_engine": "the answers come from another engine than was asked",
    "wrong_user": "the answers are for another user",
    "outside_time_window": "the answers are too old: somebody repeats them, or the agent's clock jumps",
}


class Peer:
    """One engine as one user sees it: its id, the user's keys there, and its clock."""

    __slots__ = ("boots", "engine_id", "heard_at", "is_told", "keys", "outside", "seconds")

    def __init__(self, credential: Credential, engine_id: bytes) -> None:
        self.engine_id = engine_id
        self.keys = localize(credential, engine_id)
        flags = REPORTABLE
        flags |= AUTHENTIC if self.keys.signer is not None else 0
        flags |= PRIVATE if self.keys.cipher is not None else 0
        self.outside = encode_outside(engine_id, credential.user, credential.context, flags)
        self.is_told = False
        self.boots = 0
        self.seconds = 0
        self.heard_at = 0.0

    def clock(self, now: float) -> tuple[int, int]:
        """The engine's boots and time as they should be by now."""
        return self.boots, min(MOST_NUMBER, self.seconds + int(now - self.heard_at))

    def set_clock(self, boots: int, seconds: int, now: float) -> None:
        self.boots, self.seconds, self.heard_at = boots, seconds, now

    def hear(self, boots: int, seconds: int, now: float) -> bool:
        """Take the time of a signed message; False where it lies outside the window (RFC 3414 section 3.2 step 7b).

        Until a first signed message the clock is only what an unsigned report said, which counts for nothing.
        """
        if not self.is_told or (boots, seconds) > (self.boots, self.seconds):
            self.set_clock(boots, seconds, now)
            self.is_told = True
        expected = self.clock(now)
        return boots == expected[0] and boots < MOST_NUMBER and seconds >= expected[1] - TIME_WINDOW_SECONDS


class Sent(NamedTuple):
    """What is remembered of a message that was sent: its PDU's request id and the engine it was for (None: any)."""

    request_id: int
    peer: Peer | None


class Refusal(NamedTuple):
    """The agent does not let this user in; ``reason`` is a code of REPORTS."""

    reason: str


class Session:
    """One version 3 credential at one address."""

    __slots__ = ("_candidate", "_credential", "_has_asked_again", "_has_discovered", "_is_searching", "_proven")

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._proven: Peer | None = None
        self._candidate: Peer | None = None
        self._is_searching = False
        self._has_discovered = False
        self._has_asked_again = False

    @property
    def peer(self) -> Peer | None:
        """Whom the next request is for; None where it asks who is there."""
        return self._candidate or (None if self._is_searching else self._proven)

    @property
    def engine_id(self) -> bytes | None:
        """The engine that has proven that it knows the keys; None before that."""
        return self._proven.engine_id if self._proven is not None else None

    @property
    def engine_seconds(self) -> float | None:
        """The engine's time in signed messages: the same as snmpEngineTime, for users who may not read that."""
        return float(self._proven.seconds) if self._proven is not None and self._proven.is_told else None

    @property
    def outside_bytes(self) -> int:
        """How much larger a reply's message is than the bare reply, give or take a few bytes."""
        return encoded_bytes(self.peer.outside, self.peer.keys) if self.peer is not None else 0

    def begin_poll(self, *, is_lost: bool) -> None:
        """What may happen once in a poll may happen again; a device that is lost is looked for anew."""
        self._has_discovered = self._has_asked_again = False
        self._is_searching = is_lost
        self._candidate = None

    def words(self, reason: str) -> str:
        """A reason put for people: which credential, and what to check. Other reasons stay as they are.

        An engine that says who it is and then stays silent is there, which is not what a timeout means.
        """
        if reason == TIMEOUT and self._candidate is not None:
            reason = "silent"
        said = _WORDS.get(reason)
        return f"credential {self._credential.name!r}: {said}" if said is not None else reason

    def encode(self, bare: bytes | bytearray, id_at: int, *, msg_id: int, now: float) -> tuple[bytes, Sent]:
        """The message around a bare request, or the question who is there while that is not known."""
        request_id = int.from_bytes(os.urandom(4), "big") & 0x3FFFFFFF | FIRST_REQUEST_ID
        peer = self.peer
        if peer is None:
            return encode_discovery(msg_id, request_id), Sent(request_id, None)
        pdu = pdu_with_id(bare, id_at, request_id)
        return encode_message(peer.outside, peer.keys, peer.clock(now), msg_id=msg_id, pdu=pdu), Sent(request_id, peer)

    def open(self, data: bytes, message: Secured, sent: Sent, now: float) -> bytes | Refusal:
        """The bare answer in ``data``, whose outside is ``message`` and which came back for ``sent``.

        Raises BadPacketError for what is not to be believed, and AskAgainError where the request must leave again.
        """
        if message.model != USM:
            raise BadPacketError("security_model", str(message.model))
        peer = sent.peer
        if not message.flags & AUTHENTIC:
            return self._open_unsigned(message, sent, now)
        if peer is None or peer.keys.signer is None:
            raise BadPacketError("security_level", "signed, though nobody asked so")
        self._check_sender(message, peer)
        if not peer.keys.signer.is_signed(data, message.mac_at, message.mac):
            raise BadPacketError("bad_digest")
        scope = message.scope
        if message.flags & PRIVATE:
            if peer.keys.cipher is None:
                raise BadPacketError("security_level", "encrypted, though nobody asked so")
            plain = peer.keys.cipher.decrypt(scope, message.boots, message.seconds, message.salt)
            scope = decrypted_scope(plain)
        pdu = pdu_of(scope, peer.outside.context)
        if pdu[0] == REPORT:
            return self._take_report(message, pdu, peer, now)
        if message.flags & PRIVATE != peer.outside.flags & PRIVATE:
            raise BadPacketError("security_level", "not encrypted")
        if not peer.hear(message.boots, message.seconds, now):
            raise BadPacketError("outside_time_window", f"boots {message.boots}, time {message.seconds}")
        return self._answer(pdu, sent.request_id, peer)

    def _open_unsigned(self, message: Secured, sent: Sent, now: float) -> bytes | Refusal:
        if message.flags & PRIVATE:
            raise BadPacketError("security_level", "encrypted and not signed")
        peer = sent.peer
        pdu = pdu_of(message.scope, None if peer is None else peer.outside.context)
        if pdu[0] == REPORT:
            return self._take_unsigned_report(message, pdu, sent, now)
        if peer is None or peer.keys.signer is not None:
            raise BadPacketError("security_level", "not signed")
        self._check_sender(message, peer)
        return self._answer(pdu, sent.request_id, peer)

    def _check_sender(self, message: Secured, peer: Peer) -> None:
        if message.engine_id != peer.engine_id:
            raise BadPacketError("wrong_engine")
        if message.user != self._credential.user.encode("utf-8"):
            raise BadPacketError("wrong_user")

    def _answer(self, pdu: bytes, request_id: int, peer: Peer) -> bytes:
        if pdu[0] != RESPONSE:
            raise BadPacketError("not_a_reply", f"PDU {pdu[0]:#04x}")
        if pdu_id(pdu) != request_id:
            raise BadPacketError("unknown_id", "of the PDU")
        self._proven, self._candidate, self._is_searching = peer, None, False
        return encode_tlv(SEQUENCE, pdu)

    def _take_report(self, message: Secured, pdu: bytes, peer: Peer, now: float) -> Refusal:
        """A signed report: the message id that it answers was drawn at random just now, so it is not repeated."""
        reason = _reported(pdu)
        if reason != "not_in_time_window":
            return Refusal(reason)
        peer.set_clock(message.boots, message.seconds, now)
        peer.is_told = True
        if self._has_asked_again:
            raise BadPacketError(reason)
        self._has_asked_again = True
        raise AskAgainError

    def _take_unsigned_report(self, message: Secured, pdu: bytes, sent: Sent, now: float) -> Refusal:
        reason = _reported(pdu)
        if sent.peer is None or reason == "unknown_engine_id":
            self._discover(message, sent.peer, now)
        if reason == "not_in_time_window" and sent.peer is not None and sent.peer.keys.signer is not None:
            raise BadPacketError("security_level", "an unsigned report of the time")
        if self._proven is not None:
            raise BadPacketError(reason)
        return Refusal(reason)

    def _discover(self, message: Secured, asked: Peer | None, now: float) -> NoReturn:
        """Believe for this poll that the engine of an unsigned report is there; it must prove itself."""
        if asked is None and self._has_discovered:
            raise BadPacketError("duplicate")
        if self._has_discovered or (asked is not None and asked.engine_id == message.engine_id):
            raise BadPacketError("unknown_engine_id")
        if len(message.engine_id) not in ENGINE_ID_BYTES:
            raise BadPacketError("wrong_engine", f"an engine id of {len(message.engine_id)} bytes")
        self._has_discovered = True
        known = self._proven
        if known is not None and known.engine_id == message.engine_id:
            self._candidate = known
        else:
            self._candidate = Peer(self._credential, message.engine_id)
            self._candidate.set_clock(message.boots, message.seconds, now)
        raise AskAgainError


def _reported(pdu: bytes) -> str:
    """The code of what a report says."""
    report = decode_bare(encode_tlv(SEQUENCE, pdu))
    counter = report.varbinds[0].oid[:-1] if report.varbinds else ()
    return REPORTS.get(counter, "report")
