"""What pages look at: the newest results, the network now and the settings; read again only when they changed."""

from __future__ import annotations

import contextlib
import shlex
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pandas as pd

from dashboard.config import DEFAULT_FILE, DashboardSettings
from dashboard.figures.charts import map as maps
from dashboard.figures.style.suppression import tellable
from dashboard.operations.desk import Desk
from dashboard.operations.devices.device_hours import DeviceHours
from dashboard.operations.devices.device_metrics import DeviceMetrics
from dashboard.operations.devices.device_ports import DevicePorts
from dashboard.operations.find import Finder, Found, Named
from dashboard.operations.incident_records import IncidentRecords
from dashboard.operations.inventory_past import InventoryPast
from dashboard.operations.live.live_state import AreaSource, Live, LiveSource
from dashboard.operations.replay import Replay
from dashboard.pages.shared import SharedParts
from dashboard.results import backtest_results
from dashboard.results import stored_results as storage
from dashboard.results.backtest_results import StoredBacktest


class Source:
    """One per app; threads share it. ``config`` is the settings file that the server was started with."""

    def __init__(self, settings: DashboardSettings, config: Path = DEFAULT_FILE) -> None:
        self.settings = settings
        self._config = config
        self._live = LiveSource(settings)
        self._taking_in = threading.Lock()
        self._shown: Live | None = None
        self.prepare: list[Callable[[Live, Live], None]] = []
        """What is to be done with what was shown and what is new, before all are shown it."""
        self._area_source = AreaSource(settings)
        self.desk = Desk(settings.database_url)
        self.incidents = IncidentRecords(settings.database_url)
        self.inventory = InventoryPast(settings.data)
        self.hours = DeviceHours(settings.data)
        self.ports = DevicePorts(settings.data)
        self.replay = Replay(settings.data, self.incidents, self.inventory)
        self.metrics = DeviceMetrics(settings.prometheus)
        self._lock = threading.Lock()
        self._key: object = None
        self._results: storage.Results | None = None
        self._unread: tuple[str, ...] = ()
        self._backtest_key: object = None
        self._backtest: StoredBacktest | None = None
        self._areas: pd.DataFrame | None = None
        self._areas_version = 0
        self.shared = SharedParts()
        self._finder = Finder()
        self._outlines: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def command(self, name: str) -> str:
        """`bairro NAME` as it is typed on this host: with the settings file, where that is not the default one."""
        named = "" if self._config == DEFAULT_FILE else f" --config {shlex.quote(str(self._config.absolute()))}"
        return f"bairro {name}{named}"

    def live(self, at: datetime | None = None) -> Live:
        """The network at ``at``, which is now.

        While one thread takes in what is new, the others are told what was known before: a second at most.
        """
        if not self._taking_in.acquire(blocking=self._shown is None):
            assert self._shown is not None
            return self._shown
        try:
            live = self._live.read(at or datetime.now(UTC))
            if self._shown is not None and live is not self._shown:
                for prepare in self.prepare:
                    # What cannot be made fails where it is asked for, and is logged there: news must not wait for it.
                    with contextlib.suppress(Exception):
                        prepare(self._shown, live)
            self._shown = live
            return live
        finally:
            self._taking_in.release()

    def results(self) -> storage.Results | None:
        """What may be told of the newest complete build, or None while the first is not done."""
        with self._lock:
            key = _listing(self.settings.data / "results")
            if key != self._key:
                found = storage.load(self.settings.data)
                minimum = self.settings.analysis.minimum_customers
                self._results = None if found is None else tellable(found, minimum)
                self._unread = storage.passed_over(self.settings.data) if found is None else ()
                self._key = key
            return self._results

    def unread_results(self) -> tuple[str, ...]:
        """In words, which builds newer than those results cannot be read, and why."""
        results = self.results()
        return self._unread if results is None else results.passed_over

    def backtest(self) -> StoredBacktest | None:
        """The newest backtest, or None while none was run."""
        with self._lock:
            key = _listing(self.settings.data / backtest_results.FOLDER)
            if key != self._backtest_key:
                self._backtest = backtest_results.load(self.settings.data)
                self._backtest_key = key
            return self._backtest

    @property
    def outlines(self) -> Mapping[str, Any]:
        """area -> GeoJSON geometry."""
        self._read_areas()
        return self._outlines

    @property
    def names(self) -> Mapping[str, str]:
        self._read_areas()
        return self._names

    def _read_areas(self) -> None:
        areas = self._area_source.read()
        with self._lock:
            if areas is not self._areas:
                self._areas, self._areas_version = areas, self._areas_version + 1
                self._outlines = maps.parse_outlines(areas)
                self._names = dict(zip(areas["area"], areas["name"], strict=True))

    def version(self, live: Live) -> tuple[str, int]:
        """Changes with anything that is known of the network, or of the areas' names and outlines."""
        self._read_areas()
        return live.stamp, self._areas_version

    def find(self, asked: str, live: Live, kinds: Collection[str]) -> list[Found]:
        """What of ``kinds`` is called so, or has it in its name."""
        named = self.ports.aliases()
        return self._finder.find(asked, Named(live, self.names, named.rows), (self.version(live), named.version), kinds)

    def name(self, area: str) -> str:
        return self.names.get(area, area)


def _listing(folder: Path) -> object:
    try:
        return tuple(sorted((entry.name, entry.stat().st_mtime_ns) for entry in folder.iterdir()))
    except OSError:
        return ()


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at a page: where things come from, what the URL asks for, and when."""

    source: Source
    query: Mapping[str, str]
    at: datetime

    @property
    def settings(self) -> DashboardSettings:
        return self.source.settings


def visit(source: Source, search: str | None = "") -> Visit:
    """A visit now; of a parameter given twice the last counts."""
    query = {key: values[-1] for key, values in parse_qs((search or "").lstrip("?")).items()}
    return Visit(source, query, datetime.now(UTC))
