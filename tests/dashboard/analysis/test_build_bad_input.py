"""What a build says of inputs that are empty, too few, contradictory or blind, and that it goes on with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from collector.published import QUALITY_HOURS
from dashboard.analysis import model_runs
from dashboard.config import DashboardSettings
from dashboard.models.statistics import hazard
from dashboard.panel import assemble as panels
from dashboard.tables.schema import RECORDS, conform
from demo import world
from demo.rules import Rules

pytestmark = pytest.mark.slow

SPELL = ["customer_id", "started_on"]
SETTINGS = DashboardSettings(data=Path(), customer_key=Path(), timezone=world.PROVIDER_TIMEZONE)


@dataclass
class Built:
    """The panel of some inputs, the tables fitted to it and what is said."""

    panel: panels.Panel
    tables: dict[str, pd.DataFrame]
    said: str

    def effects(self, model: str) -> pd.DataFrame:
        return self.tables["effects"][self.tables["effects"]["model"] == model].set_index("term")


@dataclass
class Inputs:
    """A provider's exports and hours, to be spoilt."""

    made: world.World
    records: dict[str, pd.DataFrame]
    hours: pd.DataFrame

    def prepare(self) -> panels.Panel:
        """The panel; counts of every table read must add up to its rows."""
        tables = {kind: _table(kind, frame) for kind, frame in self.records.items()}
        hours = pa.Table.from_pandas(self.hours, schema=QUALITY_HOURS.arrow_schema(), preserve_index=False)
        panel = panels.build(tables, hours, self.made.devices, SETTINGS)
        counted = panel.counts.groupby("table")["rows"].sum()
        for kind in ("customers", "complaints", "nps", "prices"):
            assert counted.get(kind, 0) == tables[kind].num_rows, kind
        assert counted.get("quality_hours", 0) == hours.num_rows
        return panel

    def build(self) -> Built:
        """Panel and fits."""
        panel, areas = self.prepare(), _table("areas", self.records["areas"])
        fitted, notes, _ = model_runs.fit(panel, areas, SETTINGS, lambda _: None)
        return Built(panel, fitted, "\n".join(note["text"] for note in notes))


def _table(kind: str, frame: pd.DataFrame) -> pa.Table:
    spec = RECORDS[kind]
    known = frame.reindex(columns=[*spec.column_names]).replace("", None)
    return conform(pa.Table.from_pandas(known, schema=spec.arrow_schema(), preserve_index=False), spec)


@pytest.fixture(scope="module")
def made():
    return world.simulate(Rules(), 3, 12, 60, datetime(2026, 6, 1, tzinfo=UTC), weeks=26, cpe_hours=False)


@pytest.fixture
def inputs(made):
    """Inputs of one's own to spoil: a quarter of the customers who stay, all who leave, and what these said."""
    customers = made.records["customers"]
    number = customers["customer_id"].str[1:].astype(int)
    kept = customers["ended_on"].notna() | customers["notice_on"].notna() | (number % 4 == 0)
    records = {kind: frame.copy() for kind, frame in made.records.items()}
    records["customers"] = customers[kept].reset_index(drop=True)
    on_record = set(records["customers"]["customer_id"])
    for kind in ("complaints", "nps"):
        records[kind] = records[kind][records[kind]["customer_id"].isin(on_record)].reset_index(drop=True)
    return Inputs(made, records, made.quality_hours.to_pandas())


def test_only_customers_on_record(inputs):
    for kind in ("areas", "prices", "complaints", "nps"):
        inputs.records[kind] = inputs.records[kind].iloc[:0]
    built = inputs.build()
    assert "No complaints are on record." in built.said
    assert "No survey answers are on record." in built.said
    assert "12 neighbourhoods of customers are not among the imported areas" in built.said
    assert built.effects("complaints")["rate_ratio"].isna().all()
    assert built.effects("leaving")["rate_ratio"].notna().all(), "leaving needs no complaints"
    assert len(built.tables["ranking"]) == 12
    assert built.tables["avoidable"]["avoidable_leavers_90d"].notna().any()


