"""`bairro build`: inputs become the panel, the panel becomes fits, the fits become one stored set of results."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa

from bairro_error import BairroError
from dashboard.analysis import build_log
from dashboard.analysis.model_runs import MODEL_FAILED, Progress, fit, not_known
from dashboard.config import DashboardSettings
from dashboard.panel import assemble as panels
from dashboard.panel import refused_hours, statements
from dashboard.panel.engines.sql_engine import EngineError
from dashboard.results import stored_results
from dashboard.tables import digests, stored_hours
from dashboard.tables import quality_hours as quality
from dashboard.tables import recorded_incidents as operations
from dashboard.tables.imports import records
from dashboard.tables.imports.storage.snapshots import SnapshotError
from dashboard.tables.schema import RECORDS
from dashboard.tables.stored_hours import HourFiles

CACHE = "cache"
# Raised when the same inputs would give other tables than before.
ANALYSIS = 40
DAMAGED, INCIDENTS_UNREAD = "quality_damaged", "incidents_unread"
SILENT_SECONDS = 120.0
"""A collector that runs writes its live table anew every few seconds."""


class BuildError(BairroError, ValueError):
    """Inputs from which no results can be made; the message says what to import or start."""


@dataclass(frozen=True)
class Inputs:
    """Everything that a build reads, and a digest of each part."""

    records: Mapping[str, pa.Table]
    quality: HourFiles
    devices: pa.Table
    incidents: pa.Table
    digests: Mapping[str, str]


def build(settings: DashboardSettings, progress: Progress = print, *, force: bool = False) -> Path:
    """As `_build`, one at a time, and keeping what became of it for the pages to tell."""
    try:
        with build_log.one_at_a_time(settings.data):
            try:
                folder = _build(settings, progress, force=force)
            except BaseException as error:
                build_log.record(settings.data, str(error) or type(error).__name__)
                raise
            build_log.record(settings.data, None)
            return folder
    except build_log.BusyError as error:
        raise BuildError(str(error)) from None
    except OSError as error:
        raise BuildError(f"{error.filename or settings.data}: {error.strerror or error}") from error


def problems(folder: Path) -> list[str]:
    """What somebody should look at of results that are stored, a sentence each: inputs that were damaged or could not be
    believed, joins that name too little, models that failed."""
    return _problems(json.loads((folder / stored_results.MANIFEST).read_text(encoding="utf-8")))


def _problems(manifest: Mapping[str, Any]) -> list[str]:
    codes = {DAMAGED, INCIDENTS_UNREAD, MODEL_FAILED}
    codes |= {not_known(str(join["name"])) for join in manifest.get("joins", ()) if join["is_warning"]}
    if not refused_hours.are_copies([refused_hours.Refused(**one) for one in manifest.get("refused", ())]):
        codes.add(refused_hours.CODE)
    return [str(note["text"]) for note in manifest.get("notes", ()) if note["code"] in codes]


def _awaits(manifest: Mapping[str, Any]) -> bool:
    """Whether hours were left out whose time may have come since, though no input has changed."""
    return any(one["what"] == "ahead" for one in manifest.get("refused", ()))


def _build(settings: DashboardSettings, progress: Progress, *, force: bool) -> Path:
    """Make and store results, and return their folder; unchanged inputs give the newest folder back.

    A model that fails leaves its rows out and a note in the manifest, and the rest goes on.
    Raises BuildError where there is nothing to build from.
    """
    now = datetime.datetime.now(datetime.UTC)
    begun_at = now.isoformat(timespec="seconds")
    progress("reading records and quality")
    try:
        stored_results.check_clock(settings.data, now)
        inputs = read_inputs(settings, now)
    except (SnapshotError, quality.TableError, stored_results.ClockError) as error:
        raise BuildError(str(error)) from error
    fingerprint = _fingerprint(inputs, settings)
    newest = stored_results.load_manifest(settings.data)
    if newest is not None and newest[1].get("fingerprint") == fingerprint and not force and not _awaits(newest[1]):
        progress(f"no input has changed since {newest[0].name}: its results stand")
        for text in _problems(newest[1]):
            progress(f"WARNING: {text}")
        return newest[0]
    progress("joining them into the panel")
    try:
        panel = panels.build(
            inputs.records,
            inputs.quality,
            inputs.devices,
            settings,
            incidents=inputs.incidents,
            cache=settings.data / CACHE,
            now=now,
        )
    except (panels.PanelError, quality.TableError, EngineError) as error:
        raise BuildError(str(error)) from error
    tables, notes, wording = fit(panel, inputs.records["areas"], settings, progress)
    if refused := refused_hours.note(panel.refused):
        notes.insert(0, {"code": refused_hours.CODE, "text": refused})
        progress(refused if refused_hours.are_copies(panel.refused) else f"WARNING: {refused}")
    if damages := inputs.quality.damages():
        notes.insert(0, {"code": DAMAGED, "text": stored_hours.note(damages)})
        progress(f"WARNING: {stored_hours.note(damages)}")
    if unread := operations.why_unread(inputs.incidents):
        notes.insert(0, {"code": INCIDENTS_UNREAD, "text": unread})
        progress(f"WARNING: {unread}")
    manifest = {
        "version": _version(),
        "begun_at": begun_at,
        "built_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "fingerprint": fingerprint,
        "seed": settings.analysis.seed,
        "cut_off": panel.cut_off.isoformat(),
        "entry": panel.entry.isoformat(),
        "last_complete": {name: day.isoformat() for name, day in panel.last_complete.items()},
        "inputs": dict(inputs.digests),
        "coverage": _coverage(panel),
        "joins": [asdict(join) for join in panel.joins],
        "counts": json.loads(panel.counts.to_json(orient="records")),
        "wording": wording,
        "damaged": [asdict(damage) for damage in damages],
        "refused": [asdict(one) for one in panel.refused],
        "notes": notes,
    }
    progress("storing the results")
    try:
        return stored_results.write(settings.data, tables, manifest)
    except stored_results.ClockError as error:
        raise BuildError(str(error)) from error


def read_inputs(settings: DashboardSettings, now: datetime.datetime) -> Inputs:
    """Everything on record at ``now``. Raises BuildError where something needed is missing, SnapshotError, TableError."""
    tables = {kind: records.read(kind, settings.data) for kind in RECORDS}
    if not tables["customers"].num_rows:
        raise BuildError(
            "no customers are on record. Import them: bairro import customers FILE (then areas, complaints and prices)"
        )
    hours = stored_hours.HourFiles(settings.data)
    files = hours.sound()
    if damages := hours.damages() if not files else []:
        raise BuildError(f"no quality history can be read: {stored_hours.note(damages)}")
    if not files:
        raise BuildError(_no_hours(settings.data, now))
    devices = quality.read_devices(settings.data)
    found = {kind: _table_digest(table) for kind, table in tables.items()}
    found["devices"] = _table_digest(devices)
    left_out = [f"{damage.file} {damage.reason}" for damage in hours.damages()]
    found["quality_hours"] = digests.of_text(_files_digest(settings.data, files), *left_out)
    told = operations.read(settings.database_url, operations.whole_days_until(files))
    found["incidents"] = _table_digest(told)
    return Inputs(tables, hours, devices, told, found)


def _no_hours(data: Path, now: datetime.datetime) -> str:
    """Why there is no quality history, and what brings it: a collector that runs writes each hour after its end."""
    told = [path.stat().st_mtime for path in (data / "live").glob("shard=*.parquet")]
    lacks = f"no quality history in {data / 'quality'}"
    if not told:
        return f"{lacks}: start bairro collect (or bairro demo, to try it out)"
    silent = now.timestamp() - max(told)
    if silent > SILENT_SECONDS:
        return f"{lacks}: bairro collect was last heard of {silent / 60:,.0f} minutes ago, before it wrote an hour: start it again"
    return (
        f"{lacks} yet: bairro collect runs, and writes each hour up to 15 minutes after its end (where none comes, its log "
        "says why). Build again once it has run for some weeks: the analysis counts whole ones"
    )


def _fingerprint(inputs: Inputs, settings: DashboardSettings) -> str:
    what = {
        "inputs": dict(inputs.digests),
        "analysis": asdict(settings.analysis),
        "targets": settings.targets,
        "joins": asdict(settings.joins),
        "timezone": settings.timezone,
        "version": _version(),
        "method": ANALYSIS,
        "measures": statements.stamp(),
        "tables": {name: spec.column_names for name, spec in stored_results.RESULT_TABLES.items()},
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _table_digest(table: pa.Table) -> str:
    """SHA-256 of a table's content and metadata, whatever files it was read from."""
    digest = _Digest()
    with pa.PythonFile(digest, mode="w") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return digest.hexdigest()


class _Digest:
    """A file to write to that keeps only the hash of what it was given."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0
        self.closed = False

    def write(self, content: Any) -> int:
        size = memoryview(content).nbytes
        self._hash.update(content)
        self._size += size
        return size

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _files_digest(root: Path, files: list[Path]) -> str:
    """SHA-256 over the names and contents of the files; one that vanished meanwhile (compaction) counts as gone."""
    found = digests.of_files(files, root / CACHE / "digests.json")
    return digests.of_text(*(f"{path.relative_to(root)} {content}" for path, content in found.items()))


def _coverage(panel: panels.Panel) -> dict[str, Any]:
    weeks = panel.area_weeks[panel.area_weeks["is_complete"].astype(bool)]
    days = weeks["customer_days"].astype(float)
    observed = (weeks["observed_ratio"].astype(float).fillna(0.0) * days).sum()
    return {
        "areas": int(panel.area_weeks["area"].nunique()),
        "weeks": int(weeks["week"].nunique()),
        "customers": int(panel.customer_periods["customer_id"].nunique()),
        "observed_ratio": round(float(observed / days.sum()), 6) if days.sum() > 0 else None,
    }


def _version() -> str:
    try:
        return version("bairro")
    except PackageNotFoundError:
        return "unknown"
