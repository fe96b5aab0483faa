"""A provider of any size, written fast: records, devices and quality_hours as `bairro build` finds them on disk.

Every customer hangs on one of the access devices of a neighbourhood; a tenth of the neighbourhoods has outages and
latency that come and go by the week, and customers leave and complain more in those weeks. It is shaped like a provider,
not a truth to hold the models to (`bench/truth/demo_worlds.py` is).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from collector.published import DEVICES, QUALITY_HOURS
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import CATEGORIES, RECORDS, conform

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

LAST_DAY = datetime.date(2026, 5, 31)
TIMEZONE = "Europe/Lisbon"
PLANS = ("S", "M", "L", "XL")
PRICES = (19.9, 29.9, 39.9, 59.9)
TECHNOLOGIES = ("cable", "fibre", "wireless")
LEAVING_PER_WEEK = 0.003
COMPLAINING_PER_WEEK = 0.008
ANSWERS_PER_CUSTOMER = 0.25
RARELY_ALIKE = (
    "rtt_seconds_sum",
    "rtt_p50_seconds",
    "rtt_p95_seconds",
    "jitter_seconds",
    "receive_bytes",
    "transmit_bytes",
    "receive_p95_bytes_per_second",
    "transmit_p95_bytes_per_second",
    "utilization_p95_ratio",
)
"""Columns of which a dictionary costs half of the writing and is given up in the end."""


@dataclass(frozen=True)
class Size:
    """How large the provider is; ``areas`` and ``devices`` follow the customers unless given."""

    customers: int
    areas: int
    devices: int
    weeks: int = 104
    seed: int = 1

    @property
    def first_day(self) -> datetime.date:
        return LAST_DAY - datetime.timedelta(days=7 * self.weeks - 1)

    @property
    def badness(self) -> Floats:
        """(weeks, areas) how bad the network is, 0 to 1: zero in most."""
        random = np.random.default_rng([self.seed, 1])
        is_bad = random.random(self.areas) < 0.1
        return random.random((self.weeks, self.areas)) ** 3 * np.where(is_bad, 1.0, 0.05)

    def device_ids(self) -> pa.Array:
        return pa.array([f"node-{n:06d}" for n in range(self.devices)])

    def area_of_device(self) -> Whole:
        return np.arange(self.devices) * self.areas // self.devices


def write(data: Path, size: Size) -> None:
    """Write the whole provider under ``data``."""
    data.mkdir(parents=True, exist_ok=True)
    write_devices(data, size)
    write_records(data, size)
    write_hours(data, size)


def write_devices(data: Path, size: Size) -> None:
    """Nodes below a router per neighbourhood below one core."""
    areas = [f"area-{n:04d}" for n in range(size.areas)]
    nodes = {
        "device_id": [*size.device_ids().to_pylist(), *(f"router-{a}" for a in areas), "core"],
        "area": [*(areas[a] for a in size.area_of_device()), *areas, areas[0]],
        "parent": [*(f"router-{areas[a]}" for a in size.area_of_device()), *["core"] * size.areas, None],
        "role": ["olt"] * size.devices + ["router"] * (size.areas + 1),
    }
    count = len(nodes["device_id"])
    since = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    table = pa.table({**nodes, "valid_from": [since] * count, "subscribers": [0] * count})
    pq.write_table(conform(table, DEVICES), data / "devices.parquet", compression="zstd")


def write_records(data: Path, size: Size) -> None:
    """Spells that follow each other on the same line, one price rise, complaints, answers, prices, areas."""
    random = np.random.default_rng([size.seed, 2])
    spells = _spells(size, random)
    days = np.datetime64(size.first_day)
    names = np.array([f"area-{n:04d}" for n in range(size.areas)])
    stated = {"complete_until": LAST_DAY.isoformat()}

    def store(kind: str, table: pa.Table) -> None:
        snapshots.write(kind, data, conform(table, RECORDS[kind]).replace_schema_metadata(stated))

    area = size.area_of_device()[spells["device"]]
    store("areas", pa.table({"area": names, "name": names}))
    store("customers", _customers(size, spells, names[area], random))
    per_spell = np.bincount(spells["complainer"], minlength=len(spells["device"]))
    at = days.astype("datetime64[us]") + (spells["complained"] * 86_400_000_000).astype("timedelta64[us]")
    count = int(per_spell.sum())
    opened = pa.array(at, pa.timestamp("us", "UTC"))
    answered = pa.array(
        at + (random.exponential(8, count) * 3_600_000_000).astype("timedelta64[us]"), pa.timestamp("us", "UTC")
    )
    complaints = {
        "complaint_id": [f"c{n}" for n in range(count)],
        "customer_id": _ids(spells["complainer"]),
        "opened_at": opened,
        "category": pa.array(CATEGORIES).take(pa.array(random.choice(6, count, p=(0.3, 0.2, 0.2, 0.1, 0.1, 0.1)))),
        "channel": ["phone"] * count,
        "first_answer_at": answered,
        "solved_at": answered,
    }
    store("complaints", pa.table(complaints))
    answers = int(len(per_spell) * ANSWERS_PER_CUSTOMER)
    store(
        "nps",
        pa.table(
            {
                "response_id": [f"r{n}" for n in range(answers)],
                "customer_id": _ids(random.integers(0, len(per_spell), answers)),
                "answered_on": days + random.integers(0, size.weeks * 7, answers),
                "score": random.choice(11, answers, p=[0.02] * 5 + [0.05, 0.1, 0.15, 0.2, 0.2, 0.2]),
            }
        ),
    )
    prices = {
        "plan": PLANS * 2,
        "valid_from": [datetime.date(2020, 1, 1)] * 4
        + [size.first_day + datetime.timedelta(weeks=size.weeks // 2)] * 4,
        "new_customer_price": [*PRICES, *(price - 2 for price in PRICES)],
    }
    store("prices", pa.table(prices))


def _spells(size: Size, random: np.random.Generator) -> dict[str, Whole]:
    """Who is a customer from which day to which (numbered from the first), week by week; who leaves is replaced."""
    device = random.integers(0, size.devices, size.customers)
    started = -random.integers(1, 2000, size.customers)
    ended = np.full(size.customers, -1)
    line = np.arange(size.customers)
    complainers, complained = [], []
    area = size.area_of_device()
    for week, bad in enumerate(size.badness):
        by_line = bad[area[device[line]]]
        has_left = random.random(line.size) < LEAVING_PER_WEEK * (1 + 2 * by_line)
        has_complained = random.random(line.size) < COMPLAINING_PER_WEEK * (1 + 5 * by_line)
        complainers.append(line[has_complained])
        complained.append(7 * week + 7 * random.random(int(has_complained.sum())))
        gone = line[has_left & (started[line] < 7 * week)]
        ended[gone] = 7 * week + random.integers(0, 7, gone.size)
        line[np.isin(line, gone, assume_unique=True)] = started.size + np.arange(gone.size)
        device = np.concatenate([device, device[gone]])
        started = np.concatenate([started, ended[gone] + 1])
        ended = np.concatenate([ended, np.full(gone.size, -1)])
    return {
        "device": device,
        "started": started,
        "ended": ended,
        "complainer": np.concatenate(complainers),
        "complained": np.concatenate(complained),
    }


def _customers(
    size: Size, spells: dict[str, Whole], area: npt.NDArray[np.str_], random: np.random.Generator
) -> pa.Table:
    """Two rows for those who were there when prices rose, half of the way; else one."""
    count, day = spells["device"].size, np.datetime64(size.first_day)
    plan = random.integers(0, len(PLANS), count)
    rise = 7 * (size.weeks // 2)
    has_left, started = spells["ended"] >= 0, spells["started"]
    rises = np.flatnonzero((started < rise) & ~(has_left & (spells["ended"] <= rise)))
    row = np.concatenate([np.arange(count), rises])
    is_later = np.arange(row.size) >= count
    years = random.choice([0, 1, 2], count, p=(0.3, 0.4, 0.3))
    contract = started + years * 365
    ended = pa.array(day + spells["ended"][row], mask=~has_left[row])
    price = np.round(np.array(PRICES)[plan] - random.random(count) * 3, 2)
    reasons = random.choice(["voluntary", "moved", "nonpayment"], count, p=(0.7, 0.2, 0.1))
    return pa.table(
        {
            "customer_id": _ids(row),
            "area": area[row],
            "device_id": size.device_ids().take(pa.array(spells["device"][row])),
            "technology": pa.array(TECHNOLOGIES).take(pa.array(size.area_of_device()[spells["device"][row]] % 3)),
            "plan": pa.array(PLANS).take(pa.array(plan[row])),
            "monthly_price": np.where(is_later, price[row] + 2, price[row]),
            "started_on": pa.array(day + started[row]),
            "ended_on": ended,
            "end_reason": pa.array(reasons[row], mask=~has_left[row]),
            "contract_until": pa.array(day + contract[row], mask=years[row] == 0),
            "termination_fee": pa.array(np.full(row.size, 80.0), mask=years[row] == 0),
            "valid_from": pa.array(day + np.where(is_later, rise, np.minimum(started[row], 0))),
        }
    )


def _ids(numbers: Whole) -> pa.Array:
    """As long and as mixed as keyed hashes are, and as unique as the numbers."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    distinct, position = np.unique(mixed, return_inverse=True)
    return pa.array([f"{n:016x}{n >> 32:08x}" for n in distinct.tolist()]).take(pa.array(position))


