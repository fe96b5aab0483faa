"""The collector's metrics of itself, through prometheus_client's registry: few series, so its cost does not matter."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from collector.publish.exposition.content_negotiation import CLASSIC, Form
from collector.publish.exposition.families import OWN_FAMILIES
from collector.publish.exposition.family import Family

Figures = Mapping[str, float | Mapping[str, float]]


def bairro_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("bairro")
    except PackageNotFoundError:
        return "unknown"


class OwnMetrics(Collector):
    """Reads the figures at each scrape.

    ``read`` gives them by the family's name less ``bairro_collector_``; a family with a label gets a mapping from
    label value to figure.
    """

    def __init__(self, read: Callable[[], Figures]) -> None:
        self._read = read
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def collect(self) -> Iterator[Metric]:
        """One family for each declared one that there is a figure for."""
        figures = self._read()
        for family in OWN_FAMILIES:
            name = family.name.removeprefix("bairro_collector_")
            if family.kind == "info":
                about = {"version": bairro_version(), "python": platform.python_version()}
                yield InfoMetricFamily(family.name.removesuffix("_info"), family.help, about)
            elif name in figures:
                yield _metric(family, figures[name])

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read figures that are not there yet."""
        return iter(())

    def render(self, form: Form = CLASSIC) -> str:
        """The text for /metrics, without what ends it."""
        if form.is_openmetrics:
            return openmetrics.generate_latest(self._registry).removesuffix(form.end).decode()
        return generate_latest(self._registry).decode()


def _metric(family: Family, figure: float | Mapping[str, float]) -> Metric:
    metric: CounterMetricFamily | GaugeMetricFamily
    if family.kind == "counter":
        metric = CounterMetricFamily(family.name.removesuffix("_total"), family.help, labels=family.labels)
    else:
        metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    if isinstance(figure, Mapping):
        for label, value in sorted(figure.items()):
            metric.add_metric([label], value)
    else:
        metric.add_metric([], figure)
    return metric
