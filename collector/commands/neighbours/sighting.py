"""One neighbour as a device sees it: at which of its ports, who it says it is, and by which port it is connected."""

from __future__ import annotations

from typing import Literal, NamedTuple

By = Literal["lldp", "cdp", "mndp", "stp", "registration"]


class Sighting(NamedTuple):
    """A neighbour at a port.

    ``by`` is how it is known. ``port`` is the ifIndex of the device's own port, ``local`` what it calls it; both may be
    missing. ``mac``, ``names`` and ``addresses`` are what the neighbour says of itself: any one may identify it.
    ``remote_ports`` are the names of its port, ``remote_mac`` that port's hardware address, ``remote_index`` its number.
    ``chassis`` is an identifier that is none of these, such as a serial number.
    """

    by: By
    port: int | None = None
    local: str = ""
    mac: bytes | None = None
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    chassis: str = ""
    remote_ports: tuple[str, ...] = ()
    remote_mac: bytes | None = None
    remote_index: int | None = None
    capabilities: frozenset[str] = frozenset()
    description: str = ""

    @property
    def said(self) -> str:
        """The neighbour in words."""
        what = self.names[0] if self.names else self.chassis
        known = ", ".join(filter(None, (self.mac.hex(":") if self.mac else "", *self.addresses)))
        return f"{what!r} ({known})" if what and known else repr(what) if what else known or "a device without a name"

    @property
    def is_nobody(self) -> bool:
        """Whether nothing in it could identify a device."""
        return not (self.mac or self.names or self.addresses or self.chassis)
