"""*Device*: what is said of one device now and over time, and of one that is gone, unknown, or not to be read of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from collector import parquet_footer
from collector.published import DEVICES, INCIDENT_DEVICES, PORTS, QUALITY_HOURS, LiveNote
from dashboard.app import create_app, page
from dashboard.config import DashboardSettings
from dashboard.figures.charts import device_history as charts
from dashboard.figures.charts import stacked
from dashboard.figures.live import device_words
from dashboard.figures.style.palette import LIGHT
from dashboard.operations.devices import neighbours
from dashboard.pages import device
from dashboard.pages.sections import device_detail
from dashboard.pages.source import Source, visit

from .test_layouts import text_of

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = NOW.replace(minute=0, second=0)


def hour(at: datetime, name: str = "n03-olt1", **values) -> dict:
    """A row of QUALITY_HOURS in which all is well and little was measured."""
    return {
        "hour": at,
        "device_id": name,
        "observed_seconds": 3600.0,
        "down_seconds": 0.0,
        "silent_seconds": 0.0,
    } | values


def write_hours(settings: DashboardSettings, rows: list[dict], name: str = "hour-x") -> None:
    for day, of_day in pd.DataFrame(rows).groupby(lambda i: f"{rows[i]['hour']:%Y-%m-%d}"):
        folder = settings.data / "quality" / f"date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist(
            of_day.astype(object).where(of_day.notna(), None).to_dict("records"), QUALITY_HOURS.arrow_schema()
        )
        parquet_footer.write(table, folder / f"{name}.parquet")


def write_inventory(settings: DashboardSettings, **values) -> None:
    row = {
        "device_id": "old-olt",
        "valid_from": NOW - timedelta(days=90),
        "valid_to": NOW - timedelta(days=3),
        "area": "n03",
        "role": "olt",
        "subscribers": 3,
    }
    table = pa.Table.from_pylist([row | values], DEVICES.arrow_schema())
    parquet_footer.write(table, settings.data / "devices.parquet")


@pytest.fixture(scope="module")
def network(sample, tmp_path_factory) -> Source:
    """A provider whose n03-olt1 has hours on record, and a device that left its inventory."""
    settings = sample.make(tmp_path_factory.mktemp("device"))
    full = {"rtt_seconds_sum": 1.2, "rtt_count": 60, "rtt_p95_seconds": 0.05, "pings_sent": 60, "pings_lost": 3}
    rows = [hour(HOUR - timedelta(hours=h), **full) for h in range(2, 30) if h not in {5, 6}]
    rows[0] |= {"down_seconds": 1800.0, "planned_seconds": 600.0, "observed_seconds": 2400.0}
    write_hours(settings, rows)
    write_inventory(settings)
    return Source(settings)


def said(source: Source, path: str) -> str:
    return text_of(page(source, path))


# --- now ---


def test_a_device_says_its_state_since_when_and_where_it_stands(network):
    told = said(network, "/device/n11-olt2")
    assert "n11-olt2 OLT  in  Lantern Yard" in told
    assert "■  Down since" in told
    assert "does not answer" in told
    assert "core-1" in told
    assert "n11-agg" in told
    assert "4 behind an outage" in told
    assert "customers behind it" in told


def test_what_was_not_measured_is_said_and_never_zero(network):
    told = said(network, "/device/n11-olt2")
    assert "Not measured in the last polls: round trip, loss, uplink traffic, load, signal." in told
    row = network.live(NOW).devices.iloc[0].to_dict()
    nothing = row | dict.fromkeys(
        ("rtt_seconds", "loss_ratio", "utilization_ratio", "receive_bytes_per_second", "transmit_bytes_per_second")
    )
    assert device_words.measures(nothing) == []
    assert [fact.value for fact in device_words.measures(row | {"loss_ratio": 0.0})][1] == "0%"


def test_its_own_parts_are_told_where_it_tells_of_them(network):
    row = network.live(NOW).devices.iloc[0].to_dict()
    names = {fact.name: fact.value for fact in device_words.measures(row)}
    assert not {"processor", "memory", "temperature", "failed by its own word"} & names.keys()
    told = row | {"processor_ratio": 0.71, "temperature_celsius": 61.2, "failed_parts": ["fan 2", "psu 1"]}
    names = {fact.name: fact.value for fact in device_words.measures(told)}
    assert names["processor"] == "71%"
    assert names["temperature"] == "61\u202f°C"
    assert names["failed by its own word"] == "fan 2, psu 1"


def test_a_device_behind_another_names_it(network):
    assert "behind n11-olt2" in said(network, "/device/n11-cpe21")


def test_where_the_inventory_counts_nobody_the_customers_are_not_known(network):
    live = network.live(NOW)
    bare = replace(live, devices=live.devices.assign(subscribers=0))
    place = neighbours.place(bare.devices, "n03-agg")
    assert place is not None
    assert [fact.value for fact in device._behind(place, bare)] == ["?", "15"]


def test_a_ring_in_the_topology_ends():
    names = ["a", "b", "c"]
    table = pd.DataFrame(
        {"device_id": names, "parent": ["c", "a", "b"], "subscribers": 1, "state": "up", "degraded": None}
    )
    place = neighbours.place(table, "b")
    assert place is not None
    assert [row["device_id"] for row in place.above] == ["c", "a"]
    assert place.devices_behind == 2


def test_a_parent_that_no_table_has_is_named():
    table = pd.DataFrame({"device_id": ["a"], "parent": ["gone"], "subscribers": 1, "state": "up", "degraded": None})
    place = neighbours.place(table, "a")
    assert place is not None
    assert (place.above, place.missing_parent) == ((), "gone")


def test_a_device_whose_collector_is_not_heard_says_so_in_the_words_of_now(sample, tmp_path):
    settings = sample.settings(tmp_path)
    sample.write_live(
        settings.data, NOW - timedelta(minutes=12), note=LiveNote(poll_interval_seconds=5, live_seconds=5)
    )
    told = said(Source(settings), "/device/n03-olt1")
    assert "These data are old: the collector has not reported since" in told
    assert "bairro collect" in told
    assert "?  Unknown" in told
    assert "Not measured in the last polls: round trip, loss" in told


def test_a_device_that_left_the_inventory_says_when(network):
    told = said(network, "/device/old-olt")
    assert "no longer in the inventory" in told
    assert device_words.moment(None, NOW, never="never") == "never"


@pytest.mark.parametrize("path", ["/device/nothing", "/device/%3Cscript%3E", "/device/a%2Fb", "/device/n03-olt1/x"])
def test_an_unknown_device_answers_404_with_a_sentence(network, path):
    answer = create_app(network.settings).server.test_client().get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert b"There is no such page" in answer.data
    assert b"<script>" not in answer.data
    assert "There is no such device" in said(network, path)


def test_a_known_device_answers_200_whatever_its_name(sample, tmp_path):
    settings = sample.make(tmp_path)
    table = sample.network(NOW)
    table.loc[0, "device_id"] = "<b>é & 100% /r"
    sample.write_live(settings.data, NOW, table, note=sample.HOURLY)
    client = create_app(settings).server.test_client()
    assert client.get("/device/%3Cb%3E%C3%A9%20%26%20100%25%20%2Fr").status_code == 200
    assert "<b>é & 100% /r" in said(Source(settings), "/device/%3Cb%3E%C3%A9%20%26%20100%25%20%2Fr")


def test_without_a_database_the_device_is_shown_and_its_incidents_are_not_known(sample, tmp_path):
    settings = sample.make(tmp_path)
    (settings.data / "operations.sqlite").unlink()
    told = said(Source(settings), "/device/n03-olt1")
    assert "Its incidents are not known: there is no operations database" in told
    assert "None on record" not in told


def test_its_incidents_are_told_with_their_length_for_this_device(network):
    assert "Without service, behind n03-agg" in said(network, "/device/n03-cpe11")
    assert "Without service  " not in said(network, "/device/n03-cpe11")
    found = network.incidents.of_device("n17-olt1", NOW)
    assert [row["incident_id"] for row in found.rows] == ["i-group"]
    assert found.rows[0]["spans"] == (), "it answered throughout"
    assert "Without service of devices behind it" in said(network, "/device/n17-olt1")


def test_a_device_that_vanishes_while_it_is_looked_at_is_said_to(network):
    assert "There is no such device" in text_of(device.renew(visit(network), "was-here", None)[0])


# --- ports ---


def write_ports(settings: DashboardSettings, shard: int, *ports: dict) -> None:
    blank = dict.fromkeys(PORTS.column_names) | {"device_id": "n03-olt1", "polled_at": NOW}
    table = pa.Table.from_pylist([blank | {"index": i} | port for i, port in enumerate(ports)], PORTS.arrow_schema())
    parquet_footer.write(table, settings.data / "live" / f"ports={shard}.parquet")


def test_ports_are_told_with_state_load_and_alias_in_the_order_of_the_device(sample, tmp_path):
    settings = sample.settings(tmp_path)
    sample.write_live(settings.data, NOW, note=sample.HOURLY)
    assert "Ports" not in said(Source(settings), "/device/n03-olt1"), "no collector has told of any yet"
    full = {"is_up": True, "is_admin_up": True, "speed_bytes_per_second": 125e6, "alias": "<b>to n03-agg"}
    write_ports(
        settings,
        0,
        {"interface": "up1", **full, "receive_bytes_per_second": 62.5e6, "transmit_bytes_per_second": 1e6},
        {
            "interface": "p2",
            "is_up": False,
            "is_admin_up": True,
            "speed_bytes_per_second": 0.0,
            "receive_bytes_per_second": 1.0,
        },
        {"interface": "p3", "is_up": False, "is_admin_up": False},
        {"interface": "p4"},
    )
    told = said(Source(settings), "/device/n03-olt1")
    assert "4 ports: 1 up, 1 down, 1 shut by an operator, 1 not known" in told
    assert "up1 <b>to n03-agg ● up 500 / 8.0\u202fMbit/s 50% 1.0\u202fGbit/s" in told
    assert "p2 ■ down 8.0 / –\u202fbit/s – –" in told
    assert told.index("p3 ○ shut by an operator – – –") < told.index("p4 ? not known – – –")


def test_ports_of_another_version_are_not_guessed_at(sample, tmp_path):
    settings = sample.settings(tmp_path)
    sample.write_live(settings.data, NOW, note=sample.HOURLY)
    table = (
        PORTS.arrow_schema().empty_table().replace_schema_metadata({b"bairro_table": b"ports", b"bairro_version": b"9"})
    )
    parquet_footer.write(table, settings.data / "live" / "ports=0.parquet")
    assert "is of version 9 of ports; this program knows up to 1" in said(Source(settings), "/device/n03-olt1")


# --- over time ---


def test_hours_are_added_up_as_they_were_spent(network):
    found = network.hours.read("n03-olt1", HOUR - timedelta(hours=24), NOW)
    assert found.written_until == HOUR - timedelta(hours=1)
    table = charts.buckets(found.table, HOUR - timedelta(hours=8), found.written_until, "hour", ZoneInfo("UTC"))
    assert len(table) == 7
    last = table.iloc[-1]
    assert (last["down"], last["planned"], last["unobserved"], last["well"]) == (20, 10, 20, 10)
    gone = table[table["start"] == pd.Timestamp(HOUR - timedelta(hours=6))].iloc[0]
    assert gone["unobserved"] == 60
    assert gone[["rtt", "loss", "load"]].isna().all()
    assert last["rtt"] == pytest.approx(20)
    assert last["loss"] == pytest.approx(5)
    assert (
        charts.not_measured(table)
        == "Not measured in this time: uplink traffic, load of the busier direction, signal, signal to noise."
    )


def test_days_weigh_means_by_what_they_are_of_and_take_the_highest_percentile():
    at = datetime(2026, 3, 28, 22, tzinfo=UTC)
    rows = [
        hour(at, rtt_seconds_sum=1.0, rtt_count=100, rtt_p95_seconds=0.02),
        hour(at + timedelta(hours=1), rtt_seconds_sum=9.0, rtt_count=100, rtt_p95_seconds=0.2),
    ]
    table = pd.DataFrame(rows).reindex(columns=list(QUALITY_HOURS.column_names))
    found = charts.buckets(table, at, at + timedelta(hours=30), "day", ZoneInfo("Europe/Lisbon"))
    assert [str(start) for start in found["start"]] == [
        "2026-03-28 00:00:00+00:00",
        "2026-03-29 00:00:00+00:00",
        "2026-03-30 00:00:00+01:00",
    ]
    assert found["rtt"].iloc[0] == pytest.approx(50)
    assert found["rtt_p95"].iloc[0] == pytest.approx(200)
    assert found["unobserved"].tolist() == [0, 23 * 60, 5 * 60], "a day in which the clocks go forward has 23 hours"


def test_every_hover_names_its_measure_and_its_unit(network):
    figure, notes = device.history(visit(network), "n03-olt1", "2", "light")
    hovers = {text for trace in figure.data if trace.text is not None for text in trace.text if text}
    assert "Round trip, mean: 20.0\u202fms" in hovers
    assert "Pings lost: 5.0%" in hovers
    assert "Without service: 20 min" in hovers
    assert "Without service in planned work: 10 min" in hovers
    assert all(":" in text for text in hovers)
    assert "the newest ended at" in notes


def test_outages_planned_work_and_unobserved_time_are_shaded_apart():
    start = pd.Timestamp("2026-03-01", tz="UTC")
    rows = pd.DataFrame(
        {"start": pd.date_range(start, periods=4, freq="h"), "unobserved": [0.0, 60, 60, 0], "well": [60.0, 0, 0, 60]}
    )
    table = rows.reindex(
        columns=[
            "start",
            *(line.column for chart in charts.CHARTS.values() for line in chart.lines),
            "down",
            "planned",
            "silent",
            "unobserved",
            "well",
        ]
    )
    table[["down", "planned", "silent"]] = 0.0
    spans = [
        stacked.Span(kind, start.to_pydatetime(), (start + timedelta(hours=1)).to_pydatetime())
        for kind in ("down", "planned")
    ]
    figure = charts.history(table, LIGHT, step="hour", spans=spans, title="")
    colours = [shape.fillcolor for shape in figure.layout.shapes]
    assert colours == [shade.light for shade in (stacked.SHADES[3], *stacked.SHADES[:2])]
    dark = figure.layout.shapes[0]
    assert (dark.x1 - dark.x0) == timedelta(hours=2)


def test_a_device_without_hours_says_so_and_a_damaged_file_is_named(sample, tmp_path):
    settings = sample.make(tmp_path)
    source = Source(settings)
    figure, _ = device.history(visit(source), "n03-olt1", "2", "light")
    assert "No hour of this device is on record yet" in figure.layout.annotations[0].text.replace("<br>", " ")
    write_hours(settings, [hour(HOUR - timedelta(hours=2))])
    (settings.data / "quality" / f"date={HOUR:%Y-%m-%d}" / "torn.parquet").parent.mkdir(parents=True, exist_ok=True)
    (settings.data / "quality" / f"date={HOUR:%Y-%m-%d}" / "torn.parquet").write_bytes(b"PAR1 no more")
    _, notes = device.history(visit(source), "n03-olt1", "2", "light")
    assert "Missing, as a file cannot be read" in notes
    assert "torn.parquet" in notes


def test_hours_that_cannot_be_are_not_drawn(sample, tmp_path):
    settings = sample.make(tmp_path)
    wrong = hour(HOUR - timedelta(hours=3), down_seconds=9000.0)
    write_hours(settings, [wrong, hour(HOUR - timedelta(hours=2), rtt_p95_seconds=float("inf"))])
    found = Source(settings).hours.read("n03-olt1", HOUR - timedelta(days=1), NOW)
    assert len(found.table) == 1
    assert found.table["rtt_p95_seconds"].isna().all()


@pytest.mark.parametrize("span", ["0", "x", "14' OR 1=1", "2"])
def test_a_span_that_no_page_offers_shows_the_usual_one(network, span):
    assert device.history(visit(network), "n03-olt1", span, "dark")[0].data
    found = page(network, "/device/n03-olt1", f"?span={span}")
    assert text_of(found)


def test_a_second_look_reads_no_file_again(network, monkeypatch):
    network.hours.read("n03-olt1", HOUR - timedelta(hours=24), NOW)
    monkeypatch.setattr("dashboard.operations.devices.device_hours._rows", lambda *_: pytest.fail("read again"))
    assert len(network.hours.read("n03-olt1", HOUR - timedelta(hours=24), NOW).table)


def test_spans_of_one_device_are_those_in_which_it_was_in_the_incident(sample, tmp_path):
    settings = sample.make(tmp_path)
    engine = sa.create_engine(settings.database_url)
    first = NOW - timedelta(hours=2, minutes=50)
    row = {"incident_id": "i-past", "device_id": "n08-olt1", "area": "n08", "subscribers": 1}
    with engine.begin() as connection:
        for start, minutes in ((first, 5), (first + timedelta(minutes=20), 10)):
            connection.execute(
                sa.insert(INCIDENT_DEVICES).values(**row, started_at=start, ended_at=start + timedelta(minutes=minutes))
            )
    source = Source(settings)
    assert "30 min, 2 times" in said(source, "/device/n08-olt1")
    assert len(device_detail.spans(visit(source), "n08-olt1", NOW - timedelta(days=1))) == 2
