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
from collector.publish.exposition.counts.own_figures import OwnFigures
from collector.publish.exposition.families import BUILD_INFO, OWN_FIGURES
from collector.publish.exposition.family import Family


def bairro_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("bairro")
    except PackageNotFoundError:
        return "unknown"


class OwnMetrics(Collector):
    """Reads the figures at each scrape, by ``read``."""

    def __init__(self, read: Callable[[], OwnFigures]) -> None:
        self._read = read
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def collect(self) -> Iterator[Metric]:
        """One family for each declared one that there is a figure for."""
        about = {"version": bairro_version(), "python": platform.python_version()}
        yield InfoMetricFamily(BUILD_INFO.name.removesuffix("_info"), BUILD_INFO.help, about)
        figures = self._read()
        for family in OWN_FIGURES:
            figure = getattr(figures, family.value)
            if figure is not None:
                yield _metric(family, figure)

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
