"""How long `bairro build` takes and how much memory: cold, and after one more week, with what each step cost.

    python -m bench.build --customers 100000 [--folder FOLDER] [--areas N] [--devices N]

Writes a provider of that size (`bench/scale.py`; 13 GB for a million customers), builds in processes of their own, and
adds up a part of the history in pandas beside the engine, in turn. Times are of the clock and of the CPU; on a machine with
other work only the latter say much.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from bench import resume, scale
from dashboard.analysis import build
from dashboard.config import DashboardSettings
from dashboard.panel import assemble
from dashboard.tables import quality_hours
from dashboard.tables.imports import records
from dashboard.tables.schema import RECORDS

MEASURES = ["observed_seconds", "down_seconds", "silent_seconds", "pings_sent", "pings_lost", "rtt_p95_seconds"]
COMPARED_DAYS = 28
ROUNDS = 3


def measured(settings: DashboardSettings) -> None:
    """One build in this process, step by step."""
    steps: list[tuple[str, float, float]] = []

    def progress(step: str) -> None:
        steps.append((step, time.perf_counter(), time.process_time()))

    start = time.process_time()
    build.build(settings, progress)
    progress("")
    for (step, clock, cpu), (_, clock_after, cpu_after) in itertools.pairwise(steps):
        print(f"| {step} | {clock_after - clock:.1f} | {cpu_after - cpu:.1f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"| all, peak memory {peak:.2f} GB | {steps[-1][1] - steps[0][1]:.1f} | {steps[-1][2] - start:.1f} |")


def in_own_process(title: str, settings: DashboardSettings) -> None:
    print(f"\n{title}\n\n| step | seconds | CPU seconds |\n|---|---|---|", flush=True)
    process = multiprocessing.get_context("spawn").Process(target=measured, args=(settings,))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def in_pandas(files: list[Path]) -> pd.DataFrame:
    """chunk_days without utilisation, as one would write it in pandas: device and UTC day."""
    hours = pd.concat([pq.ParquetFile(f).read(["hour", "device_id", *MEASURES]).to_pandas() for f in files])
    hours = hours[hours["observed_seconds"] > 0]
    local = (hours["hour"] + pd.Timedelta(minutes=30)).dt.tz_convert(scale.TIMEZONE)
    is_evening = local.dt.hour >= 18
    sums = {
        "observed_ms": hours["observed_seconds"] * 1000,
        "down_ms": hours["down_seconds"] * 1000,
        "judged_ms": (hours["observed_seconds"] - hours["silent_seconds"].fillna(0)) * 1000,
        "echoes_sent": hours["pings_sent"],
        "echoes_lost": hours["pings_lost"],
        "latency_sum": (hours["observed_seconds"] * 1000 * (hours["rtt_p95_seconds"] * 1e6).round()).where(is_evening),
    }
    return pd.DataFrame(sums).groupby([hours["device_id"], local.dt.date]).sum()


def compare(settings: DashboardSettings) -> None:
    """The engine's whole panel step over some weeks beside pandas' sums of the same hours alone, in turn."""
    files = sorted((settings.data / "quality").glob("date=*/*.parquet"))[-COMPARED_DAYS:]
    tables = {kind: records.read(kind, settings.data) for kind in RECORDS}
    own: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            day = Path(folder) / file.parent.name
            day.mkdir()
            (day / file.name).symlink_to(file)
        pattern = str(Path(folder) / "date=*" / "*.parquet")
        for _ in range(ROUNDS):
            start = time.process_time()
            assemble.build(tables, pattern, quality_hours.read_devices(settings.data), settings)
            own.append(time.process_time() - start)
            start = time.process_time()
            in_pandas(files)
            theirs.append(time.process_time() - start)
    print(f"\nThe panel of {COMPARED_DAYS} days, customers included: {statistics.median(own):.1f} s of CPU;")
    print(
        f"pandas, only adding those hours up to days: {statistics.median(theirs):.1f} s (medians of {ROUNDS} in turn)."
    )


def main() -> None:
    resume.keep_to_one_core()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--areas", type=int, help="default: one for 1,000 customers")
    parser.add_argument("--devices", type=int, help="default: one for 50 customers")
    parser.add_argument("--folder", type=Path, help="where the provider stays; default: a temporary folder")
    arguments = parser.parse_args()
    areas, devices = arguments.areas or arguments.customers // 1000, arguments.devices or arguments.customers // 50
    size = scale.Size(arguments.customers, max(areas, 2), max(devices, 2))
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="bairro-bench-"))
    settings = DashboardSettings(folder / "data", folder / "customer.key", timezone=scale.TIMEZONE)
    try:
        if not (folder / "data" / "quality").exists():
            print(
                f"writing {size.customers:,} customers, {size.areas} areas, {size.devices:,} devices to {folder}",
                flush=True,
            )
            scale.write(settings.data, size)
        shutil.rmtree(settings.data / build.CACHE, ignore_errors=True)
        shutil.rmtree(settings.data / "results", ignore_errors=True)
        in_own_process("Cold", settings)
        weeks = len({f.parent.name for f in (settings.data / "quality").glob("date=*/*.parquet")}) // 7
        scale.write_hours(settings.data, size, range(weeks, weeks + 1))
        in_own_process("After one more week", settings)
        compare(settings)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
