"""A recording without what identifies the owner of the device: addresses, names, serial numbers, secrets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from collector.poll.profile import Profile
from collector.poll.snmp.codec import IP_ADDRESS, OCTETS, Oid, Value, parse_oid
from collector.recordings import DESCRIPTION, Recorded, Recording

LEFT_OUT = {
    "1.3.6.1.6.3.12": "notification targets",
    "1.3.6.1.6.3.15": "SNMPv3 users",
    "1.3.6.1.6.3.16": "access rights",
    "1.3.6.1.6.3.18": "community strings",
    "1.3.6.1.2.1.3": "the ARP table",
    "1.3.6.1.2.1.4.20": "IP addresses",
    "1.3.6.1.2.1.4.21": "routes",
    "1.3.6.1.2.1.4.22": "the ARP table",
    "1.3.6.1.2.1.4.24": "routes",
    "1.3.6.1.2.1.4.32": "IP addresses",
    "1.3.6.1.2.1.4.34": "IP addresses",
    "1.3.6.1.2.1.4.35": "neighbours",
    "1.3.6.1.2.1.4.37": "neighbours",
    "1.3.6.1.2.1.6.13": "connections",
    "1.3.6.1.2.1.6.19": "connections",
    "1.3.6.1.2.1.6.20": "connections",
    "1.3.6.1.2.1.7.5": "connections",
    "1.3.6.1.2.1.7.7": "connections",
    "1.3.6.1.2.1.14": "OSPF neighbours",
    "1.3.6.1.2.1.15": "BGP neighbours",
    "1.3.6.1.2.1.17.4": "learnt MAC addresses",
    "1.3.6.1.2.1.17.7.1.2": "learnt MAC addresses",
    "1.3.6.1.2.1.25.4": "running programs",
    "1.3.6.1.2.1.25.6": "installed programs",
    "1.3.6.1.4.1.2021.8": "commands",
    "1.3.6.1.4.1.8072.1.3": "commands",
}
"""Parts of the tree that hold nothing for a profile and much about people, or that are indexed by addresses."""
SYS_NAME = parse_oid("1.3.6.1.2.1.1.5.0")
KEPT_TEXTS = tuple(
    map(
        parse_oid,
        (
            "1.3.6.1.2.1.1.1",
            "1.3.6.1.2.1.2.2.1.2",
            "1.3.6.1.2.1.31.1.1.1.1",
            *(f"1.3.6.1.2.1.47.1.1.1.1.{column}" for column in (2, 7, 8, 9, 10, 12, 13)),
        ),
    )
)
"""sysDescr, ifDescr, ifName, and what ENTITY-MIB says of kinds of parts; what is private in them is replaced."""
MIB_DEPTH = 10
"""The index of a table row never begins before this many numbers of an object identifier."""
_MEASURE = re.compile(r"\s*[+-]?\d{1,9}(\.\d+)?\s*[A-Za-z%]{0,4}\s*")
_MAC = re.compile(r"(?i)\b[\da-f]{2}([:-])(?:[\da-f]{2}\1){4}[\da-f]{2}\b|\b[\da-f]{4}(?:\.[\da-f]{4}){2}\b")
_IP = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])")
_SERIAL = re.compile(r"(?i)\b((?:S/?N|serial(?: ?(?:no|number|num))?)\s*[:=#]\s*)([\w./-]+)")


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What is left of a recording, and what was taken out or replaced, by kind."""

    objects: dict[Oid, Recorded]
    replaced: Counter[str]


def scrub(objects: Recording, profiles: Iterable[Profile], *, secrets: Iterable[str] = ()) -> Scrubbed:
    """``objects`` without what identifies the owner. The same text is replaced by the same stand-in everywhere.

    Texts are kept where they say what kind of device it is or hold a measured value; numbers are kept. ``secrets``
    (the community, the device's own address and id) vanish from every text.
    """
    return _Scrubbing(profiles, secrets).run(objects)


