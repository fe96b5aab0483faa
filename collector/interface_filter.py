"""Which rows of a device's interface table get series of their own, and what the others are summed as.

A filter is written ``TERM|TERM|…``, in `[poll]`, a profile or the inventory; the first term that fits a row decides. Without
one, what is usual holds: sessions, tunnels, loopbacks and null interfaces are summed where there are many of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property, lru_cache
from typing import NamedTuple

SEPARATOR = "|"
FIELDS = ("name", "alias", "type", "admin")
ADMIN = ("up", "down")
MANY = 16
"""Rows of one usual kind from which they are summed: ordinary routers have fewer, and keep all their series."""
OTHERS = "others"
TYPES = {
    "other": 1,
    "ethernetCsmacd": 6,
    "ppp": 23,
    "softwareLoopback": 24,
    "propVirtual": 53,
    "ieee80211": 71,
    "pppMultilinkBundle": 108,
    "tunnel": 131,
    "l2vlan": 135,
    "l3ipvlan": 136,
    "ieee8023adLag": 161,
    "mpls": 166,
    "bridge": 209,
    "gpon": 250,
}
"""Some of IANAifType-MIB; any other type goes by its number."""


class Row(NamedTuple):
    """What a filter looks at; what the device does not say is None."""

    name: str
    alias: str | None = None
    type: int | None = None
    is_admin_up: bool | None = None


class Term(NamedTuple):
    """One term: which field it looks at, what fits, and whether a row that fits is shown."""

    field: str
    pattern: re.Pattern[str]
    is_shown: bool
    exact: str | None = None

    def fits(self, row: Row) -> bool:
        if self.field == "type":
            return row.type is not None and self.pattern.fullmatch(str(row.type)) is not None
        if self.field == "admin":
            return row.is_admin_up is not None and self.pattern.fullmatch(ADMIN[not row.is_admin_up]) is not None
        value = row.name if self.field == "name" else row.alias
        return value is not None and self.pattern.fullmatch(value) is not None


@dataclass(frozen=True)
class InterfaceFilter:
    """The terms as written; none: what is usual holds."""

    terms: tuple[Term, ...] = ()

    @cached_property
    def named(self) -> tuple[str, ...]:
        """The interfaces that are named without a wildcard: they are read first."""
        return tuple(term.exact for term in self.terms if term.is_shown and term.exact is not None)

    @cached_property
    def _shows_the_rest(self) -> bool:
        return not any(term.is_shown for term in self.terms)

    def summed(self, rows: Sequence[Row], always: str | None = None, before: Container[str] = ()) -> list[str | None]:
        """For each row what it is summed as; None for those that have series of their own, the one named ``always`` among
        them. Kinds that were summed ``before`` stay so, however few rows they have now.
        """
        if self.terms:
            return [None if row.name == always or self._shows(row) else OTHERS for row in rows]
        kinds = [None if row.name == always else usual_kind(row) for row in rows]
        counted = Counter(kinds)
        summed = {kind for kind, count in counted.items() if count > MANY or (kind is not None and kind in before)}
        are_private = [_is_private(row.name) for row in rows]
        return [
            kind if kind in summed or is_private else None for kind, is_private in zip(kinds, are_private, strict=True)
        ]

    def _shows(self, row: Row) -> bool:
        return next((term.is_shown for term in self.terms if term.fits(row)), self._shows_the_rest)


USUAL = InterfaceFilter()

_PRIVATE = re.compile(r"<(ppp|pppoe|l2tp|pptp|sstp|ovpn)-.*>", re.IGNORECASE)
"""MikroTik's names of the sessions of its server, with the customer's user name."""
_SESSIONS = re.compile(r"(Virtual-Access|Vi|ppp|pppoe-|l2tp-|pptp-|sstp-|pp|demux|ps)\d[\d./:]*", re.IGNORECASE)
_TUNNELS = re.compile(
    r"(tunnel|tunnel-te|tunnel-ip|tu|tun|gre|gr-|ip-|sit|ipip|vti|wg|vxlan)[-\d][\d./:]*", re.IGNORECASE
)
_LOOPBACKS = re.compile(r"(lo|loopback|lo0\.)\d*", re.IGNORECASE)
_NULLS = re.compile(r"(null|nu|discard|reject|dsc)\d*", re.IGNORECASE)
_BY_NAME = (("sessions", _SESSIONS), ("tunnels", _TUNNELS), ("loopbacks", _LOOPBACKS), ("nulls", _NULLS))
_BY_TYPE = {23: "sessions", 24: "loopbacks", 131: "tunnels"}
_SAY_LITTLE = (None, 1, 53)
"""Types that do not tell what an interface is: none, other, propVirtual. Then its name is looked at."""


def _is_private(name: str) -> bool:
    return name.startswith("<") and _PRIVATE.fullmatch(name) is not None


def usual_kind(row: Row) -> str | None:
    """Sessions, tunnels, loopbacks or nulls, by the type that the device states, else by names that makers use."""
    if _is_private(row.name):
        return "sessions"
    if row.type not in _SAY_LITTLE:
        return _BY_TYPE.get(row.type or 0)
    return next((kind for kind, names in _BY_NAME if names.fullmatch(row.name)), None)


@lru_cache(maxsize=4096)
def parse_filter(text: str) -> InterfaceFilter:
    """A filter as written. Raises ValueError with a reason that reads on after the setting's name."""
    return InterfaceFilter(tuple(_term(part.strip()) for part in text.split(SEPARATOR)) if text.strip() else ())


def checked_filter(text: str) -> str:
    """The text, if it is a filter. Raises ValueError as parse_filter does."""
    parse_filter(text)
    return text


def _term(text: str) -> Term:
    is_shown, rest = not text.startswith("!"), text.removeprefix("!")
    field, colon, pattern = rest.partition(":")
    if not colon or field not in FIELDS:
        field, pattern = "name", rest
    if not pattern:
        raise ValueError(f"{text!r} has no pattern; write such as ge-*, !alias:test* or type:ethernetCsmacd")
    if field == "type" and not pattern.isdigit():
        if pattern not in TYPES:
            raise ValueError(f"no type is called {pattern!r}; known: {', '.join(TYPES)}, or the number of ifType")
        pattern = str(TYPES[pattern])
    if field == "admin" and pattern not in ADMIN:
        raise ValueError(f"admin: must be up or down, not {pattern!r}")
    is_exact = field == "name" and is_shown and not set("*?[") & set(pattern)
    return Term(field, _pattern(pattern), is_shown, pattern if is_exact else None)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(translate(text), re.IGNORECASE)
