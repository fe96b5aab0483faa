"""One row of the inventory, wherever it came from, becomes a Device, or the reason why it cannot be one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bairro_error import BairroError
from collector.address import parse_address, parse_ip, parse_port
from collector.config import COUNTERS_REFRESH, CollectorSettings
from collector.credentials import MANNER, NO_SNMP, PATIENCE, SEPARATOR, named_credentials
from collector.interface_filter import checked_filter
from collector.reading import ROLES, Device

REQUIRED = ("device_id", "address", "role", "area")
OPTIONAL = (
    "parent",
    "site",
    "technology",
    "credential",
    "profile",
    "ping",
    "reply_from",
    "uplink_interface",
    "capacity_receive_bytes_per_second",
    "capacity_transmit_bytes_per_second",
    "subscribers",
    "latitude",
    "longitude",
    "timeout_seconds",
    "retries",
    "interfaces",
    "counters_refresh_seconds",
    *MANNER,
    "getnext",
)
REMARKS = ("vendor", "unsure", "why")
"""What `bairro discover` writes beside the columns that are used: for people."""
Row = dict[str, str]
PACKAGED_PROFILES = Path(__file__).parents[1] / "profiles"


_UNSEEN = re.compile("[\xad\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")


def plain(cell: str) -> str:
    """The cell without blanks around it, as the dashboard reads names, so that its areas and devices are found there:
    accents with their letters (NFC), plain blanks, one in a row, and nothing that is not seen."""
    if cell.isascii():
        return cell.strip()
    return " ".join(_UNSEEN.sub("", unicodedata.normalize("NFC", cell)).split())


class BadRowError(BairroError, ValueError):
    """A row that cannot be used; ``field`` is where."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class RowReader:
    """Turns rows into Devices; equal texts are kept once. ``decimal_comma``: numbers may be written ``1,5``."""

    def __init__(self, settings: CollectorSettings, *, decimal_comma: bool = False) -> None:
        self._credentials = {credential.name for credential in settings.credentials} | {NO_SNMP}
        self._profiles = _profile_names(settings)
        self._decimal_comma = decimal_comma
        self._kept: dict[str, str] = {}

    def device(self, row: Row) -> Device:
        """One row. Raises BadRowError."""
        device_id = self._required(row, "device_id")
        if len(device_id) > 200 or not device_id.isprintable():
            raise BadRowError("device_id", "must be at most 200 printable characters")
        host, port = self._checked(row, "address", parse_address) or ("", None)
        role = self._required(row, "role")
        if role not in ROLES:
            raise BadRowError("role", f"must be one of {', '.join(ROLES)}, not {role!r}")
        subscribers = self._checked(row, "subscribers", _count)
        return Device(
            device_id,
            host,
            role,
            self._area(row),
            port=port or 161,
            parent=self._parent(row, device_id),
            site=self._shared(row, "site"),
            technology=self._shared(row, "technology"),
            credential=self._credential(row),
            profile=self._known(row, "profile", self._profiles),
            ping=self._keep(self._checked(row, "ping", parse_ping) or "icmp"),
            reply_from=self._checked(row, "reply_from", parse_ip),
            uplink_interface=self._shared(row, "uplink_interface"),
            capacity_receive_bytes_per_second=self._number(row, "capacity_receive_bytes_per_second", (1, 1e13)),
            capacity_transmit_bytes_per_second=self._number(row, "capacity_transmit_bytes_per_second", (1, 1e13)),
            subscribers=int(role == "cpe") if subscribers is None else subscribers,
            latitude=self._number(row, "latitude", (-90, 90)),
            longitude=self._number(row, "longitude", (-180, 180)),
            timeout_seconds=self._number(row, "timeout_seconds", PATIENCE["timeout_seconds"]),
            retries=self._whole(row, "retries", PATIENCE["retries"]),
            interfaces=self._checked(row, "interfaces", checked_filter),
            counters_refresh_seconds=self._number(row, "counters_refresh_seconds", COUNTERS_REFRESH),
            max_repetitions=self._whole(row, "max_repetitions", MANNER["max_repetitions"]),
            max_reply_bytes=self._whole(row, "max_reply_bytes", MANNER["max_reply_bytes"]),
            requests_per_second=self._number(row, "requests_per_second", MANNER["requests_per_second"]),
            getnext=self._checked(row, "getnext", _yes_or_no),
        )

    def _keep(self, text: str) -> str:
        return self._kept.setdefault(text, text)

    def _shared(self, row: Row, name: str) -> str | None:
        text = row.get(name)
        return None if text is None else self._keep(text)

    def _required(self, row: Row, name: str) -> str:
        text = row.get(name)
        if text is None:
            raise BadRowError(name, "is empty")
        return text

    def _area(self, row: Row) -> str:
        area = self._required(row, "area")
        if len(area) > 200:
            raise BadRowError("area", "must be at most 200 characters")
        return self._keep(area)

    def _parent(self, row: Row, device_id: str) -> str | None:
        parent = self._shared(row, "parent")
        if parent == device_id:
            raise BadRowError("parent", f"{parent!r} is its own parent")
        return parent

    def _known(self, row: Row, name: str, known: set[str]) -> str | None:
        text = self._shared(row, name)
        if text is not None:
            _check_known(text, name, known)
        return text

    def _credential(self, row: Row) -> str | None:
        names = self._checked(row, "credential", named_credentials)
        for name in names or ():
            _check_known(name, "credential", self._credentials)
        return self._keep(SEPARATOR.join(names)) if names else None

    def _whole(self, row: Row, name: str, bounds: tuple[float, float]) -> int | None:
        number = self._checked(row, name, _count)
        if number is not None and not bounds[0] <= number <= bounds[1]:
            raise BadRowError(name, f"must be {bounds[0]:g} to {bounds[1]:g}, not {number}")
        return None if number is None else int(number)

    def _checked(self, row: Row, name: str, parse: Callable[[str], Any]) -> Any:
        text = row.get(name)
        if text is None:
            if name in REQUIRED:
                raise BadRowError(name, "is empty")
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise BadRowError(name, str(error)) from None

    def _number(self, row: Row, name: str, bounds: tuple[float, float]) -> float | None:
        text = row.get(name)
        if text is None:
            return None
        if self._decimal_comma and "." not in text:
            text = text.replace(",", ".", 1)
        try:
            value = float(text)
        except ValueError:
            raise BadRowError(name, f"{text!r} is not a number") from None
        if not bounds[0] <= value <= bounds[1]:
            raise BadRowError(name, f"must be {bounds[0]:g} to {bounds[1]:g}, not {text}")
        return value


def _check_known(text: str, name: str, known: set[str]) -> None:
    if text not in known:
        raise BadRowError(name, f"no {name} is called {text!r}; known: {', '.join(sorted(known)) or 'none'}")


def parse_ping(text: str) -> str:
    """``icmp``, ``echo:PORT`` or ``off``. Raises ValueError."""
    if text in ("icmp", "off"):
        return text
    kind, colon, port = text.partition(":")
    if kind == "echo" and colon:
        return f"echo:{parse_port(port)}"
    raise ValueError(f"must be icmp, echo:PORT or off, not {text!r}")


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"must be yes or no, not {text!r}")
    return text == "yes"


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _profile_names(settings: CollectorSettings) -> set[str]:
    folders = [PACKAGED_PROFILES] + ([settings.profiles] if settings.profiles else [])
    return {file.stem for folder in folders for file in folder.glob("*.toml")}
