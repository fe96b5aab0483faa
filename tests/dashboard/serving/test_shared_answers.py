"""Whoever asks what somebody has just been told gets the same bytes; whoever asks anything else gets an answer of their own."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest

from dashboard.app import create_app
from dashboard.pages import now
from dashboard.pages.sections.now_devices import SHOWN
from dashboard.pages.source import Source, visit
from dashboard.serving import headers

PATH = "/_dash-update-component"


@pytest.fixture
def own(sample, scratch):
    """A provider of the test's own, served."""
    sample.write_areas(scratch.data)
    now = datetime.now(UTC)
    sample.write_live(scratch.data, now, note=sample.HOURLY)
    sample.write_incidents(scratch.database_url, now)
    return create_app(scratch), scratch


def ask(app, tick=1, states=SHOWN, theme="light", seen=None, coding="gzip"):
    """What the page *Now* sends at a tick."""
    output = next(key for key in app.callback_map if "now-tiles.children" in key)
    names = output.strip(".").split("...")
    values = {"now-tick": tick, "now-states": list(states), "theme": theme, "now-seen": seen}
    one = app.callback_map[output]
    filled = {key: [{**place, "value": values[place["id"]]} for place in one[key]] for key in ("inputs", "state")}
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    body = {"output": output, "outputs": outputs, **filled, "changedPropIds": ["now-tick.n_intervals"]}
    return app.server.test_client().post(PATH, json=body, headers={"Accept-Encoding": coding})


@pytest.fixture
def counted(own, monkeypatch):
    """How often the callback itself was asked."""
    app, _ = own
    output = next(key for key in app.callback_map if "now-tiles.children" in key)
    asked, real = [], app.callback_map[output]["callback"]

    def count(*arguments, **named):
        asked.append(1)
        return real(*arguments, **named)

    monkeypatch.setitem(app.callback_map[output], "callback", count)
    return asked


@pytest.fixture
def one_tick(monkeypatch):
    """A clock that stands, so that no tick ends within a test."""
    at = datetime.now(UTC)

    class Standing(datetime):
        @classmethod
        def now(cls, tz=None):
            return at

    monkeypatch.setattr("dashboard.serving.standing.datetime", Standing)


@pytest.mark.usefixtures("one_tick")
def test_the_same_question_is_answered_once(own, counted):
    app, _ = own
    first, second = ask(app, tick=1), ask(app, tick=2)
    assert len(counted) == 1
    assert first.data == second.data
    assert second.headers["Content-Encoding"] == "gzip"
    assert second.headers["X-Content-Type-Options"] == "nosniff"
    assert float(second.headers[headers.TIME]) >= float(first.headers[headers.TIME])


@pytest.mark.usefixtures("one_tick")
def test_another_question_is_answered_for_itself(own, counted):
    app, _ = own
    bodies = {
        ask(app, coding="").data,
        ask(app, theme="dark", coding="").data,
        ask(app, states=["down"], coding="").data,
        ask(app, coding="gzip").data,
    }
    assert len(counted) == len(bodies) == 4


@pytest.mark.usefixtures("one_tick")
def test_a_tick_that_changed_nothing_has_no_body_until_something_changes(own, counted, sample):
    app, settings = own
    seen = json.loads(ask(app, coding="").data)["response"]["now-seen"]["data"]
    assert [ask(app, seen=seen).status_code for _ in range(3)] == [204] * 3
    assert len(counted) == 2
    assert ask(app, seen=seen).data == b""
    table = sample.network(datetime.now(UTC)).assign(state="up", incident_id=None, root=None)
    sample.write_live(settings.data, datetime.now(UTC), table, sample.HOURLY)
    told = json.loads(ask(app, seen=seen, coding="").data)["response"]
    assert "now-tiles" in told


@pytest.mark.usefixtures("one_tick")
def test_an_error_is_nobody_elses_answer(own, counted, monkeypatch, capsys):
    app, _ = own
    with monkeypatch.context() as broken:
        broken.setattr("dashboard.pages.now.refresh", lambda *_: 1 / 0)
        assert ask(app).status_code == 500
    assert ask(app).status_code == 200
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.usefixtures("one_tick")
def test_those_who_ask_at_once_wait_for_one_answer(own, counted):
    app, _ = own
    told = []
    threads = [threading.Thread(target=lambda: told.append(ask(app).data)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(told) == 6
    assert len(set(told)) == 1
    assert len(counted) == 1


def test_pages_and_what_no_tick_moves_are_not_shared(own):
    app, settings = own
    body = {
        "output": "page.children",
        "outputs": {"id": "page", "property": "children"},
        "inputs": [
            {"id": "url", "property": "pathname", "value": "/"},
            {"id": "url", "property": "search", "value": ""},
        ],
        "changedPropIds": ["url.pathname"],
    }
    client = app.server.test_client()
    assert client.post(PATH, json=body).status_code == 200
    (settings.data / "live" / "shard=0.parquet").unlink()
    assert client.post(PATH, json=body).status_code == 200


def test_while_one_takes_in_what_is_new_the_others_are_told_what_was_known_before(sample, scratch):
    source, at = Source(scratch), datetime.now(UTC)
    sample.write_live(scratch.data, at, note=sample.HOURLY)
    before, began, go, told = source.live(), threading.Event(), threading.Event(), []
    source.prepare.append(lambda shown, live: (began.set(), go.wait(20)))
    sample.write_live(scratch.data, at, sample.network(at).assign(state="up"), sample.HOURLY)
    first = threading.Thread(target=lambda: told.append(source.live()))
    first.start()
    assert began.wait(20)
    assert source.live() is before
    go.set()
    first.join(20)
    assert told[0] is source.live()
    assert set(told[0].devices["state"]) == {"up"}


def test_what_somebody_looks_at_is_made_before_anybody_asks_for_it(own, sample):
    _, settings = own
    source = Source(settings)
    source.prepare.append(lambda shown, live: now.prepare(source, shown, live))
    now.refresh(visit(source), ["down"], "dark", None)
    at = datetime.now(UTC)
    sample.write_live(settings.data, at, sample.network(at).assign(state="up"), sample.HOURLY)
    live = source.live()
    assert source.shared.keys("now-map")[-1] == (source.version(live), "dark")
    assert source.shared.keys("now-devices")[-1][0::2] == (source.version(live), ("down",))
