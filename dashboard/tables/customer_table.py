"""A provider's own customer table, one row per customer, read by a mapping: what can be used, and what became of the rest."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bairro_error import BairroError
from dashboard.tables.checks.cells.cell_values import parse_numbers
from dashboard.tables.mappings.customer_mapping import Mapping, normal
from dashboard.tables.readers import delimited_text
from dashboard.tables.readers.sheets import Fault, UnreadableError

NUMBER_SHARE = 0.95
MOST_CATEGORIES = 100
UNITS = r"^[€$£¥]\s*|\s*(?:€|\$|£|¥|%|EUR|USD|GBP|BRL|R\$)$"
EXPONENT = r"^[+-]?\d+(?:\.\d*)?[eE][+-]?\d+$"


class CustomerTableError(BairroError, ValueError):
    """A table that nothing can be made of; the message names the file, and the column where one is to blame."""


@dataclass(frozen=True)
class CustomerTable:
    """The rows that can be used. ``predictors`` are floats (numbers, nan where missing) and objects (categories, None).

    ``outcome`` (n,) is 1 for who left, or None where the table does not tell. ``faults`` are refused rows, and
    cells that count as missing where ``is_cell`` of their position is set; ``rows_read`` is the sum of the rows used
    and those in ``refused`` (reason -> rows). ``notes`` say what became of columns.
    """

    path: Path
    ids: npt.NDArray[np.object_]
    lines: npt.NDArray[np.int64]
    outcome: npt.NDArray[np.float64] | None
    area: pd.Series | None
    predictors: pd.DataFrame
    rows_read: int
    refused: dict[str, int]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class _Raw:
    """The file's columns by their plain name, as text (or as numbers, where the file has them), and each row's line."""

    columns: dict[str, pa.Array]
    lines: npt.NDArray[np.int64]
    faults: tuple[Fault, ...]


def read(path: Path, mapping: Mapping, *, like: CustomerTable | None = None) -> CustomerTable:
    """Read a table to learn from; or, with ``like``, one to score by what was learnt from that one.

    A table to score needs no outcome, and has the columns and kinds of ``like``. Raises CustomerTableError.
    """
    try:
        raw = _raw(path)
    except UnreadableError as error:
        raise CustomerTableError(f"{path}: {error}") from None
    raw = _Raw({name: _blanked(column, mapping) for name, column in raw.columns.items()}, raw.lines, raw.faults)
    _require(raw, path, mapping, needs_outcome=like is None)
    rows = _Rows(len(raw.lines))
    rows.refuse(raw, normal(mapping.id), *_bad_ids(raw.columns[normal(mapping.id)], raw.lines))
    has_outcome = normal(mapping.outcome.column) in raw.columns
    outcome = _outcome(raw, path, mapping, rows, is_needed=like is None) if has_outcome else None
    cells: list[Fault] = []
    predictors, notes = _predictors(raw, path, mapping, cells, like)
    kept = np.flatnonzero(rows.is_good)
    predictors = predictors.iloc[kept].reset_index(drop=True)
    if like is None:
        predictors, constant = _varying(predictors)
        notes += constant
    if not kept.size:
        raise CustomerTableError(
            f"{path}: none of its {len(raw.lines) + len(raw.faults)} rows can be used" + rows.why()
        )
    area = _area(raw, mapping, kept)
    if area is not None and (homeless := int(area.isna().sum())):
        notes.append(f"{normal(str(mapping.area))}: blank in {homeless} rows: they are in no area, and count otherwise")
    wrong_width = {"the row has another number of cells than the header": len(raw.faults)} if raw.faults else {}
    return CustomerTable(
        path,
        _texts(raw.columns[normal(mapping.id)])[kept],
        raw.lines[kept],
        None if outcome is None else outcome[kept],
        area,
        predictors,
        len(raw.lines) + len(raw.faults),
        {**wrong_width, **rows.refused},
        (*raw.faults, *rows.faults, *cells),
        tuple(notes),
    )


class _Rows:
    """Which rows are still good, and why the others are not."""

    def __init__(self, count: int) -> None:
        self.is_good = np.ones(count, dtype=bool)
        self.refused: dict[str, int] = {}
        self.faults: list[Fault] = []

    def refuse(self, raw: _Raw, column: str, bad: npt.NDArray[np.bool_], reasons: list[str]) -> None:
        """Refuse the rows in ``bad`` (n,), with a reason for each in their order; kinds of reasons are what a colon follows."""
        for place, reason in zip(np.flatnonzero(bad), reasons, strict=True):
            if not self.is_good[place]:
                continue
            self.is_good[place] = False
            kind = f"{column}: {reason.partition(':')[0]}"
            self.refused[kind] = self.refused.get(kind, 0) + 1
            self.faults.append(Fault(int(raw.lines[place]), column, reason))

    def why(self) -> str:
        return "".join(f"; {count} because of {reason}" for reason, count in self.refused.items())


def _raw(path: Path) -> _Raw:
    if path.suffix.lower() in (".parquet", ".pq"):
        return _raw_parquet(path)
    sheet = delimited_text.read_sheet(delimited_text.read_bytes(path))
    return _Raw({normal(name): column for name, column in sheet.columns.items()}, sheet.lines, sheet.faults)


def _raw_parquet(path: Path) -> _Raw:
    """Columns as they are where they hold numbers, truth values as text; what has parts of its own is left out."""
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except FileNotFoundError:
        raise UnreadableError("no such file") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise UnreadableError(f"is not a Parquet file that can be read: {str(error).splitlines()[0]}") from None
    columns: dict[str, pa.Array] = {}
    for name, chunked in zip(table.column_names, table.columns, strict=True):
        column = chunked.combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            continue
        if normal(name) in columns:
            raise UnreadableError(f"the column {name} stands there twice")
        is_number = pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
        columns[normal(name)] = pc.cast(column, pa.float64() if is_number else pa.string())
    return _Raw(columns, np.arange(1, table.num_rows + 1), ())


def _blanked(column: pa.Array, mapping: Mapping) -> pa.Array:
    """``column`` with the mapping's words for no value as null, and numbers that are not finite too."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    trimmed = pc.utf8_trim_whitespace(column)
    is_blank = pc.is_in(trimmed, pa.array(["", *mapping.blank]))
    return pc.if_else(is_blank, pa.scalar(None, pa.string()), trimmed)


