"""/metrics: equal to what prometheus_client prints, clean for promtool, and series come and go as documented."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from collector.config import MetricsSettings
from collector.publish import families, metrics_page
from collector.publish.forms import CLASSIC
from collector.publish.metrics import CPE_IN_FULL, Exposition, detail_of
from collector.publish.own import OwnMetrics
from collector.publish.text import number
from collector.quality.uplink import Traffic
from collector.reading import (
    ROLES,
    Device,
    EchoBurst,
    Impairment,
    ProbeReading,
    Reading,
    SignalReading,
    StateName,
    Transition,
)

from .readings import CPE, answer, silence

AP = Device("ap-1", "127.0.0.2", "ap", "centro", subscribers=0, site='the "hill"\\top\nline')
ROOT = Path(__file__).parents[3]


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


def test_text_equals_what_prometheus_client_prints() -> None:
    text = full_text()
    assert numbers_as_go_prints(text) == as_prometheus_client_prints(text)


def test_text_of_one_device_is_this() -> None:
    metrics = exposition(CPE)
    metrics.update(answer(1_700_000_000.25), restarted=False, traffic=None)
    text = metrics.render()
    for line in (
        'bairro_device_info{area="centro",device="cpe-1",parent="ap-1",profile="",role="cpe",site=""} 1.0',
        'bairro_device_up{device="cpe-1"} 1.0',
        'bairro_device_last_poll_timestamp_seconds{device="cpe-1"} 1700000000.250',
        'bairro_ping_lost_total{device="cpe-1"} 1.0',
        'bairro_ping_rtt_p50_seconds{device="cpe-1"} 0.011000000',
        'bairro_ping_rtt_p95_seconds{device="cpe-1"} 0.030000000',
        'bairro_ping_rtt_seconds_count{device="cpe-1"} 4',
        'bairro_snmp_rtt_seconds_sum{device="cpe-1"} 0.012500',
        'bairro_device_reachable{by="ping",device="cpe-1"} 1.0',
        'bairro_interface_receive_bytes_total{device="cpe-1",interface="wan"} 1700000000000',
        'bairro_interface_receive_bytes_total{device="cpe-1",interface="lan"} 17',
        'bairro_interface_up{device="cpe-1",interface="lan"} 0.0',
        'bairro_interface_info{alias="uplink",device="cpe-1",interface="wan"} 1.0',
        'bairro_area_devices{area="centro",state="unknown"} 1',
    ):
        assert line in text.splitlines()
    assert 'bairro_interface_transmit_bytes_total{device="cpe-1",interface="lan"}' not in text


WHOLE = (0, 1, True, 999_999, 1_000_000, 1_234_567, 10_000_000, 12_300_000, 2**32, 2**53 - 1, 2**53 + 1, 2**64 - 1)
BROKEN = (0.0, 0.1, 1e-5, 1.5e-7, 123456.789, 999999.5, 1_700_000_000.123, 12e6, 1e15, 1e16, 1.5e300, -61.5, -1234567.5)


@pytest.mark.parametrize("value", [*WHOLE, *BROKEN, math.inf, -math.inf, math.nan])
def test_number_is_printed_as_prometheus_client_does(value: float) -> None:
    assert number(value) == floatToGoString(value)


def every_own_figure() -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for family in families.OWN_FAMILIES:
        figures[family.name.removeprefix("bairro_collector_")] = {"some": 3.0} if family.labels else 1.0
    return figures


def test_promtool_finds_nothing_to_say(require_program: Callable[[str], str]) -> None:
    probe = "".join(f"{family.header(CLASSIC)}{family.name} 1.0\n" for family in families.PROBE_FAMILIES)
    check = subprocess.run(
        [require_program("promtool"), "check", "metrics"],
        input=full_text() + OwnMetrics(every_own_figure).render() + probe,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")


def test_labels_are_escaped_and_come_back_whole() -> None:
    odd = Device('a"b\\c\nd', "127.0.0.3", "cpe", "São Bento", site="x{y}=z")
    metrics = exposition(odd)
    metrics.update(answer(10.0, odd), restarted=False, traffic=None)
    text = metrics.render()
    assert numbers_as_go_prints(text) == as_prometheus_client_prints(text)
    assert (("device", odd.device_id),) in samples(text)["bairro_device_up"]


def test_gauges_go_after_two_misses_and_counters_stay() -> None:
    metrics = exposition(CPE)
    metrics.update(answer(0.0), restarted=False, traffic=None)
    metrics.update(silence(60.0), restarted=False, traffic=None)
    once = samples(metrics.render())
    metrics.update(silence(120.0), restarted=False, traffic=None)
    twice = samples(metrics.render())
    gone = {
        "bairro_device_uptime_seconds",
        "bairro_device_poll_duration_seconds",
        "bairro_ping_rtt_p50_seconds",
        "bairro_ping_rtt_p95_seconds",
        "bairro_ping_jitter_seconds",
        "bairro_interface_up",
        "bairro_interface_speed_bytes_per_second",
    }
    assert gone <= once.keys()
    assert once.keys() - twice.keys() == gone
    device = (("device", "cpe-1"),)
    assert twice["bairro_device_up"][device] == 0
    assert twice["bairro_polls_failed_total"][device] == 2
    assert twice["bairro_ping_lost_total"][device] == 11
    metrics.update(answer(180.0), restarted=False, traffic=None)
    assert gone <= samples(metrics.render()).keys()


def test_a_collector_that_could_not_send_says_nothing_of_the_device() -> None:
    metrics = exposition(CPE)
    metrics.update(answer(0.0), restarted=False, traffic=None)
    for at in (60.0, 120.0, 180.0):
        metrics.update(Reading(CPE.device_id, at, 0.0, "silent", sent=False), restarted=False, traffic=None)
    now = samples(metrics.render())
    assert now["bairro_device_up"][("device", "cpe-1"),] == 1
    assert now["bairro_polls_failed_total"][("device", "cpe-1"),] == 0
    assert "bairro_interface_up" in now


def test_down_series_stands_only_while_down_and_names_the_root() -> None:
    metrics = exposition()
    assert "bairro_device_down" not in samples(metrics.render())
    metrics.change(changed(CPE, "suppressed", 180.0, 60.0))
    now = samples(metrics.render())
    assert now["bairro_device_down"] == {(("device", "cpe-1"), ("root", "ap-1")): 1.0}
    assert now["bairro_area_subscribers_affected"][("area", "centro"),] == 1
    metrics.update(silence(180.0), restarted=False, traffic=None)
    assert samples(metrics.render())["bairro_device_outage_seconds_total"][("device", "cpe-1"),] == 120
    metrics.change(changed(CPE, "up", 300.0, 300.0, "suppressed"))
    metrics.update(answer(300.0), restarted=False, traffic=None)
    now = samples(metrics.render())
    assert "bairro_device_down" not in now
    assert now["bairro_device_outage_seconds_total"][("device", "cpe-1"),] == 240
    assert now["bairro_device_outages_total"][("device", "cpe-1"),] == 1
    assert now["bairro_area_subscribers_affected"][("area", "centro"),] == 0


def test_what_ails_a_device_stands_only_while_it_does_and_not_at_detail_area() -> None:
    shown = exposition(CPE, AP, cpe="area")
    shown.impair(Impairment("ap-1", 60.0, ("loss", "saturation"), ("uplink_down",)))
    shown.impair(Impairment("cpe-1", 60.0, ("loss",)))
    shown.impair(Impairment("stranger", 60.0, ("loss",)))
    found = samples(shown.render())
    assert set(found["bairro_device_degraded"]) == {
        (("device", "ap-1"), ("measure", "loss")),
        (("device", "ap-1"), ("measure", "saturation")),
    }
    assert found["bairro_device_fault"] == {(("device", "ap-1"), ("fault", "uplink_down")): 1.0}
    shown.impair(Impairment("ap-1", 120.0, ("saturation",)))
    found = samples(shown.render())
    assert list(found["bairro_device_degraded"]) == [(("device", "ap-1"), ("measure", "saturation"))]
    assert "bairro_device_fault" not in found
    shown.replace([CPE])
    assert "bairro_device_degraded" not in shown.render()


def test_flaps_are_counted_from_the_first_on() -> None:
    shown = exposition(AP)
    shown.change(changed(AP, "down", 60, 0))
    assert "bairro_device_flaps_total" not in shown.render()
    for at in (120, 240):
        shown.change(changed(AP, "up", at, at, "down"))
        shown.change(replace(changed(AP, "down", at + 60, at), is_flap=True))
    assert 'bairro_device_flaps_total{device="ap-1"} 2.0' in shown.render()
    shown.replace([CPE])
    assert "bairro_device_flaps_total" not in shown.render()


def test_one_state_at_a_time() -> None:
    metrics = exposition(CPE)
    metrics.change(changed(CPE, "silent", 180.0, 60.0))
    metrics.update(silence(180.0), restarted=False, traffic=None)
    now = samples(metrics.render())
    assert {dict(labels)["state"]: v for labels, v in now["bairro_device_state"].items() if v} == {"silent": 1.0}
    assert sum(now["bairro_device_state"].values()) == 1
    assert {dict(labels)["state"]: v for labels, v in now["bairro_area_devices"].items() if v} == {"silent": 1.0}


def test_series_of_a_device_that_left_go_and_the_others_stay() -> None:
    metrics = exposition()
    for device in (CPE, AP):
        metrics.update(answer(0.0, device), restarted=False, traffic=None)
        metrics.change(changed(device, "down", 0.0, 0.0))
    metrics.replace([replace(CPE, site="moved")])
    text = metrics.render()
    assert 'device="ap-1"' not in text.replace('parent="ap-1"', "")
    assert 'site="moved"' in text
    assert samples(text)["bairro_polls_total"][("device", "cpe-1"),] == 1, "what is known stands until the next poll"
    metrics.update(answer(60.0), restarted=False, traffic=None)
    text = metrics.render()
    assert samples(text)["bairro_polls_total"][("device", "cpe-1"),] == 2


def test_a_partial_answer_leaves_alone_what_it_does_not_speak_of() -> None:
    metrics = exposition(CPE)
    first = answer(0.0)
    metrics.update(first, restarted=False, traffic=None)
    metrics.update(
        first._replace(at=60.0, snmp="partial", interfaces=first.interfaces[:1]), restarted=False, traffic=None
    )
    assert len(samples(metrics.render())["bairro_interface_receive_bytes_total"]) == 2
    metrics.update(first._replace(at=120.0, interfaces=first.interfaces[:1]), restarted=False, traffic=None)
    assert len(samples(metrics.render())["bairro_interface_receive_bytes_total"]) == 1


def test_signals_and_probes_go_with_the_answer_that_lacks_them() -> None:
    metrics = exposition(CPE)
    signals = (SignalReading("1", -60.0, 20.0, 1, 2, 3), SignalReading("2", -61.0))
    probes = (ProbeReading("a", 0.01), ProbeReading("b", None, None, 1.0))

    def shown(name: str) -> set[str]:
        return {
            dict(labels)[kind]
            for labels in samples(metrics.render()).get(name, {})
            for kind in ("channel", "probe")
            if kind in dict(labels)
        }

    metrics.update(answer(0.0, signals=signals, probes=probes), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == {"1", "2"}
    assert (shown("bairro_device_probe_rtt_seconds"), shown("bairro_device_probe_loss_ratio")) == ({"a"}, {"b"})
    metrics.update(answer(60.0, snmp="partial", signals=signals[:1]), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == {"1", "2"}
    assert shown("bairro_device_probe_rtt_seconds") == {"a"}
    metrics.update(answer(120.0, signals=signals[:1]), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == {"1"}
    assert shown("bairro_device_probe_rtt_seconds") == set()
    for at in (180.0, 240.0):
        metrics.update(silence(at), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == set()
    assert len(samples(metrics.render())["bairro_docsis_codewords_total"]) == 3
    metrics.update(answer(300.0), restarted=False, traffic=None)
    assert "bairro_docsis_codewords_total" in samples(metrics.render())


def test_detail_keeps_the_number_of_series_in_hand() -> None:
    settings = MetricsSettings()
    assert detail_of(CPE, settings, cpe_count=CPE_IN_FULL) == "full"
    assert detail_of(CPE, settings, cpe_count=CPE_IN_FULL + 1) == "area"
    assert detail_of(AP, settings, cpe_count=10**6) == "full"
    assert detail_of(CPE, MetricsSettings(cpe="summary"), cpe_count=10**6) == "summary"


@pytest.mark.parametrize("detail", families.DETAILS)
def test_number_of_series_is_as_documented(detail: families.Detail) -> None:
    metrics = exposition(CPE, cpe=detail)
    interfaces = answer(0.0).interfaces
    whole = tuple(interfaces[0]._replace(name=name) for name in ("wan", "lan", "x"))
    signals = (SignalReading("1", -60.0, 20.0, 1, 2, 3, -90.0, 0.5),)
    probes = (ProbeReading("a", 0.01, 0.001, 0.0), ProbeReading("b", 0.01, 0.001, 0.0))
    metrics.update(answer(0.0, interfaces=whole, signals=signals, probes=probes), restarted=False, traffic=None)
    text = metrics.render()
    own = [line for line in text.splitlines() if 'device="cpe-1"' in line]
    assert len(own) == metrics_page.series_per_device(detail, interfaces=3, channels=1, probes=2)
    per_area = [line for line in text.splitlines() if line.startswith("bairro_area_")]
    assert len(per_area) == sum(family.series for family in families.AREA_FAMILIES)


@pytest.mark.parametrize("detail", families.DETAILS)
@pytest.mark.parametrize("example", metrics_page.EXAMPLES, ids=lambda example: example[0])
def test_examples_of_the_number_of_series_are_what_is_shown(example: Any, detail: families.Detail) -> None:
    name, interfaces, channels, probes, measured = example
    device = replace(CPE, role=next((role for role in ROLES if name.startswith(role)), "cpe"), uplink_interface="if0")
    shown = {family.name for family in measured}
    fields = {
        "received_dbm": "bairro_signal_received_dbm",
        "noise_ratio_db": "bairro_signal_noise_ratio_db",
        "noise_dbm": "bairro_signal_noise_dbm",
        "quality_ratio": "bairro_signal_quality_ratio",
        **dict.fromkeys(
            ("codewords_unerrored", "codewords_corrected", "codewords_uncorrectable"), "bairro_docsis_codewords_total"
        ),
    }
    values = {field: 1 for field, family in fields.items() if family in shown}
    row = answer(0.0).interfaces[0]
    reading = answer(
        0.0,
        device,
        interfaces=tuple(row._replace(name=f"if{n}") for n in range(interfaces)),
        signals=tuple(SignalReading(str(n), **values) for n in range(channels)),
        probes=tuple(ProbeReading(str(n), 0.01, 0.001, 0.0) for n in range(probes)),
    )
    metrics = exposition(device, cpe=detail, network=detail)
    metrics.update(reading, restarted=False, traffic=None)
    own = [line for line in metrics.render().splitlines() if 'device="cpe-1"' in line]
    row_in_docs = next(line for line in metrics_page.markdown().splitlines() if line.startswith(f"| {name} |"))
    assert int(row_in_docs.split("|")[2 + families.DETAILS.index(detail)]) == len(own)


def test_area_sums_stand_in_for_devices_that_are_not_shown() -> None:
    metrics = exposition(CPE, cpe="area")
    for at in (0.0, 60.0):
        metrics.update(answer(at), restarted=False, traffic=Traffic(60.0, 6000, 600, 0, 0, None))
    now = samples(metrics.render())
    role = (("area", "centro"), ("role", "cpe"))
    assert now["bairro_area_receive_bytes_total"][role] == 12_000
    assert now["bairro_area_ping_sent_total"][role] == 10
    assert now["bairro_area_ping_rtt_seconds_count"][role] == 8
    metrics.change(changed(CPE, "suppressed", 60.0, 0.0))
    assert 'bairro_device_down{device="cpe-1",root="ap-1"} 1.0' in metrics.render()


def test_a_device_is_shown_as_soon_as_its_detail_allows() -> None:
    settings = MetricsSettings()
    crowd = [replace(CPE, device_id=f"cpe-{n}") for n in range(CPE_IN_FULL + 1)]
    metrics = Exposition(settings, crowd)
    metrics.update(answer(0.0), restarted=False, traffic=None)
    metrics.change(changed(CPE, "suppressed", 0.0, 0.0))
    assert "bairro_device_up" not in samples(metrics.render())
    metrics.replace(crowd[1:])
    metrics.update(answer(60.0), restarted=False, traffic=None)
    now = samples(metrics.render())
    assert now["bairro_device_up"] == {(("device", "cpe-1"),): 1.0}
    assert now["bairro_device_outages_total"][("device", "cpe-1"),] == 1
    metrics.replace(crowd)
    assert "bairro_device_up" not in samples(metrics.render())


def test_probe_text_is_the_devices_own_even_where_it_is_not_shown() -> None:
    shown, hidden = exposition(CPE), exposition(CPE, cpe="area")
    reading = answer(0.0, echoes=EchoBurst(1, 0, (0.5,)))
    for metrics in (shown, hidden):
        metrics.update(reading, restarted=False, traffic=None)
    assert samples(shown.one(reading, CLASSIC)) == samples(hidden.one(reading, CLASSIC))
    assert samples(shown.one(reading, CLASSIC))["bairro_ping_rtt_p95_seconds"] == {(("device", "cpe-1"),): 0.5}
    assert "bairro_ping_jitter_seconds" not in samples(shown.one(reading, CLASSIC))


def test_every_family_keeps_together() -> None:
    names = [re.split(r"[{ ]", line)[0] for line in full_text().splitlines() if not line.startswith("#")]
    bases = [re.sub(r"(_seconds)_(sum|count)$", r"\1", name) for name in names]
    runs = [name for i, name in enumerate(bases) if i == 0 or bases[i - 1] != name]
    assert len(runs) == len(set(runs))


def test_metrics_page_is_generated() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "collector.publish.metrics_page"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == made.stdout


def test_own_metrics_are_those_declared() -> None:
    text = OwnMetrics(every_own_figure).render()
    assert {family.name for family in families.OWN_FAMILIES} <= samples(text).keys()
    assert "process_cpu_seconds_total" in samples(text)
