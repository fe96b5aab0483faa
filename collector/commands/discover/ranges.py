"""Which addresses may be asked: the ranges that were given, each written as a network, two ends or one address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bairro_error import BairroError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MOST_ADDRESSES = 65_536
"""Of all ranges together: a /16."""
OWN = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "198.18.0.0/15",
        ),
    )
) + tuple(map(ipaddress.ip_network, ("fc00::/7", "fe80::/10", "::1/128")))
"""Addresses that nobody else on the internet has: RFC 1918, 6598 (between a provider and its customers), 1122, 3927, 2544,
4193, 4291."""


class RangeError(BairroError, ValueError):
    """A range that cannot or must not be asked."""


@dataclass(frozen=True)
class Range:
    """From ``first`` to ``last``, both included; ``text`` is how it was written."""

    text: str
    first: Address
    last: Address

    @property
    def count(self) -> int:
        return int(self.last) - int(self.first) + 1

    def __contains__(self, address: Address) -> bool:
        return address.version == self.first.version and int(self.first) <= int(address) <= int(self.last)

    def __iter__(self) -> Iterator[str]:
        make = type(self.first)
        return (str(make(number)) for number in range(int(self.first), int(self.last) + 1))


def parse(texts: Sequence[str], option: str, *, allow_public: bool, is_asked_whole: bool = True) -> tuple[Range, ...]:
    """The ranges of ``option``. Raises RangeError for what is no range, is of others, or is too large to be asked whole."""
    ranges = tuple(_range(text.strip(), option) for text in texts)
    for given in ranges:
        if given.last.is_multicast or given.first.is_unspecified or given.last.is_reserved:
            raise RangeError(f"{option} {given.text}: has addresses that are no device's")
        if not allow_public and not _is_own(given):
            raise RangeError(f"{option} {given.text}: is a public range; --public says that it is yours to ask")
    count = sum(given.count for given in ranges)
    if is_asked_whole and count > MOST_ADDRESSES:
        largest = max(ranges, key=lambda given: given.count)
        raise RangeError(
            f"{option} {largest.text}: {count:,} addresses are too many; at most {MOST_ADDRESSES:,} (a /16) are asked at "
            f"once. Name smaller ranges, or a device with --seed and let its neighbours be followed --within this one"
        )
    return ranges


def _range(text: str, option: str) -> Range:
    try:
        if "/" in text:
            network = ipaddress.ip_network(text)
            is_small = network.num_addresses <= 2 or network.version == 6
            ends = (network[0], network[-1]) if is_small else (network[1], network[-2])
            return Range(text, *ends)
        first, dash, last = (part.strip() for part in text.partition("-"))
        ends = ipaddress.ip_address(first), ipaddress.ip_address(last if dash else first)
    except ValueError as error:
        raise RangeError(f"{option} {text}: is no range: {error}") from None
    if ends[0].version != ends[1].version or int(ends[1]) < int(ends[0]):
        raise RangeError(f"{option} {text}: does not end after its beginning")
    return Range(text, *ends)


def _is_own(given: Range) -> bool:
    return any(
        given.first in network and given.last in network for network in OWN if network.version == given.first.version
    )


def allows(ranges: Sequence[Range], address: str) -> bool:
    """Whether an address is in one of the ranges."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in given for given in ranges)
