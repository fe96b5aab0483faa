"""A seeded provider for the pages' tests: plausible result tables, a live table and an operations database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from dashboard.config import DashboardSettings
from dashboard.results import stored_results
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import AREAS

from .sample_backtest import frames as backtest_frames
from .sample_backtest import write as write_backtest
from .sample_network import HOURLY, network, write_incidents, write_live
from .sample_results import CUT_OFF, NAMES, frames

__all__ = [
    "CUT_OFF",
    "HOURLY",
    "NAMES",
    "backtest_frames",
    "frames",
    "make",
    "network",
    "settings",
    "write_areas",
    "write_backtest",
    "write_incidents",
    "write_live",
    "write_results",
]


def settings(folder: Path) -> DashboardSettings:
    """Settings whose data lie in ``folder``; nothing is written yet."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    base = DashboardSettings(data=data, customer_key=folder / "key", provider="Harbour Broadband")
    return replace(base, web=replace(base.web, port=0))


def make(folder: Path, *, seed: int = 7, is_found: bool = True, now: datetime | None = None) -> DashboardSettings:
    """A provider with results, a live network with three incidents, and its operations database."""
    chosen = settings(folder)
    write_results(chosen.data, seed=seed, is_found=is_found)
    write_live(chosen.data, now or datetime.now(UTC), note=HOURLY)
    write_incidents(chosen.database_url, now or datetime.now(UTC))
    return chosen


def write_results(data: Path, *, seed: int = 7, is_found: bool = True) -> Path:
    write_areas(data, seed=seed)
    manifest = {
        "cut_off": CUT_OFF.isoformat(),
        "built_at": datetime.now(UTC).isoformat(),
        "version": "0.1.0",
        "seed": seed,
        "entry": "2025-10-20",
        "coverage": {"areas": len(NAMES), "weeks": 52, "customers": 12_345, "observed_ratio": 0.981},
        "counts": [
            {"table": "complaints", "code": "used", "rows": 990, "text": "used"},
            {"table": "complaints", "code": "customer_unknown", "rows": 10, "text": "from a customer nobody knows"},
            {"table": "reviews", "code": "used", "rows": 312, "text": "used"},
            {"table": "reviews", "code": "area_not_given", "rows": 7, "text": "that name no neighbourhood"},
        ],
        "wording": {"complaints": "effect", "leaving": "effect"},
        "notes": [{"code": "complaints_customer_unknown", "text": "10 of 1000 complaints are left out"}],
    }
    made = frames(seed, is_found=is_found)
    return stored_results.write(data, made, manifest)


def write_areas(data: Path, *, seed: int = 7) -> None:
    """The areas as an import leaves them."""
    table = pa.Table.from_pandas(frames(seed)["areas"], schema=AREAS.arrow_schema(), preserve_index=False)
    snapshots.write("areas", data, table)
