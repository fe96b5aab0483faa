"""Which rows and values of quality_hours are believed: SQL made of the bounds that the collector publishes.

A value that cannot be is taken as not measured. Where it is a time within the hour, or where the times contradict each
other, nobody knows how the hour was spent: the row is left out, as are rows without a key, of an hour that is none, of
an hour that has not come yet, and all but one of a device and hour that occur more than once.
"""

from __future__ import annotations

from datetime import UTC, datetime

from collector.hour_bounds import DURATIONS, FIRST_HOUR, HOURS, LAST_HOUR, PART_OF, ROUNDING
from collector.published import QUALITY_HOURS

FILE = "given_file"
HOUR, DAY = 3_600_000_000, 86_400_000_000
"""In microseconds: the calendar's own functions cost several times as much where there is a time zone."""
TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "timestamp": "TIMESTAMPTZ"}
CELLS = tuple(name for name in QUALITY_HOURS.column_names if name in HOURS and name not in DURATIONS)
"""Columns of which a value that cannot be costs its own cell."""
FAULTS = {
    "incomplete": "that name no hour, no device or no observed time",
    "misdated": f"that begin at no full hour, before {FIRST_HOUR:%Y} or after {LAST_HOUR:%Y}",
    "ahead": "that lie ahead of this computer's clock",
    "impossible": "with times that cannot be (below 0, above 3,600 s, or more without service than observed)",
    "double": "that are on record already (the same device and hour more than once)",
}
"""Why a row is left out, by code, in the order in which they are looked for."""


def judged(now: datetime | None = None) -> str:
    """The view ``judged_hours`` of ``given_hours``: values that can be, ``fault`` of each row, and ``bad_…`` of each cell.

    Without ``now`` no hour lies ahead.
    """
    columns = ", ".join(_believed(name, kind) for name, kind in _kinds().items())
    bad = ", ".join(f"{_is_bad(name)} AS bad_{name}" for name in CELLS)
    return f"CREATE OR REPLACE VIEW judged_hours AS SELECT {FILE}, {columns}, {_fault(now)}, {bad} FROM given_hours"


def is_clean(now: datetime | None = None) -> str:
    """One row and column: whether ``given_hours`` has neither a row with a fault nor a value that cannot be."""
    wrong = " OR ".join(f"({condition})" for condition in (*_faults(now).values(), *map(_is_bad, CELLS)))
    return f"SELECT NOT coalesce(bool_or({wrong}), FALSE) FROM given_hours"


def clean() -> str:
    """The view ``judged_hours`` where that is so: what reads it need not ask every bound again."""
    columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in _kinds().items())
    bad = ", ".join(f"FALSE AS bad_{name}" for name in CELLS)
    return (
        f"CREATE OR REPLACE VIEW judged_hours AS SELECT {FILE}, {columns}, CAST(NULL AS VARCHAR) AS fault, {bad}"
        " FROM given_hours"
    )


def believed() -> str:
    """The view ``quality_hours``: the rows of ``judged_hours`` without a fault."""
    return f"CREATE OR REPLACE VIEW quality_hours AS SELECT {_names()} FROM judged_hours WHERE fault IS NULL"


DOUBLE_DAYS = f"""
CREATE TABLE double_days AS
SELECT device_id, epoch_us(hour) // {DAY} AS day
FROM judged_hours
WHERE fault IS NULL
GROUP BY device_id, epoch_us(hour) // {DAY}
HAVING count(*) > bit_count(bit_or(CAST(1 AS BIGINT) << CAST(epoch_us(hour) // {HOUR} % 24 AS INTEGER)))
"""
"""Devices and days (of 1970) with some hour twice. A bit for each hour: to look for pairs takes the memory of all rows."""


def doubled() -> str:
    """The table ``doubled_hours``: the rows of ``double_days``, numbered by device and hour, those most observed first."""
    order = [f"judged.{name} DESC NULLS LAST" for name in _kinds() if name not in QUALITY_HOURS.key]
    window = f"(PARTITION BY judged.device_id, judged.hour ORDER BY {', '.join(order)}, judged.{FILE})"
    return (
        f"CREATE TABLE doubled_hours AS SELECT {_names('judged.')}, judged.{FILE}, row_number() OVER {window} AS place,"
        f" first_value(judged.{FILE}) OVER {window} AS kept_file"
        " FROM judged_hours AS judged JOIN double_days ON double_days.device_id = judged.device_id"
        f" AND double_days.day = epoch_us(judged.hour) // {DAY} WHERE judged.fault IS NULL"
    )


