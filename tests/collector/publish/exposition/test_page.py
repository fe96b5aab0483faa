"""/metrics: equal to what prometheus_client prints, clean for promtool, declared and documented."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.utils import floatToGoString

from collector.publish.exposition import families
from collector.publish.exposition.content_negotiation import CLASSIC
from collector.publish.exposition.samples import number
from collector.publish.exposition.self_metrics import OwnMetrics
from collector.reading import (
    Device,
)

from ..exposed import (
    as_prometheus_client_prints,
    every_own_figure,
    exposition,
    full_text,
    numbers_as_go_prints,
    samples,
)
from ..readings import CPE, answer

ROOT = Path(__file__).parents[4]


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


def test_every_family_keeps_together() -> None:
    names = [re.split(r"[{ ]", line)[0] for line in full_text().splitlines() if not line.startswith("#")]
    bases = [re.sub(r"(_seconds)_(sum|count)$", r"\1", name) for name in names]
    runs = [name for i, name in enumerate(bases) if i == 0 or bases[i - 1] != name]
    assert len(runs) == len(set(runs))


def test_metrics_page_is_generated() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "collector.publish.exposition.reference"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == made.stdout


def test_own_metrics_are_those_declared() -> None:
    text = OwnMetrics(every_own_figure).render()
    assert {family.name for family in families.OWN_FAMILIES} <= samples(text).keys()
    assert "process_cpu_seconds_total" in samples(text)
