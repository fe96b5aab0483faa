"""The text against prometheus_client: the same values in its registry parse to the same families and samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic
from prometheus_client.registry import Collector

from collector.config import MetricsSettings
from collector.publish.exposition import families as f
from collector.publish.exposition.content_negotiation import CLASSIC, OPENMETRICS
from collector.publish.exposition.page import Exposition
from collector.reading import (
    STATES,
    Device,
    EchoBurst,
    InterfaceReading,
    ProbeReading,
    Reading,
    SignalReading,
)

Samples = dict[str, list[tuple[dict[str, str], float]]]

# Everything that a label may hold, half surrogate pairs too, and often what the format gives a meaning.
TEXTS = st.text(st.characters() | st.sampled_from('"\\\n{},= #\r\t\0é\u2028\ufeff'), max_size=12)
COUNTS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 999_999, 10**6, 2**53, 2**53 + 1, 2**64 - 1])
ANY_NUMBER = st.floats() | st.integers(-(2**70), 2**70)
RTTS = st.floats(0, 20, allow_subnormal=False)
LEVELS = (
    "received_dbm",
    "noise_ratio_db",
    "noise_dbm",
    "quality_ratio",
    "transmitted_dbm",
    "rsrp_dbm",
    "rsrq_db",
    "sinr_db",
    "mse_db",
    "receive_rate_bytes_per_second",
    "transmit_rate_bytes_per_second",
)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def written(text: str) -> str:
    """A label's value as it comes back: UTF-8 has no half surrogate pairs."""
    return text.encode("utf-8", "replace").decode()


def unique(
    strategy: st.SearchStrategy[Any], name: Callable[[Any], str], most: int
) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=most, unique_by=lambda record: written(name(record))).map(tuple)


interfaces = unique(
    st.builds(
        InterfaceReading,
        TEXTS,
        st.just(1),
        maybe(TEXTS),
        maybe(st.booleans()),
        maybe(ANY_NUMBER),
        st.just(64),
        *[maybe(COUNTS)] * 6,
        is_admin_up=maybe(st.booleans()),
    ),
    lambda record: record.name,
    3,
)
signals = unique(
    st.builds(SignalReading, TEXTS, *[maybe(ANY_NUMBER)] * 2, *[maybe(COUNTS)] * 3, *[maybe(ANY_NUMBER)] * 9),
    lambda record: record.channel,
    3,
)
probes = unique(st.builds(ProbeReading, TEXTS, *[maybe(ANY_NUMBER)] * 3), lambda record: record.name, 3)
bursts = st.lists(RTTS, max_size=5).flatmap(
    lambda rtts: st.integers(0, 3).map(lambda lost: EchoBurst(len(rtts) + lost, lost, tuple(rtts)))
)
readings = st.builds(
    Reading,
    st.just(""),
    st.floats(0, 4e9),
    st.floats(0, 100),
    st.just("answered"),
    st.just(True),
    maybe(RTTS),
    maybe(st.floats(0, 5e6)),
    st.none(),
    maybe(bursts),
    interfaces,
    signals,
    st.none(),
    probes,
)
devices = unique(
    st.builds(Device, TEXTS, st.just("127.0.0.1"), st.just("cpe"), TEXTS, parent=maybe(TEXTS), site=maybe(TEXTS)),
    lambda device: device.device_id,
    3,
)


