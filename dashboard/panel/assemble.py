"""Records and the network's history joined into the panel that models are fitted on: the only joins there are."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from bairro_error import BairroError
from collector.published import DEVICES, TableSpec
from dashboard.config import DashboardSettings
from dashboard.panel import departure_reasons, refused_hours, weeks_lacking
from dashboard.panel.engines import choice
from dashboard.panel.engines.sql_engine import Engine, FilesChangedError
from dashboard.panel.join_coverage import Join, joins_of
from dashboard.panel.refused_hours import Refused
from dashboard.panel.row_accounts import Note, counts_of, notes_of
from dashboard.panel.statements import statement
from dashboard.tables import quality_hours as history
from dashboard.tables.panel_tables import (
    AREA_DAYS,
    AREA_NODES,
    AREA_WEEKS,
    CUSTOMER_PERIODS,
    CUSTOMER_WEEKS,
    CUSTOMERS_NOW,
    DEPARTURES,
    INCIDENT_SPANS,
    OUTAGES,
    QUALITY_COMPLAINTS,
    SURVEY_ANSWERS,
)
from dashboard.tables.schema import RECORDS, conform
from dashboard.tables.stored_hours import HourFiles

KNOWN_FROM_RECORDS = ("zones", "spells", "attachments", "served", "paths")
JOINED_OVER_THE_SPAN = (
    "local_days",
    "quality_days",
    "quality_weeks",
    "lasting_outages",
    "outage_weeks",
    "crowd_changes",
    "area_days",
    "crowds",
    "area_quality",
    "price_spans",
    "area_price_gaps",
    "stand_ins",
    "events",
    "area_events",
    "area_reviews",
    "quiet_complaints",
    "area_weeks",
    "risk",
    "periods",
    "weeks",
    "moments",
    "exposures",
    "stretches",
    "quality_totals",
    "quality_complaints",
    "window_quality",
    "trailing_quality",
    "remembered_hours",
    "complaints_before",
    "scores_before",
    "customer_moments",
    "customer_periods",
    "customer_weeks",
    "customers_now",
    "survey_answers",
    "departures",
    "outages",
    "area_nodes",
)
READ_NO_MORE_AFTER: dict[str, tuple[str, ...]] = {
    "quality_complaints": ("quality_days",),
    "window_quality": ("stretches", "quality_totals"),
    "moments": ("periods", "weeks"),
    "trailing_quality": ("exposures", "window_quality"),
    "customer_moments": (
        "moments",
        "trailing_quality",
        "remembered_hours",
        "complaints_before",
        "scores_before",
    ),
}
"""Large tables by the last statement that reads them: the memory is needed for those that follow."""
STAYS_PER_EVENT = 10
FEWEST_STAYS, MOST_STAYS = 200_000, 1_000_000
MOST_PERIODS = 3_000_000


READ_ATTEMPTS = 3


class PanelError(BairroError, ValueError):
    """Inputs that no panel can be made of; the message says what is missing."""


@dataclass(frozen=True)
class Panel:
    """What the models are fitted on.

    The frames are as `schema.py` declares them (PANEL_TABLES): dates are datetime64 at midnight, whole numbers and truth values that may be null are Int64 and boolean. Time at risk runs from ``entry`` up to and
    including ``cut_off``; ``last_complete`` tells the last complete day of each input that the cut-off was taken
    from. ``counts`` has a row per input and what became of its rows (``table, code, rows, text``; the code is ``used``
    or the reason), and adds up to the rows read. ``notes`` say what the reader of a page should know, ``joins`` how much of
    the records names what else is on record, ``refused`` what of the network's history was not believed.
    """

    area_weeks: pd.DataFrame
    area_days: pd.DataFrame
    customer_periods: pd.DataFrame
    customer_weeks: pd.DataFrame
    customers_now: pd.DataFrame
    survey_answers: pd.DataFrame
    quality_complaints: pd.DataFrame
    departures: pd.DataFrame
    outages: pd.DataFrame
    area_nodes: pd.DataFrame
    cut_off: datetime.date
    entry: datetime.date
    last_complete: dict[str, datetime.date]
    counts: pd.DataFrame
    notes: tuple[Note, ...]
    joins: tuple[Join, ...] = ()
    refused: tuple[Refused, ...] = ()

    def knows(self, name: str) -> bool:
        """Whether what rests on the join ``name`` (see join_coverage) may be told."""
        return all(join.is_known for join in self.joins if join.name == name)

    def areas_without(self, name: str) -> frozenset[str]:
        """Areas of which it is not known though it is of the others."""
        return frozenset(area for join in self.joins if join.name == name for area in join.areas)

    def weeks_without(self, name: str, area: str | None = None) -> frozenset[str]:
        """The Mondays of weeks of which it is not known though it is of the others, everywhere or in ``area``."""
        return frozenset(
            week
            for join in self.joins
            if join.name == name and (not join.areas if area is None else area in join.areas)
            for week in join.weeks
        )

    def rows_of(self, name: str) -> int:
        """How many rows the join ``name`` was judged by."""
        return sum(join.rows for join in self.joins if join.name == name)


@dataclass(frozen=True)
class _Span:
    """The days that the panel covers: whole weeks from ``first_day``, up to but without ``end_day``."""

    first_day: datetime.date
    end_day: datetime.date
    entry: datetime.date
    cut_off: datetime.date
    last_complete: dict[str, datetime.date]


def build(
    records: Mapping[str, pa.Table],
    quality: pa.Table | str | Path | HourFiles | None,
    devices: pa.Table | None,
    settings: DashboardSettings,
    *,
    incidents: pa.Table | None = None,
    cache: Path | None = None,
    keeps_weeks: bool = True,
    now: datetime.datetime | None = None,
) -> Panel:
    """Join ``records`` (by kind), ``quality`` (quality_hours, a glob of its files, or HourFiles), ``devices`` and ``incidents``
    (INCIDENT_SPANS).

    Weeks of ``quality`` that did not change since an earlier build are taken from ``cache``, and the others kept there for
    the next one, or not (``keeps_weeks``). Nothing that is dated after
    ``now`` says how far an input is complete, and no such hour counts.
    Raises PanelError where there are no customers, TableError where the history cannot be read, and ValueError where
    a table lacks a required column.
    """
    attempts = 0
    while True:
        attempts += 1
        try:
            network = {"devices": devices, "incident_spans": incidents}
            return _build(records, quality, network, settings, cache=cache, keeps_weeks=keeps_weeks, now=now)
        except FilesChangedError as error:
            # The collector makes one file of a day's hours while others read: the list of files is then out of date.
            if attempts == READ_ATTEMPTS:
                raise history.TableError(f"{quality}: {error}") from None


def _build(
    records: Mapping[str, pa.Table],
    quality: pa.Table | str | Path | HourFiles | None,
    network: Mapping[str, pa.Table | None],
    settings: DashboardSettings,
    *,
    cache: Path | None,
    keeps_weeks: bool,
    now: datetime.datetime | None,
) -> Panel:
    with contextlib.closing(choice.start(settings)) as engine:
        tables = _register(engine, records, network, settings.timezone)
        if not tables["customers"].num_rows:
            raise PanelError("no customers have been imported: bairro import customers FILE")
        _run(engine, KNOWN_FROM_RECORDS)
        engine.attach_history(quality, cache, now, keeps_weeks=keeps_weeks)
        _run(engine, ("device_hours",))
        span = _span(engine, tables, settings, now)
        engine.register("span", _one_row(span))
        _run(engine, JOINED_OVER_THE_SPAN)
        counts = counts_of(engine)
        return Panel(
            area_weeks=_frame(engine, AREA_WEEKS),
            area_days=_frame(engine, AREA_DAYS),
            customer_periods=_frame(engine, CUSTOMER_PERIODS),
            customer_weeks=_frame(engine, CUSTOMER_WEEKS),
            customers_now=_frame(engine, CUSTOMERS_NOW),
            survey_answers=_frame(engine, SURVEY_ANSWERS),
            quality_complaints=_frame(engine, QUALITY_COMPLAINTS),
            departures=_frame(engine, DEPARTURES),
            outages=_frame(engine, OUTAGES),
            area_nodes=_frame(engine, AREA_NODES),
            cut_off=span.cut_off,
            entry=span.entry,
            last_complete=span.last_complete,
            counts=counts,
            notes=notes_of(engine, counts, span.last_complete, settings),
            joins=(
                *joins_of(engine, settings),
                *weeks_lacking.of_weeks(engine),
                departure_reasons.of_reasons(engine, settings.joins.reasons),
            ),
            refused=refused_hours.read(engine),
        )


def _register(
    engine: Engine,
    records: Mapping[str, pa.Table],
    network: Mapping[str, pa.Table | None],
    timezone: str,
) -> dict[str, pa.Table]:
    tables = {
        kind: conform(records.get(kind, spec.arrow_schema().empty_table()), spec) for kind, spec in RECORDS.items()
    }
    for kind, table in tables.items():
        engine.register(kind, table)
    for spec in (DEVICES, INCIDENT_SPANS):
        given = network.get(spec.name)
        engine.register(spec.name, conform(spec.arrow_schema().empty_table() if given is None else given, spec))
    engine.register("provider", pa.table({"timezone": [timezone]}))
    sampling = {
        "stays_per_event": STAYS_PER_EVENT,
        "fewest_stays": FEWEST_STAYS,
        "most_stays": MOST_STAYS,
        "most_periods": MOST_PERIODS,
    }
    engine.register("sampling", pa.table({name: [value] for name, value in sampling.items()}))
    return tables


def _run(engine: Engine, names: tuple[str, ...]) -> None:
    for name in names:
        engine.make(statement(name))
        for done in READ_NO_MORE_AFTER.get(name, ()):
            engine.forget(done)


def _span(
    engine: Engine, tables: Mapping[str, pa.Table], settings: DashboardSettings, now: datetime.datetime | None
) -> _Span:
    """Entry is where departures and quality are both on record; the cut-off is where the first input ends, less the lag.

    An input is complete up to its last day on record, or up to the day before the export that it was imported from
    where that day was given. Answers to surveys and prices end nothing: they come in waves. What is dated ahead, as the
    start of a service that was ordered is, does not make an input complete until then.
    """
    zone = ZoneInfo(settings.timezone)
    first_quality, last_quality, quality_until = _observed(engine, zone)
    known_from, customers_until = engine.rows(
        "SELECT min(valid_from), max(greatest(started_on, valid_from, notice_on,"
        " CASE WHEN notice_on IS NULL THEN ended_on END)) FROM customers"
    )[0]
    (complaints_until,) = engine.rows(
        "SELECT max(CAST(opened_at AT TIME ZONE provider.timezone AS DATE)) FROM complaints, provider"
    )[0]
    last_days = {
        "quality_hours": quality_until,
        "customers": _exported_until(tables["customers"], customers_until),
        "complaints": _exported_until(tables["complaints"], complaints_until),
    }
    today = now.astimezone(zone).date() if now else datetime.date.max
    last_complete = {name: min(day, today) for name, day in last_days.items() if day is not None}
    complete_from = settings.analysis.records_complete_from
    recorded_from = datetime.date.fromisoformat(complete_from) if complete_from else known_from
    first_day = first_quality or recorded_from
    return _Span(
        first_day=_monday(first_day),
        end_day=max(*last_complete.values(), last_quality or first_day, first_day) + datetime.timedelta(days=1),
        entry=max(recorded_from, first_day),
        cut_off=min(last_complete.values()) - datetime.timedelta(days=settings.analysis.reporting_lag_days),
        last_complete=last_complete,
    )


def _observed(
    engine: Engine, zone: ZoneInfo
) -> tuple[datetime.date | None, datetime.date | None, datetime.date | None]:
    """The local days of the first and last observed hours, and the last day of which the last hour was observed."""
    (hours,) = engine.rows("SELECT epoch_us(min(first_hour)), epoch_us(max(last_hour)) FROM device_hours")
    if hours[0] is None:
        return None, None, None
    moments = (at / 1e6 for at in (*hours, hours[1] + 3_600_000_000))
    first, last, end = (datetime.datetime.fromtimestamp(at, zone).date() for at in moments)
    return first, last, end - datetime.timedelta(days=1)


def _exported_until(table: pa.Table, last_day: datetime.date | None) -> datetime.date | None:
    stated = (table.schema.metadata or {}).get(b"complete_until")
    if last_day is None or not stated:
        return last_day
    return max(last_day, datetime.date.fromisoformat(stated.decode()))


def _monday(day: datetime.date) -> datetime.date:
    return day - datetime.timedelta(days=day.weekday())


def _one_row(span: _Span) -> pa.Table:
    days = (span.first_day, span.end_day, span.entry, span.cut_off, _monday(span.entry))
    names = ("first_day", "end_day", "entry", "cut_off", "first_period")
    return pa.table({name: pa.array([day], pa.date32()) for name, day in zip(names, days, strict=True)})


def _frame(engine: Engine, spec: TableSpec) -> pd.DataFrame:
    """The table ``spec`` sorted by its key, as pandas; columns that may be null keep their kind."""
    ordered = f"SELECT {', '.join(spec.column_names)} FROM {spec.name} ORDER BY {', '.join(spec.key)}"
    table = conform(engine.table(ordered), spec)
    frame = table.to_pandas(date_as_object=False, split_blocks=True, self_destruct=True)
    del table  # its columns are gone: each went as it was converted
    nullable = {"integer": "Int64", "boolean": "boolean"}
    return frame.astype({c.name: nullable[c.type] for c in spec.columns if not c.required and c.type in nullable})
