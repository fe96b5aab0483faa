"""`bairro disk`: what the data folder holds, what a day adds, how long that goes on; and what `[retention]` removes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from collector import counted
from collector.config import CollectorSettings
from collector.retention import removal, usage
from collector.retention.usage import Usage

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2
MOST_DAYS = 36_500.0


def disk(settings: CollectorSettings, at: float, *, remove: bool) -> int:
    """Print it; the exit code is 1 where the budget fills or cannot be kept, 2 where it could not be done."""
    today = datetime.fromtimestamp(at, UTC).date()
    try:
        if remove:
            print(str(removal.remove(settings, at)) or "nothing is due to be removed")
        found = usage.measure(settings.data)
    except OSError as error:
        print(f"bairro: {error.filename or settings.data}: {error.strerror or error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except sa.exc.SQLAlchemyError as error:
        print(f"bairro: the operations database: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_UNUSABLE
    told = list(removal.warnings(found, settings.retention, today))
    print("\n".join([*_lines(found, settings, today), *told]))
    return EXIT_PROBLEMS if told else EXIT_OK


def _lines(found: Usage, settings: CollectorSettings, today: date) -> Iterator[str]:
    for name, size in sorted(found.parts.items(), key=lambda part: -part[1]):
        yield f"{size / 1e6:>12,.1f} MB  {name}{_span(found) if name == 'quality' else ''}"
    yield f"{found.total / 1e6:>12,.1f} MB  in all, in {settings.data}"
    pace = found.bytes_a_day(today)
    if pace is None:
        yield f"What a day adds is not known: no whole day of the last {usage.DAYS_OF_PACE} is on record"
    else:
        yield f"A day adds {pace / 1e6:,.2f} MB of hourly quality (the last {usage.DAYS_OF_PACE} days); other parts are not foreseen"
        yield _until(found, settings, today)
    kept = settings.retention
    yield (
        f"Kept: hours {_days(kept.hours_days)}, incidents {_days(kept.incidents_days)}, audit {_days(kept.audit_days)}, "
        f"budget {'none' if kept.budget_gigabytes is None else f'{kept.budget_gigabytes:g} GB'}; "
        "the last 5 imports of each kind and the last 5 builds"
    )
    due = removal.due_days(found, kept, today)
    if due:
        yield f"Due to go: {counted.of(len(due), 'day')} of hourly quality, {due[0]} to {due[-1]}; a running collector removes them within a quarter of an hour, `bairro disk --remove` now"


def _until(found: Usage, settings: CollectorSettings, today: date) -> str:
    budget = settings.retention.budget_gigabytes
    of = "the disk" if budget is None else "the budget or the disk"
    days = found.days_left(today, None if budget is None else budget * removal.GIGABYTE)
    if days is None or days > MOST_DAYS:
        return f"At this pace {of} lasts for more than a century"
    return f"At this pace {of} is full in {days:,.0f} days, about {today + timedelta(days=int(days))}"


def _span(found: Usage) -> str:
    return f" ({counted.of(len(found.days), 'day')}, {min(found.days)} to {max(found.days)})" if found.days else ""


def _days(days: int | None) -> str:
    return "for good" if days is None else f"for {days:,} days"
