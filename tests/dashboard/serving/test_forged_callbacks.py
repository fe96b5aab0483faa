"""Callbacks that no page sends: each real one, bent in every way; 400 for what is not whole, and never 500."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.app import create_app
from dashboard.pages.sections.now_devices import SHOWN
from dashboard.serving import callback_bodies
from dashboard.serving.callback_bodies import ACCEPTED

PATH = "/_dash-update-component"
VALUES: dict[str, Any] = {
    "url.pathname": "/loyalty",
    "url.search": "?weeks=26",
    "theme.data": "dark",
    "now-tick.n_intervals": 3,
    "now-states.value": list(SHOWN),
    "now-seen.data": ["", "0123456789ab"],
    "wall-tick.n_intervals": 2,
    "wall-seen.data": ["0123456789ab"],
    "areas-drawn.data": True,
    "area-span.value": "26",
    "area-key.data": "n03",
    "area-tick.n_intervals": 1,
    "area-seen.data": ["0123456789ab"],
    "device-span.value": "14",
    "device-key.data": "n03-olt1",
    "device-detail-span.value": "24",
    "device-tick.n_intervals": 1,
    "device-seen.data": ["0123456789ab"],
    "replay-at.value": 12,
    "replay-night.data": "2026-11-29",
    "incident-key.data": "i-agg",
    **{f"work-{key}.n_clicks": None for key in ("take", "told", "add", "hand", "back")},
    "plan-add.n_clicks": None,
    "plan-end.n_clicks": None,
    "plan-chosen.value": None,
    **{f"plan-{key}.value": "2" for key in ("for", "start", "weekly", "hours", "reason", "name")},
    "silence-add.n_clicks": None,
    "silence-end.n_clicks": None,
    "silence-chosen.value": None,
    "silence-key.data": "n03-olt1",
    **{f"silence-{key}.value": "2" for key in ("for", "hours", "reason", "name")},
    "work-name.value": "ana",
    "work-note.value": "on my way",
    "work-to.value": None,
    "incident-tick.n_intervals": 1,
    "incident-seen.data": ["0123456789ab"],
    "incidents-kind.value": "outage",
    "incidents-state.value": "open",
    "incidents-months.value": "all",
    "incidents-search.value": "olt",
    "incidents-area.data": "n03",
}
Body = dict[str, Any]


@pytest.fixture(scope="module")
def app(provider):
    return create_app(provider)


@pytest.fixture(scope="module")
def post(app) -> Callable[..., Any]:
    client = app.server.test_client()

    def send(body: Any, **options: Any) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(PATH, data=data, content_type="application/json", **options)

    return send


def places(output: str) -> Any:
    names = output.strip(".").split("...")
    made = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    return made if output.startswith("..") else made[0]


def real(app: Any) -> list[Body]:
    """What the pages send, one body for each callback that the server answers."""
    made = []
    for output, callback in app.callback_map.items():
        if callback.get("callback") is None:
            continue
        filled = {
            key: [{**one, "value": VALUES.get(f"{one['id']}.{one['property']}")} for one in callback[key]]
            for key in ("inputs", "state")
        }
        first = callback["inputs"][0]
        changed = [f"{first['id']}.{first['property']}"]
        made.append({"output": output, "outputs": places(output), **filled, "changedPropIds": changed})
    return made


@pytest.fixture(scope="module")
def bodies(app) -> list[Body]:
    return real(app)


def test_real_ones_are_answered(bodies, post):
    assert len(bodies) >= 4
    for body in bodies:
        assert post(body).status_code == 200, body["output"]


def test_every_value_that_pages_send_has_a_rule(app):
    for output, callback in app.callback_map.items():
        for one in (*callback["inputs"], *callback["state"]) if callback.get("callback") else ():
            assert f"{one['id']}.{one['property']}" in ACCEPTED, (
                f"{output}: say in callback_bodies.ACCEPTED what it may be"
            )


def without(body: Body, key: str) -> Body:
    return {name: value for name, value in body.items() if name != key}


WRONG: tuple[Any, ...] = (
    [[["deep"]]], {"a": {"b": 1}}, "\x00", "\ud800", "x" * 3000, ["x"] * 5000, -1, 10**40, 1.5, [None], [1], "../../etc/passwd",
)  # fmt: skip
"""Values that no input has."""


def mutations(body: Body) -> Iterator[tuple[str, Any]]:
    """Each way to bend one body."""
    for key in ("output", "inputs", "outputs"):
        yield f"no {key}", without(body, key)
        for wrong in (None, 7, "x", [], {}, [[]], [None], "..", "page.children.x"):
            yield f"{key} {wrong!r}", {**body, key: wrong}
    yield "an unknown key", {**body, "background": True}
    yield "changed by nothing known", {**body, "changedPropIds": ["x.y"]}
    yield "changed by an object", {**body, "changedPropIds": {"a": 1}}
    yield "changed by a number", {**body, "changedPropIds": [1]}
    yield "one input too many", {**body, "inputs": [*body["inputs"], body["inputs"][0]]}
    yield "inputs twice", {**body, "inputs": body["inputs"] * 2}
    yield "a thousand inputs", {**body, "inputs": (body["inputs"] * 1000)[:1000]}
    yield "state of another", {**body, "state": [{"id": "x", "property": "y", "value": 1}]}
    yield "state no list", {**body, "state": "x"}
    yield "not all outputs", {**body, "outputs": body["outputs"][:-1] if isinstance(body["outputs"], list) else []}
    yield "another output", {**body, "outputs": {"id": "page", "property": "title"}}
    for i, one in enumerate(body["inputs"]):
        for bent in ({**one, "id": "x"}, {**one, "property": "x"}, {**one, "id": {"type": "a"}}, [one], "x", None, {}):
            yield f"input {i} {bent!r:.40}", {**body, "inputs": [*body["inputs"][:i], bent, *body["inputs"][i + 1 :]]}
    for key in ("inputs", "state"):
        for i, one in enumerate(body[key]):
            for wrong in WRONG:
                if not ACCEPTED[f"{one['id']}.{one['property']}"](wrong):
                    changed = copy.deepcopy(body)
                    changed[key][i]["value"] = wrong
                    yield f"{one['id']} {wrong!r:.30}", changed


RAW = (
    b"", b"x", b"{", b"null", b"[]", b"7", b'"page.children"', b"\xff\xfe", b"{}" * 2, b"[" * 20_000, b'{"output": NaN}',
    b'{"output": "page.children", "inputs": ' + b"9" * 5000 + b"}",
)  # fmt: skip


def test_bent_ones_are_400_each(bodies, post, capsys):
    tried = 0
    for body in bodies:
        for name, bent in mutations(body):
            answer = post(bent)
            assert answer.status_code == 400, (body["output"], name, answer.text[:200])
            assert answer.mimetype == "text/plain"
            tried += 1
    for raw in RAW:
        assert post(raw).status_code == 400, raw[:40]
        tried += 1
    assert tried >= 65
    said = capsys.readouterr().err
    assert len(said.splitlines()) <= 6, "a line in ten seconds"
    assert len(said) < 2_000


def test_what_runs_in_the_browser_cannot_be_asked_of_the_server(app, post):
    asked = [output for output, callback in app.callback_map.items() if callback.get("callback") is None]
    assert asked
    for output in asked:
        assert post({"output": output, "outputs": [], "inputs": [], "changedPropIds": []}).status_code == 400


def test_other_forms_and_queries_are_400(bodies, app):
    client = app.server.test_client()
    data = json.dumps(bodies[0])
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert client.post(PATH, data=data, content_type=kind).status_code == 400
    for query in ("cancelJob=1", "endId=a&job=1", "cacheKey=x", "endId=%C3%A9~\u00e9"):
        assert client.post(f"{PATH}?{query}", data=data, content_type="application/json").status_code == 400
    assert client.post(f"{PATH}?endId=abc~012", data=data, content_type="application/json").status_code == 200
    headers = {"Content-Encoding": "gzip"}
    assert client.post(PATH, data=b"\x1f\x8b", content_type="application/json", headers=headers).status_code == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(where=st.integers(0, 200), what=JSON, which=st.integers(0, 3))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_anywhere_in_a_body_it_is_never_500(bodies, post, where, what, which):
    body = copy.deepcopy(bodies[which % len(bodies)])
    spots = list(spots_of(body))
    holder, key = spots[where % len(spots)]
    holder[key] = what
    assert post(body).status_code in {200, 204, 400}


def spots_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place within ``value`` where something stands."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from spots_of(value[key])


def test_a_value_without_a_rule_may_be_small_and_flat():
    assert all(map(callback_bodies._plain, (None, True, 1, 1.5, "a", ["a"])))
    assert not any(map(callback_bodies._plain, ({}, [[]], ["a"] * 101, "x" * 2001, -1)))
