"""The file of one collector shard: what it tells, when it was written, how old it may be, or why it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from collector import parquet_footer, table_versions
from collector.published import LIVE, LiveNote

STATES = frozenset({"up", "suspect", "down", "suppressed", "silent", "unknown"})
OLD_SECONDS = 180.0
LEAST_SILENT_SECONDS, MOST_SILENT_SECONDS, RENEWAL_SECONDS = 5.0, 60.0, 6.0
MISSED_TURNS = 1.5
UPGRADE = "Upgrade bairro where the dashboard runs, and restart it"
ALLOW = "Let the user that runs the dashboard read it (chmod, chown); the collector need not be restarted"


@dataclass(frozen=True, slots=True, eq=False)
class LiveFile:
    """One shard's file as it was read last; ``written_at`` is never later than the moment of reading."""

    name: str
    key: object
    note: LiveNote | None
    table: pd.DataFrame
    written_at: datetime | None
    error: str = ""

    @property
    def silent_after_seconds(self) -> float:
        return silent_after(self.note) if self.note is not None else _old_after(self.table)


def silent_after(note: LiveNote) -> float:
    """The age in seconds at which a shard's file counts as abandoned.

    A page that renews itself every five seconds then shows its devices as unknown within two intervals (of polls, or
    of writes where those are longer), unless these are shorter than five seconds; a write that is half a turn late is
    no alarm yet.
    """
    interval = max(note.poll_interval_seconds, note.live_seconds)
    within_two = min(2 * interval - RENEWAL_SECONDS, MOST_SILENT_SECONDS)
    return max(LEAST_SILENT_SECONDS, MISSED_TURNS * note.live_seconds, within_two)


def stamp(path: Path) -> object:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.errno
    return (path.name, status.st_mtime_ns, status.st_ino, status.st_size)


def read(path: Path, key: object, at: datetime, known: LiveFile | None) -> LiveFile:
    """Read one file; where it cannot be read, what it held before stays, with the reason."""
    name = path.name.removeprefix("shard=").removesuffix(".parquet")
    old = known or LiveFile(name, key, None, empty_devices(), None)
    try:
        with parquet_footer.opened(path) as file:
            note, table = LiveNote.of(file.schema_arrow.metadata), _as_live(file)
    except FileNotFoundError:
        return replace(old, key=key)
    except PermissionError:
        return replace(old, key=key, error=f"permission denied. {ALLOW}")
    except _NewerError as error:
        return replace(old, key=key, error=f"{error}. {UPGRADE}")
    except (OSError, pa.ArrowException, ValueError) as error:
        return replace(old, key=key, error=f"{_why(error)}. Delete the file: a running collector writes a new one")
    written = _last_poll(table) or path.stat().st_mtime if note is None else note.written_at
    return LiveFile(name, key, note, table, min(datetime.fromtimestamp(written, UTC), at))


def _why(error: Exception) -> str:
    """Why a file cannot be read; Arrow tells of content that it cannot make out by errors of its own."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    said = " ".join(str(error).split())[:200].rstrip(".")
    return (
        f"it is no Parquet file that can be read ({said})" if isinstance(error, (pa.ArrowException, OSError)) else said
    )


class _NewerError(ValueError):
    """A live table of a version that this program does not know."""


def _as_live(file: pq.ParquetFile) -> pd.DataFrame:
    """The file in the columns of LIVE: what an older collector did not know is null. Raises ValueError for any other."""
    if (why := table_versions.why_unreadable(file.schema_arrow, LIVE)) is not None:
        raise (_NewerError if table_versions.is_newer(file.schema_arrow, LIVE) else ValueError)(f"it {why}")
    table, arrays = file.read(), []
    for column, field in zip(LIVE.columns, LIVE.arrow_schema(), strict=True):
        if column.name in table.column_names:
            values = table[column.name].cast(field.type)
        else:
            values = pa.nulls(table.num_rows, field.type)
        if column.required and values.null_count:
            raise ValueError(f"its column {column.name} has nulls")
        arrays.append(values)
    found = pa.Table.from_arrays(arrays, schema=LIVE.arrow_schema()).to_pandas()
    return found.assign(state=found["state"].where(found["state"].isin(STATES), "unknown"))


def _last_poll(table: pd.DataFrame) -> float | None:
    newest = table["polled_at"].max()
    return None if pd.isna(newest) else float(newest.timestamp())


def _old_after(table: pd.DataFrame) -> float:
    """For a file that does not say how often it is written: three times the spread of its polls."""
    polled = table["polled_at"].dropna()
    spread = (polled.max() - polled.quantile(0.1)).total_seconds() if len(polled) else 0.0
    return min(max(OLD_SECONDS, 3 * spread), 3600.0)


def empty_devices() -> pd.DataFrame:
    return LIVE.arrow_schema().empty_table().to_pandas()
