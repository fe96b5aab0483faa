"""Where the pages may be served: on loopback, or where people are asked who they are, here or by something in front."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Any

from bairro_error import BairroError
from dashboard.config import WebSettings

BACKLOG = 1024
NOT_ALONE = (
    "there are no accounts, so the pages are served to this host alone. Make an account first "
    "(`bairro user add NAME --role admin`, docs/accounts.md) or set web.address to a loopback address such as 127.0.0.1. "
    "Where a reverse proxy in front asks people who they are, set web.behind_proxy = true and list in web.hosts the host "
    "names that browsers use (docs/operations.md)"
)


class ListenError(BairroError, OSError):
    """The pages cannot or must not be served there; the message says why and what to do."""


def listen(web: WebSettings, asks_who: Callable[[], bool] = lambda: False) -> socket.socket:
    """The listening socket; taken before anything else so that a port in use is told at once. Raises ListenError."""
    family, place = _resolve(web.address, web.port)[0]
    refuse_open(web, asks_who)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        used = error.errno == errno.EADDRINUSE
        reason = "is in use by another process" if used else f"cannot be had: {error.strerror}"
        raise ListenError(f"{web.address}:{web.port} {reason}; set web.port in dashboard.toml") from None
    return listener


def refuse_open(web: WebSettings, asks_who: Callable[[], bool] = lambda: False) -> None:
    """Raise ListenError where others than this host could reach pages that ask nobody who they are, with nothing in front.

    ``asks_who`` says whether they ask, and is asked itself only where others could reach them.
    """
    if web.behind_proxy:
        return
    for key, address in (("web.published_on", web.published_on), ("web.address", web.address)):
        if address is None:
            continue
        beyond = [str(place[0]) for _, place in _resolve(address, web.port) if not is_loopback(str(place[0]))]
        if beyond and not asks_who():
            means = "" if beyond[0] == address else f", which is {beyond[0]},"
            raise ListenError(f"{key} = {address!r}{means} can be reached from other hosts: {NOT_ALONE}")
        return  # what a container publishes counts, not the address within it


def _resolve(address: str, port: int) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    """Every address that ``address`` stands for; an empty one stands for all of the host's, as it does for bind()."""
    try:
        found = socket.getaddrinfo(address or "0.0.0.0", port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ListenError(f"{address}:{port} cannot be used: there is no such address; set web.address") from None
    return [(family, place) for family, _, _, _, place in found]


def is_loopback(address: str) -> bool:
    """Whether ``address``, written in numbers, is this host's own."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)\.?(?::\d{1,5})?", re.IGNORECASE)


def host_name(header: str) -> str | None:
    """The name in a Host header (RFC 9110, 7.2) in lower case without its port; None where it is none."""
    found = HOST.fullmatch(header)
    return None if found is None else found["name"].strip("[]").lower()


def is_own_host(name: str) -> bool:
    """Whether a Host header's ``name`` can only mean this host: no name that somebody's own DNS could point here."""
    return name == "localhost" or is_loopback(name)