def test_one_area_alone(inputs):
    inputs.records["customers"]["area"] = inputs.records["areas"]["area"][0]
    inputs.records["areas"] = inputs.records["areas"].head(1)
    built = inputs.build()
    leaving = built.effects("leaving")
    assert leaving[["rate_ratio", "low"]].isna().all(axis=None)
    assert leaving["method"].str.contains("rests on a single cluster").any()
    ranking = built.tables["ranking"]
    assert len(ranking) == 1
    assert not ranking["is_found"].any()
    assert built.tables["avoidable"]["avoidable_leavers_90d"].notna().any()


def test_fewer_than_ten_areas(inputs):
    few = sorted(inputs.records["areas"]["area"])[:6]
    for kind in ("customers", "areas"):
        frame = inputs.records[kind]
        inputs.records[kind] = frame[frame["area"].isin(few)].reset_index(drop=True)
    built = inputs.build()
    leaving = built.effects("leaving")
    assert leaving["rate_ratio"].notna().any()
    assert leaving["low"].isna().all()
    assert not leaving["is_found"].any()
    assert "leaving: no joint test was possible" in built.said
    assert len(built.tables["ranking"]) == 6


def test_nobody_left(inputs):
    inputs.records["customers"][["notice_on", "ended_on", "end_reason"]] = None
    built = inputs.build()
    assert "fewer than 50 departures" in built.said
    assert "avoidable" not in built.tables or built.tables["avoidable"].empty
    assert (built.tables["ranking"]["verdict"] == "too_little_data").all()
    assert built.effects("complaints")["rate_ratio"].notna().any()


def test_a_month_without_telemetry(inputs):
    day = (inputs.hours["hour"] - inputs.hours["hour"].min()).dt.days
    inputs.hours = inputs.hours[~day.between(70, 99)].reset_index(drop=True)
    built = inputs.build()
    assert "of customer time was observed; the rest is left out" in built.said
    weeks = built.panel.area_weeks
    blind = weeks["week"].between(
        *(inputs.made.first_monday.tz_localize(None) + pd.Timedelta(days=d) for d in (77, 91))
    )
    assert weeks.loc[blind, "down_hours_per_customer"].isna().all()
    assert built.effects("leaving")["rate_ratio"].notna().any()


def test_dates_in_the_future_end_nothing_early_or_late(inputs):
    whole = inputs.prepare()
    customers = inputs.records["customers"]
    staying = customers.index[customers["ended_on"].isna() & customers["notice_on"].isna()][:5]
    customers.loc[staying, "ended_on"] = pd.Timestamp("2031-01-01")
    customers.loc[staying, "end_reason"] = "voluntary"
    newcomer = customers.loc[staying[:1]].assign(
        customer_id="later",
        started_on=pd.Timestamp("2030-01-01"),
        valid_from=pd.Timestamp("2030-01-01"),
        ended_on=pd.NaT,
    )
    inputs.records["customers"] = pd.concat([customers, newcomer], ignore_index=True)
    built = inputs.build()
    assert built.panel.cut_off == whole.cut_off
    assert built.panel.customer_periods["left_voluntarily"].sum() == whole.customer_periods["left_voluntarily"].sum()
    assert "joined, or first on record, after the cut-off" in built.said
    assert len(built.tables["ranking"]) == 12


def test_a_customer_who_leaves_before_joining(inputs):
    customers = inputs.records["customers"]
    some = customers.index[customers["ended_on"].isna()][:3]
    customers.loc[some, "ended_on"] = customers.loc[some, "started_on"] - pd.Timedelta(days=30)
    customers.loc[some, "end_reason"] = "voluntary"
    built = inputs.build()
    assert "left before" in built.said
    gone = set(customers.loc[some, "customer_id"])
    assert not gone & set(built.panel.customers_now["customer_id"])
    assert len(built.tables["ranking"]) == 12


