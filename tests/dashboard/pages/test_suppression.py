"""Areas with too few customers: no page, download, report or callback tells a figure of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from dashboard.app import LAYOUTS, create_app
from dashboard.figures.style import suppression
from dashboard.figures.style.suppression import small_areas, tellable
from dashboard.results import stored_results as storage

HIDDEN = ("n05", "n22")
"""Fennel Park with its 21 customers, and the area that would give it away."""
SHOWN = "n03"
PLANTED = 771_771
KEPT = {"customers", "position", "rank", "rank_low", "rank_high", "months_ahead"}


def planted(data: Any, areas: tuple[str, ...]) -> None:
    """Store a build in which every number of ``areas`` is one that cannot be missed."""
    built = storage.load(data)
    assert built is not None
    tables = {name: getattr(built, name).copy() for name in storage.RESULT_TABLES}
    for name in suppression.BY_AREA:
        table = tables[name]
        mine = table["area"].isin(areas)
        for column in table.columns:
            if pd.api.types.is_numeric_dtype(table[column]) and table[column].dtype != bool and column not in KEPT:
                table.loc[mine, column] = PLANTED
    manifest = {key: value for key, value in built.manifest.items() if key != "tables"}
    storage.write(data, tables, manifest)


def callback(client: Any, output: str, inputs: dict[str, Any], state: dict[str, Any] | None = None) -> str:
    def filled(values: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            dict(zip(("id", "property"), name.split("."), strict=True), value=value) for name, value in values.items()
        ]

    where = dict(zip(("id", "property"), output.split("."), strict=True))
    body = {
        "output": output,
        "outputs": where,
        "inputs": filled(inputs),
        "changedPropIds": [],
        "state": filled(state or {}),
    }
    answer = client.post("/_dash-update-component", json=body)
    assert answer.status_code == 200
    return json.dumps(answer.get_json(), ensure_ascii=False)


def everything(client: Any, area: str) -> Iterator[tuple[str, str]]:
    """Each thing that may tell of ``area``, and what it says."""
    for path in (*LAYOUTS, f"/area/{area}"):
        yield path, callback(client, "page.children", {"url.pathname": path, "url.search": ""})
    yield "map", callback(client, "areas-map.figure", {"theme.data": "light"})
    key = {"area-key.data": area}
    yield "weeks", callback(client, "area-weeks.figure", {"area-span.value": "52", "theme.data": "light"}, key)
    for path in ("/areas.csv", "/fixes.csv", f"/area/{area}/report.html"):
        yield path, client.get(path).text
    yield "pdf", client.get(f"/area/{area}/report.pdf").text[:300] if area in HIDDEN else ""


def tells(text: str) -> bool:
    return "771771" in "".join(letter for letter in text if letter not in "\u202f\u00a0 ,.")


@pytest.fixture(scope="module")
def walked(sample, tmp_path_factory) -> dict[str, dict[str, str]]:
    """What everything says of the hidden areas, and of one that is shown, where their numbers are unmistakable."""
    told = {}
    for area in (*HIDDEN, SHOWN):
        settings = sample.make(tmp_path_factory.mktemp(area))
        planted(settings.data, (area,))
        client = create_app(settings).server.test_client()
        told[area] = dict(everything(client, area))
    return told


@pytest.mark.parametrize("area", HIDDEN)
def test_nothing_tells_a_figure_of_a_hidden_area(walked, area):
    for where, said in walked[area].items():
        assert not tells(said), f"{where} tells of {area}"
    assert f'"{area}"' not in walked[area]["/areas.csv"]
    assert f"{area}," not in walked[area]["/areas.csv"]
    assert "fewer than 30 customers" in walked[area][f"/area/{area}"]
    assert "has no report of its own" in walked[area]["pdf"]


def test_the_walk_would_see_it(walked):
    for where in ("/areas", "/loyalty", f"/area/{SHOWN}", "map", "/areas.csv", f"/area/{SHOWN}/report.html"):
        assert tells(walked[SHOWN][where]), where


def test_a_forged_callback_for_a_hidden_area_gets_no_weeks(walked):
    for area in HIDDEN:
        assert json.loads(walked[area]["weeks"])["response"]["area-weeks"]["figure"]["data"] == []
        assert "Too few customers" in walked[area]["weeks"]
    assert json.loads(walked[SHOWN]["weeks"])["response"]["area-weeks"]["figure"]["data"]


def test_the_pages_say_that_areas_are_left_out(walked):
    assert "2 neighbourhoods are not shown" in walked[SHOWN]["/areas"]
    assert "24 areas" in walked[SHOWN]["/areas"], "and count them"
    assert "too few customers" in walked["n05"]["map"]


def test_sums_over_the_provider_stay_what_they_are(built):
    told = tellable(built, 30)
    assert told.hidden == set(HIDDEN)
    assert told.area_count == len(built.ranking)
    assert told.area_weeks["customer_days"].sum() == built.area_weeks["customer_days"].sum()
    assert not set(HIDDEN) & set(told.area_weeks["area"])
    assert tellable(told, 30).hidden == told.hidden, "told once, it is known"
    assert tellable(built, 1) is built


def test_who_left_long_ago_still_counts(built):
    """An area that has no customer left has its weeks, which tell of those it had."""
    ranking = built.ranking.copy()
    ranking.loc[ranking["area"] == "n05", "customers"] = 0
    assert "n05" in small_areas(replace(built, ranking=ranking), 30)
