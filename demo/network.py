"""The demo's network: which devices stand where, and how well each does in any hour, as a function of (seed, device, time)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo import noise
from demo.places import Place, places

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIMEZONE = "Europe/Lisbon"
CUSTOMERS_PER_AREA = 500
LARGE_AREA = 650
CORES = 3
KNOT_WEEKS = 5
WEEK_HOURS = 168
MONDAY_HOURS = 4 * 24
"""The Unix epoch was a Thursday: hours from it to the first Monday."""
INTERVAL_POLLS, ECHOES = 60, 5
PEAK_OF_HOUR = 1.12
"""The 95th percentile of the rates within an hour over their mean."""

TECHNOLOGIES = (("fibre", "olt"), ("cable", "cmts"), ("wireless", "ap"))
CAPACITY = {"olt": 1.25e9, "cmts": 6.0e8, "ap": 1.25e8, "router": 1.25e10}
CPE_CAPACITY = {"fibre": 6.25e7, "cable": 2.5e7, "wireless": 6.25e6}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a neighbourhood's plant, in the long run: 0 is nothing, 1 is bad."""

    outages: float = 0.0
    loss: float = 0.0
    latency: float = 0.0
    saturation: float = 0.0
    price: float = 0.0


TROUBLES = (
    Trouble(outages=1.0),
    Trouble(saturation=1.0),
    Trouble(loss=1.0),
    Trouble(latency=1.0),
    Trouble(price=1.0),
    Trouble(outages=0.6, loss=0.6),
    Trouble(saturation=0.7, latency=0.4),
    Trouble(outages=0.5),
    Trouble(loss=0.5),
)
"""Handed out to as many neighbourhoods of each 24; the rest have next to none."""


@dataclass(frozen=True)
class Network:
    """All devices, parents before children: core routers, then access nodes, then CPE. Arrays are (devices,).

    ``parent`` is -1 for a core's own. ``node`` is the position of the access node that serves a CPE (or itself).
    """

    seed: int
    places: tuple[Place, ...]
    troubles: tuple[Trouble, ...]
    device_id: NDArray[np.str_]
    role: NDArray[np.str_]
    technology: NDArray[np.str_]
    area: Ints
    parent: Ints
    node: Ints
    subscribers: Ints
    latitude: Floats
    longitude: Floats
    capacity: Floats

    @property
    def cores(self) -> range:
        return range(CORES)

    @property
    def nodes(self) -> range:
        return range(CORES, int(np.count_nonzero(self.role != "cpe")))

    @property
    def cpes(self) -> range:
        return range(self.nodes.stop, len(self.device_id))

    def nodes_of(self, area: int) -> Ints:
        return np.array([n for n in self.nodes if self.area[n] == area], dtype=np.int64)


