"""Poll stage: one GET with everything that is asked of a device by name, and the reading of its reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collector.credentials import Credential
from collector.poll.profile import Source
from collector.poll.snmp_codec import (
    GET,
    OID,
    REPORT,
    VERSIONS,
    BadPacketError,
    Message,
    Oid,
    Value,
    decode,
    decode_bare,
    encode_head,
    encode_oid,
    encode_request,
    encode_subids,
    encode_tlv,
)
from collector.poll.snmp_expected import Layout, expected_values, learn_layout
from collector.poll.usm_session import Session
from collector.reading import Device


class Access(NamedTuple):
    """How one device is let in to: the SNMP version, and what stands before the PDU of each message.

    Version 3 has a ``session`` of its own with every device, which puts on and takes off all that stands around the
    PDU: what is asked and read here is bare, so ``head`` is empty.
    """

    name: str
    version: str
    community: bytes
    head: bytes
    session: Session | None = None

    def decode(self, data: bytes) -> Message:
        """Any reply. Raises BadPacketError for what is none, or of another version or community."""
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
    if credential.version == "3":
        return Access(credential.name, "3", b"", b"", Session(credential))
    head = encode_head(credential.version, credential.community)
    return Access(credential.name, credential.version, credential.community.encode("utf-8"), head)


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
    """One GET for one device; its packet is encoded once and the shape of its last reply remembered."""

    __slots__ = ("_access", "_layout", "_names", "asked", "id_at", "packet")

    def __init__(self, asked: Sequence[Asked], through: Access) -> None:
        self.asked = tuple(asked)
        packet = encode_request(GET, through.head, [item.content for item in self.asked])
        self.packet = bytearray(packet.data)
        self.id_at = packet.id_at
        self._access = through
        self._names = [encode_tlv(OID, item.content) for item in self.asked]
        self._layout: Layout | None = None

    def read(self, data: bytes) -> list[Value] | Message:
        """The values in the order asked, or the whole message where it carries an error.

        Raises BadPacketError for what is no reply to this question.
        """
        if self._layout is not None:
            values = self._layout.values(data)
            if values is not None:
                return values
        values = expected_values(data, self._access.head, self._names)
        if values is not None:
            self._layout = learn_layout(data, self._access.head, values)
            return values
        message = self._access.decode(data)
        if message.kind == REPORT or message.error_status:
            return message
        found = {varbind.oid: varbind.value for varbind in message.varbinds}
        if len(found) != len(message.varbinds) or not all(item.oid in found for item in self.asked):
            raise BadPacketError("names", "the reply names other objects than were asked")
        return [found[item.oid] for item in self.asked]


def uplink_instance(device: Device, names: Mapping[bytes, tuple[str, ...]]) -> bytes | None:
    """Which row of the interface table is the device's named uplink: by its name, else description, else alias."""
    wanted = device.uplink_interface
    if wanted is None:
        return None
    width = max((len(texts) for texts in names.values()), default=0)
    for place in range(width):
        matches = [index for index, texts in names.items() if place < len(texts) and texts[place] == wanted]
        if len(matches) == 1:
            return matches[0]
    return None
