"""What `bairro build` stores and pages read: result tables, the manifest, the newest complete build."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from bairro_error import BairroError
from collector import parquet_footer
from collector.published import TableSpec
from dashboard.tables.panel_tables import AREA_WEEKS
from dashboard.tables.ranking_tables import AREA_DRIVERS, AREA_RATES, AVOIDABLE, EFFECTS, JOINT_TESTS, RANKING
from dashboard.tables.result_tables import FINDINGS
from dashboard.tables.schema import AREAS, conform

RESULT_TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (AREAS, AREA_WEEKS, AREA_RATES, RANKING, AREA_DRIVERS, EFFECTS, JOINT_TESTS, AVOIDABLE, *FINDINGS)
}

FORMAT = 1
"""Of a build's folder: goes up when what is in it changes its meaning. Builds of 0.1 state none, and are of format 1."""
NEEDED = ("areas", "area_weeks", "ranking")
"""Without these tables no page can show a build; it is passed over then."""
STAMP = "%Y%m%dT%H%M%S.%fZ"
STAMPED = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
KEPT_BUILDS = 5
STALE_SECONDS = 24 * 3600
MANIFEST = "manifest.json"


class ClockError(BairroError, ValueError):
    """Results are dated ahead of the clock; the message names the folder and what to do."""


class UnreadableError(BairroError, ValueError):
    """A build that cannot be read; the message names the file and says why."""


@dataclass(frozen=True, slots=True)
class Results:
    """One complete build: a frame per result table, and the manifest that says what it was made of.

    ``hidden`` names the areas whose rows were taken out because they are too small to be shown separately.
    ``lacks`` are the tables that it was made without, or without a column that they have now: they are empty.
    ``passed_over`` says in words which newer builds cannot be read, and why.
    """

    folder: Path
    manifest: dict[str, Any]
    areas: pd.DataFrame
    area_weeks: pd.DataFrame
    area_rates: pd.DataFrame
    ranking: pd.DataFrame
    area_drivers: pd.DataFrame
    effects: pd.DataFrame
    joint_tests: pd.DataFrame
    avoidable: pd.DataFrame
    loyalty: pd.DataFrame
    contract_cliff: pd.DataFrame
    price_gaps: pd.DataFrame
    area_nps: pd.DataFrame
    returners: pd.DataFrame
    incident_effects: pd.DataFrame
    incident_weeks: pd.DataFrame
    local_changes: pd.DataFrame
    shared_nodes: pd.DataFrame
    dose_checks: pd.DataFrame
    dose_bins: pd.DataFrame
    hidden: frozenset[str] = frozenset()
    lacks: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()

    @property
    def area_count(self) -> int:
        """How many areas were ranked, those that are hidden too."""
        return len(self.ranking) + len(self.hidden)


def write(data: Path, tables: Mapping[str, pd.DataFrame], manifest: Mapping[str, Any]) -> Path:
    """Store a build as ``<data>/results/<stamp>/``: whole or not at all; older builds beyond the last five go.

    A table left out is stored empty. Raises KeyError for a table that is not declared, ValueError for one whose
    columns or types do not fit its declaration.
    """
    unknown = set(tables) - set(RESULT_TABLES)
    if unknown:
        raise KeyError(f"not a result table: {', '.join(sorted(unknown))}")
    typed = {name: _typed(spec, tables.get(name)) for name, spec in RESULT_TABLES.items()}
    root = data / "results"
    root.mkdir(parents=True, exist_ok=True)
    unfinished = root / f".building-{os.getpid()}-{time.time_ns()}"
    unfinished.mkdir()
    try:
        for name, table in typed.items():
            parquet_footer.write(table, unfinished / f"{name}.parquet")
        stored = {"format": FORMAT, **manifest, "tables": {name: table.num_rows for name, table in typed.items()}}
        (unfinished / MANIFEST).write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        folder = _take_name(root, unfinished)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _tidy(root, keep=folder)
    return folder


def check_clock(data: Path, now: datetime.datetime) -> None:
    """Raise ClockError where results are dated ahead of ``now``: new ones would count as older than they are."""
    newest = max((p.name for p in _stamped(data / "results")), default="")
    if newest > now.strftime(STAMP):
        raise ClockError(
            f"{data / 'results' / newest}: is dated ahead of this computer's clock ({now:%Y-%m-%d %H:%M:%S} UTC), so that "
            "new results would count as older; set the clock right, or move that folder away"
        )


def load(data: Path) -> Results | None:
    """The newest complete build, or None where there is none.

    A build that cannot be read whole is passed over, which the one that is returned says; `passed_over` says it where
    there is none.
    """
    return _load(data)[0]


def passed_over(data: Path) -> tuple[str, ...]:
    """In words, which builds cannot be read, and why, where none can."""
    return _load(data)[1]


def _load(data: Path) -> tuple[Results | None, tuple[str, ...]]:
    tried: list[Path] = []
    over: list[str] = []
    while (found := _stamped(data / "results")) != tried:  # newer builds may have pushed out those that were being read
        over = []
        for folder in found:
            try:
                return replace(_read(folder), passed_over=tuple(over)), tuple(over)
            except UnreadableError as error:
                over.append(str(error))
        tried = found
    return None, tuple(over)


