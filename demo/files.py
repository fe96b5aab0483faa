"""The demo's folder: a world written as a provider would hand it over, and continued where a later start finds it."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from collector import parquet_footer
from collector.published import QUALITY_HOURS
from demo import history, network, world
from demo.rules import Rules

COMMUNITY = "bairro-demo"
QUICK_DEVICES, QUICK_INTERVAL, SLOW_INTERVAL = 1500, 5, 60
WEEKS = 52
KINDS = ("areas", "customers", "prices", "complaints", "nps")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a demo is made of; None takes what the folder already holds, else the default."""

    seed: int | None = None
    areas: int | None = None
    devices: int | None = None
    as_of: datetime.datetime | None = None
    web_port: int = 8050
    metrics_port: int = 9733
    snmp_port: int = 16161
    echo_port: int = 16007


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where everything lies."""

    folder: Path
    collector_toml: Path
    dashboard_toml: Path
    records: dict[str, Path]


@dataclass(frozen=True, slots=True)
class Plan:
    """What world.json keeps: enough to make the same world again. ``is_fixed`` worlds are never continued."""

    seed: int
    areas: int
    devices: int
    as_of: datetime.datetime
    is_fixed: bool
    snmp_port: int
    echo_port: int

    @classmethod
    def read(cls, folder: Path) -> Plan:
        """The plan of an existing folder. Raises ValueError where world.json is missing or not one."""
        path = folder / "world.json"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**stored, "as_of": datetime.datetime.fromisoformat(stored["as_of"])})
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a demo's world: {error}") from None

    def write(self, folder: Path) -> None:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        _write(folder / "world.json", json.dumps({**values, "as_of": self.as_of.isoformat()}, indent=1))


def prepare(folder: Path, options: DemoOptions, progress: Progress) -> DemoFiles:
    """Write a new world into ``folder``, or continue the one that is there up to the last whole hour.

    Raises ValueError where the folder holds another world than the one asked for.
    """
    is_new = not (folder / "world.json").exists()
    now = datetime.datetime.now(datetime.UTC)
    plan = _new_plan(options, now) if is_new else _kept_plan(folder, options)
    laid = network.lay(plan.seed, plan.areas, plan.devices)
    for part in ("records", "data/quality"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    _write_settings(folder, laid, plan, options)
    if is_new:
        progress(f"simulating {WEEKS} weeks of {plan.areas} neighbourhoods with {plan.devices} devices")
        _write_world(folder, plan, progress)
        plan.write(folder)
    else:
        hours = 0 if plan.is_fixed else append_hours(folder, plan, now)
        plan.write(folder)
        progress(f"continuing the world of {folder}: {hours} missing hours appended")
    records = {kind: folder / "records" / f"{kind}.csv" for kind in KINDS}
    return DemoFiles(folder, folder / "collector.toml", folder / "dashboard.toml", records)


def append_hours(folder: Path, plan: Plan, now: datetime.datetime) -> int:
    """Write the whole hours that nobody measured since the world was last seen; how many there were.

    Hours that the collector wrote, or may still hold open in its journal, are left to it: the demo's own downtime
    becomes history like any other, and is no outage.
    """
    written = _hours_present(folder / "data/quality", int(plan.as_of.timestamp()) // 3600 - 24)
    first = max(int(plan.as_of.timestamp()) // 3600, _last_collected_hour(folder) + 1)
    missing = [h for h in range(first, int(now.timestamp()) // 3600) if h not in written]
    if missing:
        simulated = _simulate(plan)
        off = history.spells_off(simulated.network, simulated.life, world.unix_day(simulated.first_monday))
        for start, end in _runs(missing):
            table = history.quality_hours(simulated.network, start, end, off)
            _write_days(folder / "data/quality", table, f"demo-{start}")
    return len(missing)


def _new_plan(options: DemoOptions, now: datetime.datetime) -> Plan:
    return Plan(
        seed=world.DEFAULT_SEED if options.seed is None else options.seed,
        areas=options.areas or world.DEFAULT_AREAS,
        devices=options.devices or world.DEFAULT_DEVICES,
        as_of=options.as_of or now,
        is_fixed=options.as_of is not None,
        snmp_port=options.snmp_port,
        echo_port=options.echo_port,
    )


def _kept_plan(folder: Path, options: DemoOptions) -> Plan:
    kept = Plan.read(folder)
    for name in ("seed", "areas", "devices", "as_of"):
        asked, stored = getattr(options, name), getattr(kept, name)
        if asked is not None and asked != stored:
            option = name.replace("_", "-")
            raise ValueError(
                f"{folder} holds a world with --{option} {stored}, not {asked}; take another --folder, or remove it"
            )
    ports = {"snmp_port": options.snmp_port, "echo_port": options.echo_port}
    return Plan(kept.seed, kept.areas, kept.devices, kept.as_of, kept.is_fixed, **ports)


def _simulate(plan: Plan) -> world.World:
    """The world without its quality_hours, which are written week by week."""
    return world.simulate(Rules(), plan.seed, plan.areas, plan.devices, plan.as_of, weeks=WEEKS, with_hours=False)


def _write_world(folder: Path, plan: Plan, progress: Progress) -> None:
    simulated = _simulate(plan)
    for kind, frame in simulated.records.items():
        dates = "%Y-%m-%dT%H:%M:%SZ" if kind == "complaints" else "%Y-%m-%d"
        frame.to_csv(folder / "records" / f"{kind}.csv", index=False, date_format=dates)
    first_hour = int(simulated.first_monday.timestamp()) // 3600
    end_hour = int(plan.as_of.timestamp()) // 3600
    progress(f"writing {(end_hour - first_hour) // 24} days of past quality")
    off = history.spells_off(simulated.network, simulated.life, world.unix_day(simulated.first_monday))
    step = 4 * network.WEEK_HOURS
    for start in range(first_hour - first_hour % 24, end_hour, step):
        span = max(start, first_hour), min(start + step, end_hour)
        _write_days(folder / "data/quality", history.quality_hours(simulated.network, *span, off), "demo")
    _write_table(folder / "data/devices.parquet", simulated.devices)


def _write_days(quality: Path, table: pa.Table, stem: str) -> None:
    """One file a day, in the collector's own layout."""
    day = pc.floor_temporal(table["hour"], unit="day")
    for value in pc.unique(day):
        part = table.filter(pc.equal(day, value))
        folder = quality / f"date={value.as_py().date().isoformat()}"
        folder.mkdir(parents=True, exist_ok=True)
        _write_table(folder / f"{stem}.parquet", part)


