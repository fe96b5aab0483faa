"""Amounts that are not what their column says: of several currencies, or paid by the year and not by the month."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector import counted
from collector.published import TableSpec
from dashboard.tables.checks.cells.currencies import CODES, DOLLAR, DOLLARS, bare, named
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError
from dashboard.tables.schema import given_columns

_WORDS = tomllib.loads((Path(__file__).parents[1] / "words.toml").read_text(encoding="utf-8"))["money"]
FAR, JUMP, FEWEST_AMOUNTS, FEWEST_FIRST = 100, 8, 10, 5
OF_A_MONTH = ("monthly_price", "new_customer_price")
LEAST_USUAL, MOST_USUAL = 1, 200
"""In euros: a middle price of a month beyond these is looked at by a person."""
LARGE = 50
"""So many or more of such a currency are a euro, and its prices have thousands and no cents."""
GROUPED = r"^\d{1,3}(?:[.,]\d{3})+$|^\d{1,7}$"
SLIPS = 0.05
MOST = 0.8
"""So much of a column has to be of one currency where none of them is the provider's own."""


def checked(sheet: Sheet, export: Sheet, unused: Mapping[str, pa.Array], spec: TableSpec, currency: str) -> Sheet:
    """The sheet without rows whose amounts are of another currency than the column's, and without prices that are not by
    the month; ``unused`` are the columns of ``export`` that nothing takes, ``currency`` is the provider's.

    Raises UnreadableError where nobody can say which currency is the column's.
    """
    amounts = [
        column.name for column in given_columns(spec) if column.type == "number" and column.name in sheet.columns
    ]
    if not amounts:
        return sheet
    here = pa.array(np.isin(export.lines, sheet.lines))
    beside = {name: cells.filter(here) for name, cells in unused.items()}
    made = _without_other_cycles(sheet, beside)
    for name in amounts:
        stated = _stated(export, unused, made)
        made = _of_one_currency(made, name, stated, currency)
        made = _with_plain_thousands(made, name, currency)
    return made


def _with_plain_thousands(sheet: Sheet, name: str, own: str) -> Sheet:
    """The sheet with 79.900 as 79900 where all amounts are written so, and the currency is one in which that is a usual price
    and 79.9 is none."""
    euro = float(_WORDS["per_euro"].get(sheet.currencies.get(name, own), 1))
    cells = bare(sheet.columns[name])
    given = cells.drop_null()
    if euro < LARGE or sheet.is_decimal_stated or not len(given):
        return sheet
    is_grouped = pc.match_substring_regex(given, r"[.,]")
    if not pc.any(is_grouped).as_py() or not pc.all(pc.match_substring_regex(given, GROUPED)).as_py():
        return sheet
    plain = pc.replace_substring_regex(cells, r"[.,]", "")
    middle = float(np.median(plain.drop_null().cast(pa.float64()).to_numpy()))
    if not LEAST_USUAL * euro <= middle <= MOST_USUAL * euro:
        return sheet
    at = pc.index(is_grouped, True).as_py()
    note = f"{name}: {given[at]} is read as {plain.drop_null()[at]}, as prices are in {sheet.currencies.get(name, own)}"
    return replace(sheet, columns={**sheet.columns, name: plain}, notes=(*sheet.notes, note))


def _stated(export: Sheet, unused: Mapping[str, pa.Array], made: Sheet) -> pa.Array | None:
    """The column that says the currency of each row of ``made``."""
    cells = next((cells for name, cells in unused.items() if name in _WORDS["currency_columns"]), None)
    return None if cells is None else cells.filter(pa.array(np.isin(export.lines, made.lines)))


def _of_one_currency(sheet: Sheet, name: str, stated: pa.Array | None, own: str) -> Sheet:
    """Without the rows of another currency; a warning where all are of one that is not the provider's."""
    cells = sheet.columns[name]
    found = named(cells)
    if stated is not None:
        beside = named(stated)
        found = pc.if_else(pc.and_(pc.is_valid(cells), pc.is_null(found)), beside, found)
    counts = {str(one["values"]): int(one["counts"]) for one in pc.value_counts(found.drop_null()).to_pylist()}
    counts = _with_dollars(counts, cells)
    if len(counts) == 1 and own not in counts and not (DOLLAR in counts and own in DOLLARS):
        code = next(iter(counts))
        warning = (
            f'{name} is in {code}, and the pages show amounts in {own}: say currency = "{code}" in dashboard.toml, or export'
            f" amounts in {own}"
        )
        return replace(sheet, warnings=(*sheet.warnings, warning), currencies={**sheet.currencies, name: code})
    if len(counts) < 2:
        return sheet
    return _without_others(sheet, name, found, _kept(name, counts, own))


def _with_dollars(counts: dict[str, int], cells: pa.Array) -> dict[str, int]:
    """$ and USD are one currency; $ and US$ are two, since who writes the second has another dollar."""
    others = [code for code in counts if code != DOLLAR]
    if DOLLAR not in counts or len(others) != 1 or others[0] not in DOLLARS:
        return counts
    are_apart = pc.any(pc.match_substring_regex(cells, r"(?i)[a-z]\$|u\$s")).as_py()
    return counts if are_apart else {others[0]: sum(counts.values())}


