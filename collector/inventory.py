"""The inventory: devices.csv becomes Devices; a row that cannot be used is named with its line and skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collector.address import parse_address, parse_ip, parse_port
from collector.config import CollectorSettings
from collector.credentials import NO_SNMP, SEPARATOR, named_credentials
from collector.delimited import Table, open_table
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
)
Row = dict[str, str]
PACKAGED_PROFILES = Path(__file__).parent / "profiles"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the inventory. ``line`` 0 means the file as a whole; ``field`` may be empty."""

    file: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.reason}" if self.field else f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """The devices of the good rows and what is wrong with the rest.

    ``skipped`` holds the ids of rows that were there but could not be used. ``is_readable`` is False where the
    file as a whole could not be used.
    """

    devices: tuple[Device, ...]
    problems: tuple[Problem, ...] = ()
    skipped: frozenset[str] = frozenset()
    is_readable: bool = True


class _BadRowError(ValueError):
    """A row that cannot be used; ``field`` is where."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def load(path: Path, settings: CollectorSettings) -> Inventory:
    """Read the inventory at ``path``; never raises for what the file holds: every fault is a Problem.

    A parent that is not in the file stays named on its device, which is then judged on its own
    (``quality.topology``); the parents of a loop are dropped, so that nobody walks it for ever.
    """
    try:
        table = open_table(path)
    except ValueError as error:
        return Inventory((), (Problem(path.name, 0, "", str(error)),), is_readable=False)
    problems = [Problem(path.name, 1, name, "unknown column, ignored") for name in table.unknown(REQUIRED + OPTIONAL)]
    missing = [name for name in REQUIRED if name not in table.columns]
    if missing:
        found = ", ".join(table.columns) or "nothing"
        problems.append(Problem(path.name, 1, "", f"missing columns: {', '.join(missing)} (found: {found})"))
        return Inventory((), tuple(problems), is_readable=False)
    return _read_rows(table, _Reader(settings, table), problems)


def reload(path: Path, settings: CollectorSettings, current: Inventory) -> Inventory:
    """Read the inventory again with ``current`` in force: what was good stays good.

    A file that cannot be used at all, or has no usable row, changes nothing; a device whose row has become bad
    keeps its last good row. The problems are those of the new file either way.
    """
    fresh = load(path, settings)
    if not fresh.devices:
        return Inventory(current.devices, fresh.problems, fresh.skipped, fresh.is_readable)
    present = {device.device_id for device in fresh.devices}
    kept = tuple(d for d in current.devices if d.device_id in fresh.skipped and d.device_id not in present)
    return Inventory(fresh.devices + kept, fresh.problems, fresh.skipped)


def sentinel_devices(settings: CollectorSettings) -> tuple[Device, ...]:
    """The sentinels as devices that only answer pings; their id is the address as written."""
    found = []
    for text in settings.sentinels:
        host, port = parse_address(text)
        found.append(Device(text, host, "router", "", ping="icmp" if port is None else f"echo:{port}"))
    return tuple(found)


def _read_rows(table: Table, reader: _Reader, problems: list[Problem]) -> Inventory:
    devices: dict[str, Device] = {}
    lines: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for line, cells in table.rows():
        if isinstance(cells, str):
            problems.append(Problem(table.name, line, "", cells))
            continue
        row = reader.row(cells)
        try:
            device = reader.device(row)
        except _BadRowError as error:
            problems.append(Problem(table.name, line, error.field, str(error)))
            skipped.setdefault(row.get("device_id", ""), line)
            continue
        if device.device_id in devices:
            reason = f"{device.device_id!r} is already on line {lines[device.device_id]}; this row is skipped"
            problems.append(Problem(table.name, line, "device_id", reason))
            continue
        devices[device.device_id] = device
        lines[device.device_id] = line
    if not devices and not problems:
        problems.append(Problem(table.name, 0, "", "holds no devices"))
    problems.extend(_check_parents(table.name, devices, lines, skipped))
    return Inventory(tuple(devices.values()), tuple(problems), frozenset(skipped) - {""})


def _check_parents(
    file: str, devices: dict[str, Device], lines: dict[str, int], skipped: dict[str, int]
) -> Iterator[Problem]:
    for device in devices.values():
        parent = device.parent
        if parent is not None and parent not in devices:
            reason = f"{parent!r} does not exist"
            if parent in skipped:
                reason = f"{parent!r} was skipped (line {skipped[parent]})"
            yield Problem(file, lines[device.device_id], "parent", f"{reason}; the device is judged on its own")
    for loop in _loops(devices):
        path = " > ".join((*loop, loop[0]))
        for device_id in loop:
            yield Problem(file, lines[device_id], "parent", f"forms a loop ({path}); the parent is dropped")
            devices[device_id] = replace(devices[device_id], parent=None)


