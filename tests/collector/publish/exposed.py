"""Expositions for the tests of /metrics: small ones, a full one, and prometheus_client's print of the same."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from collector.config import MetricsSettings
from collector.publish.exposition import families
from collector.publish.exposition.counts.own_figures import OwnFigures
from collector.publish.exposition.page import Exposition
from collector.quality.counters.uplink import Traffic
from collector.reading import (
    Device,
    ProbeReading,
    SignalReading,
    StateName,
    Transition,
)

from .readings import CPE, answer

AP = Device("ap-1", "127.0.0.2", "ap", "centro", subscribers=0, site='the "hill"\\top\nline')


def samples(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def exposition(*devices: Device, **settings: str) -> Exposition:
    return Exposition(MetricsSettings(**settings), devices or (CPE, AP))  # type: ignore[arg-type]


def changed(device: Device, new: StateName, at: float, since: float, old: StateName = "up") -> Transition:
    return Transition(device.device_id, at, since, old, new, root="ap-1")


def as_prometheus_client_prints(text: str) -> str:
    """Parse the text and have prometheus_client print the same samples, family by family in the same order."""

    class Same:
        def collect(self) -> list[Metric]:
            order = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
            parsed = {family.name: family for family in text_string_to_metric_families(text)}
            made: list[Metric] = []
            for name, kind in order:
                base = name.removesuffix("_total")
                family = parsed[base if kind == "counter" else name]
                metric: Metric
                if kind == "counter":
                    metric = CounterMetricFamily(base, family.documentation)
                elif kind == "summary":
                    metric = SummaryMetricFamily(name, family.documentation)
                else:
                    metric = GaugeMetricFamily(name, family.documentation)
                metric.samples = family.samples
                made.append(metric)
            return made

    registry = CollectorRegistry()
    registry.register(Same())  # type: ignore[arg-type]
    return generate_latest(registry).decode()


def numbers_as_go_prints(text: str) -> str:
    """The text with each sample's number spelled as prometheus_client does; all else is left as it is."""
    return re.sub(r"^([^#].*) (\S+)$", lambda line: f"{line[1]} {floatToGoString(float(line[2]))}", text, flags=re.M)


def full_exposition() -> Exposition:
    metrics = exposition()
    metrics.change(changed(CPE, "up", 1000.0, 1000.0, "unknown"))
    for at in (1_700_000_000.25, 1_700_000_060.5):
        signals = (
            SignalReading("wlan0", -61.5, 24.0, noise_dbm=-96.0, quality_ratio=0.87),
            SignalReading("down 1", None, 38.2, 2**33, 12, 1),
        )
        probes = (ProbeReading("to core", 0.0125, 0.0007, 0.02), ProbeReading("to dns", loss_ratio=1.0))
        metrics.update(
            answer(at, signals=signals, probes=probes),
            restarted=at > 1_700_000_030,
            traffic=Traffic(60.0, 6000, 600, 0, 0, 0.1),
        )
        metrics.update(answer(at, AP, echoes=None), restarted=False, traffic=None)
    metrics.change(changed(AP, "down", 1_700_000_180.0, 1_700_000_060.0))
    return metrics


def full_text() -> str:
    return full_exposition().render()


def own_figures(**given: Any) -> OwnFigures:
    """Those given, and no others."""
    return OwnFigures(**{**dict.fromkeys(field.name for field in fields(OwnFigures)), **given})


def every_own_figure() -> OwnFigures:
    return own_figures(**{f.value: {"some": 3.0} if f.labels else 1.0 for f in families.OWN_FIGURES})