def write_hours(data: Path, size: Size, weeks: range | None = None) -> None:
    """quality_hours, a file a UTC day, of the whole time or of the weeks named (which may lie after it)."""
    random = np.random.default_rng([size.seed, 3])
    templates = [_day(size, random) for _ in range(7)]
    badness = np.concatenate([size.badness, size.badness])
    spread = random.random(24 * size.devices)
    for week in weeks if weeks is not None else range(size.weeks):
        for weekday, template in enumerate(templates):
            day = size.first_day + datetime.timedelta(days=7 * week + weekday)
            _write_day(data, day, _worsened(template, np.repeat(badness[week][size.area_of_device()], 24), spread))


def _day(size: Size, random: np.random.Generator) -> dict[str, pa.Array | Floats]:
    """The columns of a quiet day, by device and hour."""
    rows = 24 * size.devices
    hour = np.tile(np.arange(24), size.devices)
    evening = np.where((hour >= 17) & (hour < 23), 1.0, 0.0)
    busy = 0.2 + 0.4 * evening + 0.2 * random.random(rows)
    rtt = np.round(0.012 + 0.01 * busy + 0.002 * random.random(rows), 6)
    zeros = np.zeros(rows)
    return {
        "device_id": pa.DictionaryArray.from_arrays(
            pa.array(np.repeat(np.arange(size.devices, dtype=np.int32), 24)), size.device_ids()
        ).cast(pa.string()),
        "observed_seconds": np.full(rows, 3600.0),
        "down_seconds": zeros,
        "silent_seconds": zeros,
        "planned_seconds": zeros,
        "outages": np.zeros(rows, np.int64),
        "restarts": np.zeros(rows, np.int64),
        "polls_answered": np.full(rows, 60),
        "pings_sent": np.full(rows, 300),
        "pings_lost": (random.random(rows) < 0.1).astype(np.int64),
        "rtt_seconds_sum": np.round(300 * rtt, 4),
        "rtt_count": np.full(rows, 300),
        "rtt_p50_seconds": rtt,
        "rtt_p95_seconds": np.round(rtt * 1.6, 6),
        "jitter_seconds": np.round(rtt / 20, 6),
        "receive_bytes": np.round(busy * 4e10),
        "transmit_bytes": np.round(busy * 4e9),
        "receive_p95_bytes_per_second": np.round(busy * 1.2e7),
        "transmit_p95_bytes_per_second": np.round(busy * 1.2e6),
        "utilization_p95_ratio": np.round(busy, 4),
        "error_packets": zeros,
        "discard_packets": zeros,
        "signal_dbm": np.round(-18 + random.random(rows), 1),
    }


