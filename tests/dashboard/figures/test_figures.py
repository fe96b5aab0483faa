"""Numbers, words, findings, maps and charts: what a value becomes when it is shown."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dashboard.figures import findings, fixes, loyalty
from dashboard.figures.charts import map as maps
from dashboard.figures.charts.sparks import description, spark_svg
from dashboard.figures.charts.timeline import timeline
from dashboard.figures.charts.weeks import PANELS, is_known, weekly
from dashboard.figures.effects import effects
from dashboard.figures.ranking import ranking_rows
from dashboard.figures.style import numbers, words
from dashboard.figures.style.intervals import interval_svg, places
from dashboard.figures.style.palette import AREA_STATES, DARK, DEVICE_STATES, LIGHT, VERDICTS, blend
from dashboard.figures.style.suppression import suppress
from dashboard.results.stored_results import load

CSS = Path(__file__).parents[3] / "dashboard" / "assets" / "bairro.css"


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (numbers.count, 12345, "12,345"),
        (numbers.count, None, "–"),
        (numbers.count, pd.NA, "–"),
        (numbers.decimal, -0.04, "0.0"),
        (numbers.decimal, -1.25, "−1.2"),
        (numbers.decimal, 1234.5, "1,234"),
        (numbers.leavers, 9.94, "9.9"),
        (numbers.leavers, 9.96, "10"),
        (numbers.percent, 0.0312, "3.1%"),
        (numbers.milliseconds, 0.0312, "31\u202fms"),
        (numbers.rate_ratio, 1.218, "×1.22"),
        (numbers.duration, 59.4, "59 s"),
        (numbers.duration, 59.9, "1 min"),
        (numbers.duration, 239.95, "4 min"),
        (numbers.duration, 3569, "59 min"),
        (numbers.duration, 3595, "1 h 00 min"),
        (numbers.duration, 86_390, "1 d 0 h"),
        (numbers.duration, -3, "0 s"),
        (numbers.duration, 3600, "1 h 00 min"),
        (numbers.duration, 100_000, "1 d 4 h"),
        (numbers.day, "2026-11-02", "2 Nov 2026"),
        (numbers.day, float("nan"), "–"),
        (lambda v: numbers.money(v, "EUR"), 1234.5, "€1,234"),
        (lambda v: numbers.money(v, "CHF", 2), -3.5, "−3.50\u202fCHF"),
        (lambda v: numbers.money(v, "EUR"), -0.2, "€0"),
    ],
)
def test_numbers(form, value, text):
    assert form(value) == text


def test_a_shared_unit_is_said_once():
    row = {"driver": "evening_latency", "value": 0.062, "provider_value": 0.031}
    assert words.reason(row, "EUR") == "Evening latency 62 (31)\u202fms"
    row = {"driver": "evening_utilization", "value": 0.69, "provider_value": 0.55}
    assert words.reason(row, "EUR") == "Evening load 69% (55%)"
    row = {"driver": "price_gap", "value": 4.0, "provider_value": 3.0}
    assert words.reason(row, "EUR") == "Price gap €4.00 (€3.00)/month"


def test_a_driver_of_a_later_build_is_still_shown():
    assert words.driver("answer_time").name == "Answer time"


@pytest.mark.parametrize(
    "mark", [*DEVICE_STATES.values(), *AREA_STATES.values(), *VERDICTS.values()], ids=lambda m: m.key
)
def test_every_mark_has_a_shape_and_can_be_read(mark):
    """WCAG 2.2, 1.4.3: at least 4.5 to 1; and the pages' stylesheet paints the same colour."""
    assert mark.shape
    assert _contrast(mark.fill, mark.ink) >= 4.5
    rule = re.search(rf"\.mark-{mark.key}\b[^{{]*{{([^}}]*)}}", CSS.read_text())
    assert rule is not None
    assert f"background: {mark.fill}" in rule.group(1)
    for theme in (LIGHT, DARK):
        assert _contrast(blend(mark, theme), maps.label_ink(mark, theme)) >= 4.5, "on the map too"


