"""How a device's address is written: IPv4, IPv6 in brackets where a port follows, or a host name."""

from __future__ import annotations

import ipaddress
import re
import socket

_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")


def parse_address(text: str) -> tuple[str, int | None]:
    """Split ``host``, ``host:port``, ``[v6]`` or ``[v6]:port`` into host and port; nothing is looked up.

    Raises ValueError with a reason that reads on after the field's name. A bare IPv6 address has no port.
    """
    text = text.strip()
    if text.startswith("["):
        inner, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r} is not an address: [IPv6] or [IPv6]:port is expected")
        return _ip6(inner, text), parse_port(rest[1:]) if rest else None
    if text.count(":") > 1:
        return _ip6(text, text), None
    host, colon, port = text.partition(":")
    return _name_or_ip4(host, text), parse_port(port) if colon else None


def parse_port(text: str) -> int:
    """A UDP port, 1 to 65535. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ValueError(f"{text!r} is not a port (1 to 65535)")
    return int(text)


def parse_ip(text: str) -> str:
    """An IPv4 or IPv6 address in its shortest spelling. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(text.strip().strip("[]")))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


def _ip6(host: str, text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise ValueError(f"{text!r} is not an IPv6 address") from None


def _name_or_ip4(host: str, text: str) -> str:
    labels = host.rstrip(".").split(".")
    if labels[-1].isdigit():
        try:
            socket.inet_pton(socket.AF_INET, host)
        except OSError:
            raise ValueError(f"{text!r} is not an IPv4 address") from None
        return host
    if len(host) > 253 or not all(_HOST_LABEL.match(label) for label in labels):
        raise ValueError(f"{text!r} is not an address: an IP address or a host name is expected")
    return host
