"""Removes what ``[retention]`` says is kept no longer: days of hourly quality, closed incidents, entries of the audit.

Nothing is removed unless a setting says so. Days that are gone count as not observed in every later analysis.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from collector import counted
from collector.config import CollectorSettings, RetentionSettings
from collector.publish import write_locks
from collector.publish.incidents.migrate import connect
from collector.published import AUDIT, INCIDENTS, OPERATIONS
from collector.retention import usage
from collector.retention.usage import Usage

log = logging.getLogger(__name__)

GIGABYTE = 1e9
WARN_RATIO = 0.8
"""From this share of the budget on it is told that it fills."""
FEWEST_DAYS = 8
"""The newest days, which no budget removes: alerts, pages and the collector's own memory live on them."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What went: days of hourly quality and their bytes, incidents, entries of the audit; ``warnings`` are sentences."""

    days: tuple[date, ...] = ()
    bytes: int = 0
    incidents: int = 0
    audit: int = 0
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One sentence; empty where nothing went."""
        told = []
        if self.days:
            span = f"{self.days[0]} to {self.days[-1]}" if len(self.days) > 1 else f"{self.days[0]}"
            told.append(f"{counted.of(len(self.days), 'day')} of hourly quality ({span}, {self.bytes / 1e6:,.1f} MB)")
        told += [counted.of(self.incidents, "closed incident")] if self.incidents else []
        told += [counted.of(self.audit, "audit entry")] if self.audit else []
        return f"removed {', '.join(told)}" if told else ""


def due_days(found: Usage, wanted: RetentionSettings, today: date) -> list[date]:
    """The days of hourly quality that go: those that are too old, and the oldest ones beyond the budget."""
    oldest_kept = today - timedelta(days=wanted.hours_days) if wanted.hours_days is not None else date.min
    due = [day for day in sorted(found.days) if day < oldest_kept]
    if wanted.budget_gigabytes is None:
        return due
    left = found.total - sum(found.days[day] for day in due)
    for day in sorted(found.days.keys() - set(due)):
        if left <= wanted.budget_gigabytes * GIGABYTE or day > today - timedelta(days=FEWEST_DAYS):
            break
        due.append(day)
        left -= found.days[day]
    return due


def warnings(found: Usage, wanted: RetentionSettings, today: date) -> Iterator[str]:
    """What is wrong with the budget after all that is due has gone, and that it fills before any goes."""
    if wanted.budget_gigabytes is None:
        return
    budget = wanted.budget_gigabytes * GIGABYTE
    left = found.total - sum(found.days[day] for day in due_days(found, wanted, today))
    if left > budget:
        yield (
            f"retention.budget_gigabytes: {left / GIGABYTE:.3g} GB are in use without any day that may go, and the budget is "
            f"{wanted.budget_gigabytes:g} GB: raise it, or remove what else is in the data folder"
        )
    elif found.total > WARN_RATIO * budget:
        yield (
            f"retention.budget_gigabytes: {found.total / GIGABYTE:.3g} of {wanted.budget_gigabytes:g} GB are in use: when it "
            "is full the oldest days of hourly quality go; raise it to keep them"
        )


def remove(settings: CollectorSettings, at: float) -> Removed:
    """Remove what is due at ``at`` (Unix seconds). Raises OSError and SQLAlchemyError; what went before stays gone."""
    wanted, now = settings.retention, datetime.fromtimestamp(at, UTC)
    found = usage.measure(settings.data)
    due = due_days(found, wanted, now.date())
    if due:
        with write_locks.of_quality(settings.data):
            _remove_days(settings.data, due)
    rows = _remove_rows(settings.database_url, wanted, now)
    return Removed(
        tuple(due),
        sum(found.days[day] for day in due),
        rows.get(INCIDENTS.name, 0),
        rows.get(AUDIT.name, 0),
        tuple(warnings(found, wanted, now.date())),
    )


def keep_to(settings: CollectorSettings, at: float) -> None:
    """The same for a collector that goes on whatever happens: the log says what went, what warns, and what failed."""
    try:
        removed = remove(settings, at)
    except (OSError, sa.exc.SQLAlchemyError) as error:
        log.warning("what [retention] says could not be removed: %s; it is tried again", " ".join(str(error).split()))
        return
    for sentence in (str(removed), *removed.warnings):
        if sentence:
            log.warning("%s", sentence)


def _remove_days(data: Path, due: list[date]) -> None:
    """Oldest first, so that one that is cut off has left no gap."""
    for left in (data / "quality").glob(".date=*.removed"):
        shutil.rmtree(left)
    for day in sorted(due):
        folder = data / "quality" / f"date={day}"
        gone = folder.with_name(f".{folder.name}.removed")
        folder.rename(gone)
        shutil.rmtree(gone)


def _remove_rows(url: str, wanted: RetentionSettings, now: datetime) -> Mapping[str, int]:
    if wanted.incidents_days is None and wanted.audit_days is None:
        return {}
    engine = connect(url)
    try:
        with engine.begin() as connection:
            found = {}
            if wanted.incidents_days is not None:
                found[INCIDENTS.name] = _remove_incidents(connection, now - timedelta(days=wanted.incidents_days))
            if wanted.audit_days is not None:
                old = AUDIT.c.at < now - timedelta(days=wanted.audit_days)
                found[AUDIT.name] = connection.execute(sa.delete(AUDIT).where(old)).rowcount
            return found
    finally:
        engine.dispose()


def _remove_incidents(connection: sa.Connection, before: datetime) -> int:
    """Those that ended before, with all rows of other tables that belong to them."""
    old = sa.select(INCIDENTS.c.incident_id).where(INCIDENTS.c.ended_at < before)
    for table in reversed(OPERATIONS.sorted_tables):
        if table is not INCIDENTS and any(key.column is INCIDENTS.c.incident_id for key in table.foreign_keys):
            connection.execute(sa.delete(table).where(table.c.incident_id.in_(old)))
    return int(connection.execute(sa.delete(INCIDENTS).where(INCIDENTS.c.ended_at < before)).rowcount)
