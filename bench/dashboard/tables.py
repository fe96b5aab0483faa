"""A provider of any size as its collector and its import leave it: live table, inventory, incidents, areas."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from collector import published
from collector.publish.incidents.migrate import migrate
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import AREAS

NODES_AN_AREA = 4
SILENT_SHARE, DEGRADED_SHARE = 0.005, 0.003
OUT_AREAS, PAST_INCIDENTS = 3, 200
NOTE = published.LiveNote(poll_interval_seconds=3600, live_seconds=3600, loss_ratio=0.05, utilization_ratio=0.9)
"""A collector in no hurry, so that a table counts as news for as long as a bench lasts."""


def write(data: Path, *, devices: int, areas: int, customers: int, now: datetime, seed: int = 1) -> pd.DataFrame:
    """Everything that pages of the network now read; returns the live table. Same numbers, same tables."""
    rng = np.random.default_rng(seed)
    live = network(rng, devices, areas, customers, now)
    data.mkdir(parents=True, exist_ok=True)
    write_live(data, live, now)
    _write_inventory(data, live, now)
    _write_areas(data, rng, areas)
    _write_incidents(f"sqlite:///{data / 'operations.sqlite'}", live, now)
    return live


def network(rng: np.random.Generator, devices: int, areas: int, customers: int, now: datetime) -> pd.DataFrame:
    """A router for each area behind one core, four access nodes behind it, modems behind those; in the columns of LIVE."""
    names, roles, parents, where = ["core"], ["router"], [None], [_area(0)]
    modems = np.diff(np.linspace(0, devices - 1 - areas * (1 + NODES_AN_AREA), areas + 1).astype(int))
    for number in range(areas):
        area = _area(number)
        nodes = [f"{area}-olt{k + 1}" for k in range(NODES_AN_AREA)]
        own = [f"{area}-agg", *nodes, *(f"{area}-cpe{k + 1:03d}" for k in range(modems[number]))]
        names += own
        roles += ["router", *["olt"] * len(nodes), *["cpe"] * modems[number]]
        parents += ["core", *[f"{area}-agg"] * len(nodes), *(nodes[k % len(nodes)] for k in range(modems[number]))]
        where += [area] * len(own)
    table = pd.DataFrame({"device_id": names, "area": where, "role": roles, "parent": parents})
    table["address"] = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(len(table))]
    table["subscribers"] = np.where(table["role"] == "olt", customers // (areas * NODES_AN_AREA), 0)
    table = table.assign(
        state="up", since=now - timedelta(days=9), root=None, incident_id=None, maintenance_until=None,
        degraded=None, faults=None, usual_rtt_seconds=None, signal_noise_db=None,
    )  # fmt: skip
    _measure(table, rng, now)
    _ail(table, rng, now)
    return table


def _area(number: int) -> str:
    return f"a{number:04d}"


def _measure(table: pd.DataFrame, rng: np.random.Generator, now: datetime) -> None:
    """What the last poll measured."""
    count = len(table)
    polled = (pd.Timestamp(now) - pd.to_timedelta(rng.uniform(0, 30, count), unit="s")).floor("us")
    table["polled_at"] = table["answered_at"] = polled
    table["rtt_seconds"] = rng.gamma(4, 0.004, count)
    table["loss_ratio"] = rng.choice([0, 0, 0, 0.02], count)
    table["receive_bytes_per_second"] = rng.gamma(4, 6e6, count)
    table["transmit_bytes_per_second"] = table["receive_bytes_per_second"] / 8
    table["utilization_ratio"] = rng.uniform(0.1, 0.9, count)
    table["signal_dbm"] = np.where(table["role"] == "cpe", rng.normal(-60, 5, count), np.nan)


def _ail(table: pd.DataFrame, rng: np.random.Generator, now: datetime) -> None:
    """Three areas without service, some modems silent, some devices degraded."""
    modems = table.index[table["role"] == "cpe"]
    silent = rng.choice(modems, int(SILENT_SHARE * len(table)), replace=False)
    table.loc[silent, "state"] = "silent"
    ailing = rng.choice(table.index[table["state"] == "up"], int(DEGRADED_SHARE * len(table)), replace=False)
    table["degraded"] = pd.Series([["loss"] if i in set(ailing) else None for i in table.index], table.index, object)
    for number in range(OUT_AREAS):
        area = _area(7 * number + 1)
        inside = table.index[table["area"] == area]
        table.loc[inside, ["state", "root", "incident_id"]] = ["suppressed", f"{area}-agg", f"i-{area}"]
        table.loc[table["device_id"] == f"{area}-agg", "state"] = "down"
        table.loc[inside, "since"] = pd.Timestamp(now - timedelta(minutes=20 + number))
        table.loc[inside, ["rtt_seconds", "loss_ratio", "utilization_ratio"]] = None


def renewed(live: pd.DataFrame, now: datetime, seed: int) -> pd.DataFrame:
    """The same network a poll later: every measurement another, every state the same."""
    table = live.copy()
    _measure(table, np.random.default_rng(seed), now)
    return table


def write_live(data: Path, live: pd.DataFrame, now: datetime) -> None:
    """Replace the live table in one step, as the collector does."""
    (data / "live").mkdir(exist_ok=True)
    arrow = _typed(live, published.LIVE.arrow_schema())
    beside = data / "live" / ".shard.tmp"
    pq.write_table(arrow.replace_schema_metadata(replace(NOTE, written_at=now.timestamp()).metadata()), beside)
    os.replace(beside, data / "live" / "shard=0.parquet")


def _write_inventory(data: Path, live: pd.DataFrame, now: datetime) -> None:
    rows = live[["device_id", "area", "parent", "role", "subscribers"]].assign(valid_from=now - timedelta(days=90))
    pq.write_table(_typed(rows, published.DEVICES.arrow_schema()), data / "devices.parquet")


def _typed(rows: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """The rows in all columns of ``schema``; those that they lack are null."""
    held = pa.schema([field for field in schema if field.name in rows.columns])
    made = pa.Table.from_pandas(rows[held.names], schema=held, preserve_index=False)
    columns = [made[f.name] if f.name in held.names else pa.nulls(len(rows), f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _write_areas(data: Path, rng: np.random.Generator, areas: int) -> None:
    """Areas as uneven polygons of twelve corners on a grid."""
    wide = int(np.ceil(np.sqrt(areas)))
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rows: list[dict[str, Any]] = []
    for number in range(areas):
        x, y = 0.012 * (number % wide), 51 + 0.008 * (number // wide)
        reach = rng.uniform(0.7, 1.0, 12)
        ring = [[round(x + 0.006 * r * np.cos(t), 6), round(y + 0.004 * r * np.sin(t), 6)] for r, t in zip(reach, turns, strict=True)]  # fmt: skip
        rows.append(
            {
                "area": _area(number),
                "name": f"Quarter {number:04d}",
                "geometry": json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}),
            }
        )
    snapshots.write("areas", data, _typed(pd.DataFrame(rows), AREAS.arrow_schema()))


def _write_incidents(url: str, live: pd.DataFrame, now: datetime) -> None:
    """The open outages that the live table tells of, and those of the last month."""
    engine = sa.create_engine(url)
    migrate(url)
    members = live[live["incident_id"].notna()]
    rows = [
        _incident(key, f"{key[2:]}-agg", group["since"].min(), None, live[live["area"] == key[2:]])
        for key, group in members.groupby("incident_id")
    ]
    nodes = live[live["role"] == "olt"].sample(PAST_INCIDENTS, random_state=1)
    for number, node in enumerate(nodes.itertuples()):
        began = now - timedelta(hours=3 * number + 1)
        rows.append(
            _incident(f"p{number}", node.device_id, began, began + timedelta(minutes=25), live[number : number + 30])
        )
    inside = [
        {"incident_id": m.incident_id, "device_id": m.device_id, "started_at": m.since.to_pydatetime(), "area": m.area,
         "ended_at": None, "subscribers": int(m.subscribers)}
        for m in members.itertuples()
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.insert(published.INCIDENTS), rows)
        connection.execute(sa.insert(published.INCIDENT_DEVICES), inside)
    engine.dispose()


def _incident(key: str, root: str, began: datetime, ended: datetime | None, members: pd.DataFrame) -> dict[str, Any]:
    return {
        "incident_id": key,
        "root_device_id": root,
        "scope": "subtree",
        "area": members["area"].iloc[0],
        "kind": "outage",
        "started_at": pd.Timestamp(began).to_pydatetime(),
        "ended_at": ended,
        "detected_by": "shard 0",
        "devices_affected": len(members),
        "subscribers_affected": int(members["subscribers"].sum()),
        "customer_minutes_lost": 0.0,
    }
