"""Poll stage: one question at a time over a socket of its own, for who may wait: a recording, not a poll."""

from __future__ import annotations

import errno
import secrets
import socket
import time
from collections.abc import Callable

from bairro_error import BairroError
from collector.poll.objects.get_request import Access
from collector.poll.snmp.codec import FIRST_REQUEST_ID, LARGEST_DATAGRAM, BadPacketError, Message, Packet, reply_id
from collector.poll.snmp.engine import TIMEOUT, AskAgainError
from collector.poll.snmp.usm_session import Refusal, Sent
from collector.poll.snmp.v3 import parse


class NoAnswerError(BairroError):
    """No usable answer came; the message says why. ``is_unsent``: this host could not send, so nothing is known of the device."""

    def __init__(self, why: str, *, is_unsent: bool = False) -> None:
        super().__init__(why)
        self.is_unsent = is_unsent


class Caller:
    """Asks one device through one credential. ``channel`` is connected to it and has a timeout for each try.

    ``pace`` waits until the next packet may leave; without it each leaves at once.
    """

    def __init__(
        self, channel: socket.socket, access: Access, *, tries: int, pace: Callable[[], None] | None = None
    ) -> None:
        self._channel = channel
        self._access = access
        self._tries = tries
        self._pace = pace or (lambda: None)
        self._sent: dict[int, Sent] = {}

    def ask(self, packet: Packet) -> Message:
        """The reply to a request that was encoded with the access's head. Raises NoAnswerError."""
        session = self._access.session
        if session is not None:
            session.begin_poll(is_lost=False)
        self._sent.clear()
        tries, trouble = self._tries, TIMEOUT
        while tries > 0:
            tries -= 1
            try:
                return self._try(packet)
            except AskAgainError:
                tries += 1
            except BadPacketError as bad:
                trouble = bad.reason
            except TimeoutError:
                continue
            except OSError as error:
                is_unsent = error.errno != errno.ECONNREFUSED
                raise NoAnswerError(error.strerror or str(error), is_unsent=is_unsent) from None
        raise NoAnswerError(self._words(trouble))

    def _try(self, packet: Packet) -> Message:
        """Send once and wait; what is not to be believed is passed over until the time is up, and then raised."""
        message_id = FIRST_REQUEST_ID + secrets.randbelow(FIRST_REQUEST_ID)
        self._pace()
        self._channel.send(self._encode(packet, message_id))
        give_up_at = time.monotonic() + (self._channel.gettimeout() or 0.0)
        trouble: Exception = TimeoutError()
        while time.monotonic() < give_up_at:
            try:
                data = self._channel.recv(LARGEST_DATAGRAM)
                if reply_id(data) == message_id:
                    return self._decode(data, message_id)
            except BadPacketError as bad:
                trouble = bad
            except TimeoutError:
                break
        raise trouble

    def _encode(self, packet: Packet, message_id: int) -> bytes:
        session = self._access.session
        if session is not None:
            data, self._sent[message_id] = session.encode(
                packet.data, packet.id_at, msg_id=message_id, now=time.monotonic()
            )
            return data
        return packet.data[: packet.id_at] + message_id.to_bytes(4, "big") + packet.data[packet.id_at + 4 :]

    def _decode(self, data: bytes, message_id: int) -> Message:
        session = self._access.session
        if session is None:
            return self._access.decode(data)
        opened = session.open(data, parse(data), self._sent[message_id], time.monotonic())
        if isinstance(opened, Refusal):
            raise NoAnswerError(self._words(opened.reason))
        return self._access.decode(opened)

    def _words(self, reason: str) -> str:
        session = self._access.session
        if reason == TIMEOUT:
            return "no answer"
        return session.words(reason) if session is not None else reason
