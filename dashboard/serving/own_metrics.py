"""What the dashboard says of itself to Prometheus, and whether it is ready.

``python -m dashboard.serving.own_metrics > docs/dashboard-metrics.md`` writes the documentation of both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Flask, Response, g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

PATH, READY = "/metrics", "/-/ready"
CALLBACKS = "/_dash-update-component"
OPEN_SECONDS = 20.0
"""A page that renews itself asks every five seconds; one that did not ask for so long is no longer open."""
MOST_OPEN = 10_000
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
STATUSES = frozenset({200, 204, 301, 302, 303, 304, 308, 400, 401, 403, 404, 405, 413, 421, 429, 500, 503})


@dataclass(frozen=True, slots=True)
class Family:
    """One metric as it is declared, without the `bairro_dashboard_` that all names begin with."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def full_name(self) -> str:
        return f"bairro_dashboard_{self.name}"


LIVE_AGE = Family(
    "live_age_seconds",
    "gauge",
    ("shard",),
    "Age of what the collector shard told last; absent where it never told anything.",
)
SHARD_HEARD = Family(
    "shard_heard",
    "gauge",
    ("shard",),
    "Whether the collector shard is heard of, and does not doubt its own connection.",
)
DATABASE = Family("database_read", "gauge", (), "Whether the operations database could be read.")
RESULTS = Family(
    "results_timestamp_seconds",
    "gauge",
    (),
    "When the results that pages show were built; absent while there are none.",
)
BUILD_AT = Family(
    "last_build_timestamp_seconds", "gauge", (), "When the last build ended, well or not; absent before the first."
)
BUILD_FAILED = Family("last_build_failed", "gauge", (), "Whether the last build failed; absent before the first.")
OPEN = Family(
    "open_pages", "gauge", (), f"Pages that asked for anything in the last {OPEN_SECONDS:.0f} seconds, by the token that each load has."
)  # fmt: skip
NOTICES_WAIT = Family(
    "notices_waiting", "gauge", ("receiver",), "Notices on incidents that the receiver has not taken yet; absent where that is not known."
)  # fmt: skip
NOTICES_REFUSED = Family(
    "notices_refused", "gauge", ("receiver",), "Notices that the receiver refused or that were given up; `bairro notices list` says why."
)  # fmt: skip
REQUESTS = Family(
    "requests_total",
    "counter",
    ("kind", "status"),
    "Requests answered: callback, page, script, health or other; status 400, 401, 403, 413, 421 and 429 were refused.",
)
SHARED = Family(
    "callbacks_shared_total",
    "counter",
    (),
    "Callbacks that were answered by what had just been made for somebody else.",
)
SECONDS = Family("callback_duration_seconds", "histogram", (), "Time to answer a callback that was as a page sends it.")
FAMILIES = (
    LIVE_AGE,
    SHARD_HEARD,
    DATABASE,
    RESULTS,
    BUILD_AT,
    BUILD_FAILED,
    NOTICES_WAIT,
    NOTICES_REFUSED,
    OPEN,
    REQUESTS,
    SHARED,
    SECONDS,
)


@dataclass(frozen=True, slots=True)
class State:
    """How the dashboard stands. ``shards`` has (name, age in seconds or None, whether it is heard of); ``problems`` say
    what cannot be read; of a time that is not known None. ``notices`` has (receiver, how many wait, how many were refused).
    """

    shards: tuple[tuple[str, float | None, bool], ...]
    is_database_read: bool
    problems: tuple[str, ...]
    results_at: float | None
    build_at: float | None
    has_build_failed: bool
    notices: tuple[tuple[str, int, int], ...] = ()


