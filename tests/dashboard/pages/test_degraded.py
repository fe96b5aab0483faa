"""Degraded devices and areas on *Now* and *Area*: state, word and number, in tiles, map, table, cards and lists."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pandas as pd
import pytest
import sqlalchemy as sa
from dash import no_update

from collector.published import INCIDENTS, LiveNote
from dashboard.figures.live import last_reading
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import AREA_STATES, DEVICE_STATES
from dashboard.operations.live.live_state import areas_now
from dashboard.pages import area, now
from dashboard.pages.sections import now_devices, now_incidents
from dashboard.pages.source import Source, Visit

from .test_layouts import text_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIMITS = LiveNote(loss_ratio=0.05, utilization_ratio=0.9)


@pytest.fixture
def source(sample, scratch):
    table = sample.network(NOW).set_index("device_id", drop=False)
    ailing = (
        ("n01-olt1", ["loss"], "loss_ratio", 0.071),
        ("n05-agg", ["saturation", "latency"], "utilization_ratio", 0.97),
        ("n09-olt2", ["latency"], "rtt_seconds", 0.085),
        ("n14-cpe11", ["loss"], "loss_ratio", 0.3),
    )
    for name, measures, column, value in ailing:
        table.at[name, "degraded"] = measures
        table.at[name, column] = value
    table.at["n09-olt2", "usual_rtt_seconds"] = 0.012
    table.at["n05-agg", "rtt_seconds"] = None
    sample.write_areas(scratch.data)
    sample.write_live(scratch.data, NOW, table, sample.HOURLY)
    sample.write_incidents(scratch.database_url, NOW)
    return Source(scratch)


def test_degraded_is_one_shape_word_and_colour():
    assert DEVICE_STATES["degraded"] is AREA_STATES["degraded"]
    for states in (DEVICE_STATES, AREA_STATES):
        shapes = [(mark.shape, mark.fill) for mark in states.values()]
        assert len({shape for shape, _ in shapes}) == len({fill for _, fill in shapes}) == len(states)


def test_tiles_count_degraded_devices_apart_from_those_that_are_well(source):
    said = [text_of(tile) for tile in now.tiles(source.live(NOW))]
    assert "4 ▼  Degraded" in said
    live = source.live(NOW).devices
    assert f"{(live['state'] == 'up').sum() - 4} ●  Up" in said


def test_the_map_shows_degraded_areas_with_their_number(source):
    drawn = now.area_map(source.live(NOW), source, "light").data[0]
    told = dict(zip(drawn.locations, drawn.text, strict=True))
    assert "▼ Degraded<br>1 degraded; packet loss: 7.1% now (bad from 5%) at n01-olt1" in told["n01"]
    assert "high latency: 85\u202fms now (usual 12\u202fms) at n09-olt2" in told["n09"]
    assert "● Up" in told["n14"], "one customer's line does not colour a neighbourhood"
    assert "1 degraded; packet loss: 30% now" in told["n14"], "and is told all the same"


def test_the_table_says_what_is_bad_by_how_much(source):
    rows = {row["device_id"]: row for row in now_devices.rows(source.live(NOW), source, NOW, ["degraded"])}
    assert set(rows) == {"n01-olt1", "n05-agg", "n09-olt2", "n14-cpe11"}
    assert rows["n05-agg"]["why"] == "full uplink: 97% now (bad from 90%), high latency (not measured now)"
    assert rows["n05-agg"]["since"] == "", "since when it is degraded the live table does not tell"
    assert "97% load" in rows["n05-agg"]["measured"]
    assert "30% lost" in rows["n14-cpe11"]["measured"]


def test_the_card_of_a_degradation_has_its_number(source, scratch):
    row = {"incident_id": "i-deg", "root_device_id": "n05-agg", "scope": "device", "area": "n05", "kind": "degradation"}
    row |= {"measure": "saturation", "started_at": NOW, "detected_by": "0", "devices_affected": 1}
    with sa.create_engine(scratch.database_url).begin() as connection:
        connection.execute(sa.insert(INCIDENTS).values(**row, subscribers_affected=420, customer_minutes_lost=0.0))
    said = text_of(now_incidents.cards(source.live(NOW), source, NOW)[-1])
    assert said.startswith("420 customers")
    assert "a full uplink at n05-agg full uplink: 97% now (bad from 90%) at n05-agg" in said


def test_an_area_lists_its_degraded_and_what_its_network_measures(source):
    said = text_of(area.network(Visit(source, {}, NOW), "n09"))
    assert "1 degraded" in said
    assert "n09-olt2  degraded: high latency: 85\u202fms now (usual 12\u202fms)" in said
    assert "Device Round trip Loss Load Rate ↓ / ↑" in said
    assert "n09-cpe11" not in said, "customer devices are too many"


def test_an_area_renews_itself_and_sends_only_what_changed(source, sample, scratch):
    seen = Visit(source, {}, NOW)
    first = area.renew(seen, "n03", None)
    assert first[0] is not no_update
    assert json.loads(first[1])["kind"] == ""
    again = area.renew(seen, "n03", first[2])
    assert again[0] is no_update
    table = sample.network(NOW)
    table.loc[table["area"] == "n03", "state"] = "up"
    sample.write_live(scratch.data, NOW, table, sample.HOURLY)
    assert area.renew(seen, "n03", first[2])[0] is not no_update


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0, "0.0\u202fms"),
        (0.000024, "under 0.1\u202fms"),
        (0.0004, "0.4\u202fms"),
        (0.0099, "9.9\u202fms"),
        (0.018, "18\u202fms"),
        (2.5, "2,500\u202fms"),
    ],
)
def test_round_trips(seconds, said):
    assert last_reading.round_trip(seconds) == said


@pytest.mark.parametrize(
    ("receive", "transmit", "said"),
    [
        (None, None, "–"),
        (4_275_000, 512_500, "34.2 / 4.1\u202fMbit/s"),
        (125_000_000, None, "1.0 / –\u202fGbit/s"),
        (0.0, 0.0, "0.00 / 0.00\u202fbit/s"),
        (float("nan"), 1000.0, "– / 8.0\u202fkbit/s"),
    ],
)
def test_rates_are_in_bits_and_in_one_unit(receive, transmit, said):
    assert last_reading.rates(receive, transmit) == said


def test_what_was_not_measured_is_left_out_of_the_line():
    nothing = dict.fromkeys(("rtt_seconds", "loss_ratio", "utilization_ratio", "signal_dbm", "signal_noise_db"))
    row = nothing | {"receive_bytes_per_second": None, "transmit_bytes_per_second": None}
    assert last_reading.line(row) == ""
    assert last_reading.line(row | {"loss_ratio": 0.0, "signal_noise_db": 31.0}) == "0% lost · 31\u202fdB"
    assert last_reading.line(row | {"signal_dbm": -61.4, "signal_noise_db": 31.0}) == f"−61{numbers.THIN}dBm"


def test_the_loss_of_a_device_that_is_out_is_not_told_for_its_last_pings_reach_back_to_when_it_answered():
    row = {"loss_ratio": 0.6, "state": "down"}
    assert last_reading.lost(row) == numbers.NONE
    assert last_reading.lost(row | {"state": "suspect"}) == "60%"


def test_of_a_group_the_worst_is_told():
    rows = [{"device_id": name, "degraded": ["loss"], "loss_ratio": ratio} for name, ratio in (("a", 0.1), ("b", 0.4))]
    rows.append({"device_id": "c", "degraded": None, "loss_ratio": 0.9})
    table = pd.DataFrame(rows)
    assert last_reading.worst(table, LIMITS, "loss") == "packet loss: 40% now (bad from 5%) at b"
    assert last_reading.worst(table, LIMITS, "latency") == ""
    fine_now = pd.DataFrame([{"device_id": "a", "degraded": ["loss"], "loss_ratio": 0.0}])
    assert last_reading.worst(fine_now, LIMITS, "loss") == "packet loss lately: 0% now (bad from 5%) at a"


@pytest.mark.parametrize(
    ("roles", "degraded", "state"),
    [
        (["olt", "cpe", "cpe"], [["loss"], None, None], "degraded"),
        (["olt", *["cpe"] * 20], [None, ["loss"], *[None] * 19], "up"),
        (["olt", *["cpe"] * 20], [None, *[["loss"]] * 3, *[None] * 17], "degraded"),
    ],
)
def test_when_an_area_is_degraded(roles, degraded, state):
    table = pd.DataFrame({"device_id": [str(i) for i in range(len(roles))], "area": "x", "role": roles, "state": "up"})
    table["subscribers"], table["degraded"] = 1, pd.Series(degraded, dtype=object)
    assert areas_now(table).iloc[0]["state"] == state
