"""The uplinks that `bairro uplinks` has found, for rows of the inventory whose ``uplink_interface`` is ``auto``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from collector.reading import Device

AUTO = "auto"
FILE = "uplinks.json"


class FoundUplink(NamedTuple):
    """The interface, and why it is thought to be the uplink."""

    interface: str
    why: str


def read(data: Path) -> dict[str, FoundUplink]:
    """What was kept, by device_id; nothing where there is no such file, or it cannot be read."""
    try:
        kept = json.loads((data / FILE).read_text(encoding="utf-8"))
        return {name: FoundUplink(str(row["interface"]), str(row["why"])) for name, row in kept.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def write(data: Path, found: Mapping[str, FoundUplink]) -> Path:
    """Keep them, instead of those that were kept before. Raises OSError."""
    data.mkdir(parents=True, exist_ok=True)
    path, new = data / FILE, data / f"{FILE}.new"
    text = json.dumps({name: row._asdict() for name, row in sorted(found.items())}, indent=1, ensure_ascii=False)
    new.write_text(text + "\n", encoding="utf-8")
    os.replace(new, path)
    return path


def named(device: Device, found: Mapping[str, FoundUplink]) -> Device:
    """The device with the uplink that was found for it, if it wants that and there is one; else with none."""
    if device.uplink_interface != AUTO:
        return device
    own = found.get(device.device_id)
    return replace(device, uplink_interface=own.interface if own is not None else None)