@pytest.mark.parametrize("mark", [*AREA_STATES.values(), *VERDICTS.values()], ids=lambda m: m.key)
def test_a_maps_legend_has_the_colours_of_the_map(mark):
    """The map paints calm states as a part of their colour on the paper (`blend`); so does the legend."""
    rule = re.search(rf"\.on-map \.mark-{mark.key}\b[^{{]*{{([^}}]*)}}", CSS.read_text())
    if mark.weight == 1:
        assert rule is None
        return
    assert rule is not None
    assert f"color-mix(in srgb, {mark.fill} {mark.weight:.0%}, var(--paper)); color: var(--ink)" in rule.group(1)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_text_can_be_read_on_its_paper(theme):
    assert _contrast(theme.ink, theme.paper) >= 7
    assert _contrast(theme.soft, theme.paper) >= 4.5


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        linear = [
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
            for v in (b / 255 for b in bytes.fromhex(colour[1:]))
        ]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# --- findings ---


def test_a_finding_prints_the_rankings_own_numbers(built):
    row = built.ranking[built.ranking["verdict"] == "at_risk"].iloc[0]
    said = findings.finding(built, row["area"], "EUR")
    assert said is not None
    assert said.verdict is VERDICTS["at_risk"]
    assert numbers.leavers(row["expected_leavers_90d"]) in said.headline
    assert "holds after correction" in said.certainty
    assert said.figures[1].value == numbers.signed(numbers.leavers(row["excess_leavers_90d"]))
    assert [d.name for d in said.drivers] == [
        words.driver(d).name
        for d in built.area_drivers[built.area_drivers["area"] == row["area"]].sort_values("position")["driver"]
    ]
    assert len(said.rates) == 3


def test_too_little_data_is_said_instead_of_a_number(built):
    area = built.ranking[built.ranking["verdict"] == "too_little_data"].iloc[0]["area"]
    said = findings.finding(built, area, "EUR")
    assert said is not None
    assert said.excess is None
    assert said.headline.startswith("There is too little data")
    assert said.figures[0].text == "–"
    assert "nan" not in repr(said).lower()
    assert "<NA>" not in repr(said)


def test_an_area_that_the_ranking_does_not_know_has_no_finding(built):
    assert findings.finding(built, "nowhere", "EUR") is None


def test_no_effect_is_said_plainly(sample, scratch):
    sample.write_results(scratch.data, is_found=False)
    summary = effects(load(scratch.data))
    assert summary.sentence == "No effect of quality on complaints was found."
    assert not summary.is_found
    assert all(detail.endswith(", not proven") for detail in summary.details)


def test_a_check_that_fails_takes_the_word_effect_away(sample, built):
    table = built.effects.copy()
    table.loc[table["kind"] == "placebo", "is_found"] = True
    from dataclasses import replace

    summary = effects(replace(built, effects=table))
    assert "association" in summary.sentence
    assert "effect" not in summary.sentence
    assert summary.caution is not None


def test_the_build_may_withdraw_the_word_effect_by_itself(built):
    from dataclasses import replace

    summary = effects(replace(built, manifest={**built.manifest, "wording": {"complaints": "association"}}))
    assert "association" in summary.sentence
    assert summary.caution is not None


def test_the_table_of_fixes_has_what_is_proven_first(built):
    import csv
    from dataclasses import replace

    (found, *_), others = sorted(fixes.found_measures(built)), set(built.avoidable["measure"]) - {fixes.EVERYTHING}
    only = built.effects["is_found"] & (built.effects["term"].eq(found) | built.effects["model"].ne("leaving"))
    rows = list(csv.DictReader(fixes.csv(replace(built, effects=built.effects.assign(is_found=only)), 0).splitlines()))
    proven = [row["is_proven"] for row in rows]
    assert len(others) > 1
    assert set(proven) == {"True", "False"}
    assert proven == sorted(proven, reverse=True)
    for told in ("True", "False"):
        places = [float(row["position"]) for row in rows if row["is_proven"] == told and row["position"]]
        assert places == sorted(places)


