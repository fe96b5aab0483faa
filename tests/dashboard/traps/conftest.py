"""A provider from the demo whose records and measurements a test bends before they go through the real panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from collector.published import QUALITY_HOURS
from dashboard.config import AnalysisSettings, DashboardSettings
from dashboard.panel import assemble as panels
from dashboard.tables.schema import RECORDS, conform
from demo import world
from demo.rules import Rules

WORLD = 4
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
SPELL = ["customer_id", "started_on"]


@dataclass
class Provider:
    """The demo's exports by kind and its hours, as frames to be bent; ``day(n)`` is n days after the first Monday."""

    made: world.World
    records: dict[str, pd.DataFrame]
    hours: pd.DataFrame

    def day(self, days: int) -> pd.Timestamp:
        return self.made.first_monday.tz_localize(None) + pd.Timedelta(days=days)

    def area_of_hours(self) -> pd.Series:
        """The area that each hour's access node serves."""
        nodes = self.records["customers"].drop_duplicates("device_id").set_index("device_id")["area"]
        return self.hours["device_id"].map(nodes)

    def day_of_hours(self) -> pd.Series:
        return (self.hours["hour"].dt.tz_localize(None) - self.day(0)).dt.days

    def hours_of(self, areas: list[str], first_day: int, end_day: int) -> pd.Series:
        """Which hours are of these areas' access nodes and on these days."""
        return self.area_of_hours().isin(areas) & self.day_of_hours().between(first_day, end_day - 1)

    def staying(self) -> pd.DataFrame:
        """The newest row of every spell that has not ended."""
        newest = self.records["customers"].drop_duplicates(SPELL, keep="last")
        return newest[newest["ended_on"].isna() & newest["notice_on"].isna()]

    def there_on(self, day: pd.Timestamp) -> pd.DataFrame:
        """The row in force that day of every spell that has begun and not ended, whatever becomes of it later."""
        rows = self.records["customers"]
        known = rows[(rows["valid_from"] <= day) & (rows["started_on"] <= day)].drop_duplicates(SPELL, keep="last")
        return known[known["ended_on"].isna() | (known["ended_on"] > day)]

    def let_leave(self, spells: pd.DataFrame, days: np.ndarray) -> None:
        """These spells end of the customers' own will on these days, with notice given that day."""
        ends = pd.Series([self.day(int(d)) for d in days], index=pd.MultiIndex.from_frame(spells[SPELL]))
        rows = self.records["customers"]
        end = pd.Series(pd.MultiIndex.from_frame(rows[SPELL]).map(ends), index=rows.index)
        rows.loc[end.notna(), "notice_on"] = end[end.notna()]
        rows.loc[end.notna(), "ended_on"] = end[end.notna()]
        rows.loc[end.notna(), "end_reason"] = "voluntary"
        kept = rows["valid_from"] <= rows["ended_on"].fillna(pd.Timestamp.max.normalize().as_unit("s"))
        self.records["customers"] = rows[kept].reset_index(drop=True)

    def let_stay(self, leaves: pd.Series) -> None:
        """The rows of customers that ``leaves`` marks never ended."""
        self.records["customers"].loc[leaves, ["notice_on", "ended_on"]] = pd.NaT
        self.records["customers"].loc[leaves, "end_reason"] = None

    def panel(self, **analysis: object) -> panels.Panel:
        settings = DashboardSettings(
            data=Path(), customer_key=Path(), timezone=world.PROVIDER_TIMEZONE, analysis=AnalysisSettings(**analysis)
        )
        tables = {kind: _table(kind, frame) for kind, frame in self.records.items()}
        hours = pa.Table.from_pandas(self.hours, schema=QUALITY_HOURS.arrow_schema(), preserve_index=False)
        return panels.build(tables, hours, self.made.devices, settings)


def _table(kind: str, frame: pd.DataFrame) -> pa.Table:
    spec = RECORDS[kind]
    known = frame.reindex(columns=[*spec.column_names]).replace("", None)
    return conform(pa.Table.from_pandas(known, schema=spec.arrow_schema(), preserve_index=False), spec)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--trap-world", type=int, default=WORLD, help="seed of the demo world that the traps stand in")


@pytest.fixture(scope="session")
def simulate(request: pytest.FixtureRequest) -> Callable[..., world.World]:
    """simulate(rules, areas=12, cpe_hours=False): the demo world of so many neighbourhoods under these rules."""
    seed = request.config.getoption("trap_world", WORLD)

    def made(rules: Rules, *, areas: int = 12, cpe_hours: bool = False) -> world.World:
        return world.simulate(rules, seed, areas, 10 * areas, AS_OF, cpe_hours=cpe_hours)

    return made


@pytest.fixture(scope="session")
def calm_world(simulate) -> world.World:
    return simulate(Rules().without_quality_effects())


@pytest.fixture(scope="session")
def calm_panel(calm_world) -> panels.Panel:
    """The calm provider's panel before anybody bends it; tests only read it."""
    return _provider(calm_world).panel()


@pytest.fixture
def calm(calm_world) -> Provider:
    """A provider whose customers neither complain nor leave for quality; each test has its own to bend."""
    return _provider(calm_world)


@pytest.fixture
def make_provider(simulate) -> Callable[..., Provider]:
    """make_provider(areas=12, cpe_hours=False, **rules): a calm provider with some rules changed."""

    def make(*, areas: int = 12, cpe_hours: bool = False, **changed: object) -> Provider:
        rules = replace(Rules().without_quality_effects(), **changed)
        return _provider(simulate(rules, areas=areas, cpe_hours=cpe_hours))

    return make


def _provider(made: world.World) -> Provider:
    records = {kind: frame.copy() for kind, frame in made.records.items()}
    return Provider(made, records, made.quality_hours.to_pandas())


@pytest.fixture
def thin() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Every week with a departure and a tenth of the others, weighted as the panel weights what it samples."""

    def thinned(weeks: pd.DataFrame) -> pd.DataFrame:
        is_event = weeks["left_voluntarily"] | weeks["left_otherwise"]
        kept = weeks[is_event | (np.arange(len(weeks)) % 10 == 0)]
        weight = kept["weight"] * np.where(is_event[kept.index], 1.0, 10.0)
        return kept.assign(weight=weight).reset_index(drop=True)

    return thinned
