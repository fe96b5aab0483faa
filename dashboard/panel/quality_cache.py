"""The network's history added up to days, chunk by chunk; a chunk whose inputs are unchanged is taken from the last build.

A chunk is the files of one week of UTC days. What it comes to depends on its files, on which devices hung above which in
those days, on the time zones in use, and on the statements themselves: together they are the key under which it is kept.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from dashboard.panel import file_weeks
from dashboard.panel.file_weeks import Chunk
from dashboard.panel.statements import statement
from dashboard.tables import believed_hours, digests
from dashboard.tables import quality_hours as history
from dashboard.tables.stored_hours import HourFiles

STEPS = (
    "judged_hours",
    "double_days",
    "doubled_hours",
    "quality_hours",
    "chunk_refused",
    "chunk_hours",
    "local_hours",
    "fullest_above",
    "chunk_days",
    "chunk_gone",
    "chunk_marks",
    "chunk_returns",
    "chunk_outages",
)
VIEWS = ("judged_hours", "quality_hours")
KEPT = ("chunk_hours", "chunk_days", "chunk_refused", "chunk_outages")


OF_BOUNDS: Mapping[str, Callable[[], str]] = {
    "judged_hours": believed_hours.judged,
    "double_days": lambda: believed_hours.DOUBLE_DAYS,
    "doubled_hours": believed_hours.doubled,
    "quality_hours": believed_hours.single,
    "chunk_refused": believed_hours.refused,
}


SINGLE = {
    "doubled_hours": "CREATE TABLE doubled_hours (place BIGINT)",
    "quality_hours": believed_hours.believed(),
    "chunk_refused": believed_hours.NONE_REFUSED,
}
"""The steps of a chunk in which no hour is refused, nor on record twice."""


def of_step(name: str) -> str:
    """The statement of one of STEPS."""
    return OF_BOUNDS[name]() if name in OF_BOUNDS else statement(name)


def of_history(name: str) -> str:
    """What the table ``name`` of a chunk is called when it is that of all chunks."""
    return name.replace("chunk", "history")


def one_chunk(monday: datetime.date) -> pa.Table:
    """The table ``chunk``, which the statements of `STEPS` read."""
    return pa.table({"chunk": pa.array([monday], pa.date32())})


def steps(now: datetime.datetime | None) -> Iterator[tuple[str, str]]:
    """The statements that make a chunk of given_hours, with the names of what they make."""
    for name in STEPS:
        yield name, believed_hours.judged(now) if name == "judged_hours" else of_step(name)


def attach(
    connection: duckdb.DuckDBPyConnection,
    quality: pa.Table | str | Path | HourFiles | None,
    cache: Path | None = None,
    *,
    now: datetime.datetime | None = None,
    keeps_weeks: bool = True,
) -> None:
    """Make history_hours, history_days, history_refused and history_outages (those of all chunks) of ``quality`` and paths.

    Hours after ``now`` are left out. ``quality`` is a table, a path or glob of Parquet files, or HourFiles, of which a file that cannot be read costs
    its own hours; weeks of files are kept under ``cache`` where one is given, or only taken from it without ``keeps_weeks``. Raises TableError where other files
    cannot be read and duckdb.IOException where one vanished meanwhile.
    """
    files = quality if isinstance(quality, HourFiles) else None
    listed = files.sound() if files is not None else files_of(quality) if isinstance(quality, (str, Path)) else ()
    chunks = file_weeks.chunks(listed, now)
    if files is None:
        history.give(connection, quality)  # says at once where columns are missing
    elif chunks is None:
        history.give(connection, None)
    if chunks is None:
        _make(connection, Chunk(datetime.date(1970, 1, 5)), now)
        _rename(connection)
        return
    store = (
        None
        if cache is None
        else _Store(cache / "quality", _common(connection), _file_digests(chunks, cache), is_written=keeps_weeks)
    )
    gathered = _Gathered(connection)
    for chunk in chunks:
        kept = None if store is None else store.find(connection, chunk)
        if kept is None:
            made = _make_of_files(connection, chunk, files, now)
            kept = None if store is None else store.keep(connection, made)
        gathered.add(kept)
    gathered.close()
    if store is not None:
        store.tidy()


def files_of(pattern: str | Path) -> Iterator[Path]:
    """Files of a pattern whose last two parts may hold wildcards."""
    pattern = Path(pattern)
    root = pattern.parent.parent
    yield from sorted(root.glob(f"{pattern.parent.name}/{pattern.name}"))


def _file_digests(chunks: Sequence[Chunk], cache: Path) -> dict[Path, str]:
    return digests.of_files((file for chunk in chunks for file in chunk.files), cache / "digests.json")


def _common(connection: duckdb.DuckDBPyConnection) -> str:
    """What every chunk depends on besides its files and the tree above its devices."""
    zones = connection.execute("SELECT DISTINCT timezone FROM zones ORDER BY timezone").fetchall()
    return digests.of_text(duckdb.__version__, json.dumps(zones), *(of_step(name) for name in ("paths", *STEPS)))


def _make(connection: duckdb.DuckDBPyConnection, chunk: Chunk, now: datetime.datetime | None) -> None:
    """Where nothing is refused the bounds are asked once, and the steps that are for what is refused are left out."""
    connection.register("chunk", one_chunk(chunk.monday))
    ((is_clean,),) = connection.execute(believed_hours.is_clean(now)).fetchall()
    simpler = {"judged_hours": believed_hours.clean()} if is_clean else {}
    for name, made in steps(now):
        if name not in VIEWS:
            connection.execute(f"DROP TABLE IF EXISTS {name}")
        connection.execute(simpler.get(name, made))
        if is_clean and name == "double_days" and not connection.execute("FROM double_days LIMIT 1").fetchall():
            simpler |= SINGLE


def _make_of_files(
    connection: duckdb.DuckDBPyConnection, chunk: Chunk, files: HourFiles | None, now: datetime.datetime | None
) -> Chunk:
    """Make the tables of a chunk, and return it with the files that could be read.

    A file may have a whole footer and broken pages, which shows only now: it is found, and left out. DuckDB does not ask
    the pages' checksums, so that is done first.
    """
    if files is not None and files.hold_to_checksums(chunk.files):
        chunk = _without_broken(chunk, files)
    while True:
        try:
            history.give(connection, [str(file) for file in chunk.files] or None)
            _make(connection, chunk, now)
        except (duckdb.Error, history.TableError):
            if files is None or not files.look_closely(chunk.files):
                raise
            chunk = _without_broken(chunk, files)
        else:
            return chunk


def _without_broken(chunk: Chunk, files: HourFiles) -> Chunk:
    sound = set(files.sound())
    return replace(chunk, files=tuple(file for file in chunk.files if file in sound))


def _rename(connection: duckdb.DuckDBPyConnection) -> None:
    for name in KEPT:
        connection.execute(f"ALTER TABLE {name} RENAME TO {of_history(name)}")


@dataclass
class _Gathered:
    """Chunks become history_hours, history_days and the others of KEPT: views over files where they are kept, else tables."""

    connection: duckdb.DuckDBPyConnection
    kept: list[Sequence[Path]] = field(default_factory=list)
    in_memory: int = 0

    def add(self, kept: Sequence[Path] | None) -> None:
        """A chunk that was found in, or written to, files; or None for one that was just made and not written."""
        if kept is not None:
            self.kept.append(kept)
            return
        for name in KEPT:
            verb = f"INSERT INTO gathered_{name}" if self.in_memory else f"CREATE TABLE gathered_{name} AS"
            self.connection.execute(f"{verb} FROM {name}")
        self.in_memory += 1

    def close(self) -> None:
        for number, name in enumerate(KEPT):
            paths = ", ".join(f"'{_quoted(kept[number])}'" for kept in self.kept)
            parts = [f"FROM read_parquet([{paths}])"] * bool(self.kept) + [f"FROM gathered_{name}"] * bool(
                self.in_memory
            )
            self.connection.execute(f"CREATE VIEW {of_history(name)} AS {' UNION ALL BY NAME '.join(parts)}")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@dataclass
class _Store:
    """Chunks kept in ``folder``: ``<monday>.<table>.parquet``, and ``<monday>.json`` with their key and digests.

    A chunk counts as kept only where its key is today's and its files are, byte by byte, those that were written. One that
    is not written leaves the folder as it is: who reads beside a build must not take its weeks away.
    """

    folder: Path
    common: str
    file_digests: dict[Path, str]
    is_written: bool = True
    used: set[str] = field(default_factory=set)

    def find(self, connection: duckdb.DuckDBPyConnection, chunk: Chunk) -> list[Path] | None:
        key, paths = self._key(connection, chunk), self._paths(chunk)
        try:
            stated = json.loads(self._note(chunk).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if key is None or not isinstance(stated, dict) or stated.get("key") != key:
            return None
        found = digests.of_files(paths)
        return paths if [found.get(path) for path in paths] == stated.get("files") else None

    def keep(self, connection: duckdb.DuckDBPyConnection, chunk: Chunk) -> list[Path] | None:
        """Write what was just made; None, and nothing written, where it holds hours that are not its own or still to come."""
        if not self.is_written:
            return None
        key, paths = self._key(connection, chunk), self._paths(chunk)
        (others,) = connection.execute(
            "SELECT (SELECT count(*) FROM chunk_hours WHERE first_row < $start OR last_row >= $end)"
            " + (SELECT count(*) FROM chunk_refused WHERE code = 'ahead')",
            {"start": chunk.start, "end": chunk.end},
        ).fetchall()[0]
        if key is None or others:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        self._note(chunk).unlink(missing_ok=True)
        for name, path in zip(KEPT, paths, strict=True):
            beside = path.with_name(f".{path.name}.{os.getpid()}")
            connection.execute(f"COPY {name} TO '{_quoted(beside)}' (FORMAT parquet, COMPRESSION zstd)")
            os.replace(beside, path)
        written = digests.of_files(paths)
        beside = self._note(chunk).with_name(f".{chunk.monday}.{os.getpid()}")
        beside.write_text(json.dumps({"key": key, "files": [written[path] for path in paths]}), encoding="utf-8")
        os.replace(beside, self._note(chunk))
        return paths

    def tidy(self) -> None:
        """Remove what was kept of weeks that the history no longer has."""
        if not self.is_written:
            return
        for path in self.folder.glob("*"):
            if path.name not in self.used:
                path.unlink(missing_ok=True)

    def _paths(self, chunk: Chunk) -> list[Path]:
        return [self.folder / f"{chunk.monday}.{name}.parquet" for name in KEPT]

    def _note(self, chunk: Chunk) -> Path:
        self.used |= {f"{chunk.monday}.json", *(path.name for path in self._paths(chunk))}
        return self.folder / f"{chunk.monday}.json"

    def _key(self, connection: duckdb.DuckDBPyConnection, chunk: Chunk) -> str | None:
        """None where a file vanished since the list was made."""
        if not all(file in self.file_digests for file in chunk.files):
            return None
        tree = connection.execute(
            "SELECT count(*), coalesce(bit_xor(mixed), 0), coalesce(sum(mixed % 4294967291), 0) FROM ("
            "SELECT hash(device_id, ancestor, greatest(from_at, $start), least(to_at, $end)) AS mixed FROM paths"
            " WHERE from_at < $end AND to_at > $start)",
            {"start": chunk.start, "end": chunk.end},
        ).fetchall()[0]
        own = [f"{file.parent.name}/{file.name} {self.file_digests[file]}" for file in chunk.files]
        return digests.of_text(self.common, str(tree), *own)