def test_a_joint_find_without_a_single_one_names_nothing(built):
    from dataclasses import replace

    jointly = replace(built, effects=built.effects.assign(is_found=False))
    summary = effects(jointly, "leaving")
    assert summary.sentence == "Quality is related to leaving, but it cannot be said through which measure."
    assert fixes.found_measures(jointly) == frozenset()
    told = fixes.all_fixes(jointly, "EUR", 30)
    assert (told.proven, told.unproven) == ((), ())
    assert len(fixes.csv(jointly, 30).splitlines()) == 1, "only the header"
    against = replace(jointly, joint_tests=built.joint_tests.assign(is_found=False, p_value_above=0.9))
    summary = effects(against, "leaving")
    assert not summary.is_found
    assert summary.sentence == "No effect of quality on leaving was found."
    assert summary.caution is not None
    assert "less leaving" in summary.caution


def test_worse_quality_that_goes_with_fewer_complaints_is_no_effect_and_no_reason(built):
    """Measures that move together can turn the sign of one: it must not read as a driver."""
    from dataclasses import replace

    table = built.effects.copy()
    mine = table["model"].eq("complaints") & table["kind"].eq("effect")
    table.loc[mine, "is_found"] = table.loc[mine, "term"].isin(["loss", "evening_utilization"])
    for term, ends in (("loss", (0.08, 0.02, 0.3)), ("evening_utilization", (3.01, 1.5, 6.0))):
        table.loc[mine & table["term"].eq(term), ["rate_ratio", "low", "high"]] = ends
    summary = effects(replace(built, effects=table))
    assert summary.sentence == (
        "An association of quality on complaints was found: evening load of the uplink goes with complaints;"
        " lost packets go with fewer complaints."
    )
    assert summary.caution is not None
    assert "fewer complaints" in summary.caution
    leaving = replace(built, effects=table[mine].assign(model="leaving"))
    assert fixes.found_measures(leaving) == {"evening_utilization"}


def test_what_could_not_be_tested_is_not_called_no_effect(sample, scratch):
    from dataclasses import replace

    sample.write_results(scratch.data, is_found=False)
    results = load(scratch.data)
    summary = effects(replace(results, effects=results.effects.assign(p_value=float("nan"))))
    assert summary.sentence == "Whether quality affects complaints could not be tested."


def test_ranking_rows_have_the_best_known_rank_first_and_no_nan(built):
    rows = ranking_rows(built, "EUR")
    assert [row["rank"] for row in rows[:3]] == [1, 2, 3]
    assert rows[-1]["rank"] is None
    json.dumps(rows, allow_nan=False)
    assert {row["area"] for row in rows} == set(built.ranking["area"])


# --- suppression ---


def test_small_areas_are_hidden_with_a_complement():
    customers = {"a": 500, "b": 12, "c": 80, "d": 300, "e": 0}
    assert suppress(customers, 30) == {"b", "c"}, "b alone could be had by taking the others from the total"
    assert suppress({"a": 500, "b": 12, "c": 25, "d": 300}, 30) == {"b", "c"}, "37 together"
    assert suppress({"a": 500, "b": 2, "c": 5, "d": 300}, 30) == {"b", "c", "d"}, "7 together are too few still"
    assert suppress({"a": 500, "d": 300}, 30) == frozenset()


# --- maps and charts ---


def test_a_map_shows_every_area_with_an_outline(built):
    outlines = maps.parse_outlines(built.areas)
    marks = [maps.AreaMark(a, a, VERDICTS["watch"], a) for a in [*built.areas["area"], "elsewhere"]]
    figure = maps.areas(marks, outlines, LIGHT, labelled=frozenset({"n01"}))
    assert list(figure.data[0].locations) == list(built.areas["area"])
    assert set(figure.data[1].text) == {"▲"}, "the shape stands at each centre, whatever becomes of the name"
    assert list(figure.data[2].text) == ["n01"]
    assert figure.layout.geo.visible is False


def test_a_map_without_outlines_says_so():
    figure = maps.areas([maps.AreaMark("a", "A", VERDICTS["watch"], "A")], {}, LIGHT, labelled=frozenset())
    assert "no map" in figure.layout.annotations[0].text


def test_outlines_are_wound_for_the_drawing_library(built):
    """RFC 7946 winds exteriors counter-clockwise; the map's library would then fill the globe but for that area."""
    ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    areas = pd.DataFrame(
        {
            "area": ["a", "b"],
            "geometry": [json.dumps({"type": "Polygon", "coordinates": [r]}) for r in (ring, ring[::-1])],
        }
    )
    outlines = maps.parse_outlines(areas)
    assert outlines["a"] == outlines["b"] == {"type": "MultiPolygon", "coordinates": [[ring[::-1]]]}


