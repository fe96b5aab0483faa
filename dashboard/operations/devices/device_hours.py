"""The hours of one device out of the files of all: what a page about it draws.

Only the columns that are asked for are read, held to their checksums as they are, and of a file that does not change
any more what was found of a device is remembered.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from collector import parquet_footer
from collector.published import QUALITY_HOURS
from dashboard.operations.live.live_reader import stamp
from dashboard.tables import quality_hours
from dashboard.tables.stored_hours import HourFiles

MOST_KEPT = 4_000
"""Files of devices that are remembered: some kilobytes each."""
SCHEMA = QUALITY_HOURS.arrow_schema()
COLUMNS = frozenset(
    {
        "hour",
        "device_id",
        "observed_seconds",
        "down_seconds",
        "silent_seconds",
        "planned_seconds",
        "polls_answered",
        "pings_sent",
        "pings_lost",
        "rtt_seconds_sum",
        "rtt_count",
        "rtt_p50_seconds",
        "rtt_p95_seconds",
        "receive_p95_bytes_per_second",
        "transmit_p95_bytes_per_second",
        "utilization_p95_ratio",
        "signal_dbm",
        "signal_noise_db",
    }
)
"""What is drawn or told of; to decode the others of all devices takes most of the time."""


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """``table`` has the columns of QUALITY_HOURS, of which those that are not among COLUMNS are not read and null, and a row
    for each hour on record, oldest first.

    ``written_until`` is the end of the newest hour that any device has a row of: later ones are not written yet; None
    where there are no hours at all. ``damages`` say which files cannot be read.
    """

    table: pd.DataFrame
    written_until: datetime | None
    damages: tuple[str, ...] = ()


class DeviceHours:
    """Reads under one data folder; threads share it."""

    def __init__(self, data: Path) -> None:
        self._files = HourFiles(data)
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, pa.Table] = OrderedDict()
        self._ends: dict[tuple[object, Path], datetime | None] = {}

    def read(self, device_id: str, since: datetime, until: datetime) -> Hours:
        """The hours of ``device_id`` that begin in [since, until)."""
        sound = self._files.sound()
        first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
        rows, spoilt = [SCHEMA.empty_table()], []
        for path in (path for path in sound if first <= _day(path.parent.name) <= last):
            found = self._of_file(path, device_id)
            if found is None:
                spoilt.append(path)
            else:
                rows.append(found)
        self._files.look_closely(spoilt)
        damages = [one for one in self._files.damages() if one.file.startswith("date=")]
        told = [f"{one.file} {one.reason}" for one in damages if first <= _day(one.file.partition("/")[0]) <= last]
        table = _believed(pa.concat_tables(rows))
        inside = (table["hour"] >= since) & (table["hour"] < until)
        return Hours(table[inside].reset_index(drop=True), self._written_until(sound), tuple(told))

    def _written_until(self, files: Sequence[Path]) -> datetime | None:
        """The end of the newest hour of the newest day that has any."""
        for _, day in groupby(reversed(files), key=lambda path: path.parent.name):
            ends = [end for path in day if (end := self._end_of_file(path)) is not None]
            if ends:
                return max(ends)
        return None

    def _end_of_file(self, path: Path) -> datetime | None:
        key = (stamp(path), path)
        if key not in self._ends:
            with contextlib.suppress(OSError, pa.ArrowException), parquet_footer.opened(path) as file:
                newest = pc.max(file.read(["hour"])["hour"]).as_py()
                self._ends = {known: end for known, end in self._ends.items() if known[1] != path} | {key: newest}
        newest = self._ends.get(key)
        return None if newest is None else newest + timedelta(hours=1)

    def _of_file(self, path: Path, device_id: str) -> pa.Table | None:
        """The device's rows in one file; None where it cannot be read, nothing where it has gone meanwhile."""
        key = (stamp(path), path, device_id)
        if (known := self._kept.get(key)) is not None:
            return known
        try:
            found = _rows(path, device_id)
        except FileNotFoundError:
            return SCHEMA.empty_table()
        except (OSError, pa.ArrowException):
            return None
        with self._lock:
            self._kept[key] = found
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def _rows(path: Path, device_id: str) -> pa.Table:
    """Group by group, so that no more than one of them is in memory."""
    found = [SCHEMA.empty_table()]
    with parquet_footer.opened(path) as file:
        names = [name for name in file.schema_arrow.names if name in COLUMNS]
        for number in range(file.num_row_groups):
            is_own = pc.equal(file.read_row_group(number, ["device_id"])["device_id"], device_id)
            if pc.any(is_own).as_py():
                found.append(_conformed(file.read_row_group(number, names).filter(is_own)))
    return pa.concat_tables(found)


def _conformed(rows: pa.Table) -> pa.Table:
    arrays = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _believed(rows: pa.Table) -> pd.DataFrame:
    """The rows that can be, by the rules of the panel; of an hour that is there twice the one most observed."""
    with contextlib.closing(quality_hours.connect()) as connection, contextlib.suppress(duckdb.Error):
        quality_hours.attach(connection, rows)
        query = "SELECT * FROM quality_hours ORDER BY hour, observed_seconds DESC"
        found = connection.sql(query).to_arrow_table().cast(SCHEMA).to_pandas()
        return found.drop_duplicates("hour", keep="first").reset_index(drop=True)
    return SCHEMA.empty_table().to_pandas()


def _day(folder: str) -> date:
    try:
        return date.fromisoformat(folder.removeprefix("date="))
    except ValueError:
        return date.min
