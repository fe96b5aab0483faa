"""The demo's past as the collector would have measured it: quality_hours of any span, the devices table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from collector.published import DEVICES, QUALITY_HOURS
from demo import noise
from demo.customers import NEVER, Life
from demo.network import (
    ECHOES,
    INTERVAL_POLLS,
    MONDAY_HOURS,
    PEAK_OF_HOUR,
    WEEK_HOURS,
    Network,
    NodeHours,
    node_hours,
    week_of,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CPE_WITH_HISTORY = 500
"""More CPE than these have no past of their own; their customers are served by the access node."""
GAP_SHARE = 0.003
"""Of all hours, those in which the collector measured nothing or only a part."""
RESTARTS_PER_HOUR = 0.0004
WEEKS_AT_ONCE = 8
CPE_UPLINK, NODE_UPLINK = "wan0", "uplink0"


@dataclass(frozen=True)
class Spells:
    """Spans in which CPE were switched off: device positions and hours since the Unix epoch, arrays (spans,)."""

    device: Ints
    starts_hour: Floats
    ends_hour: Floats


@dataclass(frozen=True)
class _Block:
    """One week of all access nodes, whole; ``keep`` are the hours of it that are wanted."""

    first_hour: int
    truth: NodeHours
    observed: Floats
    was_down: NDArray[np.bool_]
    keep: slice


def quality_hours(
    network: Network, first_hour: int, end_hour: int, spells: Spells, *, with_cpe: bool = True
) -> pa.Table:
    """quality_hours of cores, access nodes and (``with_cpe``) CPE from ``first_hour`` up to ``end_hour``.

    Hours count from the Unix epoch. Measurement noise is drawn by whole weeks, so that an hour has the same values
    whichever span it is asked for in.
    """
    cpes = network.cpes[:CPE_WITH_HISTORY] if with_cpe else ()
    positions = np.array([*network.cores, *network.nodes, *cpes], dtype=np.int64)
    tables = [QUALITY_HOURS.arrow_schema().empty_table()]
    if end_hour <= first_hour:
        return tables[0]
    for block in _blocks(network, first_hour, end_hour):
        silent = _silences(network, block.first_hour, spells) if with_cpe else {}
        tables += [_rows(network, block, chunk, silent) for chunk in np.split(positions, range(64, len(positions), 64))]
    return pa.concat_tables(tables)


def _blocks(network: Network, first_hour: int, end_hour: int) -> Iterator[_Block]:
    """The weeks that the span touches; what is true of them is worked out for some weeks at once."""
    first_week, end_week = int(week_of(first_hour)), int(week_of(end_hour - 1)) + 1
    for week in range(first_week, end_week, WEEKS_AT_ONCE):
        weeks = min(WEEKS_AT_ONCE, end_week - week)
        starts = MONDAY_HOURS + week * WEEK_HOURS
        whole = node_hours(network, starts - 1, weeks * WEEK_HOURS + 1)
        for later in range(weeks):
            own = slice(later * WEEK_HOURS, (later + 1) * WEEK_HOURS + 1)
            truth = NodeHours(*(getattr(whole, f.name)[:, own] for f in fields(whole)))
            yield _block(network, truth, starts + later * WEEK_HOURS, first_hour, end_hour)


def _block(network: Network, truth: NodeHours, starts: int, first_hour: int, end_hour: int) -> _Block:
    """The week from ``starts`` on; ``truth`` begins an hour before it."""
    was_down = truth.down_seconds[:, :-1] > 0
    truth = NodeHours(*(getattr(truth, f.name)[:, 1:] for f in fields(truth)))
    keep = slice(max(0, first_hour - starts), min(WEEK_HOURS, end_hour - starts))
    return _Block(starts, truth, observed_seconds(network, starts, WEEK_HOURS), was_down, keep)


def observed_seconds(network: Network, first_hour: int, hours: int) -> Floats:
    """Seconds (hours,) that the collector was at work: all of them in most hours."""
    hour = np.arange(first_hour, first_hour + hours)
    chance = noise.uniform(network.seed, "collector gap", hour)
    return np.where(chance < GAP_SHARE, 3600.0 * np.round(chance / GAP_SHARE, 2) * (chance > GAP_SHARE / 2), 3600.0)


def _rows(network: Network, block: _Block, positions: Ints, silent: dict[int, NDArray[np.bool_]]) -> pa.Table:
    truth, observed, first_hour, hours = block.truth, block.observed, block.first_hour, WEEK_HOURS
    random = noise.generator(network.seed, "measured", first_hour, int(positions[0]))
    shape = (len(positions), hours)
    served = network.node[positions] - network.nodes.start
    is_core = (network.role[positions] == "router")[:, None]
    served = np.where(is_core[:, 0], 0, served)

    def of_node(values: Floats, core: float) -> Floats:
        return np.where(is_core, core, values[served])

    down = np.minimum(of_node(truth.down_seconds, 0.0), observed)
    utilization = np.clip(of_node(truth.utilization, 0.4) * (1 + 0.03 * random.standard_normal(shape)), 0.005, 0.98)
    is_cpe = (network.role[positions] == "cpe")[:, None]
    utilization = np.where(is_cpe, utilization * 0.25, utilization)
    silence = np.zeros(shape)
    for row, position in enumerate(positions):
        if int(position) in silent:
            silence[row] = np.where(silent[int(position)], observed - down[row], 0.0)
    heard = observed - down - silence
    sent = np.round(heard / 3600 * INTERVAL_POLLS * ECHOES)
    lost = np.minimum(random.poisson(sent * of_node(truth.loss_ratio, 0.0002)), sent)
    came = sent - lost
    p50 = of_node(truth.rtt_p50_seconds, 0.002) * (1 + 0.02 * random.standard_normal(shape))
    p95 = np.maximum(of_node(truth.rtt_p95_seconds, 0.003) * (1 + 0.04 * random.standard_normal(shape)), p50)
    capacity = network.capacity[positions][:, None]
    rate = utilization * capacity
    began = (down > 0) & ~np.where(is_core, False, block.was_down[served])

    def known(values: NDArray[np.float64] | NDArray[np.int64], where: NDArray[np.bool_]) -> pa.Array:
        return pa.array(values[:, block.keep].reshape(-1), mask=~where[:, block.keep].reshape(-1))

    is_heard, is_observed = came > 0, np.broadcast_to(observed > 0, shape)
    hour = np.broadcast_to((first_hour + np.arange(hours)) * 3_600_000_000, shape)[:, block.keep]
    kept = hour.shape[1]
    columns = {
        "hour": pa.array(hour.reshape(-1)).cast(pa.timestamp("us", tz="UTC")),
        "device_id": pa.array(np.repeat(network.device_id[positions], kept)),
        "observed_seconds": pa.array(np.broadcast_to(observed, shape)[:, block.keep].reshape(-1)),
        "down_seconds": known(down, is_observed),
        "silent_seconds": known(silence, is_observed),
        "planned_seconds": known(np.zeros(shape), is_observed),
        "outages": known(began.astype(np.int64), is_observed),
        "restarts": known(random.binomial(1, RESTARTS_PER_HOUR, shape), is_heard),
        "polls_answered": known(np.round(heard / 3600 * INTERVAL_POLLS).astype(np.int64), is_observed),
        "pings_sent": known(sent.astype(np.int64), is_observed),
        "pings_lost": known(lost.astype(np.int64), is_observed),
        "rtt_seconds_sum": known(came * p50 * 1.05, is_heard),
        "rtt_count": known(came.astype(np.int64), is_observed),
        "rtt_p50_seconds": known(p50, is_heard),
        "rtt_p95_seconds": known(p95, is_heard),
        "jitter_seconds": known((p95 - p50) * 0.4, is_heard),
        "receive_bytes": known(rate * heard, is_heard),
        "transmit_bytes": known(rate * heard * 0.12, is_heard),
        "receive_p95_bytes_per_second": known(rate * PEAK_OF_HOUR, is_heard),
        "transmit_p95_bytes_per_second": known(rate * PEAK_OF_HOUR * 0.12, is_heard),
        "utilization_p95_ratio": known(np.minimum(utilization * PEAK_OF_HOUR, 1.0), is_heard),
    }
    schema = QUALITY_HOURS.arrow_schema()
    empty = {f.name: pa.nulls(hour.size, f.type) for f in schema if f.name not in columns}
    return pa.table({f.name: {**columns, **empty}[f.name] for f in schema}, schema=schema)


def _silences(network: Network, first_hour: int, spells: Spells) -> dict[int, NDArray[np.bool_]]:
    """Hours of one week in which a CPE was switched off: by somebody about to leave, or with nobody there."""
    hour = np.arange(first_hour, first_hour + WEEK_HOURS)
    silent: dict[int, NDArray[np.bool_]] = {}
    for device, starts, ends in zip(spells.device, spells.starts_hour, spells.ends_hour, strict=True):
        if starts < hour[-1] + 1 and ends > first_hour:
            within = (hour >= starts) & (hour < ends)
            silent[int(device)] = silent.get(int(device), np.zeros(WEEK_HOURS, dtype=bool)) | within
    return silent


def spells_off(network: Network, life: Life, first_day: int) -> Spells:
    """When each CPE was switched off; ``first_day`` is the world's first Monday in days since the Unix epoch."""
    crowd = life.crowd
    gone = np.flatnonzero((crowd.device >= network.cpes.start) & (crowd.decided < NEVER))
    is_early = noise.uniform(network.seed, "unplugs", crowd.person[gone]) < life.unplugging_share
    days_early = 7 * (2 + 4 * noise.uniform(network.seed, "unplugs when", crowd.person[gone]))
    starts = np.where(is_early, crowd.decided[gone] - days_early, crowd.ended[gone])
    ends = []
    for spell in gone:
        later = crowd.started[(crowd.device == crowd.device[spell]) & (crowd.started > crowd.started[spell])]
        ends.append(int(later.min()) if later.size else NEVER)
    return Spells(crowd.device[gone], (first_day + starts) * 24, (first_day + np.array(ends, dtype=float)) * 24)


def devices_table(network: Network, valid_from: pd.Timestamp) -> pa.Table:
    """The inventory through time: the same devices since ``valid_from`` (UTC)."""
    count = len(network.device_id)
    parent = [network.device_id[p] if p >= 0 else None for p in network.parent]
    is_cpe = network.role == "cpe"
    schema = DEVICES.arrow_schema()
    columns = {
        "device_id": network.device_id,
        "valid_from": [valid_from.to_pydatetime()] * count,
        "area": [network.places[a].area for a in network.area],
        "parent": parent,
        "role": network.role,
        "site": [f"{network.places[a].name}" for a in network.area],
        "technology": network.technology,
        "uplink_interface": np.where(is_cpe, CPE_UPLINK, NODE_UPLINK),
        "capacity_receive_bytes_per_second": network.capacity,
        "capacity_transmit_bytes_per_second": network.capacity,
        "subscribers": network.subscribers,
        "latitude": network.latitude,
        "longitude": network.longitude,
    }
    return pa.table({f.name: pa.array(columns.get(f.name, [None] * count), type=f.type) for f in schema}, schema=schema)
