"""Silences from the pages of a device and of an incident: entered, shown with who and why, ended, and refused in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from collector import parquet_footer
from collector.published import DEVICES
from dashboard.pages import incident, wall
from dashboard.pages.sections import now_incidents, silence_work
from dashboard.pages.source import Source, visit

from .test_layouts import find, text_of

NOW = datetime.now(UTC)


@pytest.fixture
def source(sample, tmp_path) -> Source:
    settings = sample.settings(tmp_path)
    sample.write_live(settings.data, NOW)
    sample.write_incidents(settings.database_url, NOW)
    row = {"device_id": "n11-olt2", "valid_from": NOW, "area": "n11", "role": "olt", "site": "mast", "subscribers": 3}
    parquet_footer.write(pa.Table.from_pylist([row], DEVICES.arrow_schema()), settings.data / "devices.parquet")
    return Source(settings)


def enter(source: Source, **given: str | None) -> tuple[Any, Any]:
    ended = given.pop("ended", None)
    fields = {"for": "device", "hours": "2", "reason": "part ordered", "name": "ana"} | given
    return silence_work.enter(source, "n11-olt2", fields, ended=ended)


def cards(source: Source) -> str:
    return text_of(now_incidents.cards(source.live(), source, datetime.now(UTC)))


@pytest.mark.parametrize("kind", ["device", "site", "area"])
def test_what_is_silenced_is_shown_with_who_and_why_and_sounds_for_nobody_until_it_is_ended(source, kind):
    assert wall.news(source.live(), NOW) == ["i-agg", "i-group", "i-olt"]
    target = {"device": "n11-olt2", "site": "mast", "area": "n11"}[kind]
    said, shown = enter(source, **{"for": kind})
    assert said == f"{target} is silenced."
    (option,) = find(shown[0], "silence-chosen").options
    assert option["label"].endswith(f", {kind} {target}: part ordered (ana)")
    assert wall.news(source.live(), datetime.now(UTC)) == ["i-agg", "i-group"]
    assert cards(source).count("by ana: part ordered") == 1
    page = text_of(incident.layout(visit(source), "i-olt"))
    assert page.count("Silenced until") == 1
    assert "by ana: part ordered" in page
    said, shown = enter(source, ended=option["value"], name="rui")
    assert said == "It is ended."
    assert "Nothing is silenced here." in text_of(shown[0])
    assert wall.news(source.live(), datetime.now(UTC)) == ["i-agg", "i-group", "i-olt"]
    assert "Silenced" not in cards(source)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": " "}, "Say who you are first: it is kept with what you enter."),
        ({"reason": ""}, "Give the reason: it is what a colleague reads at night."),
        ({"hours": "long"}, "The hours that it lasts are a number, not 'long'."),
        ({"hours": "nan"}, "The hours that it lasts are more than 0 and at most 31 days."),
        ({"for": "subtree"}, "Name a device, a site or an area."),
        ({"ended": "none"}, "There is no silence 'none'."),
    ],
)
def test_what_cannot_be_taken_is_said_and_nothing_is_entered(source, given, expected):
    said, shown = enter(source, **given)
    assert (said[0].children, said[1]) == ("Nothing was entered. ", expected)
    assert not isinstance(shown, list)
    assert source.incidents.silences(NOW) == ((), None)
