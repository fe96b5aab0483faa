"""The inventory: devices.csv or service discovery becomes Devices; what cannot be used is named with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from collector.address import parse_address
from collector.config import CollectorSettings
from collector.inventory import exports, found_uplinks, http_discovery
from collector.inventory.delimited import Table, open_table
from collector.inventory.device_rows import OPTIONAL, REMARKS, REQUIRED, BadRowError, Row, RowReader, plain
from collector.inventory.found_uplinks import AUTO
from collector.inventory.labels import Fault, export_reader, label_reader, preset_of
from collector.inventory_url import InventoryUrl
from collector.reading import Device

Place = int | str
SNMP_PORT = "161"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the inventory; ``field`` may be empty.

    ``line`` is the line of the file, or the place in the answer of a URL; 0 means the whole.
    """

    file: str
    line: Place
    field: str
    reason: str

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f" {self.line}" if isinstance(self.line, str) else f":{self.line}"
        return f"{place}: {self.field}: {self.reason}" if self.field else f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """The devices of the good rows and what is wrong with the rest.

    ``skipped`` holds the ids of rows that were there but could not be used. ``is_readable`` is False where the
    file, or the answer, as a whole could not be used. ``left_out`` counts what the settings leave out.
    """

    devices: tuple[Device, ...]
    problems: tuple[Problem, ...] = ()
    skipped: frozenset[str] = frozenset()
    is_readable: bool = True
    left_out: int = 0


def load(source: Path | InventoryUrl, settings: CollectorSettings) -> Inventory:
    """Read the inventory; never raises for what it holds: every fault is a Problem.

    A parent that is not in it stays named on its device, which is then judged on its own (``quality.topology``);
    the parents of a loop are dropped, so that nobody walks it for ever. A URL that cannot be read is stood in for
    by its last good answer, if the collector has kept one.
    """
    return _load_file(source, settings) if isinstance(source, Path) else _load_url(source, settings)


def _with_found_uplinks(inventory: Inventory, name: str, settings: CollectorSettings) -> Inventory:
    """Rows that say ``auto`` get the uplink that `bairro uplinks` has found for them; a Problem names each that has none."""
    if not any(device.uplink_interface == AUTO for device in inventory.devices):
        return inventory
    found = found_uplinks.read(settings.data)
    missing = [d.device_id for d in inventory.devices if d.uplink_interface == AUTO and d.device_id not in found]
    reason = "auto: none has been found yet, so no traffic is measured; run bairro uplinks"
    problems = [Problem(name, 0, "uplink_interface", f"{device_id}: {reason}") for device_id in missing]
    devices = tuple(found_uplinks.named(device, found) for device in inventory.devices)
    return replace(inventory, devices=devices, problems=(*inventory.problems, *problems))


def merge(fresh: Inventory, current: Inventory) -> Inventory:
    """``fresh`` with ``current`` in force: what was good stays good.

    A source that cannot be used at all, or has no usable row, changes nothing; a device whose row has become bad
    keeps its last good row. The problems are those of the new one either way.
    """
    if not fresh.devices:
        return Inventory(current.devices, fresh.problems, fresh.skipped, fresh.is_readable, fresh.left_out)
    devices = {device.device_id: device for device in fresh.devices}
    kept = {d.device_id: d for d in current.devices if d.device_id in fresh.skipped and d.device_id not in devices}
    if kept:
        devices |= kept
        for loop in _loops(devices):
            for device_id in loop:
                devices[device_id] = replace(devices[device_id], parent=None)
    return Inventory(tuple(devices.values()), fresh.problems, fresh.skipped, left_out=fresh.left_out)


def reload(path: Path, settings: CollectorSettings, current: Inventory) -> Inventory:
    """Read the file again with ``current`` in force."""
    return merge(load(path, settings), current)


def unusable(file: str, reason: str) -> Inventory:
    """What a source that cannot be used as a whole amounts to."""
    return Inventory((), (Problem(file, 0, "", reason),), is_readable=False)


def read_answer(found: http_discovery.Found, url: InventoryUrl, settings: CollectorSettings) -> Inventory:
    """The devices in an answer of service discovery."""
    labels = label_reader(settings.discovery)
    try:
        rows = http_discovery.entries(found.body, labels)
    except http_discovery.DiscoveryError as error:
        return unusable(url.shown, str(error))
    read = _with_found_uplinks(_read_rows(url.shown, rows, RowReader(settings), []), url.shown, settings)
    titled = (replace(problem, field=labels.titles.get(problem.field, problem.field)) for problem in read.problems)
    return replace(read, problems=(*_preset_for(found, url, read, settings), *titled))


def _preset_for(
    found: http_discovery.Found, url: InventoryUrl, read: Inventory, settings: CollectorSettings
) -> Iterator[Problem]:
    """That there is a preset for labels of which nothing could be made without one."""
    if settings.discovery.preset is None and not read.devices and b'"__meta_netbox_' in found.body:
        yield Problem(
            url.shown, 0, "", 'its labels are NetBox\'s; set preset = "netbox" under [discovery] to read them'
        )


def sentinel_devices(settings: CollectorSettings) -> tuple[Device, ...]:
    """The sentinels as devices that only answer pings; their id is the address as written."""
    found = []
    for text in settings.sentinels:
        host, port = parse_address(text)
        found.append(Device(text, host, "router", "", ping="icmp" if port is None else f"echo:{port}"))
    return tuple(found)


