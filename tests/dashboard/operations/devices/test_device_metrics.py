"""What a real Prometheus has of a device, and what is said where it has nothing, refuses or is not there."""

from __future__ import annotations

import subprocess
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.config import PrometheusSettings
from dashboard.figures.charts import device_metrics as charts
from dashboard.figures.style.palette import LIGHT
from dashboard.operations.devices.device_metrics import MOST_POINTS, DeviceMetrics
from dashboard.pages.sections import device_detail
from dashboard.pages.source import Source, visit

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
MINUTES = 60
SILENT = range(20, 35)
NAME = 'olt "ä" \\1'
"""A name with what PromQL has to have escaped."""


def openmetrics() -> str:
    """An hour of one device by the minute, which does not answer for a quarter of it; its interface is called as people do."""
    said = NAME.replace("\\", "\\\\").replace('"', '\\"')
    own, other = f'device="{said}"', 'device="other"'
    series: dict[str, list[str]] = {}

    def add(name: str, labels: str, minute: int, value: float) -> None:
        series.setdefault(name, []).append(f"{name}{{{labels}}} {value} {START.timestamp() + 60 * minute:.0f}")

    for minute in range(MINUTES + 1):
        add("bairro_device_up", own, minute, float(minute not in SILENT))
    for minute in range(MINUTES + 1):
        add("bairro_ping_sent_total", own, minute, 10.0 * minute)
        add("bairro_ping_lost_total", own, minute, 1.0 * minute)
        if minute not in SILENT:
            add("bairro_ping_rtt_p50_seconds", own, minute, 0.02)
            add("bairro_ping_rtt_p95_seconds", own, minute, 0.05)
        add("bairro_signal_received_dbm", f'{own},channel="rx 1"', minute, -61.5)
    for interface, rate in (("eth0", 1.25e6), ("sfp/1", 2.5e5)):
        for minute in range(MINUTES + 1):
            add("bairro_interface_receive_bytes_total", f'{own},interface="{interface}"', minute, 60 * rate * minute)
    for minute in range(MINUTES + 1):
        add("bairro_interface_receive_bytes_total", f'{other},interface="eth0"', minute, 1e9 * minute)
    lines = [line for name, found in series.items() for line in (f"# TYPE {name} gauge", *found)]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(module_processes, require_program, free_port, eventually, tmp_path_factory) -> str:
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    (folder / "samples").write_text(openmetrics())
    command = [require_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "samples", "tsdb"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "prometheus.yml").write_text("global: {}\n")
    options = ("config.file=prometheus.yml", "storage.tsdb.path=tsdb", "storage.tsdb.retention.time=100y")
    options += (f"web.listen-address=127.0.0.1:{port}",)
    module_processes.start([require_program("prometheus"), *(f"--{option}" for option in options)], cwd=folder)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=5).status == 200)
    return url


def test_everything_of_one_device_comes_at_its_own_resolution(prometheus):
    found = DeviceMetrics(PrometheusSettings(url=prometheus + "/")).read(NAME, START, START + timedelta(hours=1))
    assert found.problem is None
    assert (found.times[1] - found.times[0]).total_seconds() == 15
    assert found.series is not None
    names = {key: [one.name for one in of] for key, of in found.series.items() if of}
    assert names == {
        "up": [""], "rtt": [""], "rtt_p95": [""], "loss": [""], "receive": ["eth0", "sfp/1"], "signal": ["rx 1"]
    }  # fmt: skip
    at = found.times.index(START + timedelta(minutes=50))
    assert found.series["loss"][0].values[at] == pytest.approx(10)
    assert [one.values[at] for one in found.series["receive"]] == pytest.approx([10, 2])
    assert found.series["rtt"][0].values[at] == pytest.approx(20)
    assert found.series["rtt"][0].values[found.times.index(START + timedelta(minutes=30))] is None, (
        "not measured is no 0"
    )


