from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.published import DEVICES, QUALITY_HOURS
from dashboard.analysis import build as building
from dashboard.analysis import model_runs
from dashboard.config import AnalysisSettings, DashboardSettings
from dashboard.models.complaints.measure_lags import TERMS
from dashboard.panel import assemble as panels
from dashboard.results import stored_results
from dashboard.tables import quality_hours
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import CATEGORIES, RECORDS, conform

AREAS = 12
WEEKS = 30
FIRST = pd.Timestamp("2026-01-05", tz="UTC")
PEOPLE = 150


def _quality(random: np.random.Generator) -> pa.Table:
    hours = pd.date_range(FIRST, periods=WEEKS * 168, freq="h")
    frames = []
    for area in range(AREAS):
        count = len(hours)
        busy = np.clip(random.normal(0.5, 0.1, count) + 0.1 * np.repeat(random.normal(0, 1, WEEKS), 168), 0.05, 1)
        is_down = random.random(count) < 0.004
        frames.append(
            pd.DataFrame(
                {
                    "hour": hours,
                    "device_id": f"olt-{area:02}",
                    "observed_seconds": 3600.0,
                    "down_seconds": np.where(is_down, 1800.0, 0.0),
                    "silent_seconds": 0.0,
                    "planned_seconds": 0.0,
                    "pings_sent": 300,
                    "pings_lost": random.poisson(1, count),
                    "rtt_p95_seconds": 0.02 + 0.02 * busy,
                    "utilization_p95_ratio": busy,
                }
            )
        )
    frame = pd.concat(frames).reindex(columns=[*QUALITY_HOURS.column_names])
    return pa.Table.from_pandas(frame, schema=QUALITY_HOURS.arrow_schema(), preserve_index=False)


def _records(random: np.random.Generator) -> dict[str, pa.Table]:
    people = AREAS * PEOPLE
    area = np.repeat([f"area-{a:02}" for a in range(AREAS)], PEOPLE)
    started = [datetime.date(2026, 1, 1) - datetime.timedelta(days=int(d)) for d in random.integers(10, 1500, people)]
    rate = np.repeat(np.where(np.arange(AREAS) < 2, 0.35, 0.12), PEOPLE)
    day = random.integers(0, WEEKS * 7, people)
    ended = [
        datetime.date(2026, 1, 5) + datetime.timedelta(days=int(d)) if leaves else None
        for d, leaves in zip(day, random.random(people) < rate, strict=True)
    ]
    customers = {
        "customer_id": [f"c{i}" for i in range(people)],
        "area": area,
        "device_id": [f"olt-{a[-2:]}" for a in area],
        "plan": ["home"] * people,
        "monthly_price": random.uniform(30, 50, people),
        "started_on": started,
        "notice_on": ended,
        "ended_on": ended,
        "end_reason": ["voluntary" if e else None for e in ended],
        "contract_until": [s + datetime.timedelta(days=730) for s in started],
        "valid_from": started,
    }
    count = 1500
    opened = [FIRST + pd.Timedelta(hours=int(h)) for h in random.integers(0, WEEKS * 168, count)]
    complained = {
        "complaint_id": [f"k{i}" for i in range(count)],
        "area": [f"area-{a:02}" for a in random.integers(0, AREAS, count)],
        "opened_at": opened,
        "category": random.choice(CATEGORIES, count),
    }
    names = {"area": [f"area-{a:02}" for a in range(AREAS)], "name": [f"Place {a}" for a in range(AREAS)]}
    tables = {"areas": names, "customers": customers, "complaints": complained}
    return {kind: conform(pa.table(columns), RECORDS[kind]) for kind, columns in tables.items()}


def _devices() -> pa.Table:
    rows = [
        {"device_id": f"olt-{a:02}", "valid_from": FIRST, "area": f"area-{a:02}", "role": "olt", "subscribers": PEOPLE}
        for a in range(AREAS)
    ]
    return conform(pa.Table.from_pylist(rows), DEVICES)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> DashboardSettings:
    """Records, quality and devices on disk, as import and collector leave them."""
    data = tmp_path_factory.mktemp("provider") / "data"
    random = np.random.default_rng(11)
    for kind, table in _records(random).items():
        snapshots.write(kind, data, table)
    folder = data / "quality" / "date=2026-01-05"
    folder.mkdir(parents=True)
    pq.write_table(_quality(random), folder / "shard=0.parquet")
    pq.write_table(_devices(), data / "devices.parquet")
    return DashboardSettings(data=data, customer_key=data / "key", analysis=AnalysisSettings(reporting_lag_days=7))


@pytest.fixture(scope="module")
def built(inputs):
    said: list[str] = []
    folder = building.build(inputs, said.append)
    return folder, said, stored_results.load(inputs.data)


