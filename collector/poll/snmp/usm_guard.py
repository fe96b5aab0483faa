"""Poll stage, SNMP version 3: stands between an exchange and its Session. Every try is sealed anew, every reply opened."""

from __future__ import annotations

from typing import Any

from collector.poll.snmp.codec import SEQUENCE, BadPacketError, encode_tlv
from collector.poll.snmp.engine import Exchange
from collector.poll.snmp.usm_session import Refusal, Sent, Session
from collector.poll.snmp.v3 import PRIVATE, parse, pdu_of


class Guard:
    """Makes an exchange of a bare request one of version 3 messages; who asked sees bare requests and answers only."""

    __slots__ = ("_address", "_answered", "_engine", "_failed", "_read", "_sent", "_session")

    def __init__(self, session: Session, exchange: Exchange) -> None:
        self._session = session
        self._engine = exchange.engine
        self._address = exchange.address
        self._read, self._answered, self._failed = exchange.decode, exchange.answered, exchange.failed
        self._sent: dict[int, Sent] = {}
        exchange.seal = self.seal
        exchange.decode = self.decode
        exchange.answered = self.answered
        exchange.failed = self.failed

    def seal(self, bare: bytearray, id_at: int, msg_id: int, now: float) -> bytes:
        """The packet of one try."""
        packet, self._sent[msg_id] = self._session.encode(bare, id_at, msg_id=msg_id, now=now)
        if self._engine.watch is not None:
            is_question = self._sent[msg_id].peer is not None
            self._engine.watch("sent", self._address, bytes(bare) if is_question else b"")
        return packet

    def decode(self, data: bytes) -> Any:
        """The answer in a reply. Raises BadPacketError and AskAgainError as Session.open does."""
        message = parse(data)
        sent = self._sent.get(message.msg_id)
        if sent is None:
            raise BadPacketError("unknown_id")
        if self._engine.watch is not None and not message.flags & PRIVATE:
            self._engine.watch("received", self._address, encode_tlv(SEQUENCE, pdu_of(message.scope, None)))
        bare = self._session.open(data, message, sent, self._engine.now)
        if isinstance(bare, Refusal):
            return bare
        if self._engine.watch is not None and message.flags & PRIVATE:
            self._engine.watch("received", self._address, bare)
        return self._read(bare)

    def answered(self, answer: Any, rtt: float) -> None:
        if isinstance(answer, Refusal):
            self.failed(answer.reason)
        else:
            self._answered(answer, rtt)

    def failed(self, reason: str) -> None:
        self._failed(self._session.words(reason))
