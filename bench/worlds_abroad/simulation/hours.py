"""What the collector would have kept of a world: an hour of each access node a row, a file a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bench.worlds_abroad.simulation.layout import BEFORE, FIRST, TECHNOLOGIES, WEEKS, Codes, Floats, Layout
from bench.worlds_abroad.simulation.mechanisms import Mechanism
from bench.worlds_abroad.simulation.quality import Course

Flags = npt.NDArray[np.bool_]
PLANNED_WEEKS, NIGHT_HOURS, NIGHT_STARTS = 8, 2, 2
ECHOES = 60
TECHNICAL = {"fibre": "olt", "cable": "cmts", "wireless": "ap"}


def down_hours(random: np.random.Generator, layout: Layout, outages: list[tuple[Codes, Codes]]) -> Flags:
    """(nodes, hours) without service: each outage somewhere in its week; those of one root at the same time."""
    down = np.zeros((layout.nodes, WEEKS * 168), bool)
    for week, (struck, lengths) in enumerate(outages):
        start = random.random(struck.size)
        same = np.flatnonzero((np.diff(struck) > 0) & (np.diff(lengths) == 0)) + 1
        for place in same:
            start[place] = start[place - 1]
        for node, length, share in zip(struck, lengths, start, strict=True):
            first = 168 * week + int(share * (168 - length + 1))
            down[node, first : first + length] = True
    return down


def planned_nights(random: np.random.Generator, layout: Layout, mechanism: Mechanism) -> Flags:
    """(nodes, hours) of announced work, two hours a night, all nodes of an area together."""
    planned = np.zeros((layout.nodes, WEEKS * 168), bool)
    for area in range(layout.areas):
        nights = mechanism.planned_hours[area % len(mechanism.planned_hours)] // NIGHT_HOURS
        for first in range(0, WEEKS, PLANNED_WEEKS):
            days = min(PLANNED_WEEKS, WEEKS - first) * 7
            for night in random.choice(days, nights, replace=False):
                start = (7 * first + int(night)) * 24 + NIGHT_STARTS
                planned[layout.area == area, start : start + NIGHT_HOURS] = True
    return planned


def unseen(random: np.random.Generator, mechanism: Mechanism, down: Flags) -> Flags:
    """(nodes, hours) in which nobody looked: single hours anywhere, or hours without service."""
    missed = random.random(down.shape) < mechanism.unseen
    return np.asarray(missed | (down & (random.random(down.shape) < mechanism.unseen_in_outages)))


def weekly(down: Flags) -> Floats:
    """(nodes, weeks) hours."""
    return np.asarray(down.reshape(down.shape[0], -1, 168).sum(axis=2), dtype=float)


@dataclass(frozen=True, slots=True)
class Record:
    """(nodes, hours) each: without service by outage, for planned work, and not looked at."""

    down: Flags
    planned: Flags
    missed: Flags


def write(data: Path, random: np.random.Generator, layout: Layout, course: Course, record: Record) -> None:
    """The inventory, and quality_hours day by day."""
    data.mkdir(parents=True, exist_ok=True)
    pq.write_table(_devices(layout), data / "devices.parquet")
    away, names = record.down | record.planned, pa.array(np.repeat(layout.node_names, 24))
    for day in range(WEEKS * 7):
        span = slice(24 * day, 24 * day + 24)
        levels = {name: values[:, BEFORE + day // 7, 0][:, None] for name, values in course.level.items()}
        folder = data / "quality" / f"date={FIRST + timedelta(days=day)}"
        folder.mkdir(parents=True, exist_ok=True)
        columns = _day(random, levels, away[:, span], record.planned[:, span], record.missed[:, span])
        start = np.datetime64(FIRST, "us") + np.timedelta64(day, "D")
        hour = np.tile(start + np.arange(24).astype("timedelta64[h]"), layout.nodes)
        table = pa.table({"hour": pa.array(hour, pa.timestamp("us", "UTC")), "device_id": names} | columns)
        pq.write_table(table, folder / "shard=0.parquet", compression="zstd")


def _day(
    random: np.random.Generator, levels: dict[str, Floats], away: Flags, planned: Flags, missed: Flags
) -> dict[str, pa.Array]:
    gone = away | missed
    noise = random.normal(0, 1, (2, *away.shape))
    latency = levels["evening_latency"] * np.exp(0.05 * noise[0])
    load = np.clip(levels["evening_utilization"] + 0.03 * noise[1], 0.0, 1.0)
    lost = random.binomial(ECHOES, np.broadcast_to(levels["loss"], away.shape))
    known = {
        "observed_seconds": (np.where(missed, 0.0, 3600.0), None),
        "down_seconds": (3600.0 * away, missed),
        "silent_seconds": (np.zeros(away.shape), missed),
        "planned_seconds": (3600.0 * planned, missed),
        "pings_sent": (np.where(away, 0, ECHOES), missed),
        "pings_lost": (np.where(away, 0, lost), missed),
        "rtt_p95_seconds": (latency, gone),
        "utilization_p95_ratio": (load, gone),
    }
    return {
        name: pa.array(values.ravel(), mask=None if mask is None else mask.ravel())
        for name, (values, mask) in known.items()
    }


def _devices(layout: Layout) -> pa.Table:
    """The access nodes, the node above each five areas, and the core."""
    roots = [f"r{place:02}" for place in range(layout.roots)]
    first_area = [int(np.flatnonzero(layout.root == place)[0]) for place in range(layout.roots)]
    kinds = [TECHNOLOGIES[layout.technology[area]] for area in layout.area]
    areas = layout.area_names
    count = layout.nodes + layout.roots + 1
    columns = {
        "device_id": [*layout.node_names, *roots, "core"],
        "valid_from": pa.array(np.full(count, np.datetime64("2020-01-01", "us")), pa.timestamp("us", "UTC")),
        "valid_to": pa.nulls(count, pa.timestamp("us", "UTC")),
        "area": [areas[place] for place in [*layout.area, *first_area, 0]],
        "parent": [*(roots[layout.root[area]] for area in layout.area), *["core"] * layout.roots, None],
        "role": [*(TECHNICAL[kind] for kind in kinds), *["router"] * (layout.roots + 1)],
        "technology": [*kinds, *[None] * (layout.roots + 1)],
        "subscribers": pa.array([0] * count, pa.int64()),
    }
    return pa.table(columns)
