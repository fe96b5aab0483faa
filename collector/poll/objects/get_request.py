"""Poll stage: one GET with everything that is asked of a device by name, and the reading of its reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from collector.credentials import WISHES, Credential
from collector.poll.damage import Damaged
from collector.poll.objects.compiled_reply import CompiledAnswer, Usual
from collector.poll.profile import Source
from collector.poll.snmp.codec import (
    GET,
    OID,
    REPORT,
    REST,
    VERSIONS,
    BadPacketError,
    Message,
    Oid,
    Value,
    Varbind,
    decode,
    decode_bare,
    encode_head,
    encode_oid,
    encode_request,
    encode_subids,
    encode_tlv,
)
from collector.poll.snmp.reply_parser import Layout, expected_values, learn_layout
from collector.poll.snmp.usm_session import Session


class Access(NamedTuple):
    """How one device is asked: the SNMP version, and the bytes before the PDU of each message.

    Version 3 has a ``session`` of its own with every device, which puts on and takes off all that stands around the
    PDU: what is asked and read here is bare, so ``head`` is empty.
    """

    name: str
    version: str
    community: bytes
    head: bytes
    session: Session | None = None
    timeout_seconds: float | None = None
    retries: int | None = None
    max_repetitions: int | None = None
    max_reply_bytes: int | None = None
    requests_per_second: float | None = None
    getnext: bool | None = None

    @property
    def outside_bytes(self) -> int:
        """What stands around a reply beyond what is seen of it here."""
        return self.session.outside_bytes if self.session is not None else 0

    def decode(self, data: bytes) -> Message:
        """Any reply. Raises BadPacketError for bytes that are not a reply, or of another version or community."""
        if self.session is not None:
            return decode_bare(data)
        message = decode(data)
        if message.version != VERSIONS[self.version]:
            raise BadPacketError("version", str(message.version))
        if message.community != self.community:
            raise BadPacketError("wrong_community")
        return message


def access(credential: Credential) -> Access:
    """The way in by one credential; version 3 needs one for each device, the others may share it."""
    wishes = tuple(getattr(credential, name) for name in WISHES)
    if credential.version == "3":
        return Access(credential.name, "3", b"", b"", Session(credential), *wishes)
    head = encode_head(credential.version, credential.community)
    return Access(credential.name, credential.version, credential.community.encode("utf-8"), head, None, *wishes)


class Asked(NamedTuple):
    """One object of a question: what it is, and its instance below the column or scalar (empty for scalars)."""

    source: Source
    instance: Oid = ()

    @property
    def oid(self) -> Oid:
        return self.source.numbers + self.instance

    @property
    def content(self) -> bytes:
        return encode_oid(self.source.numbers) + encode_subids(self.instance)


class Question:
    """One GET for one device; its packet is encoded once and the shape of its last reply remembered.

    ``layout`` is that shape where the last reply had one, and ``usual`` what the asker has made of it, if anything.
    """

    __slots__ = ("_access", "_names", "_still", "asked", "id_at", "layout", "packet", "usual")

    def __init__(self, asked: Sequence[Asked], through: Access) -> None:
        self.asked = tuple(asked)
        packet = encode_request(GET, through.head, [item.content for item in self.asked])
        self.packet = bytearray(packet.data)
        self.id_at = packet.id_at
        self._access = through
        self._names = [encode_tlv(OID, item.content) for item in self.asked]
        self._still = frozenset(place for place, item in enumerate(self.asked) if item.source.is_still)
        self.layout: Layout | None = None
        self.usual: Usual | None = None

    def read(self, data: bytes) -> CompiledAnswer | list[Value] | Message:
        """The values in the order asked, or the whole message where it carries an error.

        Raises BadPacketError for what is no reply to this question.
        """
        if self.usual is not None:
            answer = self.usual.read(data)
            if answer is not None:
                return answer
        elif self.layout is not None:
            values = self.layout.values(data)
            if values is not None:
                return values
        values = expected_values(data, self._access.head, self._names)
        if values is not None:
            self.usual, self.layout = None, learn_layout(data, self._access.head, values, self._still)
            return values
        message = self._access.decode(data)
        if message.kind == REPORT or message.error_status:
            self.usual = self.layout = None
            return message
        values = self._by_name(message.varbinds)
        self.usual = self.layout = None
        return values

    def _by_name(self, binds: Sequence[Varbind]) -> list[Value]:
        """What was asked for, each from the varbind that names it, be it in another order.

        What no varbind names, or several do and not in its turn, is Damaged. Raises BadPacketError where all is.
        """
        counted = Counter(bind.oid for bind in binds)
        if not any(item.oid in counted for item in self.asked):
            raise BadPacketError("names", "the reply names none of the objects that were asked for")
        found = {bind.oid: bind.value for bind in binds if counted[bind.oid] == 1}
        lost = Damaged.FRAMING if binds[-1] == REST else Damaged.NAME
        values: list[Value] = []
        for item, bind in zip_longest(self.asked, binds[: len(self.asked)]):
            in_turn = bind is not None and bind.oid == item.oid
            values.append(bind.value if in_turn else found.get(item.oid, lost))
        return values
