"""Demo worlds for the statistical benchmarks: each seed simulated in memory and taken through the real panel code."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from dashboard.analysis.build import ANALYSIS
from dashboard.config import DashboardSettings
from dashboard.panel import assemble as panels
from dashboard.tables.schema import RECORDS, conform
from demo import world
from demo.rules import Rules

ROOT = Path(__file__).parent.parent
AREAS = 24
DEVICES = 300
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
Row = dict[str, Any]


def panel_of(
    rules: Rules, seed: int, *, areas: int = AREAS, devices: int = DEVICES
) -> tuple[panels.Panel, world.World]:
    """The panel that a provider with these rules would have, and the world behind it.

    Only access nodes are measured: CPE's own hours would take most of the time and tell the models little more.
    """
    made = world.simulate(rules, seed, areas, devices, AS_OF, cpe_hours=False)
    records = {kind: _table(kind, frame) for kind, frame in made.records.items()}
    settings = DashboardSettings(data=Path(), customer_key=Path(), timezone=world.PROVIDER_TIMEZONE)
    return panels.build(records, made.quality_hours, made.devices, settings), made


def _table(kind: str, frame: pd.DataFrame) -> pa.Table:
    """A provider's export as the import would store it: blanks are nulls."""
    spec = RECORDS[kind]
    known = frame.reindex(columns=[*spec.column_names]).replace("", None)
    return conform(pa.Table.from_pandas(known, schema=spec.arrow_schema(), preserve_index=False), spec)


@functools.cache
def version() -> Row:
    """What makes rows: the version of the analysis, and the commit where there is one, as they were at the start."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {"analysis": ANALYSIS, "commit": found.stdout.strip() or None}


def run(measure: Callable[[int], Row], seeds: Sequence[int], jobs: int, output: Path | None) -> list[Row]:
    """One row per seed, in the seeds' order. Rows already in ``output`` (JSON lines) are not measured again."""
    rows = {row["seed"]: row for row in _stored(output)}
    missing = [seed for seed in seeds if seed not in rows]
    started = time.monotonic()
    for done, row in enumerate(_each(measure, missing, jobs), start=1):
        rows[row["seed"]] = row
        if output is not None:
            with output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        if done % 10 == 0:
            left = (time.monotonic() - started) / done * (len(missing) - done)
            print(f"{done} of {len(missing)} seeds, {left / 60:.0f} min left", flush=True)
    return [rows[seed] for seed in seeds]


def _each(measure: Callable[[int], Row], seeds: Sequence[int], jobs: int) -> Iterator[Row]:
    if jobs <= 1:
        yield from map(measure, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(measure, seeds)


def _stored(output: Path | None) -> list[Row]:
    if output is None or not output.exists():
        return []
    rows = []
    for line in output.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue  # the line that an earlier run was writing when it was stopped
    return rows


def keep_to_one_core() -> None:
    """Matrices here are small: threads of the linear algebra only get into each other's way."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
