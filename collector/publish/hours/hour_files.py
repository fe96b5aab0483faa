"""The files of ``quality_hours``: one an hour and shard, compacted to one a day once the day is closed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from collector import table_versions
from collector.publish import parquet
from collector.publish.parquet import UnreadableError
from collector.publish.quarantine import Aside
from collector.published import QUALITY_HOURS

SCHEMA = QUALITY_HOURS.arrow_schema()
DAY = 86_400.0
_USUAL = ("device_id", "rtt_p50_seconds_approximate_median", "rtt_p50_seconds_count")


class QualityFiles:
    """``<data>/quality/date=YYYY-MM-DD/``; only this collector's shard writes the files named after it.

    A file of its own that cannot be read is set aside, one of another's is left where it lies: either costs the
    hours that it held, and nothing else.
    """

    def __init__(self, data: Path, shard: str, aside: Aside | None = None) -> None:
        self.folder = data / "quality"
        self.shard = shard
        self._aside = aside or Aside()

    def write_hour(self, hour: int, table: pa.Table) -> int:
        """Publish the rows of one hour, less those that are published already; returns how many were written."""
        day = self._day(hour)
        table = _without(table, self._published_devices(day, hour))
        if table.num_rows:
            name = f"hour-{datetime.fromtimestamp(hour, UTC):%H}-shard-{self.shard}"
            path = day / f"{name}.parquet"
            if path.exists():
                path = day / f"{name}-late.parquet"
            parquet.write(table_versions.stamp(table, QUALITY_HOURS), path, durable=True)
        return int(table.num_rows)

    def compact(self, before: int) -> None:
        """Make one file of each day that ended by ``before`` (Unix seconds)."""
        today = self._day(before).name
        for day in sorted(self.folder.glob("date=*")):
            names = (f"hour-*-shard-{self.shard}.parquet", f"hour-*-shard-{self.shard}-late.parquet")
            hours = sorted(path for name in names for path in day.glob(name))
            if day.name < today and hours:
                self._compact(day, hours)

    def _compact(self, day: Path, hours: list[Path]) -> None:
        """A crash between the rename and the removals leaves doubles, which the next compaction takes out."""
        whole = day / f"day-shard-{self.shard}.parquet"
        had_whole = whole.exists()
        read = {path: self._read(path) for path in ([whole] if had_whole else []) + hours}
        tables = {path: table for path, table in read.items() if table is not None}
        if not tables:
            return
        table = pa.concat_tables(tables.values())
        if had_whole:
            table = _first_of_each(table)
        table = table.sort_by([("hour", "ascending"), ("device_id", "ascending")])
        if whole.exists() and whole not in tables:
            return
        parquet.write(table_versions.stamp(table, QUALITY_HOURS), whole, durable=True)
        for path in hours:
            if path in tables:
                path.unlink()

    def look_through(self) -> None:
        """Set aside the files of this shard, of any age, that are not Parquet files of this table."""
        for path in sorted(self.folder.glob(f"date=*/*-shard-{self.shard}*.parquet")):
            if self._is_own(path):
                self._read(path, ())

    def usual_rtt_seconds(self, at: float) -> Iterator[tuple[str, float, int]]:
        """The median of each device's hourly median round trips over the day before ``at``, and of how many hours."""
        since = pa.scalar(datetime.fromtimestamp(at - DAY, UTC), SCHEMA.field("hour").type)
        found = []
        for day in (self._day(int(at - DAY)), self._day(int(at))):
            for path in sorted(day.glob(f"*-shard-{self.shard}*.parquet")):
                rows = self._read(path, ("hour", "device_id", "rtt_p50_seconds"))
                if rows is not None:
                    kept = pc.and_(pc.greater_equal(rows["hour"], since), pc.is_valid(rows["rtt_p50_seconds"]))
                    found.append(rows.filter(kept))
        if not found:
            return
        usual = (
            pa.concat_tables(found)
            .group_by("device_id")
            .aggregate([("rtt_p50_seconds", "approximate_median"), ("rtt_p50_seconds", "count")])
        )
        yield from zip(*(usual[name].to_pylist() for name in _USUAL), strict=True)

    def _day(self, hour: int) -> Path:
        return self.folder / f"date={datetime.fromtimestamp(hour, UTC):%Y-%m-%d}"

    def _published_devices(self, day: Path, hour: int) -> list[str]:
        """The devices that some file of the day has a row of this hour for.

        A file that goes meanwhile has been compacted by its shard, whose rows are then in a file that came before it
        went: the day is looked through again.
        """
        while True:
            with contextlib.suppress(FileNotFoundError):
                return self._devices_in(sorted(day.glob("*.parquet")), hour)

    def _devices_in(self, paths: Iterable[Path], hour: int) -> list[str]:
        stamp = pa.scalar(datetime.fromtimestamp(hour, UTC), SCHEMA.field("hour").type)
        found: list[str] = []
        for path in paths:
            rows = self._read(path, ("hour", "device_id"))
            if rows is not None:
                found += rows.filter(pc.equal(rows["hour"], stamp))["device_id"].to_pylist()
        return found

    def _is_own(self, path: Path) -> bool:
        return path.name.endswith((f"-shard-{self.shard}.parquet", f"-shard-{self.shard}-late.parquet"))

    def _read(self, path: Path, columns: Sequence[str] | None = None) -> pa.Table | None:
        """The file, or these columns of it; None where it cannot be read. Raises OSError."""
        try:
            return parquet.read(path, QUALITY_HOURS, columns)
        except UnreadableError as error:
            if self._is_own(path):
                self._aside.put(path, QUALITY_HOURS.name, why=f"its hours are lost: it {error}", what=error.what)
            else:
                self._aside.tell(QUALITY_HOURS.name, path, f"{error}")
            return None


def _without(table: pa.Table, device_ids: list[str]) -> pa.Table:
    if not device_ids:
        return table
    return table.filter(pc.invert(pc.is_in(table["device_id"], pa.array(device_ids, pa.string()))))


def _first_of_each(table: pa.Table) -> pa.Table:
    numbered = table.append_column("_row", pa.array(range(table.num_rows)))
    kept = numbered.group_by(["hour", "device_id"]).aggregate([("_row", "min")])["_row_min"]
    return table.take(kept)