def test_a_timeline_has_all_panels_on_one_axis(built):
    here, provider = weekly(built.area_weeks, "n03", 26), weekly(built.area_weeks, None, 26)
    figure = timeline(here, provider, LIGHT, name="Dunmere")
    assert len(here) == 26
    assert {trace.xaxis for trace in figure.data} == {"x"}
    known = {f"y{i + 1}" if i else "y" for i, panel in enumerate(PANELS) if is_known(here, panel)}
    assert len(known) >= 6
    named = {trace.name: trace for trace in figure.data if trace.hovertemplate}
    assert {"Evening latency", "Complaints about quality, per 1,000", "Customers who left, per 1,000"} <= set(named)
    assert all(name in trace.hovertemplate for name, trace in named.items()), "what is pointed at names its measure"
    assert "ms (provider: %{customdata})" in named["Evening latency"].hovertemplate
    assert {str(week)[:10] for week in named["Evening latency"].x} == {f"{week:%Y-%m-%d}" for week in here["week"]}
    assert {trace.xperiodalignment for trace in figure.data} == {"middle"}, "told by its Monday, drawn in its middle"
    assert {trace.yaxis for trace in figure.data} == known
    json.loads(figure.to_json())


def test_an_area_without_weeks_gets_a_titled_empty_figure(built):
    figure = timeline(weekly(built.area_weeks, "nowhere"), weekly(built.area_weeks, None), DARK, name="Nowhere")
    assert "Nowhere" in figure.layout.annotations[0].text


def test_weekly_means_are_weighted_and_keep_gaps(built):
    frame = built.area_weeks
    week = frame["week"].max()
    rows = frame[frame["week"] == week]
    want = np.average(rows["loss_ratio"], weights=rows["customer_days"]) * 100
    got = weekly(frame, None).set_index("week").loc[pd.Timestamp(week), "loss"]
    assert got == pytest.approx(want)
    assert weekly(frame, "n03")["evening_latency"].isna().sum() == 1, "the week without a measurement stays missing"
    sums = frame[frame["area"] == "n03"].iloc[-1]
    last = weekly(frame, "n03").iloc[-1]
    assert last["leavers"] == pytest.approx(sums["leavers_voluntary"] / (sums["customer_days"] / 7 / 1000))


def test_places_hold_zero_and_the_interval():
    assert places(5, 2, 10) == (0, 20, 50, 100)
    assert places(0, -5, 5) == (50, 0, 50, 100)
    assert places(-5, -10, -2) == (100, 0, 50, 80)
    assert places(0, 0, 0) == (0, 0, 0, 0)


def test_drawings_are_well_formed_and_described(built):
    from xml.etree import ElementTree

    here, provider = weekly(built.area_weeks, "n03", 52), weekly(built.area_weeks, None, 52)
    for panel in PANELS:
        root = ElementTree.fromstring(spark_svg(panel, here, provider))
        assert root.attrib["aria-label"] == description(panel, here, provider)
    assert 'aria-label="a &amp; b"' in interval_svg(5, 2, 10, label="a & b")


def _with_contracts_unknown(results, share):
    table = results.loyalty.copy()
    table["contract_unknown"] = (table["judged"] * share).astype(int)
    return dataclasses.replace(results, loyalty=table)


def test_without_contracts_on_record_nobody_is_said_to_be_free_or_held(built):
    unknown = _with_contracts_unknown(built, 1.0)
    said = " ".join(loyalty.headline(unknown, "EUR"))
    assert "it is not known who is bound by a contract and who is free to leave" in said
    assert "free to leave, and stay" not in said
    assert "of them are bound" not in said
    assert all([cell for cell, _ in cells[:3]] == ["not known"] * 3 for _, cells in loyalty.held_rows(unknown, 1))


def test_of_how_many_no_contract_is_known_is_said(built):
    said = " ".join(loyalty.headline(_with_contracts_unknown(built, 0.5), "EUR"))
    assert "free to leave, and stay" in said
    assert "it is not known whether a contract binds them; none of these numbers counts them." in said
