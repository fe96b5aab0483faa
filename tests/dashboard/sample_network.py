"""The live table and the incidents of the sample provider, as the collector leaves them."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from collector import published

from .sample_results import NAMES


def network(now: datetime) -> pd.DataFrame:
    """24 areas of an access router, three access nodes and four watched CPE each, in the columns of LIVE."""
    rng = np.random.default_rng(5)
    rows = [_device("core-1", "n00", "router", None, 0, now, rng)]
    for i in range(len(NAMES)):
        area = f"n{i:02d}"
        rows.append(_device(f"{area}-agg", area, "router", "core-1", 0, now, rng))
        for k in range(3):
            rows.append(_device(f"{area}-olt{k + 1}", area, "olt", f"{area}-agg", int(rng.integers(60, 260)), now, rng))
            for c in range(4):
                rows.append(_device(f"{area}-cpe{k + 1}{c + 1}", area, "cpe", f"{area}-olt{k + 1}", 1, now, rng))
    table = pd.DataFrame(rows).set_index("device_id")
    _fail(table, "n03-agg", now - timedelta(minutes=47), "i-agg", table.index[table.index.str.startswith("n03-")])
    _fail(
        table,
        "n11-olt2",
        now - timedelta(minutes=9),
        "i-olt",
        table.index[table["parent"] == "n11-olt2"].union(["n11-olt2"]),
    )
    group = table.index[table["parent"] == "n17-olt1"]
    table.loc[group, ["state", "root", "incident_id"]] = ["suppressed", "n17-olt1", "i-group"]
    table.loc[group, "since"] = pd.Timestamp(now - timedelta(minutes=3))
    table.loc["n20-olt3", "state"] = "suspect"
    table.loc["n20-olt3", "since"] = pd.Timestamp(now - timedelta(seconds=70))
    for lone in ("n01-cpe12", "n08-cpe31", "n14-cpe22"):
        table.loc[lone, "state"] = "silent"
        table.loc[lone, "since"] = pd.Timestamp(now - timedelta(hours=5))
    table = table.reset_index()
    table[[name for name in published.LIVE.column_names if name not in table]] = None
    return table[list(published.LIVE.column_names)]


def _device(
    name: str, area: str, role: str, parent: str | None, subscribers: int, now: datetime, rng: np.random.Generator
) -> dict[str, Any]:
    rate = float(rng.gamma(4, 6e6 if role != "cpe" else 2e5))
    polled = now - timedelta(seconds=float(rng.uniform(0, 30)))
    return {
        "device_id": name,
        "area": area,
        "role": role,
        "parent": parent,
        "subscribers": subscribers,
        "state": "up",
        "since": now - timedelta(days=float(rng.uniform(2, 90))),
        "root": None,
        "incident_id": None,
        "maintenance_until": None,
        "polled_at": polled,
        "answered_at": polled,
        "rtt_seconds": float(rng.gamma(4, 0.004)),
        "loss_ratio": float(rng.choice([0, 0, 0, 0.02])),
        "receive_bytes_per_second": rate,
        "transmit_bytes_per_second": rate / 8,
        "utilization_ratio": float(rng.uniform(0.1, 0.9)),
        "signal_dbm": None,
        "signal_noise_db": None,
    }


def _fail(table: pd.DataFrame, root: str, since: datetime, incident: str, members: pd.Index) -> None:
    table.loc[members, "state"] = "suppressed"
    table.loc[root, "state"] = "down"
    table.loc[members, "root"] = root
    table.loc[members, "incident_id"] = incident
    table.loc[members, "since"] = pd.Timestamp(since)
    for column in (
        "rtt_seconds",
        "loss_ratio",
        "receive_bytes_per_second",
        "transmit_bytes_per_second",
        "utilization_ratio",
    ):
        table.loc[members, column] = None


HOURLY = published.LiveNote(poll_interval_seconds=3600, live_seconds=3600, loss_ratio=0.05, utilization_ratio=0.9)
"""A collector in no hurry: what it wrote counts for as long as a session of tests lasts."""


def write_live(
    data: Path, now: datetime, table: pd.DataFrame | None = None, note: published.LiveNote | None = None
) -> None:
    """Replace a shard's live table atomically, as the collector does; without a ``note`` as an older collector did."""
    folder = data / "live"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = network(now) if table is None else table
    arrow = pa.Table.from_pandas(chosen, schema=published.LIVE.arrow_schema(), preserve_index=False)
    if note is not None:
        arrow = arrow.replace_schema_metadata(replace(note, written_at=now.timestamp()).metadata())
    path = folder / f"shard={note.shard if note is not None else 0}.parquet"
    pq.write_table(arrow, folder / ".shard.tmp")
    os.replace(folder / ".shard.tmp", path)
    stamp = time.time() - (datetime.now(UTC) - now).total_seconds()
    os.utime(path, (stamp, stamp))


def write_incidents(url: str, now: datetime, *, is_blind: bool = False) -> None:
    """Three open incidents that fit the live table, and one that ended two hours ago."""
    live = network(now)
    engine = sa.create_engine(url)
    published.OPERATIONS.create_all(engine)
    rows = [
        _incident("i-agg", "n03-agg", "subtree", "n03", now - timedelta(minutes=47), live),
        _incident("i-olt", "n11-olt2", "subtree", "n11", now - timedelta(minutes=9), live),
        _incident("i-group", "n17-olt1", "group", "n17", now - timedelta(minutes=3), live),
        _incident("i-past", "n08-olt1", "device", "n08", now - timedelta(hours=3), live)
        | {"ended_at": now - timedelta(hours=2)},
    ]
    if is_blind:
        rows.append(_incident("i-blind", None, "collector", None, now - timedelta(minutes=2), live) | {"kind": "blind"})
    members = live[live["incident_id"].notna()]
    with engine.begin() as connection:
        connection.execute(sa.delete(published.INCIDENT_DEVICES))
        connection.execute(sa.delete(published.INCIDENTS))
        connection.execute(sa.insert(published.INCIDENTS), rows)
        connection.execute(
            sa.insert(published.INCIDENT_DEVICES),
            [
                {
                    "incident_id": m.incident_id,
                    "device_id": m.device_id,
                    "started_at": m.since.to_pydatetime(),
                    "area": m.area,
                    "ended_at": None,
                    "subscribers": int(m.subscribers),
                }
                for m in members.itertuples()
            ],
        )
    engine.dispose()


def _incident(
    key: str, root: str | None, scope: str, area: str | None, started: datetime, live: pd.DataFrame
) -> dict[str, Any]:
    members = live[live["incident_id"] == key]
    return {
        "incident_id": key,
        "root_device_id": root,
        "scope": scope,
        "area": area,
        "kind": "outage",
        "started_at": started,
        "ended_at": None,
        "detected_by": "shard 0",
        "devices_affected": len(members),
        "subscribers_affected": int(members["subscribers"].sum()),
        "customer_minutes_lost": 0.0,
    }
