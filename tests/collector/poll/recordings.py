"""Recordings of real devices (``OID|tag|value`` a line) as the objects of an agent."""

from __future__ import annotations

from pathlib import Path
from string import hexdigits

from collector.poll.snmp.codec import OCTETS, OID, encode_oid, encode_tlv, parse_oid

from .agents import encode_integer

NUMBERS = {"2": 0x02, "65": 0x41, "66": 0x42, "67": 0x43, "70": 0x46}


def read_recording(path: Path) -> dict[str, bytes]:
    """Object identifier -> whole value field. Lines whose tag no agent sends are left out."""
    objects = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        oid, _, rest = line.partition("|")
        tag, _, value = rest.partition("|")
        field = value_field(tag, value)
        if field is not None:
            objects[oid] = field
    return objects


def value_field(tag: str, value: str) -> bytes | None:
    if tag in NUMBERS and value.strip().lstrip("-").isdecimal():
        return encode_integer(int(value), NUMBERS[tag])
    if tag == "4x":
        return encode_tlv(
            OCTETS, bytes.fromhex("".join(digit for digit in value if digit in hexdigits)[: len(value) // 2 * 2])
        )
    if tag == "4":
        return encode_tlv(OCTETS, value.encode("utf-8"))
    if tag == "6" and "." in value:
        return encode_tlv(OID, encode_oid(parse_oid(value)))
    if tag == "64":
        return encode_tlv(0x40, bytes(map(int, value.split("."))))
    return None
