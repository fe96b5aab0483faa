"""What was walked of one device, looked at by column: object identifiers with their values, nothing asked any more."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from collector.poll.snmp.codec import Oid, parse_oid
from collector.recordings import Recorded

Objects = Mapping[Oid, Recorded]

_HEX_PAIRS = re.compile(r"[0-9a-f]{2}([:\- .])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}")
_HEX_QUADS = re.compile(r"[0-9a-f]{4}([.\-:])[0-9a-f]{4}\1[0-9a-f]{4}")
SHARED_BY_ROUTERS = (bytes.fromhex("00005e0001"), bytes.fromhex("00005e0002"), bytes.fromhex("00000c07ac"))
"""What the virtual routers' MAC addresses begin with: VRRP (RFC 5798 section 7.3) and HSRP. They name no device."""


class Columns:
    """The values below a column, by the rest of their name."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._names = sorted(objects)

    def below(self, oid: str) -> Iterator[tuple[Oid, Recorded]]:
        """Each row of a column: its index and its value, in order."""
        root = parse_oid(oid)
        for at in range(bisect_left(self._names, root), len(self._names)):
            name = self._names[at]
            if name[: len(root)] != root:
                return
            yield name[len(root) :], self._objects[name]

    def numbers(self, oid: str) -> dict[Oid, int]:
        """The rows that hold a whole number."""
        return {index: cell.value for index, cell in self.below(oid) if isinstance(cell.value, int)}

    def texts(self, oid: str) -> dict[Oid, str]:
        """The rows that hold text with something in it."""
        return {index: words for index, cell in self.below(oid) if (words := text(cell.value))}

    def octets(self, oid: str) -> dict[Oid, bytes]:
        """The rows that hold octets."""
        return {index: cell.value for index, cell in self.below(oid) if isinstance(cell.value, bytes)}

    def scalar(self, oid: str) -> Recorded | None:
        """The object itself."""
        return self._objects.get(parse_oid(oid))


def text(value: object) -> str:
    """Octets as words: UTF-8, or else Latin-1; up to the first zero byte, in one line. Empty for anything else."""
    if not isinstance(value, bytes):
        return ""
    value = value.partition(b"\0")[0]
    try:
        words = value.decode("utf-8")
    except UnicodeDecodeError:
        words = value.decode("latin-1")
    return " ".join(words.split())


def name(value: object) -> str:
    """The first line of octets that are a name: some agents put what was in their memory behind it."""
    return text(value.lstrip().partition(b"\n")[0]) if isinstance(value, bytes) else ""


def mac(value: object) -> bytes | None:
    """The hardware address in octets: six of them, or text such as ``D4:CA:6D:EA:FE:90``, ``d4ca.6dea.fe90``.

    None for what names no single device: zeros, groups, and the addresses that virtual routers share.
    """
    found = station(value)
    return None if found is None or found.startswith(SHARED_BY_ROUTERS) else found


def station(value: object) -> bytes | None:
    """The same, be it of a virtual router: where frames go, not who a device is."""
    if not isinstance(value, bytes):
        return None
    found = value if len(value) == 6 else mac_in(text(value))
    return None if found is None or found[0] & 1 or not any(found) else found


def mac_by_itself(value: object) -> bytes | None:
    """The same where nothing says that it is one: spelt out, or six octets that are no text."""
    if isinstance(value, bytes) and len(value) == 6 and value.isascii() and value.decode().isprintable():
        return None
    return mac(value)


def mac_in(words: str) -> bytes | None:
    """The six octets that a text spells, if it spells just them."""
    words = words.lower()
    if _HEX_PAIRS.fullmatch(words) or _HEX_QUADS.fullmatch(words):
        return bytes.fromhex(re.sub("[^0-9a-f]", "", words))
    return None


def address(octets: bytes | Oid) -> str | None:
    """An IPv4 or IPv6 address of 4 or 16 octets; None for any other number of them, and for none (0.0.0.0)."""
    if len(octets) not in (4, 16) or not all(0 <= part <= 255 for part in octets):
        return None
    found = ipaddress.ip_address(bytes(octets))
    is_nobodys = found.is_unspecified or found.is_multicast or found.is_link_local or str(found) in ("127.0.0.1", "::1")
    return None if is_nobodys else str(found)


def address_in_index(index: Oid) -> str | None:
    """An InetAddressType with an InetAddress as they stand in an index (RFC 4001): kind, length, octets."""
    if len(index) < 2 or index[0] not in (1, 2) or len(index) < 2 + index[1]:
        return None
    return address(index[2 : 2 + index[1]])