def test_two_contracts_at_once(inputs):
    customers = inputs.records["customers"]
    double = customers[customers["ended_on"].isna()].drop_duplicates("customer_id").head(5)
    second = double.assign(
        started_on=double["started_on"] + pd.Timedelta(days=10), valid_from=double["valid_from"] + pd.Timedelta(days=10)
    )
    inputs.records["customers"] = pd.concat([customers, second], ignore_index=True)
    built = inputs.build()
    periods = built.panel.customer_periods
    assert not periods.duplicated(["customer_id", "started_on", "period"]).any()
    assert len(built.tables["ranking"]) == 12


def test_areas_whose_devices_nobody_measures(inputs):
    customers = inputs.records["customers"]
    lost = sorted(customers["area"].unique())[:2]
    customers.loc[customers["area"].isin(lost), "device_id"] = "no-such-device"
    built = inputs.build()
    assert "were never measured" in built.said
    assert "of the customers' time is left out" in built.said
    ranking = built.tables["ranking"].set_index("area")
    assert ranking.loc[lost, "expected_leavers_90d"].notna().all(), "they are judged by their own departures"
    assert built.effects("leaving")["rate_ratio"].notna().all()


def test_two_measures_that_are_one(inputs):
    inputs.hours["rtt_p95_seconds"] = 0.02 + 0.1 * inputs.hours["utilization_p95_ratio"]
    built = inputs.build()
    for model in ("complaints", "leaving"):
        methods = built.effects(model)["method"]
        assert methods.str.contains("cannot be told apart|follows from the other measures").any(), model
        assert built.effects(model)["rate_ratio"].notna().any(), model
    saved = built.tables["avoidable"].groupby("measure")["avoidable_leavers_90d"].agg(["count", "min"])
    unknown = built.effects("leaving")["rate_ratio"].isna()
    assert (saved.loc[unknown.index[unknown], "count"] == 0).all(), "no estimate is not a saving of nothing"
    assert (saved.loc[unknown.index[~unknown], "count"] > 0).all()


def test_a_measure_on_one_side_of_which_nobody_leaves(inputs):
    """Packets are lost in two areas, only in weeks after which nobody left there: no finite ratio."""
    customers = inputs.records["customers"]
    nodes = customers.drop_duplicates("device_id").set_index("device_id")["area"]
    few = sorted(customers["area"].unique())[:3]
    inputs.hours["pings_lost"] = inputs.hours["pings_lost"].where(inputs.hours["pings_lost"].isna(), 0)
    after = inputs.hours["hour"] >= pd.Timestamp("2026-01-20", tz="UTC")
    hit = inputs.hours["device_id"].map(nodes).isin(few) & after & inputs.hours["pings_sent"].notna()
    inputs.hours.loc[hit, "pings_lost"] = (0.5 * inputs.hours.loc[hit, "pings_sent"]).round()
    leaver = customers["area"].isin(few) & (
        customers[["ended_on", "notice_on"]].min(axis=1) >= pd.Timestamp("2026-01-20")
    )
    inputs.records["customers"] = customers[~leaver].reset_index(drop=True)
    built = inputs.build()
    loss = built.effects("leaving").loc["loss"]
    assert np.isnan(loss["rate_ratio"])
    assert "all departures lie on one side of it (separation)" in loss["method"]
    saved = built.tables["avoidable"].set_index("measure")["avoidable_leavers_90d"]
    assert saved.loc["loss"].isna().all()
    assert saved.loc["everything"].notna().any()
    assert len(built.tables["ranking"]) == 12


def test_a_fit_that_does_not_converge(inputs, monkeypatch):
    monkeypatch.setattr(hazard, "MAX_ITERATIONS", 1)
    built = inputs.build()
    assert "leaving: down_hours: no estimate: the fit did not converge" in built.said
    assert built.effects("leaving")["rate_ratio"].isna().all()
    assert "ranked by tenure and contract rates alone" in built.said
    assert "avoidable" not in built.tables or built.tables["avoidable"].empty
    assert built.tables["ranking"]["expected_leavers_90d"].notna().any(), "by the standardised rates"