class Expected(Collector):
    """What the readings of each device amount to, put into prometheus_client's own families."""

    def __init__(self) -> None:
        self.samples: Samples = {}

    def add(self, name: str, value: float | None, **labels: str) -> None:
        if value is not None:
            self.samples.setdefault(name, []).append((labels, float(value)))

    def device(self, device: Device, taken: list[Reading]) -> None:
        own = {"device": device.device_id}
        optional = {"parent": device.parent or "", "site": device.site or "", "profile": ""}
        self.add("bairro_device_info", 1, area=device.area, role=device.role, **own, **optional)
        for state in STATES:
            self.add("bairro_device_state", state == "unknown", state=state, **own)
        if taken:
            self.polls(own, taken)
            self.pings(own, [r.echoes for r in taken if r.echoes is not None and r.echoes.sent])
            self.rows(own, taken)

    def polls(self, own: dict[str, str], taken: list[Reading]) -> None:
        last = taken[-1]
        rtts = [r.snmp_rtt_seconds for r in taken if r.snmp_rtt_seconds is not None]
        uptime = last.uptime_seconds
        self.add("bairro_device_up", 1, **own)
        self.add("bairro_device_restarts_total", len(taken), **own)
        for name in ("device_outage_seconds", "device_outages", "polls_failed"):
            self.add(f"bairro_{name}_total", 0, **own)
        self.add("bairro_polls_total", len(taken), **own)
        self.add("bairro_device_last_poll_timestamp_seconds", round(last.at, 3), **own)
        self.add("bairro_device_uptime_seconds", None if uptime is None else round(uptime, 2), **own)
        self.add("bairro_device_poll_duration_seconds", round(last.duration_seconds, 6), **own)
        if rtts:
            self.add("bairro_snmp_rtt_seconds_count", len(rtts), **own)
            self.add("bairro_snmp_rtt_seconds_sum", round(sum(rtts), 6), **own)
        if last.echoes is not None and last.echoes.sent:
            self.add("bairro_device_reachable", last.echoes.lost < last.echoes.sent, by="ping", **own)
        self.add("bairro_device_reachable", 1, by="snmp", **own)

    def pings(self, own: dict[str, str], taken: list[EchoBurst]) -> None:
        if not taken:
            return
        answered = [burst.rtt_seconds for burst in taken if burst.rtt_seconds]
        self.add("bairro_ping_sent_total", sum(burst.sent for burst in taken), **own)
        self.add("bairro_ping_lost_total", sum(burst.lost for burst in taken), **own)
        self.add("bairro_ping_rtt_seconds_count", sum(map(len, answered)), **own)
        self.add("bairro_ping_rtt_seconds_sum", round(sum(map(sum, answered)), 6), **own)
        has_lost_two = len(taken) > 1 and not any(burst.rtt_seconds for burst in taken[-2:])
        if answered and not has_lost_two:
            last = answered[-1]
            ranked = sorted(last)
            self.add("bairro_ping_rtt_p50_seconds", round(ranked[math.ceil(0.5 * len(ranked)) - 1], 9), **own)
            self.add("bairro_ping_rtt_p95_seconds", round(ranked[math.ceil(0.95 * len(ranked)) - 1], 9), **own)
            steps = [abs(later - earlier) for earlier, later in pairwise(last)]
            self.add("bairro_ping_jitter_seconds", round(sum(steps) / len(steps), 9) if steps else None, **own)

    def rows(self, own: dict[str, str], taken: list[Reading]) -> None:
        for i in taken[-1].interfaces:
            labels = {**own, "interface": i.name}
            for family in (*f.INTERFACE_BYTES, *f.INTERFACE_SELDOM):
                field = family.name.removeprefix("bairro_interface_").removesuffix("_total")
                self.add(
                    family.name, getattr(i, {"up": "is_up", "admin_up": "is_admin_up"}.get(field, field)), **labels
                )
            if i.alias:
                self.add("bairro_interface_info", 1, alias=i.alias, **labels)
        for signal in taken[-1].signals:
            labels = {**own, "channel": signal.channel}
            for field in LEVELS:
                self.add(f"bairro_signal_{field}", getattr(signal, field), **labels)
            for outcome in ("unerrored", "corrected", "uncorrectable"):
                count = getattr(signal, f"codewords_{outcome}")
                self.add("bairro_docsis_codewords_total", count, outcome=outcome, **labels)
        for probe in taken[-1].probes:
            for field in ("rtt_seconds", "jitter_seconds", "loss_ratio"):
                self.add(f"bairro_device_probe_{field}", getattr(probe, field), probe=probe.name, **own)

    def collect(self) -> Iterator[Metric]:
        kinds = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "summary": SummaryMetricFamily}
        for family in f.DEVICE_FAMILIES:
            names = [family.name] if family.kind != "summary" else [f"{family.name}_count", f"{family.name}_sum"]
            if not any(name in self.samples for name in names):
                continue
            if family.kind == "info":
                metric: Metric = InfoMetricFamily(family.name.removesuffix("_info"), family.help)
            else:
                metric = kinds[family.kind](family.name, family.help)
            # Where a family has two samples for each device they stand side by side, as OpenMetrics asks.
            for together in zip(*[self.samples.get(name, []) for name in names], strict=True):
                for name, (labels, value) in zip(names, together, strict=True):
                    metric.add_sample(name, {key: written(text) for key, text in labels.items()}, value)
            yield metric


def parsed(found: Iterable[Metric]) -> dict[str, tuple[str, str, set[Any]]]:
    """Kind, help and samples by the family's name; numbers as text, since no NaN equals another."""
    return {
        family.name: (
            family.type,
            family.documentation,
            {(s.name, *sorted(s.labels.items()), repr(float(s.value))) for s in family.samples},
        )
        for family in found
        if not family.name.startswith("bairro_area_")
    }


@settings(max_examples=60, deadline=None)
@given(devices, st.data())
def test_families_and_samples_are_those_of_prometheus_client(found: tuple[Device, ...], data: st.DataObject) -> None:
    metrics = Exposition(MetricsSettings(), found)
    expected = Expected()
    for device in found:
        taken = [r._replace(device_id=device.device_id) for r in data.draw(st.lists(readings, max_size=3))]
        for reading in taken:
            # After a restart counters may stand anywhere; otherwise what cannot be is not shown.
            metrics.update(reading, restarted=True, traffic=None)
            metrics.render()  # what is kept of it must not be taken for what comes next
        expected.device(device, taken)
    registry = CollectorRegistry()
    registry.register(expected)
    assert parsed(parse_classic(metrics.render(CLASSIC))) == parsed(parse_classic(generate_latest(registry).decode()))
    strict = metrics.render(OPENMETRICS) + OPENMETRICS.end.decode()
    assert parsed(parse_openmetrics(strict)) == parsed(
        parse_openmetrics(openmetrics.generate_latest(registry).decode())
    )