def test_a_build_fills_every_table_and_says_what_it_was_made_of(built, inputs):
    folder, said, loaded = built
    assert loaded.folder == folder
    empty = {name for name in stored_results.RESULT_TABLES if not len(getattr(loaded, name))}
    assert empty <= {"price_gaps", "incident_weeks"}  # no prices are on record here
    manifest = loaded.manifest
    assert set(manifest) >= {"version", "built_at", "seed", "cut_off", "entry", "inputs", "coverage", "counts", "notes"}
    assert set(manifest["inputs"]) >= {"customers", "complaints", "quality_hours", "devices"}
    assert manifest["coverage"]["areas"] == AREAS
    assert manifest["coverage"]["observed_ratio"] == pytest.approx(1.0)
    assert set(manifest["wording"]) == {"complaints", "leaving"}
    assert set(manifest["wording"].values()) <= {"effect", "association"}
    assert said[0] == "reading records and quality"
    assert all({"code", "text"} == set(note) for note in manifest["notes"])


def test_the_areas_that_lose_most_lead_the_ranking(built):
    ranking = built[2].ranking
    assert set(ranking.head(2)["area"]) == {"area-00", "area-01"}
    assert set(ranking[ranking["is_found"]]["area"]) == {"area-00", "area-01"}
    models = {"complaints", "complaints_placebo", "complaints_control", "leaving", "leaving_control"}
    assert set(built[2].effects["model"]) == models


def test_unchanged_inputs_are_not_built_again(built, inputs):
    said: list[str] = []
    assert building.build(inputs, said.append) == built[0]
    assert any("no input has changed" in line for line in said)


def test_the_same_inputs_give_the_same_tables(built, inputs):
    again = building.build(inputs, lambda _: None, force=True)
    assert again != built[0]
    for name in stored_results.RESULT_TABLES:
        assert (again / f"{name}.parquet").read_bytes() == (built[0] / f"{name}.parquet").read_bytes()
    stored = [json.loads((folder / "manifest.json").read_text()) for folder in (again, built[0])]
    assert stored[0]["fingerprint"] == stored[1]["fingerprint"]


def test_another_seed_is_another_build(built, inputs):
    other = DashboardSettings(
        data=inputs.data, customer_key=inputs.customer_key, analysis=AnalysisSettings(reporting_lag_days=7, seed=2)
    )
    assert building.build(other, lambda _: None) != built[0]


def test_a_model_that_breaks_is_named_and_the_others_stand(inputs):
    records = {kind: snapshots.read(kind, inputs.data) for kind in RECORDS}
    panel = panels.build(records, quality_hours.pattern(inputs.data), quality_hours.read_devices(inputs.data), inputs)
    unmeasured = dataclasses.replace(panel, area_weeks=panel.area_weeks.drop(columns="loss_ratio"))
    tables, notes, wording = model_runs.fit(unmeasured, records["areas"], inputs, lambda _: None)
    assert set(tables["effects"]["model"]) == {"leaving", "leaving_control"}
    assert len(tables["ranking"]) == AREAS
    assert any(note["code"] == "model_failed" and "loss_ratio" in note["text"] for note in notes)
    assert wording["complaints"] == "association"


def test_nothing_on_record_says_what_to_import(tmp_path, inputs):
    nothing = DashboardSettings(data=tmp_path, customer_key=tmp_path / "key")
    with pytest.raises(building.BuildError, match="bairro import customers"):
        building.build(nothing, lambda _: None)
    customers = snapshots.read("customers", inputs.data)
    snapshots.write("customers", tmp_path, customers)
    with pytest.raises(building.BuildError, match="bairro collect"):
        building.build(nothing, lambda _: None)
    folder = tmp_path / "quality" / "date=2026-01-05"
    folder.mkdir(parents=True)
    (folder / "shard=0.parquet").write_bytes(b"not parquet")
    with pytest.raises(building.BuildError, match="quality"):
        building.build(nothing, lambda _: None)
    assert stored_results.load(tmp_path) is None


def test_the_methods_are_told_for_every_term_verdict_and_module():
    root = Path(__file__).parents[3]
    text = (root / "docs" / "methods.md").read_text(encoding="utf-8")
    words = [term.name for term in TERMS] + ["at risk", "watch", "ordinary", "too little data"]
    modules = [path for path in (root / "dashboard" / "models").rglob("*.py") if path.stem != "__init__"]
    assert len(modules) > len(list((root / "dashboard" / "models").glob("*/__init__.py"))), "each room has some"
    words += [f"`{path.name}`" for path in modules]
    assert [word for word in words if word not in text] == []
