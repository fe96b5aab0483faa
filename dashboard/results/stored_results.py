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
import pyarrow.parquet as pq

from bairro_error import BairroError
from collector.published import Column, TableSpec
from dashboard.measures import MEASURES
from dashboard.tables.result_tables import FINDINGS
from dashboard.tables.schema import AREA_WEEKS, AREAS, conform

UNITS = ", ".join(dict.fromkeys(measure.unit for measure in MEASURES))

AREA_RATES = TableSpec(
    "area_rates",
    "one neighbourhood and one outcome over the whole time at risk",
    ("area", "outcome"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("outcome", "text", "leaving | complaints_quality | complaints_all", True),
        Column("customers", "integer", "customers on the cut-off day", True),
        Column("customer_days", "number", "time at risk", True),
        Column("events", "integer", "what happened in that time", True),
        Column(
            "expected_events",
            "number",
            "what the provider's rates, standardised by tenure and lock-in, would give",
            True,
        ),
        Column("rate_90d", "number", "events per customer in 90 days, as counted"),
        Column("shrunk_rate_90d", "number", "the same, shrunk towards the provider's by empirical Bayes"),
        Column("shrunk_rate_90d_low", "number", "lower end of its 95% interval"),
        Column("shrunk_rate_90d_high", "number", "upper end"),
    ),
)

RANKING = TableSpec(
    "ranking",
    "one neighbourhood",
    ("area",),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("rank", "integer", "1 is most at risk; null where there is too little data"),
        Column("rank_low", "integer", "best rank in the 95% interval"),
        Column("rank_high", "integer", "worst rank in the 95% interval"),
        Column("verdict", "text", "at_risk | watch | ordinary | too_little_data", True),
        Column("customers", "integer", "customers on the cut-off day", True),
        Column("leavers", "integer", "voluntary departures counted in the time at risk", True),
        Column("expected_leavers_90d", "number", "departures expected in the next 90 days"),
        Column("expected_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("expected_leavers_90d_high", "number", "upper end"),
        Column("excess_leavers_90d", "number", "those beyond what the provider's own rate would give"),
        Column("excess_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("excess_leavers_90d_high", "number", "upper end"),
        Column("monthly_revenue_at_risk", "number", "excess leavers times the mean monthly price, never below 0"),
        Column("is_found", "boolean", "whether the excess stands after Benjamini-Hochberg at 10% over areas", True),
        Column("outage_minutes_per_customer", "number", "over the last 13 weeks: the naive ranking to compare with"),
        Column("note", "text", "why there is no number, where there is none"),
    ),
)

AREA_DRIVERS = TableSpec(
    "area_drivers",
    "one neighbourhood and one thing that may drive its customers away, strongest first",
    ("area", "driver"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("driver", "text", " | ".join((*(measure.name for measure in MEASURES), "price_gap", "locked_in")), True),
        Column("position", "integer", "1 is the strongest", True),
        Column("value", "number", "over the last 8 weeks of the panel"),
        Column("provider_value", "number", "the same for the whole provider"),
        Column("unit", "text", f"of value: {UNITS}, currency per month", True),
        Column(
            "standing",
            "number",
            "how many robust standard deviations of the areas it lies above the provider, or below it where less is worse",
        ),
        Column("rate_ratio", "number", "what the difference does to quality complaints, by the effect model"),
        Column("rate_ratio_low", "number", "lower end of its 95% interval"),
        Column("rate_ratio_high", "number", "upper end"),
        Column("is_found", "boolean", "whether more of it was found to go with more complaints, after Holm", True),
        Column("leaving_rate_ratio", "number", "what the difference does to leaving, by the hazard"),
        Column("leaving_rate_ratio_low", "number", "lower end of its 95% interval"),
        Column("leaving_rate_ratio_high", "number", "upper end"),
        Column("is_found_leaving", "boolean", "whether more of it was found to go with more leaving, after Holm", True),
    ),
)

EFFECTS = TableSpec(
    "effects",
    "one term of an effect model",
    ("model", "term"),
    (
        Column(
            "model", "text", "complaints | complaints_placebo | complaints_control | leaving | leaving_control", True
        ),
        Column("term", "text", " | ".join(measure.name for measure in MEASURES), True),
        Column("kind", "text", "effect | placebo | negative_control", True),
        Column(
            "per", "number", "the step that the ratio is for, in the term's unit; below 0 where less is worse", True
        ),
        Column("unit", "text", UNITS, True),
        Column("rate_ratio", "number", "null where it could not be fitted"),
        Column("low", "number", "lower end of the 95% interval; null where clusters are too few for one"),
        Column("high", "number", "upper end"),
        Column("p_value", "number", "two-sided"),
        Column("p_adjusted", "number", "Holm's over the named effects, and never below the p_value in joint_tests"),
        Column("is_found", "boolean", "p_adjusted below 0.05", True),
        Column("clusters", "integer", "how many", True),
        Column("method", "text", "how the interval was made", True),
    ),
)

JOINT_TESTS = TableSpec(
    "joint_tests",
    "one test that all terms of a model are zero",
    ("model",),
    (
        Column("model", "text", "as in effects", True),
        Column("statistic", "number", "F"),
        Column("numerator_df", "integer", "terms"),
        Column("denominator_df", "number", "clusters less terms"),
        Column(
            "p_value",
            "number",
            "of effects that of the joint test; of a placebo or control that of the joint test and of each term by itself, as one"
            " test; null where it could not be computed",
        ),
        Column("p_value_above", "number", "one-sided: whether worse quality goes with more on the whole"),
        Column(
            "is_found",
            "boolean",
            "p_value below 0.05; of effects only where p_value_above is too and no term's interval lies below 1",
            True,
        ),
    ),
)

AVOIDABLE = TableSpec(
    "avoidable",
    "one neighbourhood and one measure of quality: whom it would keep if that came down to the target",
    ("area", "measure"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("measure", "text", " | ".join((*(m.name for m in MEASURES if m.may_be_promised), "everything")), True),
        Column("target", "number", "to what it would come down for customers who have it worse; null for everything"),
        Column("unit", "text", f"of target and value: {UNITS}"),
        Column("value", "number", "mean of today's customers over the eight weeks before the cut-off"),
        Column("avoidable_leavers_90d", "number", "departures of the next 90 days that would not happen"),
        Column("avoidable_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("avoidable_leavers_90d_high", "number", "upper end"),
        Column(
            "position",
            "integer",
            "1 keeps most customers; null for everything together. Rows that are withheld are counted within their measure",
        ),
        Column(
            "is_withheld",
            "boolean",
            "whether there are no numbers because leaving does not go along the measure as fitted (dose_checks), or that"
            " could not be checked; everything: of any measure",
            True,
        ),
    ),
)

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
            pq.write_table(table, unfinished / f"{name}.parquet", write_page_checksum=True)
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
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
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
    try:
        table = pa.Table.from_pandas(frame[list(spec.column_names)], schema=spec.arrow_schema(), preserve_index=False)
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