def _kept(name: str, counts: Mapping[str, int], own: str) -> str:
    best = own if own in counts else max(counts, key=lambda code: counts[code])
    if best != own and counts[best] < MOST * sum(counts.values()):
        some = ", ".join(
            f"{code} in {counted.of(rows, 'row')}" for code, rows in sorted(counts.items(), key=lambda one: -one[1])
        )
        raise UnreadableError(f"{name} has amounts of several currencies ({some}): export one currency at a time")
    return best


def _without_others(sheet: Sheet, name: str, found: pa.Array, kept: str) -> Sheet:
    """Amounts without a currency are refused too, but where others are slips: in a column of several they may be of any."""
    faults = []
    for code in [one for one in pc.unique(found.drop_null()).to_pylist() if one != kept]:
        at = pc.fill_null(pc.equal(found, code), False).to_numpy(zero_copy_only=False)
        faults += [Fault(line, name, f"is in {code}, and the column in {kept}") for line in sheet.lines[at].tolist()]
    if len(faults) <= SLIPS * (len(sheet.lines) - sheet.columns[name].null_count):
        return sheet.without(faults)
    bare = pc.and_(pc.is_valid(sheet.columns[name]), pc.is_null(found)).to_numpy(zero_copy_only=False)
    reason = "says no currency in a column that has several"
    faults += [Fault(line, name, reason) for line in sheet.lines[bare].tolist()]
    return sheet.without(faults)


def _without_other_cycles(sheet: Sheet, beside: Mapping[str, pa.Array]) -> Sheet:
    """Prices of rows that are billed by the year, the quarter or once are blank: what they come to a month is not said."""
    prices = sheet.columns.get("monthly_price")
    name = next((one for one in beside if any(word in one for word in _WORDS["cycle_columns"])), None)
    if prices is None or name is None:
        return sheet
    cells = beside[name]
    others = [text for text in pc.unique(cells.drop_null()).to_pylist() if not _is_monthly(text)]
    at = pc.and_(pc.fill_null(pc.is_in(cells, pa.array(others, pa.string())), False), pc.is_valid(prices))
    rows = int(pc.sum(at).as_py() or 0)
    if not rows:
        return sheet
    some = ", ".join(repr(text) for text in others[:3])
    warning = (
        f"monthly_price: {counted.of(rows, 'row', 'are')} not billed by the month ({name}: {some}), so what they pay a month is not known and"
        " stays blank; give the price of a month in the export"
    )
    blanked = pc.if_else(at, pa.scalar(None, pa.string()), prices)
    return replace(sheet, columns={**sheet.columns, "monthly_price": blanked}, warnings=(*sheet.warnings, warning))


def _is_monthly(text: str) -> bool:
    plain = text.strip().lower()
    if plain in ("1", "30"):
        return True
    is_other = plain.isdecimal() or any(word in plain for word in _WORDS["other_cycles"])
    return not is_other


def told_where_unusual(rows: pa.Table, stored: pa.Table, sheet: Sheet, own: str) -> tuple[str, ...]:
    """Questions about prices that are hardly those of a month (in cents, of a year, in thousands), where none are on
    record to compare with, and no mapping says what they are in. Of an unknown currency nothing can be said."""
    said = []
    for name in OF_A_MONTH:
        if name not in rows.column_names or name in sheet.divisors or _number(stored, name) >= FEWEST_AMOUNTS:
            continue
        currency = sheet.currencies.get(name, own)
        if currency not in CODES.values() or currency == DOLLAR:
            continue
        euro = float(_WORDS["per_euro"].get(currency, 1))
        amounts = rows.column(name).drop_null().to_numpy()
        amounts = amounts[amounts > 0]
        if (
            len(amounts) < FEWEST_FIRST
            or LEAST_USUAL * euro <= (middle := float(np.median(amounts))) <= MOST_USUAL * euro
        ):
            continue
        is_much = middle > MOST_USUAL * euro
        what = "are these cents, or prices of a year?" if is_much else "are these thousands, or prices of a day?"
        said.append(
            f"{name}: the middle one is {middle:,g} {currency}, which is {'much' if is_much else 'little'} for a month:"
            f" {what} A mapping says so under [columns.{name}]: divide = {'100 (or 12)' if is_much else '0.001'}, or"
            " divide = 1 where they are right as they stand. Is the currency another one? dashboard.toml says which"
        )
    return tuple(said)


def _number(stored: pa.Table, name: str) -> int:
    return int(pc.sum(pc.greater(stored.column(name), 0)).as_py() or 0)


def told_where_far(rows: pa.Table, stored: pa.Table, names: Collection[str]) -> tuple[str, ...]:
    """Warnings of amounts that are far from the others of the file, or from those on record: cents, or a slip."""
    said = []
    for name in names:
        amounts = rows.column(name).drop_null().to_numpy()
        amounts = amounts[amounts > 0]
        if not len(amounts):
            continue
        middle = float(np.median(amounts))
        far = rows.filter(pc.fill_null(pc.greater(rows.column(name), FAR * middle), False)).column("line").to_pylist()
        if far and len(amounts) >= FEWEST_AMOUNTS:
            said.append(
                f"{name}: {len(far):,} are more than {FAR} times the middle one of {middle:g}, the first on line {far[0]}"
            )
        before = stored.column(name).drop_null().to_numpy()
        before = before[before > 0]
        if min(len(before), len(amounts)) < FEWEST_AMOUNTS:
            continue
        usual = float(np.median(before))
        if not 1 / JUMP < middle / usual < JUMP:
            said.append(
                f"{name}: the middle one is {middle:g}, and {usual:g} of those on record: is it another unit (cents), or"
                " another column?"
            )
    return tuple(said)
