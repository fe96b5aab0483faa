"""Ids and names of one file that are probably one and are written in two ways: 00012 and 12, Centro and CENTRO."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.tables.checks.cells import ids
from dashboard.tables.readers.sheets import Sheet

NAMES = frozenset({"area", "plan"})
MADE_BY_PROGRAMS = 15
ZEROS = r"^(\D*)0+(\d)"


def told_where_alike(sheet: Sheet, spec: TableSpec) -> Sheet:
    """The sheet with a warning for each column of ids or names of which some differ by zeros, case or accents alone."""
    warnings = []
    for name in sorted(ids.COLUMNS & set(spec.column_names) & set(sheet.columns)):
        if (said := _said(name, pc.unique(sheet.columns[name].drop_null()))) is not None:
            warnings.append(said)
    return replace(sheet, warnings=(*sheet.warnings, *warnings)) if warnings else sheet


def _said(name: str, distinct: pa.Array) -> str | None:
    folded = _folded(distinct, is_name=name in NAMES)
    counts = pc.value_counts(folded)
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if not len(several):
        return None
    pair = distinct.filter(pc.equal(folded, several[0])).to_pylist()[:2]
    differ = "upper and lower case, accents or marks" if name in NAMES else "leading zeros, a decimal .0 or case"
    cure = "pad = 5, strip_zeros = true or lower = true" if name not in NAMES else "values = {...}, or lower = true"
    return (
        f"{name}: {len(several):,} stand in the file in several ways that differ by {differ} alone ({pair[0]!r} and"
        f" {pair[1]!r}), and count as different ones; where they are the same, a mapping mends it that says under"
        f" [columns.{name}] {cure}"
    )


def _folded(texts: pa.Array, *, is_name: bool) -> pa.Array:
    """What is left of texts without what people and programs write differently."""
    folded = pc.utf8_lower(texts)
    if is_name:
        return pc.replace_substring_regex(pc.utf8_normalize(folded, "NFKD"), r"[\pM\s'’`´_]", "")
    # Long ids that programs make, as Salesforce's, may differ in case alone and be of two customers.
    folded = pc.if_else(pc.less(pc.utf8_length(texts), MADE_BY_PROGRAMS), folded, texts)
    return pc.replace_substring_regex(pc.replace_substring_regex(folded, ids.DECIMAL, r"\1"), ZEROS, r"\1\2")