class _Scrubbing:
    def __init__(self, profiles: Iterable[Profile], secrets: Iterable[str]) -> None:
        sources = [s for p in profiles for s in (*p.scalars, *(c for table in p.tables for c in table.columns))]
        self._measured = tuple(source.numbers for source in sources if not source.is_text)
        self._kept_texts = (*KEPT_TEXTS, *(source.numbers for source in sources if source.field == "name"))
        self._texts: dict[Oid, Oid] = {}
        self._left_out = {parse_oid(prefix): kind for prefix, kind in LEFT_OUT.items()}
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self._stand_ins: dict[tuple[str, object], int] = {}
        self._replaced: Counter[str] = Counter()

    def run(self, objects: Recording) -> Scrubbed:
        self._secrets += _host_name(objects)
        kept = {}
        for oid, recorded in objects.items():
            kind = next((kind for prefix, kind in self._left_out.items() if oid[: len(prefix)] == prefix), None)
            if kind is None:
                self._note_indexes(oid)
                kept[oid] = recorded._replace(value=self._value(oid, recorded))
            else:
                self._replaced[f"{kind} (left out)"] += 1
        seen = [value for kind, value in self._stand_ins if kind == "MAC addresses" and isinstance(value, bytes)]
        macs = {tuple(mac): tuple(self._mac(mac)) for mac in seen}
        renamed = {self._index(oid, macs | self._texts): recorded for oid, recorded in kept.items()}
        return Scrubbed(dict(sorted(renamed.items())), self._replaced)

    def _index(self, oid: Oid, parts: dict[Oid, Oid]) -> Oid:
        """``oid`` with the addresses and texts in its index replaced."""
        for at in range(MIB_DEPTH, len(oid) - 5):
            for part, stand_in in parts.items():
                if oid[at : at + len(part)] == part:
                    return oid[:at] + stand_in + oid[at + len(part) :]
        return oid

    def _note_indexes(self, oid: Oid) -> None:
        """Learn the MAC addresses and texts by which the tables of profiles are indexed."""
        for prefix in self._measured:
            index = oid[len(prefix) :]
            if oid[: len(prefix)] != prefix or len(index) < 6:
                continue
            size, inside = index[0], index[1:]
            if size == len(inside) and all(32 <= subid < 127 for subid in inside):
                number = self._number("texts in indexes", bytes(inside))
                self._texts[index] = (size, *f"{number:0{size}d}".encode())
            elif len(index) <= 8 and _looks_like_mac(index[:6]):
                self._mac(bytes(index[:6]))

    def _value(self, oid: Oid, recorded: Recorded) -> Value:
        value = recorded.value
        if not isinstance(value, bytes) or not value:
            return value
        if recorded.tag == IP_ADDRESS:
            return value if value[0] in (0, 127, 255) else self._ip(value)
        if recorded.tag != OCTETS:
            return value
        if _is_text(value):
            return self._text(oid, value.decode("utf-8", "replace")).encode("utf-8")
        if len(value) == 6:
            return self._mac(value)
        if _is_below(oid, self._measured):
            return value
        return self._stand_in("binary values", value, "binary {}").encode("ascii")

    def _text(self, oid: Oid, text: str) -> str:
        bare = text.strip("\0 ")
        if not bare or _is_below(oid, self._measured) or _MEASURE.fullmatch(bare):
            return text
        if not _is_below(oid, self._kept_texts):
            return self._stand_in("names and other texts", bare, "text {}")
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "secret")
                self._replaced["the device's own name, address, id or community"] += 1
        text = _SERIAL.sub(lambda found: found[1] + self._stand_in("serial numbers", found[2], "SERIAL{}"), text)
        text = _MAC.sub(lambda found: self._stand_in("MAC addresses", found[0], "02:00:00:00:00:{:02x}"), text)
        return _IP.sub(lambda found: self._stand_in("IP addresses", found[0], "192.0.2.{}"), text)

    def _ip(self, value: bytes) -> bytes:
        number = self._number("IP addresses", value)
        return bytes((192, 0, 2, number % 256))

    def _mac(self, value: bytes) -> bytes:
        if not any(value):
            return value
        return bytes((2, 0, 0)) + self._number("MAC addresses", value).to_bytes(3, "big")

    def _stand_in(self, kind: str, value: str | bytes, pattern: str) -> str:
        number = self._number(kind, value)
        return pattern.format(number % 256 if kind.endswith("addresses") else number)

    def _number(self, kind: str, value: str | bytes) -> int:
        known = (kind, value)
        if known not in self._stand_ins:
            self._stand_ins[known] = 1 + sum(1 for other, _ in self._stand_ins if other == kind)
            self._replaced[kind] += 1
        return self._stand_ins[known]


def _host_name(objects: Recording) -> list[str]:
    """sysName, which many agents repeat in sysDescr; not where sysDescr begins with it, as it is the kind then."""
    name, description = (
        recorded.value.decode("utf-8", "replace") if recorded and isinstance(recorded.value, bytes) else ""
        for recorded in (objects.get(SYS_NAME), objects.get(DESCRIPTION))
    )
    return [name] if len(name) > 2 and not description.startswith(name) else []


def _is_below(oid: Oid, prefixes: Iterable[Oid]) -> bool:
    return any(oid[: len(prefix)] == prefix for prefix in prefixes)


def _is_text(value: bytes) -> bool:
    return all(32 <= byte < 127 or byte in b"\t\r\n" for byte in value.rstrip(b"\0"))


def _looks_like_mac(part: Oid) -> bool:
    """Six bytes with several above the range of text, which addresses have and lengths, ports and texts do not."""
    return all(subid < 256 for subid in part) and sum(subid > 126 for subid in part) >= 2
