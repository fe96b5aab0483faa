"""The panel's statements on a Spark cluster. Tables pass between its workers and this process as Parquet, in one folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from collector.published import QUALITY_HOURS
from dashboard.config import EngineSettings
from dashboard.panel import quality_cache
from dashboard.panel.engines.sql_engine import EngineError, FilesChangedError
from dashboard.tables import believed_hours
from dashboard.tables.quality_hours import TableError
from dashboard.tables.schema import conform
from dashboard.tables.stored_hours import HourFiles

HOW_TO_INSTALL = "pip install 'bairro[spark]'"
VANISHED = ("FILE_NOT_EXIST", "FileNotFoundException")


class SparkEngine:
    """See `Engine`. Every table made is written below ``scratch``, which the workers must reach by the same path."""

    def __init__(self, settings: EngineSettings, scratch: Path) -> None:
        self._dialect = _dialect()
        self._session = _session(settings)
        scratch.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="spark-", dir=scratch))
        self._written = 0

    def register(self, name: str, table: pa.Table) -> None:
        path = self._next_path(name)
        pq.write_table(table, path)
        self._session.read.parquet(_url(path)).createOrReplaceTempView(name)

    def make(self, statement: str) -> None:
        made = self._dialect.statement(statement)
        with _told_of_changed_files():
            answer = self._session.sql(made.query)
            if not made.is_view:
                answer = self._stored(answer, made.name)[1]
            answer.createOrReplaceTempView(made.name)

    def forget(self, name: str) -> None:
        self._session.catalog.dropTempView(name)

    def attach_history(
        self,
        quality: pa.Table | str | Path | HourFiles | None,
        cache: Path | None,
        now: datetime | None,
        *,
        keeps_weeks: bool = True,
    ) -> None:
        """All weeks at once: a cluster has the room, and each statement costs it a second however little it is given."""
        if not isinstance(quality, HourFiles):
            files = list(quality_cache.files_of(quality)) if isinstance(quality, (str, Path)) else []
            self._make_history(quality, files, now)
            return
        files = quality.sound()
        try:
            self._make_history(None, files, now)
        except Exception as error:
            if quality.look_closely(files):  # broken pages under a whole footer: read again without that file
                raise FilesChangedError(str(error).splitlines()[0]) from error
            raise

    def _make_history(self, quality: pa.Table | str | Path | None, files: list[Path], now: datetime | None) -> None:
        if files:
            self._read_hours(files)
        else:
            table = quality if isinstance(quality, pa.Table) else QUALITY_HOURS.arrow_schema().empty_table()
            self.register("given_table", conform(table, QUALITY_HOURS))
            self.make(f"CREATE VIEW given_hours AS SELECT *, '' AS {believed_hours.FILE} FROM given_table")
        self.register("chunk", quality_cache.one_chunk(date(1970, 1, 5)))
        for _, made in quality_cache.steps(now):
            self.make(made)
        for name in quality_cache.KEPT:
            self.make(f"CREATE VIEW {quality_cache.of_history(name)} AS SELECT * FROM {name}")

    def _read_hours(self, files: list[Path]) -> None:
        """Columns that files lack are null. Raises TableError where all lack a required one."""
        lacking = {column.name for column in QUALITY_HOURS.columns if column.required}
        for file in files:
            try:
                lacking -= set(pq.read_schema(file).names)
            except FileNotFoundError as error:
                raise FilesChangedError(str(error)) from error
            except (OSError, pa.ArrowException) as error:
                raise TableError(f"{file}: {error}") from None
            if not lacking:
                break
        else:
            raise TableError(f"{files[0]}: quality_hours lacks {', '.join(sorted(lacking))}")
        declared = self._session.read.parquet(self._empty_hours()).schema
        with _told_of_changed_files():
            hours = self._session.read.schema(declared).parquet(*map(_url, files))
            hours = hours.selectExpr("*", f"_metadata.file_path AS {believed_hours.FILE}")
            hours.createOrReplaceTempView("given_hours")

    def _empty_hours(self) -> str:
        path = self._next_path("declared_hours")
        pq.write_table(QUALITY_HOURS.arrow_schema().empty_table(), path)
        return _url(path)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with _told_of_changed_files():
            return [tuple(row) for row in self._session.sql(self._dialect.query(query)).collect()]

    def table(self, query: str) -> pa.Table:
        with _told_of_changed_files():
            path, _ = self._stored(self._session.sql(self._dialect.query(query)), "answer")
        parts = [pq.ParquetFile(part).read() for part in sorted(path.glob("part-*.parquet"))]
        return pa.concat_tables(parts)

    def close(self) -> None:
        self._session.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _stored(self, frame: Any, name: str) -> tuple[Path, Any]:
        path = self._next_path(name)
        frame.write.parquet(_url(path))
        return path, self._session.read.schema(frame.schema).parquet(_url(path))

    def _next_path(self, name: str) -> Path:
        self._written += 1
        return self._folder / f"{self._written:03}-{name}.parquet"


def _url(path: Path) -> str:
    """Of a file of the file system, whatever the cluster's own default is."""
    return f"file://{path.resolve()}"


def _dialect() -> Any:
    try:
        from dashboard.panel.engines import spark_dialect
    except ImportError as error:
        raise EngineError(f"engine.name is spark, but {error.name} is not installed: {HOW_TO_INSTALL}") from None
    return spark_dialect


def _session(settings: EngineSettings) -> Any:
    """A session at the master, in UTC, that serves no page of its own. What the cluster's settings say else, holds."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise EngineError(f"engine.name is spark, but pyspark is not installed: {HOW_TO_INSTALL}") from None
    java = shutil.which("java") or shutil.which(str(Path(os.environ.get("JAVA_HOME", "")) / "bin" / "java"))
    if java is None:
        raise EngineError("engine.name is spark, but there is no Java here: install openjdk-17-jre-headless")
    options = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.cteRecursionRowLimit": "-1",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.driver.memory": f"{max(round(settings.memory_gigabytes * 1024), 512)}m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    if settings.spark_master.startswith("local"):
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.appName("bairro build").master(settings.spark_master)
    try:
        return builder.config(map=options).getOrCreate()
    except Exception as error:  # py4j's, pyspark's or a plain RuntimeError, by what went wrong
        raise EngineError(f"no Spark session at {settings.spark_master}: {str(error).splitlines()[0]}") from error


@contextlib.contextmanager
def _told_of_changed_files() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if any(word in str(error) for word in VANISHED):
            raise FilesChangedError(str(error).splitlines()[0]) from error
        raise
