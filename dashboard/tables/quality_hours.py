"""The network's history as the collector publishes it: quality_hours and devices, read through DuckDB."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from bairro_error import BairroError
from collector import parquet_footer, table_versions
from collector.published import DEVICES, QUALITY_HOURS, TableSpec
from dashboard.config import EngineSettings
from dashboard.tables import believed_hours
from dashboard.tables.schema import conform
from dashboard.tables.stored_hours import HourFiles


class TableError(BairroError, ValueError):
    """A published table that cannot be read; the message names the file and what is wrong with it."""


def pattern(data: Path) -> str:
    """The files of quality_hours under the data folder, one folder per UTC day."""
    return str(data / "quality" / "date=*" / "*.parquet")


def connect(engine: EngineSettings | None = None, scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that keeps to its share of memory and disk, works in UTC and fetches no extension.

    What does not fit in memory spills into ``scratch``; without one nothing spills.
    """
    engine = engine or EngineSettings()
    fixed = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    connection = duckdb.connect(config=fixed)
    # DuckDB 2.0 shows the disk limit when it is given on connecting, and does not keep to it: SET does both.
    for name, value in (
        ("TimeZone", "UTC"),
        ("memory_limit", f"{engine.memory_gigabytes}GB"),
        ("temp_directory", str(scratch or "")),
        ("max_temp_directory_size", f"{engine.disk_gigabytes}GB"),
        ("enable_progress_bar", "false"),
        # A damaged page does not hold to the least and most that its file states: values are asked themselves.
        ("disabled_optimizers", "statistics_propagation"),
    ):
        connection.execute("SET {} = '{}'".format(name, value.replace("'", "''")))
    return connection


def attach(connection: duckdb.DuckDBPyConnection, quality: pa.Table | str | Path | Sequence[str] | None) -> None:
    """Make ``quality`` (a table, or a path, glob or list of Parquet files) known to ``connection`` as quality_hours.

    What cannot be is left out of it (see believed_hours); ``given_hours`` has all, with the file of each row.
    """
    give(connection, quality)
    connection.execute(believed_hours.judged())
    connection.execute(believed_hours.believed())


def give(connection: duckdb.DuckDBPyConnection, quality: pa.Table | str | Path | Sequence[str] | None) -> None:
    """Make ``quality`` known as ``given_hours``, of which nothing is judged yet."""
    if quality is None or isinstance(quality, pa.Table):
        table = QUALITY_HOURS.arrow_schema().empty_table() if quality is None else quality
        connection.register("given_table", conform(table, QUALITY_HOURS))
        _view(connection, "*, '' AS", "given_table")
        return
    named = [str(quality)] if isinstance(quality, (str, Path)) else list(quality)
    source = "read_parquet(?, hive_partitioning = true, union_by_name = true, filename = '{}')"
    source = source.format(believed_hours.FILE)
    try:
        given = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}", [named]).fetchall()}
    except duckdb.IOException as error:
        if "No files found" not in str(error):
            raise TableError(f"{quality}: {error}") from None
        if not isinstance(quality, (str, Path)):
            raise  # one of a list vanished since: what is there now is not nothing
        return give(connection, None)
    except duckdb.Error as error:
        raise TableError(f"{quality}: {error}") from None
    if missing := [column.name for column in QUALITY_HOURS.columns if column.required and column.name not in given]:
        raise TableError(f"{quality}: quality_hours lacks {', '.join(missing)}")
    columns = [name if name in given else f"NULL AS {name}" for name in QUALITY_HOURS.column_names]
    paths = ", ".join("'{}'".format(path.replace("'", "''")) for path in named)
    _view(connection, f"{', '.join(columns)},", source.replace("?", f"[{paths}]"))


def _view(connection: duckdb.DuckDBPyConnection, columns: str, source: str) -> None:
    connection.execute(f"CREATE OR REPLACE VIEW given_hours AS SELECT {columns} {believed_hours.FILE} FROM {source}")


def read_hours(
    data: Path,
    since: datetime,
    until: datetime,
    *,
    devices: Sequence[str] | None = None,
    columns: Sequence[str] = QUALITY_HOURS.column_names,
) -> pa.Table:
    """The hours that start in [since, until), of the named devices or of all, sorted by device and hour.

    A file that cannot be read costs its own hours: HourFiles says which those are. Raises TableError.
    """
    keys = [name for name in QUALITY_HOURS.key if name not in columns]
    wanted = pa.schema([QUALITY_HOURS.arrow_schema().field(name) for name in (*keys, *columns)])
    first, last = (f"date={day.astimezone(UTC):%Y-%m-%d}" for day in (since, until))
    held = HourFiles(data)
    while True:
        files = [file for file in held.sound() if first <= file.parent.name <= last]
        if not files:
            return wanted.empty_table()
        if held.hold_to_checksums(files):
            continue
        try:
            with contextlib.closing(connect()) as connection:
                attach(connection, [str(file) for file in files])
                found = connection.sql(
                    f"SELECT {', '.join(wanted.names)} FROM quality_hours"
                    " WHERE hour >= ? AND hour < ? AND (? OR list_contains(?, device_id)) ORDER BY device_id, hour",
                    params=[since, until, devices is None, list(devices or ())],
                )
                return found.to_arrow_table().cast(wanted)
        except (duckdb.Error, pa.ArrowException, TableError) as error:
            if all(file.exists() for file in files) and not held.look_closely(files):
                raise TableError(f"{held}: {error}") from None


def read_devices(data: Path) -> pa.Table:
    """The inventory through time; empty where nothing was collected yet."""
    return _read(data / "devices.parquet", DEVICES)


def _read(path: Path, spec: TableSpec) -> pa.Table:
    try:
        found = parquet_footer.opened(path).read()
        if table_versions.is_newer(found.schema, spec):
            raise TableError(f"{path}: {table_versions.why_unreadable(found.schema, spec)}")
        return conform(found.replace_schema_metadata(None), spec)
    except FileNotFoundError:
        return spec.arrow_schema().empty_table()
    except (OSError, pa.ArrowException, ValueError) as error:
        if isinstance(error, TableError):
            raise
        raise TableError(f"{path}: {error}") from None
