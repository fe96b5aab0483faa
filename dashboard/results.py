"""What `bairro build` stores and pages read: result tables, the manifest, the newest complete build."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from collector.published import Column, TableSpec
from dashboard.tables.findings import FINDINGS
from dashboard.tables.schema import AREA_WEEKS, AREAS

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
        Column(
            "driver", "text", "down_hours | evening_latency | loss | evening_utilization | price_gap | locked_in", True
        ),
        Column("position", "integer", "1 is the strongest", True),
        Column("value", "number", "over the last 8 weeks of the panel"),
        Column("provider_value", "number", "the same for the whole provider"),
        Column("unit", "text", "of value: hours per customer-week, seconds, ratio, currency per month", True),
        Column("standing", "number", "how many robust standard deviations of the areas it lies above the provider"),
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
        Column("term", "text", "down_hours | evening_latency | loss | evening_utilization", True),
        Column("kind", "text", "effect | placebo | negative_control", True),
        Column("per", "number", "the step that the ratio is for, in the term's unit", True),
        Column("unit", "text", "hours per customer-week, seconds, ratio", True),
        Column("rate_ratio", "number", "null where it could not be fitted"),
        Column("low", "number", "lower end of the 95% interval; null where clusters are too few for one"),
        Column("high", "number", "upper end"),
        Column("p_value", "number", "two-sided"),
        Column("p_adjusted", "number", "Holm's over the named effects, and for effects not below the joint test's"),
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
        Column("p_value", "number", "null where it could not be computed"),
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
        Column("measure", "text", "down_hours | evening_latency | loss | evening_utilization | everything", True),
        Column("target", "number", "to what it would come down for customers who have it worse; null for everything"),
        Column("unit", "text", "of target and value: hours per customer-week, seconds, ratio"),
        Column("value", "number", "mean of today's customers over the eight weeks before the cut-off"),
        Column("avoidable_leavers_90d", "number", "departures of the next 90 days that would not happen"),
        Column("avoidable_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("avoidable_leavers_90d_high", "number", "upper end"),
        Column("position", "integer", "1 keeps most customers; null for everything together"),
    ),
)

RESULT_TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (AREAS, AREA_WEEKS, AREA_RATES, RANKING, AREA_DRIVERS, EFFECTS, JOINT_TESTS, AVOIDABLE, *FINDINGS)
}

KEPT_BUILDS = 5
STALE_SECONDS = 24 * 3600
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Results:
    """One complete build: a frame per result table, and the manifest that says what it was made of.

    ``hidden`` names the areas whose rows were taken out because they are too small to be told of by themselves.
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
    hidden: frozenset[str] = frozenset()

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
            pq.write_table(table, unfinished / f"{name}.parquet")
        stored = {**manifest, "tables": {name: table.num_rows for name, table in typed.items()}}
        (unfinished / MANIFEST).write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        folder = _take_name(root, unfinished)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _tidy(root, keep=folder)
    return folder


def load(data: Path) -> Results | None:
    """The newest complete build, or None where there is none; a build that cannot be read whole is passed over."""
    tried: list[Path] = []
    while (found := builds(data)) != tried:  # newer builds may have pushed out the ones that were being read
        for folder in found:
            try:
                return _read(folder)
            except (OSError, ValueError, KeyError):
                continue
        tried = found
    return None


def load_manifest(data: Path) -> tuple[Path, dict[str, Any]] | None:
    """Folder and manifest of the newest build, without its tables."""
    for folder in builds(data):
        try:
            return folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return None


def builds(data: Path) -> list[Path]:
    """Folders that hold a manifest and every table, newest first."""
    root = data / "results"
    if not root.is_dir():
        return []
    named = [p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")]
    files = (MANIFEST, *(f"{name}.parquet" for name in RESULT_TABLES))
    return sorted((p for p in named if all((p / f).is_file() for f in files)), reverse=True)


def _read(folder: Path) -> Results:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    frames = {name: _frame(spec, folder / f"{name}.parquet") for name, spec in RESULT_TABLES.items()}
    return Results(folder=folder, manifest=manifest, hidden=frozenset(), **frames)


def _frame(spec: TableSpec, path: Path) -> pd.DataFrame:
    """Dates become datetime64, whole numbers that may be missing become Int64."""
    frame: pd.DataFrame = pq.read_table(path, columns=list(spec.column_names)).to_pandas(date_as_object=False)
    nullable = {c.name: "Int64" for c in spec.columns if c.type == "integer" and not c.required}
    return frame.astype(nullable)


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
    newest = max((p.name for p in root.iterdir() if not p.name.startswith(".")), default="")
    for _ in range(1000):
        folder = root / now.strftime("%Y%m%dT%H%M%S.%fZ")
        if folder.name > newest:
            try:
                return unfinished.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
        now += datetime.timedelta(microseconds=1)
    raise OSError(f"{root}: holds a build from the future ({newest}); set the clock right or remove it")


def _tidy(root: Path, *, keep: Path) -> None:
    """Remove all but the last complete builds, and what a build that was cut off left a day ago or more."""
    complete = builds(root.parent)
    for folder in complete[KEPT_BUILDS:]:
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in root.glob(".building-*"):
        if time.time() - folder.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