def load_manifest(data: Path) -> tuple[Path, dict[str, Any]] | None:
    """Folder and manifest of the newest build that can be read whole."""
    found = load(data)
    return None if found is None else (found.folder, found.manifest)


def builds(data: Path) -> list[Path]:
    """Folders that hold a manifest and every table, newest first."""
    files = (MANIFEST, *(f"{name}.parquet" for name in RESULT_TABLES))
    return [p for p in _stamped(data / "results") if all((p / f).is_file() for f in files)]


def _stamped(root: Path) -> list[Path]:
    """The folders that are named as builds are, newest first; what else lies there is none of ours."""
    if not root.is_dir():
        return []
    return sorted((p for p in root.iterdir() if STAMPED.fullmatch(p.name) and p.is_dir()), reverse=True)


def _read(folder: Path) -> Results:
    """Raises UnreadableError."""
    manifest = _manifest(folder / MANIFEST)
    frames: dict[str, Any] = {}
    lacks = []
    for name, spec in RESULT_TABLES.items():
        frame = _frame(spec, folder / f"{name}.parquet")
        if frame is None and name in NEEDED:
            made_by = manifest.get("version", "an unknown version")
            raise UnreadableError(f"{folder / name}.parquet: was made by {made_by} and lacks columns that are needed")
        if frame is None:
            lacks.append(name)
            frame = _pandas(spec, spec.arrow_schema().empty_table())
        frames[name] = frame
    return Results(folder=folder, manifest=manifest, lacks=tuple(lacks), **frames)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path}: cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UnreadableError(f"{path}: is no manifest of a build")
    if not isinstance(said := found.get("format", FORMAT), int) or said > FORMAT:
        raise UnreadableError(f"{path}: is of format {said}; this program knows up to {FORMAT}")
    for name, of in (("built_at", datetime.datetime), ("cut_off", datetime.date)):
        try:
            of.fromisoformat(found.get(name, "2000-01-01"))
        except (TypeError, ValueError):
            raise UnreadableError(f"{path}: {name} is no time that can be read") from None
    return found


def _frame(spec: TableSpec, path: Path) -> pd.DataFrame | None:
    """The table as it is declared now, or None where it is not there or lacks a column that it must have.

    Raises UnreadableError for a file that is damaged.
    """
    try:
        table = parquet_footer.opened(path).read()
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from None
    if any(column.required and column.name not in table.column_names for column in spec.columns):
        return None
    try:
        return _pandas(spec, conform(table, spec))
    except ValueError as error:
        raise UnreadableError(f"{path}: {error}") from None


def _pandas(spec: TableSpec, table: pa.Table) -> pd.DataFrame:
    """Dates become datetime64, whole numbers that may be missing become Int64."""
    nullable = {c.name: "Int64" for c in spec.columns if c.type == "integer" and not c.required}
    frame: pd.DataFrame = table.to_pandas(date_as_object=False).astype(nullable)
    return frame


def _typed(spec: TableSpec, frame: pd.DataFrame | None) -> pa.Table:
    if frame is None:
        return spec.arrow_schema().empty_table()
    missing = [name for name in spec.column_names if name not in frame.columns]
    if missing:
        raise ValueError(f"{spec.name}: no column {', '.join(missing)}")
    for column in spec.columns:
        if column.required and (nulls := int(frame[column.name].isna().sum())):
            raise ValueError(f"{spec.name}: {column.name} is missing in {nulls} rows")
    chosen = frame[list(spec.column_names)]
    empty = [name for name in chosen.columns if chosen[name].isna().all()]
    chosen = chosen.astype(dict.fromkeys(empty, object))  # pandas makes numbers of a column without any value
    try:
        table = pa.Table.from_pandas(chosen, schema=spec.arrow_schema(), preserve_index=False)
    except (ValueError, pa.ArrowTypeError) as error:
        raise ValueError(f"{spec.name}: {error}") from error
    return table.replace_schema_metadata(None)


def _take_name(root: Path, unfinished: Path) -> Path:
    """Rename to a stamp that sorts after every earlier one; a folder of that name makes the rename fail."""
    now = datetime.datetime.now(datetime.UTC)
    newest = max((p.name for p in _stamped(root)), default="")
    for _ in range(1000):
        folder = root / now.strftime(STAMP)
        if folder.name > newest:
            try:
                return unfinished.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
        now += datetime.timedelta(microseconds=1)
    raise ClockError(
        f"{root / newest}: is dated ahead of this computer's clock; set it right, or move that folder away"
    )


def _tidy(root: Path, *, keep: Path) -> None:
    """Remove all but the last complete builds, and what a build that was cut off left a day ago or more."""
    complete = builds(root.parent)
    for folder in complete[KEPT_BUILDS:]:
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in root.glob(".building-*"):
        if time.time() - folder.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
