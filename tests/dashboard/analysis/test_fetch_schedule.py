"""When sources are due, and that one is fetched as another process is told to stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from dashboard.analysis import fetch_schedule
from dashboard.config import DashboardSettings
from dashboard.source_settings import SourceSettings

HOURLY = SourceSettings("hourly", "nps", file=Path("a.csv"), every_hours=1)
DAILY = SourceSettings("daily", "nps", file=Path("b.csv"), at="03:10")
ASKED = SourceSettings("asked", "nps", file=Path("c.csv"))


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path, customer_key=tmp_path / "key", sources=(HOURLY, DAILY, ASKED))


def test_only_those_with_a_time_have_one(settings: DashboardSettings) -> None:
    assert list(fetch_schedule.schedule(settings)) == ["hourly", "daily"]


@pytest.mark.parametrize(("tried", "fetched"), [(None, ["hourly", "daily"]), (0.0, ["hourly", "daily"])])
def test_what_was_never_tried_or_missed_is_fetched_once(
    settings: DashboardSettings, tried: float | None, fetched: list[str]
) -> None:
    done: list[str] = []

    def fetch(source: SourceSettings) -> None:
        done.append(source.name)
        if len(done) == len(fetched):
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        assert fetch_schedule.repeat(settings, {"hourly": tried, "daily": tried}, fetch) == 0
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert done == fetched


def test_a_start_alone_asks_nobody_anew() -> None:
    (when,) = fetch_schedule.schedule(
        DashboardSettings(data=Path("d"), customer_key=Path("k"), sources=(HOURLY,))
    ).values()
    waits = fetch_schedule._first(when, 1_000_000.0, 1_000_600.0) - when.now()
    assert 2_900 < waits <= 3_000