def lay(seed: int, areas: int, devices: int) -> Network:
    """A network of ``devices`` devices in ``areas`` neighbourhoods; those beyond cores and nodes are CPE."""
    towns = places(seed, areas)
    size = area_sizes(seed, areas)
    rows = [("core", "router", "fibre", a % areas, -1, 0) for a in range(CORES)]
    for a in range(areas):
        technology, role = TECHNOLOGIES[int(noise.uniform(seed, "technology", a) * len(TECHNOLOGIES))]
        count = 2 if size[a] > LARGE_AREA else 1
        rows += [(f"{role}-{towns[a].area}", role, technology, a, a % CORES, size[a] // count) for _ in range(count)]
    nodes = np.arange(CORES, len(rows))
    if devices < len(rows) + len(nodes):
        raise ValueError(f"--devices {devices}: {areas} areas need at least {len(rows) + len(nodes)} devices")
    weight = np.array([rows[n][5] for n in nodes], dtype=float)
    share = _apportion(devices - len(rows), weight)
    for n, count in zip(nodes, share, strict=True):
        rows += [(f"cpe-{towns[rows[n][3]].area}", "cpe", rows[n][2], rows[n][3], int(n), 1) for _ in range(count)]
        rows[n] = (*rows[n][:5], max(0, int(rows[n][5]) - int(count)))
    return _network(seed, towns, rows)


def area_sizes(seed: int, areas: int) -> Ints:
    """Customers of each neighbourhood at the world's beginning: 150 to 1,200, 500 in the mean."""
    spread = np.exp(0.5 * noise.normal(seed, "area size", np.arange(areas)))
    return np.clip(np.round(spread / spread.mean() * CUSTOMERS_PER_AREA), 150, 1200).astype(np.int64)


def _apportion(total: int, weight: Floats) -> Ints:
    exact = weight / weight.sum() * (total - len(weight))
    share = np.floor(exact).astype(np.int64) + 1
    order = np.argsort(np.floor(exact) - exact, kind="stable")
    share[order[: total - share.sum()]] += 1
    return share


def _network(seed: int, towns: tuple[Place, ...], rows: list[tuple[str, str, str, int, int, int]]) -> Network:
    count: dict[str, int] = {}
    ids = []
    for stem, *_ in rows:
        count[stem] = count.get(stem, 0) + 1
        ids.append(f"{stem}-{count[stem]:02d}")
    role = np.array([r[1] for r in rows])
    technology = np.array([r[2] for r in rows])
    area, parent = (np.array([r[i] for r in rows], dtype=np.int64) for i in (3, 4))
    index = np.arange(len(rows))
    reach = np.where(role == "cpe", 0.004, 0.0015)
    centre = np.array([t.centre for t in towns])[area]
    capacity = [CPE_CAPACITY[t] if r == "cpe" else CAPACITY[r] for r, t in zip(role, technology, strict=True)]
    return Network(
        seed=seed,
        places=towns,
        troubles=_troubles(seed, len(towns)),
        device_id=np.array(ids),
        role=role,
        technology=technology,
        area=area,
        parent=parent,
        node=np.where(role == "cpe", parent, index),
        subscribers=np.array([r[5] for r in rows], dtype=np.int64),
        latitude=np.round(centre[:, 1] + reach * noise.normal(seed, "north", index), 6),
        longitude=np.round(centre[:, 0] + reach * noise.normal(seed, "east", index), 6),
        capacity=np.array(capacity),
    )


def _troubles(seed: int, areas: int) -> tuple[Trouble, ...]:
    given = [TROUBLES[i % 24] if i % 24 < len(TROUBLES) else Trouble() for i in range(areas)]
    order = np.argsort(noise.uniform(seed, "trouble", np.arange(areas)))
    return tuple(given[i] for i in order)


# --- how well it does ---


@dataclass(frozen=True, slots=True)
class NodeHours:
    """What each access node really does in each hour, whether or not anybody looks; arrays are (nodes, hours).

    ``down_seconds`` is silence for an outage; ``utilization`` is of the fuller direction, mean of the hour.
    """

    down_seconds: Floats
    rtt_p50_seconds: Floats
    rtt_p95_seconds: Floats
    loss_ratio: Floats
    utilization: Floats


def local_clock(first_hour: int, hours: int) -> tuple[Ints, Ints]:
    """Hour of the day and day of the week (0 is Monday), on the town's clocks, of hours since the Unix epoch."""
    stamps = pd.to_datetime(np.arange(first_hour, first_hour + hours) * 3600, unit="s", utc=True).tz_convert(TIMEZONE)
    return stamps.hour.to_numpy(dtype=np.int64), stamps.day_of_week.to_numpy(dtype=np.int64)


def week_of(hour: NDArray[np.int64] | int) -> Ints:
    """Weeks since the first Monday of 1970, UTC, of hours since the Unix epoch."""
    return (np.asarray(hour) - MONDAY_HOURS) // WEEK_HOURS


def node_hours(network: Network, first_hour: int, hours: int, *, with_outages: bool = True) -> NodeHours:
    """The true quality of all access nodes over ``hours`` hours since ``first_hour`` (hours since the Unix epoch)."""
    seed, nodes = network.seed, np.arange(network.nodes.start, network.nodes.stop)
    trouble = [network.troubles[a] for a in network.area[nodes]]
    week = week_of(np.arange(first_hour, first_hour + hours))
    first_week, weeks = int(week[0]), int(week[-1] - week[0]) + 1

    def weekly(stream: str, spread: float) -> Floats:
        return np.exp(spread * _wander(seed, stream, nodes, first_week, weeks))[:, week - first_week]

    def column(values: list[float]) -> Floats:
        return np.array(values)[:, None]

    own = 0.85 + 0.3 * noise.uniform(seed, "own load", nodes)[:, None]
    load = (0.50 + 0.38 * column([t.saturation for t in trouble])) * own * weekly("load", 0.13)
    utilization = np.clip(load * _day_shape(first_hour, hours), 0.01, 0.99)
    queue = 0.055 * np.clip((utilization * PEAK_OF_HOUR - 0.7) / 0.3, 0.0, 1.0) ** 2
    base = 0.004 + 0.004 * noise.uniform(seed, "distance", nodes)[:, None]
    p50 = base + (0.003 + 0.022 * column([t.latency for t in trouble])) * weekly("latency", 0.45) + 0.35 * queue
    plant = (0.0010 + 0.011 * column([t.loss for t in trouble])) * weekly("loss", 0.65)
    loss = plant + 0.02 * np.clip((utilization - 0.9) / 0.1, 0.0, 1.0)
    down = np.zeros_like(p50)
    if with_outages:
        for i, node in enumerate(nodes):
            _add_outages(down[i], network, int(node), first_hour, trouble[i])
    return NodeHours(down, p50, p50 * 1.4 + queue, np.clip(loss, 0.0, 0.5), utilization)


def _wander(seed: int, stream: str, nodes: Ints, first_week: int, weeks: int) -> Floats:
    """A standard-normal course (nodes, weeks) that changes over about five weeks: interpolated between knots."""
    at = np.arange(first_week, first_week + weeks)
    knot, part = np.divmod(at, KNOT_WEEKS)
    part = part / KNOT_WEEKS
    left = noise.normal(seed, stream, nodes[:, None], knot[None, :])
    right = noise.normal(seed, stream, nodes[:, None], knot[None, :] + 1)
    smooth = left * np.cos(part * np.pi / 2) + right * np.sin(part * np.pi / 2)
    return smooth + 0.35 * noise.normal(seed, stream + " weekly", nodes[:, None], at[None, :])


def _day_shape(first_hour: int, hours: int) -> Floats:
    """Traffic by hour of the day relative to the evening's peak, a little more at the weekend."""
    hour, day = local_clock(first_hour, hours)
    shape = 0.62 + 0.38 * np.cos((hour - 20.5) / 24 * 2 * np.pi)
    shape = np.where((hour >= 1) & (hour <= 6), shape * 0.75, shape)
    return np.asarray(shape * np.where(day >= 5, 1.06, 1.0) / 1.02)


def _add_outages(down: Floats, network: Network, node: int, first_hour: int, trouble: Trouble) -> None:
    """Spread each outage of ``node`` over the hours that it lasts; a week's outages depend on that week alone."""
    end = first_hour + down.size
    calm = 0.05 + 0.75 * trouble.outages
    weeks = np.arange(int(week_of(first_hour)) - 1, int(week_of(end - 1)) + 1)
    storm = np.exp(0.5 * noise.normal(network.seed, "storm", weeks))
    often = (
        calm * np.exp(0.8 * _wander(network.seed, "outages", np.array([node]), int(weeks[0]), len(weeks))[0]) * storm
    )
    for week, rate in zip(weeks, often, strict=True):
        random = noise.generator(network.seed, "outages", node, int(week))
        for _ in range(int(random.poisson(rate))):
            start = (MONDAY_HOURS + (int(week) + random.random()) * WEEK_HOURS) * 3600
            _mark(down, first_hour, start, start + 3600 * min(30.0, float(random.lognormal(0.0, 0.8))))
    np.minimum(down, 3600.0, out=down)


def _mark(down: Floats, first_hour: int, start: float, end: float) -> None:
    first = max(0, int(start // 3600) - first_hour)
    last = min(down.size - 1, int(end // 3600) - first_hour)
    for i in range(first, last + 1):
        opens = (first_hour + i) * 3600
        down[i] += max(0.0, min(end, opens + 3600) - max(start, opens))