def _hours_present(quality: Path, since_hour: int) -> set[int]:
    """Hours (since the Unix epoch) of which any row is stored."""
    since = datetime.datetime.fromtimestamp(since_hour * 3600, datetime.UTC).date().isoformat()
    days = [d for d in sorted(quality.glob("date=*")) if d.name >= f"date={since}"]
    files = [str(f) for d in days for f in d.glob("*.parquet")]
    if not files:
        return set()
    hours = ds.dataset(files, schema=QUALITY_HOURS.arrow_schema()).to_table(columns=["hour"])["hour"]
    return {int(h.as_py().timestamp()) // 3600 for h in pc.unique(hours)}


def _last_collected_hour(folder: Path) -> int:
    """The last hour in which the collector was at work; it may not have written it yet.

    A live table cut short, as a power cut leaves it, says as much by when it was written.
    """
    hours = [-1]
    for file in (folder / "data/live").glob("*.parquet"):
        try:
            newest = pc.max(pq.read_table(file, columns=["polled_at"])["polled_at"]).as_py()
        except pa.ArrowException:
            newest = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC)
        if newest is not None:
            hours.append(int(newest.timestamp()) // 3600)
    return max(hours)


def _runs(hours: list[int]) -> list[tuple[int, int]]:
    """Consecutive hours as (first, end) spans."""
    cuts = np.flatnonzero(np.diff(hours) > 1) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(np.array(hours), cuts)]


# --- settings and inventory ---


def address_of(position: int) -> str:
    """The loopback address that a device's agent answers on."""
    return f"127.20.{1 + position // 250}.{1 + position % 250}"


def inventory(laid: network.Network, plan: Plan) -> pd.DataFrame:
    """devices.csv: one row a device."""
    devices = history.devices_table(laid, pd.Timestamp(0, tz="UTC")).to_pandas()
    frame = devices.drop(columns=["valid_from", "valid_to"])
    frame.insert(1, "address", [f"{address_of(i)}:{plan.snmp_port}" for i in range(len(frame))])
    frame["ping"] = f"echo:{plan.echo_port}"
    for column in ("capacity_receive_bytes_per_second", "capacity_transmit_bytes_per_second"):
        frame[column] = frame[column].astype(np.int64)
    return frame


def _write_settings(folder: Path, laid: network.Network, plan: Plan, options: DemoOptions) -> None:
    interval = QUICK_INTERVAL if plan.devices <= QUICK_DEVICES else SLOW_INTERVAL
    _write(folder / "devices.csv", inventory(laid, plan).to_csv(index=False))
    _write(
        folder / "collector.toml",
        f"""# A provider in a box: everything answers on loopback. Written anew at each start of the demo.
inventory = "devices.csv"
data = "data"

[poll]
interval_seconds = {interval}
timeout_seconds = 0.8
retries = 1

[ping]
count = 3
spacing_seconds = 0.02
timeout_seconds = 0.8

[publish]
live_seconds = 2

[web]
port = {options.metrics_port}

[[credentials]]
name = "default"
community = "{COMMUNITY}"
""",
    )
    first = world.first_monday(plan.as_of, WEEKS).date()
    _write(
        folder / "dashboard.toml",
        f"""# A provider in a box. Written anew at each start of the demo.
data = "data"
customer_key = "customer.key"
provider = "Ilha Net (demo)"
timezone = "{world.PROVIDER_TIMEZONE}"
currency = "EUR"

[web]
port = {options.web_port}
metrics_url = "http://127.0.0.1:{options.metrics_port}/metrics"

[analysis]
records_complete_from = "{first.isoformat()}"
""",
    )


def _write(path: Path, text: str) -> None:
    waiting = path.with_name(path.name + ".new")
    waiting.write_text(text, encoding="utf-8")
    os.replace(waiting, path)


def _write_table(path: Path, table: pa.Table) -> None:
    waiting = path.with_name(path.name + ".new")
    repeating = [name for name in ("hour", "device_id", "area", "role") if name in table.column_names]
    parquet_footer.write(table, waiting, compression="zstd", use_dictionary=repeating)
    os.replace(waiting, path)
