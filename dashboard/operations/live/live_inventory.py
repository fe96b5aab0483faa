"""The collector's table of the inventory: which devices there should be, and when those that are gone left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from collector import parquet_footer
from collector.published import DEVICES
from dashboard.operations.live.live_reader import stamp

KNOWN_OF_A_DEVICE = ("device_id", "area", "role", "parent", "subscribers")
COLUMNS = (*KNOWN_OF_A_DEVICE, "valid_from", "valid_to")


@dataclass(frozen=True, slots=True, eq=False)
class Inventory:
    """``table`` has COLUMNS of the rows that hold now; ``names`` are their devices. ``left_at`` says of each other device
    that was ever in the inventory when it left. ``key`` changes with the file; ``problem`` says why it cannot be read.
    """

    table: pd.DataFrame
    names: frozenset[str]
    left_at: Mapping[str, pd.Timestamp]
    key: object
    problem: str = ""


class InventoryReader:
    """Reads the file again only when it was replaced; where it cannot be read, what it held before stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest = _inventory(DEVICES.arrow_schema().empty_table().to_pandas(), None)

    def read(self) -> Inventory:
        key = stamp(self._path)
        if key == self._newest.key and not self._newest.problem:
            return self._newest
        old, problem = self._newest, ""
        try:
            table = parquet_footer.opened(self._path).read(list(COLUMNS)).to_pandas()
        except FileNotFoundError:
            pass
        except (OSError, pa.ArrowException) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
            problem = (
                f"the table of the inventory, {self._path}, cannot be read: {why}. "
                "Devices that are in no live table cannot be shown"
            )
        else:
            self._newest = _inventory(table, key)
            return self._newest
        self._newest = Inventory(old.table, old.names, old.left_at, key, problem)
        return self._newest


def _inventory(rows: pd.DataFrame, key: object) -> Inventory:
    holds = rows["valid_to"].isna()
    names = frozenset(rows.loc[holds, "device_id"].tolist())
    ended = rows.loc[~holds, ["device_id", "valid_to"]]
    gone = ended[np.array([name not in names for name in ended["device_id"].tolist()], bool)]
    left_at = {str(name): at for name, at in gone.groupby("device_id")["valid_to"].max().items()}
    return Inventory(rows[holds].reset_index(drop=True), names, left_at, key)
