"""Where the devices of the inventory stand, and whether customers are counted at all: for silences and notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from collector import parquet_footer

COLUMNS = ("device_id", "site", "role", "subscribers", "valid_to")


@dataclass(frozen=True, slots=True)
class Network:
    """The site of each device. ``customers_devices`` are those that stand at a customer's.

    ``is_counted`` is False where the inventory counts no customers, or was never published: nobody knows then how many
    an outage strikes.
    """

    sites: Mapping[str, str | None] = field(default_factory=dict)
    customers_devices: frozenset[str] = frozenset()
    is_counted: bool = False


class NetworkReader:
    """Reads `devices.parquet` again when it changed; where it cannot be read, what was known before goes on."""

    def __init__(self, data: Path) -> None:
        self._path = data / "devices.parquet"
        self._key: object = None
        self._known = Network()

    def read(self) -> Network:
        try:
            status = self._path.stat()
            key = (status.st_mtime_ns, status.st_ino, status.st_size)
            if key != self._key:
                self._known, self._key = _network(self._path), key
        except (OSError, pa.ArrowException):
            pass
        return self._known


def _network(path: Path) -> Network:
    table = parquet_footer.opened(path).read(columns=list(COLUMNS))
    table = table.filter(pc.is_null(table["valid_to"]))
    names, sites, roles = (table[name].to_pylist() for name in COLUMNS[:3])
    return Network(
        dict(zip(names, sites, strict=True)),
        frozenset(name for name, role in zip(names, roles, strict=True) if role == "cpe"),
        bool(pc.any(pc.greater(table["subscribers"], 0)).as_py()),
    )
