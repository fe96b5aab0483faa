"""What `bairro backtest` stores beside the builds, and pages read: its tables and how it was made."""

from __future__ import annotations

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

from collector import parquet_footer
from collector.published import Column, TableSpec
from dashboard.tables.schema import conform

FOLDER = "backtest"
MANIFEST = "manifest.json"
KEPT = 2

_SCORER = Column("scorer", "text", "hazard | challenger | outage_minutes | complaints | churn | tenure", True)
_MEASURE = Column("measure", "text", "auc | lift | capture | area_lift | precision", True)

BACKTEST = TableSpec(
    "backtest",
    "one way to rank and one measure of how well it predicted departures, over all past dates",
    ("scorer", "measure"),
    (
        _SCORER,
        _MEASURE,
        Column("value", "number", "mean over the days", True),
        Column("low", "number", "lower end of its 95% interval; null where areas are too few, and for precision"),
        Column("high", "number", "upper end"),
        Column("gain", "number", "the hazard's value less this one; null for the hazard itself"),
        Column("gain_low", "number", "lower end of its 95% interval, on the same customers"),
        Column("gain_high", "number", "upper end"),
        Column("origins", "integer", "past dates used", True),
    ),
)

BACKTEST_ORIGINS = TableSpec(
    "backtest_origins",
    "one past date, one way to rank and one measure",
    ("origin", "scorer", "measure"),
    (
        Column("origin", "date", "the day, with only what was known on it", True),
        _SCORER,
        _MEASURE,
        Column("value", "number", "on that day"),
        Column("customers", "integer", "customers on that day", True),
        Column("leavers", "integer", "those of them who left of their own will in the twelve weeks after", True),
    ),
)

BACKTEST_CALIBRATION = TableSpec(
    "backtest_calibration",
    "one model and one tenth of the customers by their chance of leaving within twelve weeks, over all days",
    ("scorer", "tenth"),
    (
        Column("scorer", "text", "hazard | challenger", True),
        Column("tenth", "integer", "10 holds the highest chances", True),
        Column("customers", "integer", "in it, each once per past date", True),
        Column("predicted", "number", "their mean chance", True),
        Column("observed", "number", "the share that left", True),
        Column(
            "observed_low",
            "number",
            "lower end of its 95% interval, from drawing areas again; null where areas are too few",
        ),
        Column("observed_high", "number", "upper end"),
        Column("slope", "number", "of the model's calibration: 1 is right", True),
        Column("level", "number", "log odds by which its chances were off together: 0 is right", True),
    ),
)

BACKTEST_TABLES: tuple[TableSpec, ...] = (BACKTEST, BACKTEST_ORIGINS, BACKTEST_CALIBRATION)


@dataclass(frozen=True, slots=True)
class StoredBacktest:
    """A frame per table, and the manifest: cut_off, built_at, verdict, beats_naive, ranker, notes, inputs, areas, tenths_by_areas."""

    folder: Path
    manifest: dict[str, Any]
    backtest: pd.DataFrame
    backtest_origins: pd.DataFrame
    backtest_calibration: pd.DataFrame


def write(data: Path, tables: Mapping[str, pd.DataFrame], manifest: Mapping[str, Any]) -> Path:
    """Store as ``<data>/backtest/<stamp>/``, whole or not at all; the one before is kept, older ones go."""
    root = data / FOLDER
    root.mkdir(parents=True, exist_ok=True)
    unfinished = root / f".writing-{os.getpid()}-{time.time_ns()}"
    unfinished.mkdir()
    try:
        for spec in BACKTEST_TABLES:
            frame = tables[spec.name][list(spec.column_names)]
            table = pa.Table.from_pandas(frame, schema=spec.arrow_schema(), preserve_index=False)
            parquet_footer.write(table.replace_schema_metadata(None), unfinished / f"{spec.name}.parquet")
        text = json.dumps(dict(manifest), indent=1, ensure_ascii=False) + "\n"
        (unfinished / MANIFEST).write_text(text, encoding="utf-8")
        folder = unfinished.rename(root / f"{max(time.time_ns(), _newest_number(data) + 1):020d}")
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    for old in _stored(data)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def load(data: Path) -> StoredBacktest | None:
    """The newest one that can be read whole, or None."""
    for folder in _stored(data):
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            frames = {
                spec.name: conform(parquet_footer.opened(folder / f"{spec.name}.parquet").read(), spec).to_pandas(
                    date_as_object=False
                )
                for spec in BACKTEST_TABLES
            }
        except (OSError, ValueError, pa.ArrowException):
            continue
        if not isinstance(manifest, dict):
            continue
        return StoredBacktest(folder, manifest, **frames)
    return None


def _stored(data: Path) -> list[Path]:
    root = data / FOLDER
    found = [p for p in root.iterdir() if p.is_dir() and p.name.isdecimal()] if root.is_dir() else []
    return sorted(found, reverse=True)


def _newest_number(data: Path) -> int:
    """Of the backtests that are stored, one dated ahead of the clock among them: the next one comes after it."""
    return max((int(folder.name) for folder in _stored(data)), default=0)
