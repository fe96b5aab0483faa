"""Which labels of service discovery fill which columns of the inventory: Bairro's own, a preset's, or the settings'."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import settings_file
from collector.address import parse_address
from collector.config import INVENTORY_COLUMNS, DiscoverySettings
from collector.inventory.device_rows import Row, plain
from collector.reading import ROLES

PREFIX = "__meta_bairro_"
TARGET = "__address__"
"""What Prometheus calls the target itself."""

PRESETS = Path(__file__).with_name("presets")
_WITH_PREFIX_LENGTH = re.compile(r"\[?([0-9A-Fa-f:.]+)\]?(/[0-9]{1,3})\]?(:[0-9]+)?")


class Fault(NamedTuple):
    """Labels that cannot be read; ``device_id`` is empty where it is not known."""

    device_id: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Preset:
    """What another system calls things. ``empty`` are the words that it writes where a value is not set.

    Of an export, ``records`` is where in the document its devices stand, and ``parent_key`` are the labels of a device
    of which a parent is one of the values; ``port`` are those of the SNMP port, where the address names none.
    """

    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    leave_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    records: str = ""
    parent_key: tuple[str, ...] = ()
    port: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelReader:
    """Reads the labels of one group.

    ``labels`` are those of each column, the first that has a value counts; ``roles`` maps other names of roles to ours;
    ``leave_out`` holds, by label, the values of groups that are not ours; ``titles`` are the columns for messages.
    """

    labels: dict[str, tuple[str, ...]]
    roles: dict[str, str]
    leave_out: dict[str, frozenset[str]]
    empty: frozenset[str]
    titles: dict[str, str]

    def is_left_out(self, labels: Mapping[str, Any]) -> bool:
        """Whether a label, or a part of one that joins several values by commas, has a value that is not ours."""
        for name, values in self.leave_out.items():
            value = labels.get(name)
            if isinstance(value, str) and not values.isdisjoint(_parts(value)):
                return True
        return False

    def row(self, labels: Mapping[str, Any]) -> Row | Fault:
        """The columns among the labels. A label that is null or blank is as good as none, as in Prometheus."""
        row: Row = {}
        fault = None
        for column, names in self.labels.items():
            value = self._known_role(labels, names) if column == "role" else None
            value = _first(labels, names) if value is None else value
            if not isinstance(value, str):
                fault = fault or (column, f"is not text: {value!r}")
            elif (text := plain(value)) and text not in self.empty:
                row[column] = self._role(text) if column == "role" else text
        return Fault(row.get("device_id", ""), *fault) if fault else row

    def _known_role(self, labels: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
        """The first value that is a role; one that is none may stand before it."""
        if not self.roles:
            return None
        told = (labels.get(name) for name in names)
        return next((text for text in told if isinstance(text, str) and self._role(plain(text)) in ROLES), None)

    def at(self, row: Row, target: str) -> Row:
        """The row of one target; without ``device_id`` it goes by the target, as it does in Prometheus.

        A target that is a name is an address only where the settings say so (``__address__``): NetBox calls a target
        by the device's name, which need not be one of the network.
        """
        target = without_prefix_length(target.strip())
        found = {"device_id": plain(target), **row}
        if "address" in row:
            found["address"] = without_prefix_length(row["address"])
        elif TARGET in self.labels["address"] or not _is_name(target):
            found["address"] = target
        return found

    def as_row(self, row: Row, port: str) -> Row:
        """The row of a record of an export: without a prefix length, and called by its address where it has no name.
        ``port`` is added to an address without one; empty: none."""
        if "address" in row:
            address = without_prefix_length(row["address"])
            row = row | {"address": f"{address}:{port}" if port and ":" not in address else address}
        return row if "device_id" in row or "address" not in row else {"device_id": row["address"], **row}

    def _role(self, text: str) -> str:
        if not self.roles:
            return text
        slug = _slug(text)
        return self.roles.get(slug, slug if slug in ROLES else text)


def preset_of(wanted: DiscoverySettings) -> Preset:
    """The preset that the settings name, if they name one."""
    return Preset() if wanted.preset is None else settings_file.load(PRESETS / f"{wanted.preset}.toml", Preset)


def export_reader(wanted: DiscoverySettings) -> LabelReader:
    """The reader of a file that another system has exported, whose labels are in lower case."""
    reader = label_reader(wanted)
    told = preset_of(wanted).labels | wanted.labels
    own: dict[str, tuple[str, ...]] = {name: (name,) for name in INVENTORY_COLUMNS}
    lowered = {column: tuple(name.lower() for name in names) for column, names in (own | told).items()}
    leave_out = {name.lower(): values for name, values in reader.leave_out.items()}
    titles = {
        column: title.replace(" or a target that is an IP address", "") for column, title in reader.titles.items()
    }
    return replace(reader, labels=lowered, leave_out=leave_out, titles=titles)


def label_reader(wanted: DiscoverySettings) -> LabelReader:
    """The reader that the settings ask for: a column, role or label of theirs goes before the preset's."""
    preset = preset_of(wanted)
    told = preset.labels | wanted.labels
    own = {name: (TARGET,) if name == "address" else (PREFIX + name, name) for name in INVENTORY_COLUMNS}
    leave_out = preset.leave_out | wanted.leave_out
    return LabelReader(
        own | told,
        {_slug(name): role for name, role in (preset.roles | wanted.roles).items()},
        {name: frozenset(value.casefold() for value in values) for name, values in leave_out.items()},
        frozenset(preset.empty),
        {column: _title(column, names) for column, names in told.items()},
    )


def without_prefix_length(text: str) -> str:
    """``192.0.2.7/24`` and ``192.0.2.7/32:161`` without the length; what is no host's address stays as it is."""
    match = _WITH_PREFIX_LENGTH.fullmatch(text)
    if match is None:
        return text
    try:
        found = ipaddress.ip_interface(match[1] + match[2])
    except ValueError:
        return text
    if found.network.num_addresses > 2 and found.ip == found.network.network_address:
        return text
    port = match[3] or ""
    return f"[{found.ip}]{port}" if found.version == 6 and port else f"{found.ip}{port}"


def _first(labels: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first value among the labels ``names``; those after the target itself never count."""
    for name in names:
        if name == TARGET:
            break
        value = labels.get(name)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            return value
    return ""


def _parts(value: str) -> set[str]:
    return {part.strip().casefold() for part in (value, *value.split(","))}


def _is_name(target: str) -> bool:
    try:
        host, _ = parse_address(target)
    except ValueError:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _slug(text: str) -> str:
    return "-".join(text.casefold().split())


def _title(column: str, names: tuple[str, ...]) -> str:
    """The column with its labels, for messages."""
    among = list(names)
    if column == "address" and TARGET not in names:
        among.append("a target that is an IP address")
    where = " or ".join(among) or "read from no label"
    return f"{column} ({where}; see [discovery.roles])" if column == "role" else f"{column} ({where})"
