"""What a published Parquet file says of itself, its table and version, and why one cannot be read as that table.

Written by the collector, and looked at by all who read its tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from collector.published import Column, TableSpec

TABLE, VERSION = b"bairro_table", b"bairro_version"
VERSIONS = {"quality_hours": 1, "devices": 1, "live": 1, "ports": 1}
"""The version of each table that is written today.

One goes up when the meaning of a column changes or a column is taken away. A new column is no new version: readers
take columns by name, and what a file does not have is null. Files of Bairro 0.1 state none, and are of version 1.
"""
_KINDS: Mapping[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "text": (pa.types.is_string, pa.types.is_large_string, pa.types.is_dictionary),
    "integer": (pa.types.is_integer,),
    "number": (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal),
    "timestamp": (pa.types.is_timestamp,),
    "date": (pa.types.is_date,),
    "boolean": (pa.types.is_boolean,),
    "text_list": (pa.types.is_list, pa.types.is_large_list),
    "number_map": (pa.types.is_map,),
}


def stamp(table: pa.Table, spec: TableSpec) -> pa.Table:
    """``table`` saying that it is ``spec``, of today's version."""
    said = {TABLE: spec.name.encode(), VERSION: str(VERSIONS[spec.name]).encode()}
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **said})


def stated(schema: pa.Schema) -> str:
    """The version that a file states; 1 if it states none."""
    return (schema.metadata or {}).get(VERSION, b"1").decode("utf-8", "replace")


def is_newer(schema: pa.Schema, spec: TableSpec) -> bool:
    """Whether a file is of a version that this program does not know."""
    said = stated(schema)
    return not said.isdecimal() or not 1 <= int(said) <= VERSIONS[spec.name]


def why_unreadable(schema: pa.Schema, spec: TableSpec) -> str | None:
    """Why a file with this schema cannot be read as ``spec``; None where it can."""
    if is_newer(schema, spec):
        return f"is of version {stated(schema)} of {spec.name}; this program knows up to {VERSIONS[spec.name]}"
    if len(set(schema.names)) < len(schema.names):
        return "has two columns of one name"
    reasons = [reason for column in spec.columns if (reason := _misfit(schema, column)) is not None]
    return "; ".join(reasons) or None


def _misfit(schema: pa.Schema, column: Column) -> str | None:
    number = schema.get_field_index(column.name)
    if number < 0:
        return f"lacks {column.name}" if column.required else None
    kind = schema.field(number).type
    if pa.types.is_null(kind) and not column.required:
        return None
    if any(fits(kind) for fits in _KINDS[column.type]):
        return None
    return f"has {column.name} as {kind}, which is no {column.type.replace('_', ' ')}"
