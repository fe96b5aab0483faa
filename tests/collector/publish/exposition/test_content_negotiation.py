"""Which text format a scraper gets, and that OpenMetrics says the same as the classic one."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from collector.publish.exposition import families
from collector.publish.exposition.content_negotiation import CLASSIC, OPENMETRICS, Form, negotiate
from collector.publish.exposition.self_metrics import OwnMetrics

from ..exposed import AP, every_own_figure, full_exposition
from ..readings import CPE, answer
from ..web.test_server import Running

# What Prometheus sends: 2.42 (Debian 12), and since 2.49 and 3.0.
PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;"
    "q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", CLASSIC),
        ("*/*", CLASSIC),
        (BROWSER, CLASSIC),
        ("text/plain", CLASSIC),
        (PROMETHEUS_2_42, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ('Application/OpenMetrics-Text; Version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", CLASSIC),
        ("application/openmetrics-text;version=2.0.0", CLASSIC),
        ("application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.1", OPENMETRICS),
        ("application/openmetrics-text;q=0", CLASSIC),
        ("application/openmetrics-text;q=0.3,text/plain;q=0.7", CLASSIC),
        ("application/openmetrics-text;q=0.3,*/*;q=0.7", CLASSIC),
        ("text/plain;q=0.2,*/*;q=0.9,application/openmetrics-text;q=0.3", OPENMETRICS),
        ("text/plain,application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;q=nonsense", CLASSIC),
        ("application/openmetrics-text;q=nan", CLASSIC),
        ("application/openmetrics-text;q=2", CLASSIC),
        (",;=,;q=1,application/openmetrics-text;;version", CLASSIC),
        ("application/json", CLASSIC),
    ],
)
def test_negotiation(accept: str, form: Form) -> None:
    assert negotiate(accept) is form


def test_content_types_are_prometheus_clients_own() -> None:
    for accept in (PROMETHEUS_2_42, "text/plain"):
        assert negotiate(accept).content_type == choose_encoder(accept)[1]


def family_values(text: str, parse: Callable[[str], Any]) -> dict[str, tuple[str, set[tuple[Any, ...]]]]:
    """Help text and samples by the name of the first sample less its summary suffix, which both formats share."""
    return {
        family.samples[0].name: (
            family.documentation,
            {(s.name, *sorted(s.labels.items()), s.value) for s in family.samples},
        )
        for family in parse(text)
    }


def test_openmetrics_says_the_same_as_the_classic_form() -> None:
    metrics = full_exposition()
    own = OwnMetrics(every_own_figure)
    classic = metrics.render(CLASSIC) + own.render(CLASSIC)
    strict = metrics.render(OPENMETRICS) + own.render(OPENMETRICS) + OPENMETRICS.end.decode()
    shown, expected = family_values(strict, parse_openmetrics), family_values(classic, parse_classic)
    for found in (shown, expected):
        for name in [name for name in found if name.startswith("process_")]:
            del found[name]
    assert shown == expected
    lines = [
        [line for line in text.splitlines() if line[0] != "#" and "process_" not in line] for text in (classic, strict)
    ]
    assert lines[0] == lines[1]


def test_openmetrics_knows_the_kind_of_every_family() -> None:
    text = full_exposition().render(OPENMETRICS) + OPENMETRICS.end.decode()
    kinds = {family.samples[0].name: family.type for family in parse_openmetrics(text)}
    for family in families.DEVICE_FAMILIES:
        name = f"{family.name}_count" if family.kind == "summary" else family.name
        assert kinds.get(name, family.kind) == family.kind
    assert {"counter", "gauge", "info", "summary"} <= set(kinds.values())


def test_a_real_prometheus_takes_openmetrics_and_labels_come_out_whole(
    tmp_path: Path,
    require_program: Callable[[str], str],
    free_port: Callable[[], int],
    processes: Any,
    eventually: Callable[..., Any],
) -> None:
    program, port = require_program("prometheus"), free_port()
    running = Running()
    try:
        running.exposition.replace([CPE, AP])
        running.exposition.update(answer(1000.0), restarted=False, traffic=None)
        target = f"127.0.0.1:{running.server.port}"
        jobs = {"job_name": "bairro", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}
        (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": [jobs]}))
        options = (f"web.listen-address=127.0.0.1:{port}", "config.file=prometheus.yml", "storage.tsdb.path=data")
        with (tmp_path / "log").open("wb") as log:
            processes.start([program, *(f"--{option}" for option in options)], cwd=tmp_path, stdout=log)

        def ask(path: str, **query: str) -> Any:
            url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
            with urllib.request.urlopen(url, timeout=5) as reply:
                return json.load(reply)["data"]

        series = f'bairro_device_info{{device="{AP.device_id}"}}'
        (found,) = eventually(lambda: ask("query", query=series)["result"])
        assert found["metric"]["site"] == AP.site
        # OpenMetrics names the family, the classic text the sample: bairro_polls_total.
        kinds = {name: rows[0]["type"] for name, rows in ask("metadata").items()}
        assert (kinds["bairro_polls"], kinds["bairro_device"], kinds["bairro_device_up"]) == (
            "counter",
            "info",
            "gauge",
        )
        assert ask("targets")["activeTargets"][0]["lastError"] == ""
    finally:
        running.close()