def _worsened(day: dict[str, pa.Array | Floats], badness: Floats, spread: Floats) -> dict[str, pa.Array | Floats]:
    """That day in a week of such ``badness`` (rows,); ``spread`` (rows,) says which hours it strikes."""
    is_struck = spread < 0.05 * badness
    down = np.where(is_struck, np.round(3600 * spread / 0.05), 0.0)
    return {
        **day,
        "down_seconds": down,
        "outages": is_struck.astype(np.int64),
        "rtt_p95_seconds": np.round(day["rtt_p95_seconds"] * (1 + 2 * badness), 6),
        "pings_lost": day["pings_lost"] + (badness * 6 * spread).astype(np.int64),
        "utilization_p95_ratio": np.minimum(np.round(day["utilization_p95_ratio"] + 0.3 * badness, 4), 1.0),
    }


def _write_day(data: Path, day: datetime.date, columns: dict[str, pa.Array | Floats]) -> None:
    at = np.datetime64(day, "us") + np.arange(24).astype("timedelta64[h]")
    rows = len(columns["observed_seconds"])
    hours = pa.array(np.tile(at, rows // 24), pa.timestamp("us", "UTC"))
    table = conform(pa.table({"hour": hours, **columns}), QUALITY_HOURS)
    folder = data / "quality" / f"date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    alike = [name for name in table.column_names if name not in RARELY_ALIKE]
    pq.write_table(table, folder / "shard=0.parquet", compression="zstd", use_dictionary=alike)
