"""Each page as a tree of components, and its callbacks' functions, without a browser."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from dash import no_update
from plotly.utils import PlotlyJSONEncoder

from collector.published import INCIDENTS
from dashboard.figures import build_dates
from dashboard.figures import evidence as figures
from dashboard.figures import fixes as fix_figures
from dashboard.figures.findings import finding
from dashboard.figures.style import numbers
from dashboard.pages import area, areas, backtest, evidence, fixes, loyalty, now
from dashboard.pages.sections import now_devices, now_incidents
from dashboard.pages.source import Source, visit
from dashboard.results import stored_results as storage


def text_of(component: Any) -> str:
    """All strings of a component tree, joined."""
    if component is None:
        return ""
    if isinstance(component, str | int | float):
        return str(component)
    if isinstance(component, list | tuple):
        return " ".join(text_of(child) for child in component)
    return text_of(getattr(component, "children", None))


def find(component: Any, key: str) -> Any:
    """The component with that id, or None."""
    if getattr(component, "id", None) == key:
        return component
    children = getattr(component, "children", None)
    for child in children if isinstance(children, list | tuple) else [children]:
        if child is not None and not isinstance(child, str) and (found := find(child, key)) is not None:
            return found
    return None


def asked(source: Source, search: str = ""):
    return visit(source, search)


# --- now ---


def test_where_the_inventory_counts_no_customers_nothing_says_that_none_is_affected(source):
    live, moment = source.live(), datetime.now(UTC)
    bare = dataclasses.replace(live, devices=live.devices.assign(subscribers=0), incidents=live.incidents.head(4))
    assert text_of(now.tiles(bare)[1]) == "? customers affected none in the inventory"
    told = text_of(now_incidents.cards(bare, source, moment))
    assert "? customers: none in the inventory" in told
    assert "0 customers" not in told
    assert {row["subscribers"] for row in now_devices.rows(bare, source, moment, ["down"])} == {None}
    assert "not known: the inventory counts none here" in text_of(area.devices(bare.of(bare.devices), "n03", moment))


def test_now_counts_devices_and_those_affected(source):
    tiles = now.tiles(source.live())
    assert [text_of(t) for t in tiles[:2]] == ["3 of 24 areas affected", "596 customers affected"]
    assert text_of(tiles[3]).startswith("2 ■")


def test_now_lists_first_what_most_customers_feel_and_says_where_to_begin(source):
    live = source.live()
    began = live.open_incidents.set_index("incident_id")["started_at"]["i-agg"]
    at = began.to_pydatetime() + timedelta(minutes=47, seconds=10)
    said = [text_of(article) for article in now_incidents.cards(live, source, at)]
    assert [line.split(" customers")[0] for line in said] == ["487", "105", "4"]
    assert "Dunmere n03-agg is down, and 15 devices behind it" in said[0]
    assert "Check first:  power of n03-agg, then its link to core-1, which answers" in said[0]
    assert "bairro acknowledge  i-agg" in said[0]
    assert "47 min" in said[0]
    assert "4 devices behind n17-olt1 fell silent together; n17-olt1 answers" in said[2]
    assert "line or node that they share" in said[2]


def test_pages_print_commands_with_the_settings_file_that_the_server_was_started_with(provider, tmp_path):
    config = tmp_path / "my demo" / "dashboard.toml"
    source = Source(provider, config)
    assert f"bairro acknowledge --config '{config}'  i-agg" in text_of(
        now_incidents.cards(source.live(), source, datetime.now(UTC))[0]
    )
    assert source.command("backtest") in text_of(backtest.none(source.command("backtest")))
    assert Source(provider).command("build") == "bairro build"


def test_now_says_who_has_taken_an_incident_up(source):
    live = source.live()
    rows = live.incidents.assign(taken_up=[("ana", "on my way")] * len(live.incidents))
    said = text_of(now_incidents.cards(dataclasses.replace(live, incidents=rows), source, datetime.now(UTC))[0])
    assert "Taken on by  ana: on my way" in said
    assert "bairro acknowledge" not in said


def test_now_tells_what_ended_where_nothing_is_open(source):
    live, moment = source.live(), datetime.now(UTC)
    over = live.incidents[live.incidents["ended_at"].notna()]
    said = text_of(now_incidents.cards(dataclasses.replace(live, incidents=over), source, moment))
    assert "No open incident" in said
    assert "Ended in the last 24 hours" in said
    assert ":  n08-olt1 ," in said
    later = moment + timedelta(days=2)
    assert "Ended" not in text_of(now_incidents.cards(dataclasses.replace(live, incidents=over), source, later))


@pytest.mark.parametrize(
    ("kind", "scope", "devices", "measure", "said"),
    [
        ("outage", "group", 16, None, "16 devices behind n08-olt1 , "),
        ("outage", "subtree", 3, None, "n08-olt1 and 2 devices behind it , "),
        ("planned", "device", 1, None, "planned work at n08-olt1 , "),
        ("degradation", "group", 4, "loss", "packet loss at 4 devices behind n08-olt1 , "),
        ("degradation", "device", 1, "latency", "slow answers at n08-olt1 , "),
    ],
)
def test_now_tells_what_an_incident_that_is_over_had_struck(source, kind, scope, devices, measure, said):
    """The root of a group answered throughout."""
    live = source.live()
    over = live.incidents[live.incidents["ended_at"].notna()].assign(
        kind=kind, scope=scope, devices_affected=devices, measure=measure, subscribers_affected=1
    )
    told = text_of(now_incidents.cards(dataclasses.replace(live, incidents=over), source, datetime.now(UTC)))
    assert f"{said}1 customer, " in told


@pytest.mark.parametrize(
    ("polled", "said"),
    [
        (None, "not polled yet"),
        (timedelta(minutes=-5), "not polled"),
        (timedelta(minutes=2), "asked without result: bairro explain says why"),
    ],
)
def test_now_says_why_a_device_is_unknown_to_a_collector_that_is_heard_of(source, polled, said):
    live, moment = source.live(), datetime.now(UTC)
    unknown = live.devices.head(1).assign(
        state="unknown", since=moment, polled_at=None if polled is None else moment + polled
    )
    (row,) = now_devices.rows(dataclasses.replace(live, devices=unknown), source, moment, ["unknown"])
    assert row["why"] == said


def test_now_tells_planned_work_from_outages(sample, scratch):
    moment = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    live = sample.network(moment)
    live.loc[live["incident_id"] == "i-agg", "maintenance_until"] = pd.Timestamp(moment + timedelta(hours=2))
    live.loc[live["incident_id"] == "i-olt", "maintenance_until"] = pd.Timestamp(moment - timedelta(minutes=1))
    sample.write_live(scratch.data, moment, live)
    sample.write_incidents(scratch.database_url, moment)
    with sa.create_engine(scratch.database_url).begin() as connection:
        connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.incident_id == "i-agg").values(kind="planned"))
    source = Source(scratch)
    articles = now_incidents.cards(source.live(moment), source, moment)
    assert [("planned work" in text_of(article)) for article in articles] == [False, False, True]
    assert "planned work until 14:00" in text_of(articles[2]), "what is planned comes last"
    rows = now_devices.rows(source.live(moment), source, moment, ["down"])
    assert {row["device_id"]: row["why"] for row in rows} == {
        "n03-agg": "planned work until 14:00, does not answer",
        "n11-olt2": "does not answer",
    }


def test_now_says_of_a_degradation_what_is_bad(source):
    live = source.live()
    rows = live.incidents.assign(kind="degradation", measure="loss")
    said = text_of(now_incidents.cards(dataclasses.replace(live, incidents=rows), source, datetime.now(UTC))[0])
    assert "packet loss at n03-agg" in said
    assert "signal, errors and cabling of n03-agg" in said


def test_now_sends_only_what_changed(source):
    first = now.refresh(asked(source), list(now_devices.SHOWN), "light", None)
    assert no_update not in first[:6]
    assert json.loads(first[5])["seen_at"] == pytest.approx(datetime.now(UTC).timestamp(), abs=3600)
    json.dumps(first, cls=PlotlyJSONEncoder)
    again = now.refresh(asked(source), list(now_devices.SHOWN), "light", first[-1])
    assert list(again[:6]) == [no_update] * 6
    dark = now.refresh(asked(source), list(now_devices.SHOWN), "dark", first[-1])
    assert dark[3] is not no_update
    fewer = now.refresh(asked(source), ["down"], "light", first[-1])
    assert [row["device_id"] for row in fewer[4]] == ["n03-agg", "n11-olt2"], "most customers first"


def test_now_takes_its_filter_from_the_url(source):
    assert find(now.layout(asked(source, "?state=down,suspect")), "now-states").value == ["down", "suspect"]
    assert find(now.layout(asked(source, "?state=nonsense")), "now-states").value == list(now_devices.SHOWN)


def test_now_without_live_data(scratch):
    empty = Source(scratch)
    parts = now.refresh(asked(empty), list(now_devices.SHOWN), "light", None)
    assert parts[0] == []
    assert "No live data" in text_of(parts[1])
    assert "Not known until the first live data" in text_of(parts[2])
    assert parts[4] == []
    assert json.loads(parts[5])["seen_at"] is None


def test_now_without_imported_areas_shows_devices_and_says_why_there_is_no_map(sample, scratch):
    sample.write_live(scratch.data, datetime.now(UTC))
    parts = now.refresh(asked(Source(scratch)), list(now_devices.SHOWN), "light", None)
    assert (
        parts[3].layout.annotations[0].text.replace("<br>", " ")
        == "No outlines of areas were imported, so there is no map"
    )
    assert parts[4]


def test_now_draws_the_map_before_the_first_build(sample, scratch):
    sample.write_areas(scratch.data)
    sample.write_live(scratch.data, datetime.now(UTC))
    source = Source(scratch)
    assert source.results() is None
    drawn = now.area_map(source.live(), source, "light")
    assert len(drawn.data[0].locations) == 24


def test_now_warns_of_old_data_and_of_a_blind_collector(sample, scratch):
    moment = datetime.now(UTC)
    sample.write_live(scratch.data, moment - timedelta(minutes=20))
    sample.write_incidents(scratch.database_url, moment)
    source = Source(scratch)
    assert text_of(now.banners(source.live(), moment)).startswith(
        "■ These data are old: the collector has not reported"
    )
    sample.write_incidents(scratch.database_url, moment, is_blind=True)
    live = source.live()
    assert text_of(now.banners(live, moment)).startswith("■ The collector is blind")
    assert json.loads(now.refresh(asked(source), [], "light", None)[5])["kind"] == "blind"
    assert len(now_incidents.cards(live, source, moment)) == 3, "blindness is a banner, not an incident of the network"


# --- areas at risk ---


def test_areas_show_every_area_and_how_old_the_results_are(source, built):
    page = areas.layout(asked(source))
    said = text_of(page)
    assert "Analysed until 19 Oct 2026 · built" in said
    assert "An effect of quality on complaints was found" in said
    grid = find(page, "areas-grid")
    assert len(grid.rowData) == len(built.ranking) - 2, "but for the two that are too small to be told of"
    assert grid.rowData[0]["href"].startswith("/area/")
    span = grid.dashGridOptions["context"]
    assert span["low"] <= min(row["excess_low"] for row in grid.rowData if row["excess_low"] is not None)


def test_areas_and_each_area_behind_it_name_the_device_behind_which_more_left(source):
    said = text_of(areas.layout(asked(source)))
    assert "34% more customers behind core-east left (12% to 61%)" in said
    names = ", ".join(source.name(key) for key in ("n02", "n03", "n07"))
    assert f"Look at what they share before you look into each: {names}." in re.sub(r"\s+", " ", said).replace(
        " ,", ","
    ).replace(" .", ".")
    assert "34% more customers behind core-east left" in text_of(area.layout(asked(source), "n07"))
    assert "core-west" not in text_of(area.layout(asked(source), "n08"))


def test_areas_take_filter_and_sort_from_the_url(source):
    page = areas.layout(asked(source, "?verdict=at_risk,watch&q=dock&sort=excess&order=desc"))
    assert find(page, "areas-verdicts").value == ["at_risk", "watch"]
    assert find(page, "areas-search").value == "dock"
    grid = find(page, "areas-grid")
    assert {c["field"]: c["sort"] for c in grid.columnDefs if "sort" in c} == {"excess": "desc"}
    assert grid.dashGridOptions["quickFilterText"] == "dock"


@pytest.mark.parametrize("search", ["?sort=nonsense&order=up&verdict=x", "?sort=rank&order=;drop"])
def test_areas_ignore_what_makes_no_sense(source, search):
    page = areas.layout(asked(source, search))
    assert len(find(page, "areas-verdicts").value) == 4
    assert all(c.get("sort") in {None, "asc"} for c in find(page, "areas-grid").columnDefs)


def test_areas_say_that_no_effect_was_found(sample, scratch):
    sample.write_results(scratch.data, is_found=False)
    assert "No effect of quality on complaints was found." in text_of(areas.layout(asked(Source(scratch))))


def test_areas_before_the_first_build(scratch):
    empty = Source(scratch)
    assert "No results yet" in text_of(areas.layout(asked(empty)))
    assert "No results yet" in areas.verdict_map(empty, "dark").layout.annotations[0].text


def test_a_new_build_shows_without_a_restart(sample, scratch):
    source = Source(scratch)
    assert source.results() is None
    sample.write_results(scratch.data)
    first = source.results()
    assert first is not None
    assert source.results() is first, "read once"
    sample.write_results(scratch.data, is_found=False)
    assert source.results() is not first


# --- one area ---


def test_an_area_says_its_finding(source, built):
    key = built.ranking.iloc[0]["area"]
    said = text_of(area.layout(asked(source), key))
    assert "customers are expected to leave in the next 90 days" in said
    assert "What stands out here" in said
    assert "Its network now" in said


def test_an_area_shows_its_devices(source):
    said = text_of(area.layout(asked(source), "n03"))
    assert "487 of 487 customers without service" in said
    assert "n03-agg  down since" in said


def test_an_area_says_whom_its_numbers_count(source, built):
    """By the inventory, by the records of one day, or over all weeks: three counts that differ."""
    said = text_of(area.layout(asked(source), "n03"))
    assert "Customers are counted here as the inventory has them now; findings count those on record." in said
    assert (
        f"Counted over the whole period analysed ({build_dates.period(built)}), and drawn towards the provider's rate"
        in said
    )
    assert f"of those on record on {numbers.day(built.manifest['cut_off'])}." in said


def test_an_area_takes_its_span_from_the_url(source):
    assert find(area.layout(asked(source, "?weeks=13"), "n03"), "area-span").value == "13"
    assert find(area.layout(asked(source, "?weeks=9999"), "n03"), "area-span").value == "52"
    assert len(area.weeks_figure(source, "n03", 13, "dark").data[0].x) == 13


def test_an_unknown_area(source):
    assert "There is no such area" in text_of(area.layout(asked(source), "nowhere"))


def test_an_area_before_the_first_build(sample, scratch):
    sample.write_live(scratch.data, datetime.now(UTC))
    said = text_of(area.layout(asked(Source(scratch)), "n03"))
    assert "No results for this area yet" in said
    assert "487 customers without service" in said


def test_an_area_with_too_little_data(source, built):
    said = text_of(area.layout(asked(source), "n05"))
    assert "Too few customers to show separately" in said
    assert "Its network now" in said
    assert finding(built, "n05", "EUR").headline.startswith("There is too little data")


def test_an_area_says_what_would_help_here(source, built):
    key = built.avoidable.sort_values("position").iloc[0]["area"]
    said = text_of(area.layout(asked(source), key))
    assert "What would help here" in said
    assert "Bringing time without service in" in said
    assert "Too few customers for a number of their own." in text_of(fixes.of_area(asked(source), "n05"))


# --- what would help, loyalty, evidence ---


def test_help_says_where_to_begin_and_tells_proven_from_unproven(source, built):
    said = text_of(fixes.layout(asked(source)))
    best = built.avoidable.sort_values("position").iloc[0]
    assert f"would keep about {numbers.leavers(best['avoidable_leavers_90d'])} customers" in said
    assert "Not proven" in said
    told = fix_figures.all_fixes(built, "EUR", 30)
    assert {fix.measure for fix in told.proven} == {"down_hours", "evening_latency"}
    assert {fix.measure for fix in told.unproven} == {"loss", "evening_utilization"}


def test_help_gives_no_number_where_nothing_was_found(sample, scratch):
    sample.write_results(scratch.data, is_found=False)
    source = Source(scratch)
    said = text_of(fixes.layout(asked(source)))
    assert "No effect of quality on leaving was found." in said
    assert "€" not in said
    assert "would keep" not in text_of(fixes.of_area(asked(source), "n03"))


def test_help_and_loyalty_leave_small_areas_out(source):
    for page in (fixes.layout(asked(source)), loyalty.layout(asked(source))):
        assert "Fennel Park" not in text_of(page), "21 customers"
        assert "left out" in text_of(page)


def test_loyalty_says_who_is_held_and_what_outages_did(source):
    said = text_of(loyalty.layout(asked(source)))
    for phrase in (
        "does not show that they are loyal",
        "10\u202fms of evening latency",
        "silent sufferers",
        "Nov 2026",
        "a clear fall",
        "Unhappy pay per month",
        "unhappy on that day",
        "not known for 7",
        "complaints about quality of the last 13 weeks",
        "came from customers whose connection was fine in the seven days before",
    ):
        assert phrase in said, phrase
    assert "€400" not in said, "no money is told of effects"


def test_loyalty_speaks_of_areas_left_out_only_where_some_are(source):
    analysis = dataclasses.replace(source.settings.analysis, minimum_customers=1)
    everybody = Source(dataclasses.replace(source.settings, analysis=analysis))
    assert loyalty.TEXT["small"] in text_of(loyalty.layout(asked(source)))
    assert loyalty.TEXT["small"] not in text_of(loyalty.layout(asked(everybody)))


def test_reviews_stand_beside_the_survey(source):
    said = text_of(loyalty.layout(asked(source)))
    assert re.search(r"Public reviews of the last 26 weeks: 3\.5 of 5 stars on average in \d+ reviews\.", said)
    assert "7 of all reviews on record name no neighbourhood" in said


def test_evidence_shows_checks_rows_and_methods(source):
    said = text_of(evidence.layout(asked(source)))
    for phrase in ("Placebo", "Negative control", "14.20 (4, 23)", "1,000", "left out: 10", "The method"):
        assert phrase in said, phrase
    assert "10 of 1000 complaints are left out." in said


def test_every_number_leads_to_its_method(source):
    slugs = evidence.methods()
    models = Path(evidence.__file__).parents[1] / "models"
    for _, _, module in evidence.MADE:
        if not (models / module).is_file():
            continue
        assert any(module in title for title, _ in slugs.values()), module
    for slug in slugs:
        assert "Choose one" not in text_of(evidence.method(slug))
    assert "Choose one" in text_of(evidence.method("nonsense"))


def test_notes_name_models_and_measures_as_people_do_and_say_the_same_once(built):
    notes = [
        {"code": "leaving_model", "text": f"leaving_control: {term}: no estimate: fewer than 50 such departures"}
        for term in ("down_hours", "loss")
    ]
    notes += [{"code": "x", "text": "leaving: 9% is left out"}, {"code": "y", "text": "Found: nothing"}]
    told = figures.notes(dataclasses.replace(built, manifest={"notes": notes}))
    assert told == [
        "Negative control: leaving for other reasons: no estimate for time without service, lost packets: fewer than 50 such"
        " departures.",
        "Leaving by choice: 9% is left out.",
        "Found: nothing.",
    ]


def test_pages_to_read_before_the_first_build(scratch):
    for part in (fixes, loyalty, evidence):
        assert "No results yet" in text_of(part.layout(asked(Source(scratch))))


def test_pages_to_read_say_what_is_missing_in_words(sample, scratch):
    """A build whose models of loyalty and of what would help failed, and which kept no counts."""
    frames = sample.frames(7)
    kept = {name: frames[name] for name in ("areas", "area_weeks", "area_rates", "ranking", "area_drivers", "effects")}
    storage.write(scratch.data, kept, {"cut_off": "2026-10-19"})
    seen = asked(Source(scratch))
    assert "This build could not compute what would help" in text_of(fixes.layout(seen))
    said = text_of(loyalty.layout(seen))
    for phrase in (
        "could not tell who is held",
        "No contract ends",
        "No survey answers",
        "What followed outages could not be estimated",
    ):
        assert phrase in said, phrase
    assert "did not count its rows" in text_of(evidence.layout(seen))


def test_now_lists_what_is_up_and_not_well(sample, scratch):
    moment = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    live = sample.network(moment).set_index("device_id", drop=False)
    live.at["n01-olt1", "degraded"], live.at["n01-olt1", "faults"] = ["loss"], ["uplink_down"]
    live.at["n01-olt1", "loss_ratio"] = 0.071
    live.at["n02-olt1", "faults"] = ["snmp_silent"]
    live.loc[live["incident_id"] == "i-agg", ["state", "root", "incident_id"]] = ["up", None, None]
    sample.write_live(scratch.data, moment, live, sample.HOURLY)
    sample.write_incidents(scratch.database_url, moment)
    source = Source(scratch)
    found = now_devices.rows(source.live(moment), source, moment, ["up", "degraded"])
    assert {row["device_id"]: (row["state"], row["why"]) for row in found} == {
        "n01-olt1": ("degraded", "packet loss: 7.1% now (bad from 5%), uplink down"),
        "n02-olt1": ("up", "SNMP silent"),
        "n03-agg": ("up", "goes down repeatedly"),
    }