class OwnMetrics:
    """Counts what is answered; ``state`` is asked at each scrape."""

    def __init__(self, state: Callable[[], State], clock: Callable[[], float] = time.monotonic) -> None:
        self._state, self._clock = state, clock
        self._lock = threading.Lock()
        self._open: dict[bytes, float] = {}
        disable_created_metrics()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(REQUESTS.full_name, REQUESTS.meaning, REQUESTS.labels, registry=self._registry)
        self._shared = Counter(SHARED.full_name, SHARED.meaning, registry=self._registry)
        self._seconds = Histogram(SECONDS.full_name, SECONDS.meaning, buckets=BUCKETS, registry=self._registry)
        self._registry.register(self)

    def watch(self, server: Flask) -> None:
        """Count what ``server`` answers, and answer at `/metrics` and `/-/ready`; to be called before all else."""
        server.before_request(self._begin)
        server.after_request(self._note)
        server.add_url_rule(PATH, "own_metrics", self.page)
        server.add_url_rule(READY, "ready", self.ready)

    def page(self) -> Response:
        return Response(generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)

    def ready(self) -> Response:
        """503 with a line for each thing that cannot be read. A collector that is silent is told on the pages."""
        problems = self._state().problems
        text = "".join(f"{line}\n" for line in problems) or "ready\n"
        return Response(text, 503 if problems else 200, mimetype="text/plain")

    def collect(self) -> Iterator[Metric]:
        """What stands at the moment of a scrape (prometheus_client's interface of a collector)."""
        state = self._state()
        ages, heard = (GaugeMetricFamily(f.full_name, f.meaning, labels=f.labels) for f in (LIVE_AGE, SHARD_HEARD))
        for name, age, is_heard in state.shards:
            heard.add_metric([name], float(is_heard))
            if age is not None:
                ages.add_metric([name], age)
        yield from (ages, heard)
        yield _gauge(DATABASE, float(state.is_database_read))
        yield _gauge(RESULTS, state.results_at)
        yield _gauge(BUILD_AT, state.build_at)
        yield _gauge(BUILD_FAILED, None if state.build_at is None else float(state.has_build_failed))
        waiting, refused = (
            GaugeMetricFamily(f.full_name, f.meaning, labels=f.labels) for f in (NOTICES_WAIT, NOTICES_REFUSED)
        )
        for name, waits, gone in state.notices:
            waiting.add_metric([name], float(waits))
            refused.add_metric([name], float(gone))
        yield from (waiting, refused)
        yield _gauge(OPEN, float(self._count_open()))

    def describe(self) -> list[Metric]:
        """Nothing, so that no state is asked for before the first scrape."""
        return []

    def _begin(self) -> None:
        g.began = self._clock()

    def _note(self, answer: Response) -> Response:
        kind, status = _kind(request.path), answer.status_code
        self._requests.labels(kind, str(status) if status in STATUSES else "other").inc()
        if kind == "callback" and status in {200, 204}:
            self._seconds.observe(self._clock() - g.get("began", self._clock()))
            if g.get("is_shared", False):
                self._shared.inc()
            self._note_open(request.query_string)
        return answer

    def _note_open(self, token: bytes) -> None:
        """``token`` has passed the gate: it is short, and of one load of a page."""
        if not token:
            return
        with self._lock:
            if token in self._open or len(self._open) < MOST_OPEN:
                self._open[token] = self._clock()

    def _count_open(self) -> int:
        since = self._clock() - OPEN_SECONDS
        with self._lock:
            self._open = {token: at for token, at in self._open.items() if at >= since}
            return len(self._open)


def _kind(path: str) -> str:
    if path == CALLBACKS:
        return "callback"
    if path.startswith("/-/") or path == PATH:
        return "health"
    if path.startswith(("/_dash-component-suites/", "/assets/")):
        return "script"
    return "other" if path.startswith("/_") or path.endswith((".csv", ".html", ".pdf", ".ico")) else "page"


def _gauge(family: Family, value: float | None) -> Metric:
    made = GaugeMetricFamily(family.full_name, family.meaning)
    if value is not None:
        made.add_metric([], value)
    return made


def markdown() -> str:
    """The text of docs/dashboard-metrics.md."""
    lines = [
        "# Metrics of the dashboard",
        "",
        "Generated by `python -m dashboard.serving.own_metrics > docs/dashboard-metrics.md`; a test keeps it equal to the code.",
        "",
        "`bairro serve` answers at `/metrics` on the address and port of its pages. Behind a proxy the host name that Prometheus",
        "uses must stand in `web.hosts`; what asks on the same host by its own address is always answered. Where there are",
        "accounts, Prometheus on another host shows a token (`bairro user token NAME --for metrics`). Beside these there",
        "are `process_cpu_seconds_total`, `process_resident_memory_bytes` and the others of that kind.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
        *(f"| `{f.full_name}` | {f.kind} | {', '.join(f.labels)} | {f.meaning} |" for f in FAMILIES),
        "",
        "`/-/healthy` answers 200 for as long as the server lives. `/-/ready` answers 200 where everything that pages need could be",
        "read, and 503 with a line for each thing that could not: the operations database, a live table, the inventory's",
        "table. A collector that is silent does not make it unready: pages say so, and the first two metrics do.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