def test_every_hover_of_the_charts_names_measure_part_and_unit(prometheus):
    found = DeviceMetrics(PrometheusSettings(url=prometheus)).read(
        NAME, START - timedelta(hours=1), START + timedelta(hours=1)
    )
    figure = charts.figure(found, LIGHT, ZoneInfo("UTC"), (), "nothing")
    hovers = {text for trace in figure.data for text in trace.text if text}
    assert {"Received, eth0: 10.0\u202fMbit/s", "Pings lost: 10.0%", "Received level, rx 1: −61.5\u202fdBm"} <= hovers
    assert "Round trip, 95th percentile: 50.0\u202fms" in hovers
    unsampled = figure.layout.shapes[0]
    assert (unsampled.x1 - unsampled.x0) == timedelta(hours=1), "the hour before is without samples"
    assert charts.said(found) == "Rates and losses are means over 5 min."


def test_a_long_time_comes_in_few_points(prometheus):
    found = DeviceMetrics(PrometheusSettings(url=prometheus)).read(
        NAME, START - timedelta(days=7), START + timedelta(hours=1)
    )
    assert len(found.times) <= MOST_POINTS + 2
    assert not found.is_empty


@pytest.mark.parametrize("name", ["nobody", '"} or bairro_device_up{device=~".+', "a\nb", ""])
def test_a_device_that_prometheus_does_not_know_has_no_samples(prometheus, name):
    found = DeviceMetrics(PrometheusSettings(url=prometheus)).read(name, START, START + timedelta(hours=1))
    assert found.problem is None
    assert found.is_empty
    assert "nothing" in charts.figure(found, LIGHT, ZoneInfo("UTC"), (), "nothing").layout.annotations[0].text


def test_what_is_no_prometheus_or_not_there_is_said(prometheus, free_port, tmp_path):
    nobody = f"http://127.0.0.1:{free_port()}"
    assert "cannot be reached: Connection refused" in str(
        DeviceMetrics(PrometheusSettings(url=nobody)).read("a", START, START).problem
    )
    other = DeviceMetrics(PrometheusSettings(url=f"{prometheus}/nowhere")).read("a", START, START)
    assert "is it a Prometheus?" in str(other.problem)
    secret = DeviceMetrics(PrometheusSettings(url=prometheus, token_file=tmp_path / "none")).read("a", START, START)
    assert "which cannot be read: No such file" in str(secret.problem)


def test_the_page_shows_it_only_where_it_is_set_and_says_what_is_the_matter(source, provider, free_port):
    assert device_detail.panel(visit(source), "n03-olt1") == []
    url = f"http://127.0.0.1:{free_port()}"
    own = Source(replace(provider, prometheus=PrometheusSettings(url=url)))
    assert device_detail.panel(visit(own), "n03-olt1")
    figure, said = device_detail.detail(visit(own), "n03-olt1", "6", "dark")
    assert said.startswith(f"Prometheus at {url} cannot be reached")
    assert "has not answered" in figure.layout.annotations[0].text.replace("<br>", " ")


def test_links_lead_where_the_settings_say_whatever_a_name_holds(provider):
    links = {"Grafana": "https://g.example/d/x?var-device={device}&area={area}&from={from}&to={to}"}
    settings = replace(
        provider,
        links=links,
        prometheus=PrometheusSettings(url="http://p:9090/"),
        web=replace(provider.web, metrics_url="http://c/metrics"),
    )
    row = {"device_id": 'a&b="x"/{area}', "area": "n 3", "role": "olt"}
    nav = device_detail.links(visit(Source(settings)), row).children[-1]
    found = {one.children: one.href for one in nav.children}
    assert found["Grafana"].startswith("https://g.example/d/x?var-device=a%26b%3D%22x%22%2F%7Barea%7D&area=n%203&from=")
    assert "%5C%22x%5C%22" in found["Prometheus"]
    assert found["The collector’s metrics"] == "http://c/metrics"
    assert device_detail.links(visit(Source(provider)), row) is None
