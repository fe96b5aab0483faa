"""Benchmarks that go on where they stopped: a row of JSON per job, kept as soon as it is measured."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dashboard.analysis.build import ANALYSIS

ROOT = Path(__file__).parent.parent
Row = dict[str, Any]
Job = TypeVar("Job", bound=Hashable)


def _seed(row: Row) -> Any:
    return row["seed"]


@functools.cache
def version() -> Row:
    """What makes rows: the version of the analysis, and the commit where there is one, as they were at the start."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {"analysis": ANALYSIS, "commit": found.stdout.strip() or None}


def run(
    measure: Callable[[Job], Row],
    work: Sequence[Job],
    jobs: int,
    output: Path | None,
    *,
    key: Callable[[Row], Job] = _seed,
) -> list[Row]:
    """One row per seed, or other job whose ``key`` its row has, in the order of ``work``.

    Rows already in ``output`` (JSON lines) are not measured again.
    """
    rows = {key(row): row for row in stored(output)}
    missing = [one for one in work if one not in rows]
    started = time.monotonic()
    for done, row in enumerate(_each(measure, missing, jobs), start=1):
        rows[key(row)] = row
        if output is not None:
            with output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        if done % 10 == 0:
            left = (time.monotonic() - started) / done * (len(missing) - done)
            print(f"{done} of {len(missing)} worlds, {left / 60:.0f} min left", flush=True)
    return [rows[one] for one in work]


def _each(measure: Callable[[Job], Row], work: Sequence[Job], jobs: int) -> Iterator[Row]:
    if jobs <= 1:
        yield from map(measure, work)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(measure, work)


def stored(output: Path | None) -> list[Row]:
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