def _load_export(path: Path, settings: CollectorSettings) -> Inventory:
    """A file of another system, read as [discovery] says."""
    preset, labels = preset_of(settings.discovery), export_reader(settings.discovery)
    try:
        found = list(exports.records(path, preset.records))
    except ValueError as error:
        return unusable(path.name, str(error))
    called: dict[str, str] = {}
    rows: list[tuple[Place, http_discovery.Entry]] = []
    for place, record in found:
        row = record if isinstance(record, str) else None if labels.is_left_out(record) else labels.row(record)
        if isinstance(row, dict) and isinstance(record, dict):
            port = next((record[name.lower()] for name in preset.port if record.get(name.lower())), "")
            row = labels.as_row(row, port if port != SNMP_PORT else "")
            keys = (record.get(key.lower()) for key in preset.parent_key)
            called |= {key: row.get("device_id", "") for key in keys if key}
        rows.append((place, row))
    for _, row in rows:
        if isinstance(row, dict) and row.get("parent") in called:
            row["parent"] = called[row["parent"]]
    read = _with_found_uplinks(_read_rows(path.name, rows, RowReader(settings), []), path.name, settings)
    titled = (replace(problem, field=labels.titles.get(problem.field, problem.field)) for problem in read.problems)
    return replace(read, problems=tuple(titled))


def _load_file(path: Path, settings: CollectorSettings) -> Inventory:
    if settings.discovery.reads_exports:
        return _load_export(path, settings)
    try:
        table = open_table(path)
    except ValueError as error:
        return unusable(path.name, str(error))
    problems = [
        Problem(path.name, 1, name, "unknown column, ignored") for name in table.unknown(REQUIRED + OPTIONAL + REMARKS)
    ]
    missing = [name for name in REQUIRED if name not in table.columns]
    if missing:
        found = ", ".join(table.columns) or "nothing"
        problems.append(Problem(path.name, 1, "", f"missing columns: {', '.join(missing)} (found: {found})"))
        return Inventory((), tuple(problems), is_readable=False)
    reader = RowReader(settings, decimal_comma=table.delimiter == ";")
    read = _read_rows(path.name, _table_rows(table), reader, problems)
    return _with_found_uplinks(read, path.name, settings)


def _load_url(url: InventoryUrl, settings: CollectorSettings) -> Inventory:
    try:
        fresh = read_answer(http_discovery.fetch(url, settings), url, settings)
    except http_discovery.DiscoveryError as error:
        fresh = unusable(url.shown, str(error))
    return or_kept(fresh, url, settings)


def or_kept(fresh: Inventory, url: InventoryUrl, settings: CollectorSettings) -> Inventory:
    """``fresh``, or the last good answer of the URL where it holds no device and one has been kept."""
    kept = None if fresh.devices else http_discovery.kept(settings)
    if kept is None or kept.cached_at is None:
        return fresh
    earlier = read_answer(kept, url, settings)
    at = f"{datetime.fromtimestamp(kept.cached_at, UTC):%Y-%m-%d %H:%M} UTC"
    problems = (*fresh.problems, Problem(url.shown, 0, "", f"its answer of {at} stands in"), *earlier.problems)
    return replace(earlier, problems=problems)


def _table_rows(table: Table) -> Iterator[tuple[int, Row | str]]:
    """The cells by column, without blanks around them; what is empty or not there is missing."""
    for line, cells in table.rows():
        if isinstance(cells, str):
            yield line, cells
        else:
            pairs = zip(table.columns, cells, strict=False)
            yield line, {name: text for name, cell in pairs if (text := plain(cell))}


def _read_rows(
    name: str, rows: Iterable[tuple[Place, http_discovery.Entry]], reader: RowReader, problems: list[Problem]
) -> Inventory:
    devices: dict[str, Device] = {}
    places: dict[str, Place] = {}
    skipped: dict[str, Place] = {}
    left_out = 0
    for place, row in rows:
        if row is None:
            left_out += 1
            continue
        if isinstance(row, str):
            problems.append(Problem(name, place, "", row))
            continue
        if isinstance(row, Fault):
            problems.append(Problem(name, place, row.field, row.reason))
            skipped.setdefault(row.device_id, place)
            continue
        try:
            device = reader.device(row)
        except BadRowError as error:
            problems.append(Problem(name, place, error.field, str(error)))
            skipped.setdefault(row.get("device_id", ""), place)
            continue
        if device.device_id in devices:
            reason = f"{device.device_id!r} is already {_at(places[device.device_id])}; this row is skipped"
            problems.append(Problem(name, place, "device_id", reason))
            continue
        devices[device.device_id] = device
        places[device.device_id] = place
    if not devices and not problems:
        but = f" but {left_out} that [discovery.leave_out] or the preset leaves out" if left_out else ""
        problems.append(Problem(name, 0, "", f"holds no devices{but}"))
    problems.extend(_check_parents(name, devices, places, skipped))
    return Inventory(tuple(devices.values()), tuple(problems), frozenset(skipped) - {""}, left_out=left_out)


def _at(place: Place) -> str:
    return f"on line {place}" if isinstance(place, int) else f"at {place}"


def _check_parents(
    file: str, devices: dict[str, Device], places: dict[str, Place], skipped: dict[str, Place]
) -> Iterator[Problem]:
    for device in devices.values():
        parent = device.parent
        if parent is not None and parent not in devices:
            reason = f"{parent!r} does not exist"
            if parent in skipped:
                reason = f"{parent!r} was skipped ({_at(skipped[parent])})"
            yield Problem(file, places[device.device_id], "parent", f"{reason}; the device is judged on its own")
    for loop in _loops(devices):
        path = " > ".join((*loop, loop[0]))
        for device_id in loop:
            yield Problem(file, places[device_id], "parent", f"forms a loop ({path}); the parent is dropped")
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
