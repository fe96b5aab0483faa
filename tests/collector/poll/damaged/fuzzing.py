"""Replies bent at random, and what our decoders and pysnmp's make of them: shared by test_fuzz.py and bench/protocol/fuzz.py."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.poll.snmp.codec import SEQUENCE, encode_head, encode_oid, encode_tlv, parse_oid

from ..recordings import read_recording

RESPONSE, CONSTRUCTED = 0xA2, 0x20
HEAD = encode_head("2c", "public")
REQUEST_ID = b"\x02\x04\x51\x52\x53\x54"
TAGS = (
    2,
    4,
    5,
    6,
    0x30,
    0x40,
    0x41,
    0x42,
    0x43,
    0x44,
    0x45,
    0x46,
    0x47,
    0x80,
    0x81,
    0x82,
    0xA0,
    0xA2,
    0xA8,
    0xA7,
    0,
    255,
)
BYTES = (0, 1, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x88, 0xFF)
DEEPEST = 6


@dataclass
class Node:
    """One field: ``content`` is bytes or fields. ``width`` 0 writes the shortest length, else so many bytes of it;
    ``lie`` is added to the length that is written.
    """

    tag: int
    content: bytes | list[Node]
    width: int = 0
    lie: int = 0

    def encode(self) -> bytes:
        inner = self.content if isinstance(self.content, bytes) else b"".join(node.encode() for node in self.content)
        size = max(0, len(inner) + self.lie)
        if self.width == 0 and size < 0x80:
            return bytes((self.tag, size)) + inner
        width = max(self.width, (size.bit_length() + 7) // 8)
        return bytes((self.tag, 0x80 | width)) + size.to_bytes(width, "big") + inner

    def copy(self) -> Node:
        content = self.content if isinstance(self.content, bytes) else [node.copy() for node in self.content]
        return Node(self.tag, content, self.width, self.lie)

    def walk(self) -> list[Node]:
        inner = [] if isinstance(self.content, bytes) else [n for node in self.content for n in node.walk()]
        return [self, *inner]


@dataclass(frozen=True)
class Seed:
    """A good reply: its bytes, its fields, and the names that were asked for."""

    data: bytes
    root: Node
    oids: tuple[tuple[int, ...], ...]
    names: tuple[bytes, ...] = field(init=False)
    prefixes: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(encode_tlv(6, encode_oid(oid)) for oid in self.oids))
        object.__setattr__(self, "prefixes", tuple(encode_oid(oid[:-1]) for oid in self.oids))


def seed(values: Sequence[tuple[str, bytes]]) -> Seed:
    """A reply with these objects: an OID and its whole value field each."""
    oids = tuple(parse_oid(oid) for oid, _ in values)
    binds = b"".join(
        encode_tlv(SEQUENCE, encode_tlv(6, encode_oid(oid)) + value)
        for oid, (_, value) in zip(oids, values, strict=True)
    )
    body = REQUEST_ID + b"\x02\x01\x00\x02\x01\x00" + encode_tlv(SEQUENCE, binds)
    data = encode_tlv(SEQUENCE, HEAD + encode_tlv(RESPONSE, body))
    return Seed(data, parse(data)[0], oids)


def parse(data: bytes, depth: int = 0) -> list[Node]:
    """Well-formed bytes as fields."""
    nodes, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            width = size & 0x7F
            size, at = int.from_bytes(data[at : at + width], "big"), at + width
        content = data[at : at + size]
        nodes.append(Node(tag, parse(content, depth + 1) if tag & CONSTRUCTED and depth < DEEPEST else content))
        at += size
    return nodes


def generated_seeds(chance: random.Random, count: int) -> list[Seed]:
    """Replies of every type of value, as a GET of a few objects or a page of a walk."""
    return [_generated(chance, is_walk=number % 3 == 0) for number in range(count)]


def _generated(chance: random.Random, *, is_walk: bool) -> Seed:
    columns = [f"1.3.6.1.2.1.{chance.choice((2, 31, 999, 70000))}.2.1.{n}" for n in range(1, chance.randint(2, 5))]
    if is_walk:
        return seed([(f"{column}.{row}", _value(chance)) for row in range(1, 4) for column in columns])
    return seed([(f"{column}.{chance.choice((0, 3, 300, 2**32 - 1))}", _value(chance)) for column in columns])


def _value(chance: random.Random) -> bytes:
    tag = chance.choice((2, 2, 4, 4, 6, 0x40, 0x41, 0x41, 0x42, 0x43, 0x44, 0x46, 0x46, 0x80, 0x81, 0x82))
    if tag >= 0x80:
        return encode_tlv(tag, b"")
    if tag == 0x44:
        return encode_tlv(tag, b"\x9f\x78\x04" + chance.randbytes(4))
    if tag == 4:
        return encode_tlv(tag, chance.randbytes(chance.choice((0, 1, 6, 20, 130))))
    if tag == 6:
        return encode_tlv(tag, encode_oid((1, 3, 6, 1, 4, 1, chance.randrange(2**32), chance.randrange(300))))
    if tag == 0x40:
        return encode_tlv(tag, chance.randbytes(4))
    number = chance.randrange(2 ** chance.choice((3, 8, 15, 16, 24, 31, 32, 63, 64) if tag == 0x46 else (3, 8, 16, 31)))
    return encode_tlv(tag, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def recorded_seeds(chance: random.Random, folder: Path, most: int) -> list[Seed]:
    """Replies with the objects of real devices, from recordings of them."""
    seeds = []
    for path in sorted(folder.glob("*.snmprec"))[:most]:
        objects = list(read_recording(path).items())
        if objects:
            at = chance.randrange(len(objects))
            seeds.append(seed([(oid, value) for oid, value in objects[at : at + 12] if len(value) < 400]))
    return [each for each in seeds if each.oids]


# --- bending ---


def bent(chance: random.Random, one: Seed, other: Seed) -> bytes:
    """A mutation of ``one``; ``other`` lends pieces. Most keep the outer fields whole, so that the inner are reached."""
    how = chance.random()
    if how < 0.2:
        return _bent_bytes(chance, one.data, other.data)
    root = one.root.copy()
    if how < 0.5:
        value = chance.choice(root.walk()[-3 * len(one.oids) :])
        if isinstance(value.content, bytes):
            value.content = _bent_content(chance, value.content)
        return root.encode()
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        _bend(chance, chance.choice(root.walk()), chance.choice(other.root.walk()))
    return root.encode()


def _bent_bytes(chance: random.Random, data: bytes, other: bytes) -> bytes:
    bent = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(bent) + 1)
        match chance.randrange(7):
            case 0 if at < len(bent):
                bent[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(bent):
                bent[at] = chance.choice(BYTES)
            case 2:
                del bent[at : at + chance.randint(1, 4)]
            case 3:
                bent[at:at] = chance.randbytes(chance.randint(1, 4))
            case 4:
                del bent[at:]
            case 5:
                start = chance.randrange(len(other))
                bent[at : at + chance.randrange(20)] = other[start : start + chance.randrange(40)]
            case _:
                bent += chance.randbytes(chance.randint(1, 8))
    return bytes(bent)


def _bend(chance: random.Random, node: Node, lent: Node) -> None:
    """Change one field: its type, its length, how its length is written, or what is in it."""
    content = node.content
    match chance.randrange(8):
        case 0:
            node.tag = chance.choice(TAGS)
        case 1:
            node.lie = chance.choice((-300, -2, -1, 1, 2, 127, 128, 300, 65536))
        case 2:
            node.width = chance.choice((1, 2, 3, 4, 5, 9, 127))
        case 3:
            node.content = b""
        case 4:
            node.tag, node.content = lent.tag, lent.copy().content
        case 5 if isinstance(content, list) and content:
            content.insert(chance.randrange(len(content) + 1), chance.choice([lent, *content]).copy())
        case 6 if isinstance(content, list) and content:
            del content[chance.randrange(len(content))]
        case 7:
            node.content = [Node(node.tag, content)]
            node.tag = chance.choice((SEQUENCE, node.tag))
        case _:
            node.content = _bent_content(chance, content)


def _bent_content(chance: random.Random, content: bytes | list[Node]) -> bytes | list[Node]:
    if isinstance(content, list):
        return content[::-1]
    size = chance.choice((0, 1, 2, 3, 4, 5, 8, 9, 10, 17, 200))
    return chance.choice((chance.randbytes(size), b"\x00" * size, b"\xff" * size, b"\x80" * size, content + b"\x80"))
