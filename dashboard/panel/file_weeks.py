"""Files of hours by the weeks that they hold: the chunks in which the history is added up.

A file belongs to the week of its folder. Where one holds hours of another week too, as a program that is not the
collector may write it, both weeks are one chunk: an hour that lies in two files is then seen to be one.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from collector import parquet_footer
from collector.hour_bounds import FIRST_HOUR, LAST_HOUR

DAY_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})")
WEEK = datetime.timedelta(days=7)
MOMENT = pa.timestamp("us", tz="UTC")
FIRST_MONDAY = datetime.datetime(1969, 12, 29, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Chunk:
    """The files of the week that starts on ``monday``, or of several weeks of which it is the first."""

    monday: datetime.date
    files: tuple[Path, ...] = ()

    @property
    def start(self) -> datetime.datetime:
        return datetime.datetime.combine(self.monday, datetime.time(), datetime.UTC)

    @property
    def end(self) -> datetime.datetime:
        """The end of its first week: what holds more than that is added up each time."""
        return self.start + WEEK


def chunks(listed: Iterable[Path], now: datetime.datetime | None = None) -> list[Chunk] | None:
    """The files by week, earliest first; None where they do not lie in a folder a day, or are none."""
    weeks: dict[datetime.date, list[Path]] = {}
    for file in listed:
        monday = _monday_of(file.parent.name)
        if monday is None:
            return None
        weeks.setdefault(monday, []).append(file)
    firsts = {monday: monday for monday in weeks}
    for monday, files in weeks.items():
        for other in {week for file in files for week in _held(file, monday, now or LAST_HOUR)}:
            _unite(firsts, monday, other)
    found: dict[datetime.date, list[Path]] = {}
    for monday in sorted(weeks):
        found.setdefault(_first(firsts, monday), []).extend(weeks[monday])
    return [Chunk(monday, tuple(files)) for monday, files in sorted(found.items())] or None


def _monday_of(folder: str) -> datetime.date | None:
    named = DAY_FOLDER.fullmatch(folder)
    try:
        day = datetime.date.fromisoformat(named[1]) if named else None
    except ValueError:
        return None
    return None if day is None else day - datetime.timedelta(days=day.weekday())


def _held(file: Path, monday: datetime.date, until: datetime.datetime) -> set[datetime.date]:
    """The Mondays of weeks beside its own that a file has hours of; an hour that cannot be is of none."""
    own = Chunk(monday)
    try:
        if _lies_within(file, own):
            return set()
        hours = parquet_footer.opened(file).read(["hour"])["hour"].cast(MOMENT, safe=False).drop_null()
    except (OSError, pa.ArrowException):  # gone, or damaged: who reads it whole says so
        return set()
    possible = pc.and_(
        pc.greater_equal(hours, pa.scalar(FIRST_HOUR, MOMENT)), pc.less_equal(hours, pa.scalar(until, MOMENT))
    )
    numbers = hours.filter(possible).cast(pa.int64()).to_numpy()
    start, length = int(FIRST_MONDAY.timestamp()) * 1_000_000, int(WEEK.total_seconds()) * 1_000_000
    return {FIRST_MONDAY.date() + int(week) * WEEK for week in np.unique((numbers - start) // length)} - {monday}


def _lies_within(file: Path, week: Chunk) -> bool:
    """Whether the file's own account of its least and most hour says so, where a checksum vouches for it.

    Arrow aborts the process on asking a damaged footer for a column; it is asked of no other.
    """
    if not parquet_footer.read(file).is_sealed:
        return False
    footer = pq.read_metadata(file)
    column = footer.schema.names.index("hour")
    for number in range(footer.num_row_groups):
        told = footer.row_group(number).column(column).statistics
        if told is None or not told.has_min_max:
            return False
        least, most = (_as_moment(value) for value in (told.min, told.max))
        if least is None or most is None or not week.start <= least <= most < week.end:
            return False
    return True


def _as_moment(value: object) -> datetime.datetime | None:
    if not isinstance(value, datetime.datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)


def _first(firsts: dict[datetime.date, datetime.date], monday: datetime.date) -> datetime.date:
    while firsts[monday] != monday:
        monday = firsts[monday]
    return monday


def _unite(firsts: dict[datetime.date, datetime.date], one: datetime.date, other: datetime.date) -> None:
    """Let two weeks be one chunk, known by the earlier."""
    firsts.setdefault(other, other)
    ends = sorted((_first(firsts, one), _first(firsts, other)))
    firsts[ends[1]] = ends[0]
