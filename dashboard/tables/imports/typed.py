"""A sheet's text turned into the columns that a table declares; a cell that is not what it should be refuses its row."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.published import ARROW, Column, TableSpec
from dashboard.tables.checks.cells import cell_values
from dashboard.tables.checks.cells.cell_values import Parsed
from dashboard.tables.checks.cells.date_orders import Order
from dashboard.tables.readers import outlines
from dashboard.tables.readers.sheets import Fault, Sheet
from dashboard.tables.schema import CHOICES, COUNTED, given_columns

COST_THEMSELVES = frozenset({"monthly_price", "termination_fee", "contract_until", "first_answer_at", "solved_at"})
"""Columns of which a cell that cannot be read is blank, and its row is taken: what else it says is known all the same."""


@dataclass(frozen=True)
class Typed:
    """The rows that could be read, the faults of the others, and by column and reason the lines with cells that are blank now."""

    rows: pa.Table
    faults: list[Fault]
    blanked: dict[tuple[str, str], list[int]]


@dataclass(frozen=True)
class _Manner:
    """How this file writes what can be written in several ways."""

    zone: ZoneInfo
    orders: Mapping[str, Order]
    has_decimal_comma: bool
    is_decimal_stated: bool


def typed_rows(
    sheet: Sheet, spec: TableSpec, *, zone: ZoneInfo, as_of: datetime.date | None, orders: Mapping[str, Order]
) -> Typed:
    """Every declared column typed, with ``line``; rows with a cell that is not what it should be are left out, but where
    the cell costs itself alone.

    Local times are in ``zone``; a missing ``valid_from`` is ``as_of``; ``orders`` are those of ``dates_of``.
    """
    manner = _Manner(zone, orders, sheet.has_decimal_comma, sheet.is_decimal_stated)
    faults = list(sheet.faults)
    is_good = np.ones(len(sheet.lines), dtype=bool)
    typed = {}
    blanked: dict[tuple[str, str], list[int]] = {}
    for column in given_columns(spec):
        if column.name in sheet.columns:
            parsed = _parse(column, sheet.columns[column.name], manner)
        else:
            parsed = _absent(column, len(sheet.lines), as_of)
        typed[column.name] = _divided(parsed.values, sheet.divisors.get(column.name, 1))
        for mask, reason in parsed.faults:
            if column.name in COST_THEMSELVES and reason not in cell_values.UNCLEAR_REASONS:
                blanked[column.name, reason] = sheet.lines[mask].tolist()
                continue
            faults += [Fault(line, column.name, reason) for line in sheet.lines[mask].tolist()]
            is_good &= ~mask
    typed |= {name: pa.nulls(len(sheet.lines), pa.int64()) for name in COUNTED.get(spec.name, ())}
    typed["line"] = pa.array(sheet.lines)
    return Typed(
        pa.table(typed).filter(pa.array(is_good)), faults, {key: lines for key, lines in blanked.items() if lines}
    )


def _divided(values: pa.Array, divisor: float) -> pa.Array:
    return values if divisor == 1 else pc.divide(values, float(divisor))


def dates_of(sheet: Sheet, spec: TableSpec) -> dict[str, pa.Array]:
    """The columns of days and instants."""
    return {c.name: sheet.columns[c.name] for c in given_columns(spec) if _is_dated(c) and c.name in sheet.columns}


def _is_dated(column: Column) -> bool:
    return column.type in ("date", "timestamp")


def _absent(column: Column, rows: int, as_of: datetime.date | None) -> Parsed:
    if column.name == "valid_from":
        return Parsed(pa.array([as_of] * rows, pa.date32()))
    return Parsed(pa.nulls(rows, ARROW[column.type]))


def _parse(column: Column, texts: pa.Array, manner: _Manner) -> Parsed:
    parsed = _parse_cells(column, texts, manner)
    if not column.required:
        return parsed
    blank = (texts.is_null().to_numpy(zero_copy_only=False), "is blank")
    return Parsed(parsed.values, (*parsed.faults, blank))


def _parse_cells(column: Column, texts: pa.Array, manner: _Manner) -> Parsed:
    if column.name in CHOICES:
        return cell_values.parse_choices(texts, CHOICES[column.name])
    if column.name == "timezone":
        return _parse_timezones(texts)
    if column.name == "geometry":
        return _parse_outlines(texts)
    if column.type == "date":
        return cell_values.parse_dates(texts, order=manner.orders[column.name], zone=manner.zone)
    if column.type == "timestamp":
        return cell_values.parse_timestamps(texts, order=manner.orders[column.name], zone=manner.zone)
    if column.type == "number":
        return cell_values.parse_numbers(
            texts, has_decimal_comma=manner.has_decimal_comma, is_stated=manner.is_decimal_stated
        )
    if column.type == "integer":
        return cell_values.parse_integers(texts)
    return Parsed(texts)


def _parse_outlines(texts: pa.Array) -> Parsed:
    outlined, refused = outlines.parse_outlines(texts)
    reasons = sorted(set(refused.values()))
    at = {reason: [position for position, why in refused.items() if why == reason] for reason in reasons}
    return Parsed(outlined, tuple((_mask(at[reason], len(texts)), reason) for reason in reasons))


def _parse_timezones(texts: pa.Array) -> Parsed:
    known = available_timezones() | {None}
    wrong = [at for at, name in enumerate(texts.to_pylist()) if name not in known]
    return Parsed(texts, ((_mask(wrong, len(texts)), "is not an IANA time zone"),))


def _mask(positions: Sequence[int], rows: int) -> np.ndarray:
    mask = np.zeros(rows, dtype=bool)
    mask[list(positions)] = True
    return mask
