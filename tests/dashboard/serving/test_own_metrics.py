"""What the dashboard says of itself: every metric that is documented, and only those; ready only where all can be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from dashboard.app import create_app
from dashboard.serving import own_metrics
from dashboard.serving.own_metrics import FAMILIES, OwnMetrics, State

ROOT = Path(__file__).parents[3]
GOOD = State((("0", 4.0, True), ("1", None, False)), True, (), 1_000.0, 2_000.0, False)
FIRST_DAY = State((), False, ("there is no operations database at x", "y"), None, None, False)


def client(state, clock=lambda: 0.0):
    server = Flask("x")
    OwnMetrics(lambda: state, clock).watch(server)

    @server.post(own_metrics.CALLBACKS)
    def _():
        return "", 204

    return server.test_client()


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (s.name.removeprefix("bairro_dashboard_"), *s.labels.values()): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def test_the_document_is_as_the_code_says():
    assert (ROOT / "docs" / "dashboard-metrics.md").read_text(encoding="utf-8") == own_metrics.markdown()


def test_every_metric_of_the_document_is_there_and_no_other():
    asked = client(GOOD)
    asked.post(f"{own_metrics.CALLBACKS}?endId=a")
    shown = {f.name: f.type for f in text_string_to_metric_families(asked.get("/metrics").text)}
    own = {name: kind for name, kind in shown.items() if name.startswith("bairro_")}
    assert own == {family.full_name.removesuffix("_total"): family.kind for family in FAMILIES}
    assert "process_cpu_seconds" in shown


def test_what_is_not_known_is_absent():
    shown = values(client(FIRST_DAY).get("/metrics").text)
    assert shown["database_read",] == 0
    for name in ("results_timestamp_seconds", "last_build_timestamp_seconds", "last_build_failed"):
        assert (name,) not in shown
    shown = values(client(GOOD).get("/metrics").text)
    assert shown["live_age_seconds", "0"] == 4
    assert ("live_age_seconds", "1") not in shown
    assert (shown["shard_heard", "0"], shown["shard_heard", "1"]) == (1, 0)
    assert shown["last_build_failed",] == 0


def test_open_pages_are_counted_until_they_ask_no_more():
    now = [0.0]
    asked = client(GOOD, lambda: now[0])
    for token in ("a", "b", "a"):
        asked.post(f"{own_metrics.CALLBACKS}?endId={token}")
    assert values(asked.get("/metrics").text)["open_pages",] == 2
    now[0] = own_metrics.OPEN_SECONDS + 1
    asked.post(f"{own_metrics.CALLBACKS}?endId=b")
    shown = values(asked.get("/metrics").text)
    assert shown["open_pages",] == 1
    assert shown["requests_total", "callback", "204"] == 4
    assert shown["callback_duration_seconds_count",] == 4


@pytest.mark.parametrize(("state", "status", "said"), [(GOOD, 200, "ready\n"), (FIRST_DAY, 503, "there is no operations database at x\ny\n")])  # fmt: skip
def test_it_is_ready_where_everything_can_be_read(state, status, said):
    answer = client(state).get("/-/ready")
    assert (answer.status_code, answer.text) == (status, said)


def test_the_application_tells_how_it_stands(provider, sample, scratch):
    asked = create_app(provider).server.test_client()
    shown = values(asked.get("/metrics").text)
    assert shown["shard_heard", "0"] == 1
    assert 0 <= shown["live_age_seconds", "0"] < 3600
    assert abs(shown["results_timestamp_seconds",] - datetime.now(UTC).timestamp()) < timedelta(hours=1).total_seconds()
    assert asked.get("/-/ready").status_code == 200
    bare = create_app(scratch).server.test_client()
    assert bare.get("/-/ready").status_code == 503
    assert "no operations database" in bare.get("/-/ready").text
    assert bare.get("/-/healthy").status_code == 200
