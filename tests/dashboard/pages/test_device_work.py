"""Planned work from the page of a device: entered, shown before and while it lasts, ended, and refused in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from collector import parquet_footer
from collector.published import AUDIT, DEVICES, MAINTENANCE_WINDOWS
from dashboard.operations import plan_maintenance
from dashboard.pages.sections import device_work
from dashboard.pages.source import Source, visit

from .test_layouts import find, text_of

NOW = datetime.now(UTC)


@pytest.fixture
def source(sample, tmp_path) -> Source:
    settings = sample.settings(tmp_path)
    sample.write_incidents(settings.database_url, NOW)
    row = {"device_id": "olt-1", "valid_from": NOW, "area": "n03", "role": "olt", "site": "exchange", "subscribers": 3}
    parquet_footer.write(pa.Table.from_pylist([row], DEVICES.arrow_schema()), settings.data / "devices.parquet")
    return Source(settings)


def enter(source: Source, **given: str | None) -> tuple[Any, Any]:
    window = given.pop("window", None)
    fields = {"for": "device", "start": "", "weekly": "", "hours": "2", "reason": "line card", "name": "ana"} | given
    return device_work.enter(source, "olt-1", fields, window=window)


def rows(source: Source, table: sa.Table) -> list[Any]:
    engine = sa.create_engine(source.settings.database_url)
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    engine.dispose()
    return found


def panel(source: Source) -> Any:
    return device_work.panel(visit(source), device_work.row_of(source, "olt-1"))


def test_work_is_entered_shown_while_it_lasts_and_ended(source):
    assert "None is under way or to come." in text_of(panel(source))
    said, shown = enter(source)
    assert said.startswith("It is entered.")
    options = find(shown[0], "plan-chosen").options
    assert options[0]["label"].startswith("Under way until ")
    assert options[0]["label"].endswith("; device olt-1: line card (ana)")
    (row,) = rows(source, MAINTENANCE_WINDOWS)
    assert (row["target_kind"], row["target"], row["ends_at"] - row["starts_at"]) == (
        "device",
        "olt-1",
        timedelta(hours=2),
    )
    assert enter(source, window=row["window_id"])[0] == "It is ended from now on."
    assert "None is under way or to come." in text_of(panel(source))
    assert [row["action"] for row in rows(source, AUDIT)] == ["maintenance.add", "maintenance.cancel"]


def test_work_of_the_site_to_come_and_weekly_work_of_the_area_are_shown_at_the_device(source):
    start = f"{NOW + timedelta(days=1):%Y-%m-%d %H:%M}"
    assert enter(source, **{"for": "site", "start": start})[0].startswith("It is entered.")
    assert enter(source, **{"for": "area", "weekly": "Mon-Fri 03:00", "hours": "1,5"})[0].startswith("It is entered.")
    labels = [one["label"] for one in find(panel(source), "plan-chosen").options]
    assert any("; site exchange: line card (ana)" in label for label in labels)
    assert any(", every week; area n03: line card (ana)" in label for label in labels)
    assert not any(label.startswith("Under way until") and "site" in label for label in labels)


def test_work_on_a_subtree_counts_its_devices_and_is_shown_at_each_of_them(source, sample):
    live = sample.network(NOW)
    sample.write_live(source.settings.data, NOW, live, note=sample.HOURLY)
    rows_ = [{"device_id": d, "parent": p, "valid_from": NOW, "area": "n03", "role": "olt", "subscribers": 0} for d, p in (("n03-agg", None), ("n03-olt1", "n03-agg"), ("n03-cpe11", "n03-olt1"))]  # fmt: skip
    parquet_footer.write(pa.Table.from_pylist(rows_, DEVICES.arrow_schema()), source.settings.data / "devices.parquet")
    assert [
        plan_maintenance.devices_of(source.settings.data, "subtree", name) for name in ("n03-agg", "n03-olt1", "x")
    ] == [3, 2, 0]
    fields = {"for": "subtree", "hours": "1", "reason": "card", "name": "ana"}
    assert device_work.enter(source, "n03-agg", fields, window=None)[0].startswith("It is entered.")
    shown = device_work.panel(visit(source), device_work.row_of(source, "n03-cpe11"))
    assert "; subtree n03-agg: card (ana)" in find(shown, "plan-chosen").options[0]["label"]
    other = device_work.panel(visit(source), device_work.row_of(source, "n11-olt1"))
    assert find(other, "plan-chosen").options == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": None}, "Say who you are first"),
        ({"reason": " "}, "Give the reason"),
        ({"hours": "two"}, "The hours that it lasts are a number, not 'two'"),
        ({"hours": "nan"}, "more than 0 and less than 31 days"),
        ({"hours": "-1"}, "more than 0 and less than 31 days"),
        ({"start": "tomorrow"}, "A time is written YYYY-MM-DD HH:MM, not 'tomorrow'"),
        ({"weekly": "sometimes"}, 'A weekly time is written like "Sun 02:00"'),
        ({"for": "everything"}, "Choose what it is for"),
        ({"window": "none"}, "There is no window 'none'"),
    ],
)
def test_what_cannot_be_entered_is_refused_in_words(source, given, said):
    told, shown = enter(source, **given)
    assert said in text_of(told)
    assert type(shown).__name__ == "NoUpdate"
    assert rows(source, MAINTENANCE_WINDOWS) == rows(source, AUDIT) == []


def test_without_a_database_it_is_not_known_and_nothing_is_entered(source):
    (source.settings.data / "operations.sqlite").unlink()
    assert "It is not known whether any is under way: there is no operations database" in text_of(panel(source))
    assert "There is no operations database" in text_of(enter(source)[0])


def test_a_device_without_a_site_offers_none(source):
    assert device_work.targets_of({"device_id": "a", "site": None, "area": "n03"}) == {
        "device": "a", "subtree": "a", "area": "n03"
    }  # fmt: skip
    assert device_work.targets_of(device_work.row_of(source, "nobody")) == {"device": "nobody", "subtree": "nobody"}