def _require(raw: _Raw, path: Path, mapping: Mapping, *, needs_outcome: bool) -> None:
    if not len(raw.lines):
        raise CustomerTableError(f"{path}: has a header and no rows")
    for column, key in mapping.named.items():
        is_needed = key != "left_out" and (needs_outcome or key != "outcome.column")
        if is_needed and normal(column) not in raw.columns:
            known = ", ".join(list(raw.columns)[:12]) + (", …" if len(raw.columns) > 12 else "")
            raise CustomerTableError(
                f"{path}: has no column {column!r}, which the mapping names as {key}; it has {known}"
            )


def _texts(column: pa.Array) -> npt.NDArray[np.object_]:
    if pa.types.is_floating(column.type):
        whole = pc.all(pc.equal(column, pc.floor(column))).as_py()
        column = pc.cast(pc.cast(column, pa.int64()), pa.string()) if whole else pc.cast(column, pa.string())
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)


def _bad_ids(column: pa.Array, lines: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.bool_], list[str]]:
    ids = pd.Series(_texts(column))
    missing = ids.isna().to_numpy()
    double = ids.duplicated().to_numpy() & ~missing
    first = pd.Series(lines).groupby(ids).transform("first").to_numpy()
    bad = missing | double
    return bad, [
        "is blank" if missing[i] else f"stands there twice: the first time on line {int(first[i])}"
        for i in np.flatnonzero(bad)
    ]


def _outcome(
    raw: _Raw, path: Path, mapping: Mapping, rows: _Rows, *, is_needed: bool
) -> npt.NDArray[np.float64] | None:
    """1 and 0 (n,) with nan where it is not told. Rows without it are refused where it is needed."""
    name = normal(mapping.outcome.column)
    values = pd.Series(_texts(raw.columns[name]))
    yes, no = mapping.outcome.yes, mapping.outcome.no
    counts = values.value_counts()
    others = [value for value in counts.index if value not in (yes, no)]
    if is_needed and yes not in counts.index:
        shown = ", ".join(repr(v) for v in counts.index[:5])
        raise CustomerTableError(f"{path}: {name}: nobody has outcome.yes = {yes!r}; there stands {shown or 'nothing'}")
    if no is None:
        if len(others) > 1:
            shown = ", ".join(f"{v!r} in {counts[v]} rows" for v in others[:5])
            raise CustomerTableError(
                f"{path}: {name}: beside {yes!r} there stands {shown}: name the one that means stayed as outcome.no,"
                " and rows with the others are left out"
            )
        no = others[0] if others else None
    found = np.where(values == yes, 1.0, np.where(values == no, 0.0, np.nan))
    bad = np.isnan(found)
    if is_needed:
        given = values.notna().to_numpy()
        reasons = ["says neither yes nor no" if given[i] else "is blank" for i in np.flatnonzero(bad)]
        rows.refuse(raw, name, bad, reasons)
        kept = found[rows.is_good]
        if kept.size and kept.min() == kept.max():
            raise CustomerTableError(f"{path}: {name}: is the same in all {kept.size} rows that can be used")
    return None if bad.all() else found


