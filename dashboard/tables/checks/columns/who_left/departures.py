"""A column that says when customers went under a name that is not ours: left at the door, leavers would stay customers."""

from __future__ import annotations

import datetime
import tomllib
import unicodedata
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.cells import cell_values, date_orders
from dashboard.tables.checks.cells.blanks import blanked
from dashboard.tables.readers.sheets import Sheet, UnreadableError

_WORDS = tomllib.loads((Path(__file__).parents[2] / "words.toml").read_text(encoding="utf-8"))["departure"]
MOST_DATES = 0.9
"""Of the filled cells so many are dates, in a column that by its content alone says when somebody went."""
MOST_FILLED = 0.8
FEWEST = 2
LIKE_A_DAY = r"\d.*[-/. ].*\d|^\d{8}$|^[34]\d{4}$"
SAMPLE, MOST_LOOKED_AT = 200, 100
"""So many cells show whether a column may hold days; so many columns are read for them."""
EXCEL_DAY_0 = np.datetime64("1899-12-30")


def is_named(column: str) -> bool:
    """Whether the column's name says that it holds the day on which somebody went."""
    name = plain(column)
    if any(word in name for word in _WORDS["others"]):
        return False
    if any(stem in name for stem in _WORDS["stems"]):
        return True
    is_of_contract = any(word in name for word in _WORDS["contracts"])
    return not is_of_contract and bool(set(name.split("_")) & set(_WORDS["whole"]))


def told_where_departures(export: Sheet, made: Sheet, unused: Collection[str], today: datetime.date) -> Sheet:
    """The customers ``made`` of ``export``, with a warning per column of ``unused`` that looks like one of last days.

    Raises UnreadableError where one is called so and has a day up to ``today``, and nothing fills ended_on.
    """
    ended = made.columns.get("ended_on")
    if ended is not None and ended.null_count < len(ended):
        return made
    rows = np.isin(export.lines, [*made.lines.tolist(), *(fault.line for fault in made.faults)])
    for name in filter(is_named, unused):
        past = rows & (_days(export.columns[name], today) <= np.datetime64(today))
        if past.any():
            raise UnreadableError(_said(name, int(past.sum()), f"{export.unit} {export.lines[past][0]}"))
    warnings = []
    may_be = [name for name in unused if not is_named(name) and _may_hold_last_days(export.columns[name])]
    for name in may_be[:MOST_LOOKED_AT]:
        if _looks_like_last_days(export, made, name, today):
            warnings.append(
                f"{name} holds days that are mostly blank, past and later than started_on: where they say when customers"
                f" went, these are stored as customers still. {_way_out(name)}"
            )
    return replace(made, warnings=(*made.warnings, *warnings)) if warnings else made


def _said(name: str, rows: int, first: str) -> str:
    says = "row says" if rows == 1 else "rows say"
    return (
        f"{name}: {rows:,} {says} when the customer went (the first is on {first}), and nothing fills ended_on, so those"
        f" who left would be stored as customers still. {_way_out(name)}"
    )


def _way_out(name: str) -> str:
    return (
        f'Say in a mapping under [columns.ended_on] source = "{name}" (--propose writes one), or at its top'
        f' ignore = ["{name}"] where it means something else'
    )


def _may_hold_last_days(cells: pa.Array) -> bool:
    """Whether some cells are blank and the first filled ones look like days; without reading any, as there may be many."""
    filled = cells.drop_null()
    if not FEWEST <= len(filled) < len(cells):
        return False
    first = filled[:SAMPLE]
    return bool(pc.sum(pc.match_substring_regex(first, LIKE_A_DAY)).as_py() >= MOST_DATES * len(first) / 2)


def _looks_like_last_days(export: Sheet, made: Sheet, name: str, today: datetime.date) -> bool:
    bare = plain(name)
    if any(word in bare for word in (*_WORDS["others"], *_WORDS["contracts"])) or "started_on" not in made.columns:
        return False
    here = pa.array(np.isin(export.lines, made.lines))
    cells = export.columns[name].filter(here)
    days, started = _days(cells, today), _days(made.columns["started_on"], today)
    filled = len(cells) - cells.null_count
    is_day = ~np.isnat(days)
    if is_day.sum() < max(FEWEST, MOST_DATES * filled) or filled > MOST_FILLED * len(cells):
        return False
    return bool((days[is_day] <= np.datetime64(today)).all() and (days > started)[is_day & ~np.isnat(started)].all())


def _days(cells: pa.Array, today: datetime.date) -> npt.NDArray[np.datetime64]:
    """The days of the cells, also as Excel counts them; NaT where there is none. Day or month first does not matter here."""
    cells = blanked(cells, "ended_on", "date")
    try:
        order = date_orders.decided({"ended_on": cells}, today)["ended_on"]
    except date_orders.OrderError:
        order = date_orders.Order.DAY
    parsed = cell_values.parse_dates(cells, order=order, zone=ZoneInfo("UTC")).values
    days = parsed.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    serial = pc.fill_null(pc.match_substring_regex(cells, r"^[34]\d{4}$"), False)
    counted = pc.if_else(serial, cells, pa.scalar("0", pa.string())).cast(pa.int64()).to_numpy()
    return np.where(np.isnat(days) & (counted > 0), EXCEL_DAY_0 + counted.astype("timedelta64[D]"), days)


def plain(column: str) -> str:
    """The name without accents, dots and case."""
    letters = unicodedata.normalize("NFKD", column.lower())
    return "".join("_" if c in " -./" else c for c in letters if not unicodedata.combining(c))