def _loops(devices: dict[str, Device]) -> list[tuple[str, ...]]:
    """The loops among the parents, each once, in the order child > parent > ... ."""
    done: set[str] = set()
    loops = []
    for start, device in devices.items():
        if device.parent is None or device.parent in done:
            done.add(start)
            continue
        trail: dict[str, int] = {}
        at: str | None = start
        while at is not None and at in devices and at not in done and at not in trail:
            trail[at] = len(trail)
            at = devices[at].parent
        if at is not None and at in trail:
            loops.append(tuple(trail)[trail[at] :])
        done.update(trail)
    return loops


class _Reader:
    """Turns the cells of one table into Devices; equal texts are kept once."""

    def __init__(self, settings: CollectorSettings, table: Table) -> None:
        self._columns = table.columns
        self._credentials = {credential.name for credential in settings.credentials} | {NO_SNMP}
        self._profiles = _profile_names(settings)
        self._decimal_comma = table.delimiter == ";"
        self._kept: dict[str, str] = {}

    def row(self, cells: list[str]) -> Row:
        """The cells by column, without blanks around them; what is empty or not there is missing."""
        return {name: text for name, cell in zip(self._columns, cells, strict=False) if (text := cell.strip())}

    def device(self, row: Row) -> Device:
        """One row. Raises _BadRowError."""
        device_id = self._required(row, "device_id")
        if len(device_id) > 200 or not device_id.isprintable():
            raise _BadRowError("device_id", "must be at most 200 printable characters")
        host, port = self._checked(row, "address", parse_address) or ("", None)
        role = self._required(row, "role")
        if role not in ROLES:
            raise _BadRowError("role", f"must be one of {', '.join(ROLES)}, not {role!r}")
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
        )

    def _keep(self, text: str) -> str:
        return self._kept.setdefault(text, text)

    def _shared(self, row: Row, name: str) -> str | None:
        text = row.get(name)
        return None if text is None else self._keep(text)

    def _required(self, row: Row, name: str) -> str:
        text = row.get(name)
        if text is None:
            raise _BadRowError(name, "is empty")
        return text

    def _area(self, row: Row) -> str:
        area = self._required(row, "area")
        if len(area) > 200:
            raise _BadRowError("area", "must be at most 200 characters")
        return self._keep(area)

    def _parent(self, row: Row, device_id: str) -> str | None:
        parent = self._shared(row, "parent")
        if parent == device_id:
            raise _BadRowError("parent", f"{parent!r} is its own parent")
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

    def _checked(self, row: Row, name: str, parse: Callable[[str], Any]) -> Any:
        text = row.get(name)
        if text is None:
            if name in REQUIRED:
                raise _BadRowError(name, "is empty")
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise _BadRowError(name, str(error)) from None

    def _number(self, row: Row, name: str, bounds: tuple[float, float]) -> float | None:
        text = row.get(name)
        if text is None:
            return None
        if self._decimal_comma and "." not in text:
            text = text.replace(",", ".", 1)
        try:
            value = float(text)
        except ValueError:
            raise _BadRowError(name, f"{text!r} is not a number") from None
        if not bounds[0] <= value <= bounds[1]:
            raise _BadRowError(name, f"must be {bounds[0]:g} to {bounds[1]:g}, not {text}")
        return value


def _check_known(text: str, name: str, known: set[str]) -> None:
    if text not in known:
        raise _BadRowError(name, f"no {name} is called {text!r}; known: {', '.join(sorted(known)) or 'none'}")


def parse_ping(text: str) -> str:
    """``icmp``, ``echo:PORT`` or ``off``. Raises ValueError."""
    if text in ("icmp", "off"):
        return text
    kind, colon, port = text.partition(":")
    if kind == "echo" and colon:
        return f"echo:{parse_port(port)}"
    raise ValueError(f"must be icmp, echo:PORT or off, not {text!r}")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _profile_names(settings: CollectorSettings) -> set[str]:
    folders = [PACKAGED_PROFILES] + ([settings.profiles] if settings.profiles else [])
    return {file.stem for folder in folders for file in folder.glob("*.toml")}