def single() -> str:
    """The view ``quality_hours``: each believed device and hour once."""
    return (
        f"CREATE OR REPLACE VIEW quality_hours AS SELECT {_names('judged.')} FROM judged_hours AS judged"
        " ANTI JOIN double_days ON double_days.device_id = judged.device_id"
        f" AND double_days.day = epoch_us(judged.hour) // {DAY} WHERE judged.fault IS NULL"
        f" UNION ALL SELECT {_names()} FROM doubled_hours WHERE place = 1"
    )


def refused() -> str:
    """The table ``chunk_refused``: by file and fault how many rows were left out, and without a fault how many cells.

    Its columns are ``file, beside, code, rows`` (``beside`` is the file from which the same hour was taken, where it is
    another), and ``bad_…`` for each of CELLS, be they read by a panel or not.
    """
    cells = [f"bad_{name}" for name in CELLS]
    sums = ", ".join(
        f"CAST(sum(CASE WHEN fault IS NULL AND {name} THEN 1 ELSE 0 END) AS BIGINT) AS {name}" for name in cells
    )
    none = ", ".join(f"CAST(0 AS BIGINT) AS {name}" for name in cells)
    return (
        f"CREATE TABLE chunk_refused AS SELECT {FILE} AS file, CAST(NULL AS VARCHAR) AS beside, fault AS code,"
        f" count(*) AS rows, {sums} FROM judged_hours WHERE fault IS NOT NULL OR {' OR '.join(cells)} GROUP BY {FILE}, fault"
        f" UNION ALL SELECT {FILE}, nullif(kept_file, {FILE}), 'double', count(*), {none} FROM doubled_hours"
        f" WHERE place > 1 GROUP BY {FILE}, kept_file"
    )


NONE_REFUSED = (
    "CREATE TABLE chunk_refused (file VARCHAR, beside VARCHAR, code VARCHAR, rows BIGINT, "
    + ", ".join(f"bad_{name} BIGINT" for name in CELLS)
    + ")"
)
"""The same table where nothing is."""


def _kinds() -> dict[str, str]:
    return {column.name: TYPES[column.type] for column in QUALITY_HOURS.columns}


def _names(table: str = "") -> str:
    return ", ".join(f"{table}{name}" for name in _kinds())


def _number(value: float) -> str:
    """As a floating-point number: one with a point alone is a decimal, which has no room for large whole numbers."""
    return f"{value:.17g}" if "e" in f"{value:.17g}" else f"{value:.17g}e0"


def _moment(at: datetime) -> str:
    return f"CAST('{at.astimezone(UTC):%Y-%m-%d %H:%M:%S+00:00}' AS TIMESTAMPTZ)"


def _believed(name: str, kind: str) -> str:
    if name in CELLS:
        return f"CASE WHEN NOT {_is_bad(name)} THEN CAST({name} AS {kind}) END AS {name}"
    return f"CAST({name} AS {kind}) AS {name}"


def _is_bad(name: str) -> str:
    """Not finite is asked apart: DuckDB 2.0 takes a Parquet file's least and most, which leave NaN out, for all there is."""
    bound = HOURS[name]
    beyond = f"NOT {name} BETWEEN {_number(bound.least)} AND {_number(bound.most)}"
    if _kinds()[name] == "DOUBLE":
        beyond = f"NOT isfinite(CAST({name} AS DOUBLE)) OR {beyond}"
    if (whole := PART_OF.get(name)) and name not in DURATIONS:
        beyond = f"{beyond} OR ({whole} IS NOT NULL AND {_is_more(name, whole)})"
    return f"({name} IS NOT NULL AND ({beyond}))"


def _is_more(part: str, whole: str) -> str:
    return f"{part} > {whole} * {_number(1 + ROUNDING)} + {_number(ROUNDING)}"


def _fault(now: datetime | None) -> str:
    cases = " ".join(f"WHEN {condition} THEN '{code}'" for code, condition in _faults(now).items())
    return f"CASE {cases} END AS fault"


def _faults(now: datetime | None) -> dict[str, str]:
    """When a row of ``given_hours`` has which fault."""
    hour = "CAST(hour AS TIMESTAMPTZ)"
    away = "coalesce(down_seconds, 0e0) + coalesce(silent_seconds, 0e0)"
    wrong = {
        "incomplete": "hour IS NULL OR device_id IS NULL OR observed_seconds IS NULL",
        "misdated": f"NOT {hour} BETWEEN {_moment(FIRST_HOUR)} AND {_moment(LAST_HOUR)} OR epoch_us({hour}) % {HOUR} <> 0",
        "ahead": f"{hour} > {_moment(now)}" if now else "",
        "impossible": " OR ".join([*map(_is_bad, DURATIONS), _is_more(away, "observed_seconds")]),
    }
    return {code: condition for code, condition in wrong.items() if condition}