def _area(raw: _Raw, mapping: Mapping, kept: npt.NDArray[np.int64]) -> pd.Series | None:
    if mapping.area is None or normal(mapping.area) not in raw.columns:
        return None
    return pd.Series(_texts(raw.columns[normal(mapping.area)])[kept], name="area", dtype=object)


def _predictors(
    raw: _Raw, path: Path, mapping: Mapping, cells: list[Fault], like: CustomerTable | None
) -> tuple[pd.DataFrame, list[str]]:
    """The columns that customers are judged by, over all rows; what was left out is noted."""
    roles = {normal(column): key for column, key in mapping.named.items()}
    chosen: dict[str, npt.NDArray[np.float64] | npt.NDArray[np.object_]] = {}
    notes = []
    if like is not None:
        return _as_learnt(raw, path, mapping, cells, like)
    for name, column in raw.columns.items():
        role = roles.get(name, "")
        if role in ("id", "outcome.column", "area", "left_out"):
            continue
        if column.null_count == len(column):
            notes.append(f"{name}: left out, no row has a value")
            continue
        numbers, wrong = _numbers(column, mapping)
        share = 1 - wrong.sum() / max(len(column) - column.null_count, 1)
        if role in ("quality", "numbers") or (role != "categories" and share >= NUMBER_SHARE):
            if share < 0.5:
                raise CustomerTableError(f"{path}: {name}: named under {role}, and most of its cells are not numbers")
            chosen[name] = numbers
            cells += [Fault(int(line), name, "is not a number: counts as missing") for line in raw.lines[wrong]]
            continue
        distinct = len(pc.unique(column.drop_null()))
        if role != "categories" and distinct > MOST_CATEGORIES:
            notes.append(
                f"{name}: left out, text with {distinct} different values (name it under categories to keep it)"
            )
            continue
        chosen[name] = _texts(column)
    return _frame(chosen, len(raw.lines)), notes


def _as_learnt(
    raw: _Raw, path: Path, mapping: Mapping, cells: list[Fault], like: CustomerTable
) -> tuple[pd.DataFrame, list[str]]:
    """The columns of ``like``, in its kinds; one that is not there is an error."""
    chosen: dict[str, npt.NDArray[np.float64] | npt.NDArray[np.object_]] = {}
    notes = []
    for name in like.predictors.columns:
        if name not in raw.columns:
            raise CustomerTableError(f"{path}: has no column {name!r}, which {like.path} has and the model uses")
        if pd.api.types.is_float_dtype(like.predictors[name].dtype):
            chosen[name], wrong = _numbers(raw.columns[name], mapping)
            cells += [Fault(int(line), name, "is not a number: counts as missing") for line in raw.lines[wrong]]
            continue
        chosen[name] = _texts(raw.columns[name])
        new = pd.Series(chosen[name]).dropna()
        unseen = new[~new.isin(set(like.predictors[name].dropna()))]
        if len(unseen):
            notes.append(
                f"{name}: {len(unseen)} rows have a value that {like.path.name} never has"
                f" ({', '.join(sorted(map(str, unseen.unique()))[:3])}): scored as other"
            )
    return _frame(chosen, len(raw.lines)), notes


def _frame(chosen: Dictionary[str, npt.NDArray[np.float64] | npt.NDArray[np.object_]], rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=float if values.dtype.kind == "f" else object)
            for name, values in chosen.items()
        },
        index=range(rows),
    )


def _numbers(column: pa.Array, mapping: Mapping) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Numbers (n,), and which cells hold something else. Signs of currency and per cent are taken off."""
    if pa.types.is_floating(column.type):
        return column.to_numpy(zero_copy_only=False).astype(float), np.zeros(len(column), dtype=bool)
    bare = pc.replace_substring_regex(column, UNITS, "")
    has_exponent = pc.fill_null(pc.match_substring_regex(bare, EXPONENT), False)
    parsed = parse_numbers(
        pc.if_else(has_exponent, pa.scalar("0"), bare), has_decimal_comma=mapping.decimal == ",", is_stated=True
    ).values.to_numpy(zero_copy_only=False)
    values = np.asarray(parsed, dtype=float)
    places = has_exponent.to_numpy(zero_copy_only=False)
    if places.any():
        values = values.copy()
        values[places] = pc.cast(bare.filter(has_exponent), pa.float64()).to_numpy()
    return values, np.isnan(values) & column.is_valid().to_numpy(zero_copy_only=False)


def _varying(predictors: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Without the columns that say the same of everybody who can be used."""
    constant = [name for name in predictors if predictors[name].nunique(dropna=False) <= 1]
    return predictors.drop(columns=constant), [f"{name}: left out, it is the same for everybody" for name in constant]
