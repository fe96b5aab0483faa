"""Which columns and rows a file must have at least; the message says how to give what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.tables.imports.context import Context
from dashboard.tables.imports.import_notes import MAY_BE_NONE
from dashboard.tables.readers.sheets import Sheet, UnreadableError
from dashboard.tables.schema import given_columns


def require_columns(sheet: Sheet, context: Context, *, has_mapping: bool) -> None:
    """Raises UnreadableError where a column that every row needs is missing."""
    known = [column.name for column in given_columns(context.spec) if column.name in sheet.columns]
    needed = [column.name for column in given_columns(context.spec) if column.required]
    if context.as_of is not None and "valid_from" in needed and context.spec.name == "customers":
        needed.remove("valid_from")
    missing = [name for name in needed if name not in known]
    hint = "" if has_mapping else "; bairro import --propose writes a mapping for it"
    if not known:
        raise UnreadableError(
            f"{sheet.header} names none of the columns of {context.spec.name}: {', '.join(needed)}, ...{hint}"
        )
    if missing == ["valid_from"] and context.spec.name == "customers":
        raise UnreadableError("the column valid_from is missing: say with --as-of DATE on which day it was exported")
    if missing and has_mapping:
        raise UnreadableError(f"the mapping does not say where {_listed('the column', missing)} taken from")
    if missing:
        raise UnreadableError(
            f"{_listed('the column', missing)} missing; {sheet.header} names {', '.join(sheet.columns)}{hint}"
        )
    if context.spec.name in ("complaints", "nps") and not {"customer_id", "area"} & set(known):
        raise UnreadableError("the column customer_id (or area) is missing")


def require_rows(sheet: Sheet, context: Context) -> None:
    """Raises UnreadableError for an empty file of what every provider has; a day without complaints may be one."""
    if not sheet.rows_read and context.spec.name not in MAY_BE_NONE and context.absent is None:
        raise UnreadableError(
            f"there is a header and no row under it, so there are no {context.spec.name} to import: did the export fail?"
        )


def _listed(noun: str, names: Sequence[str]) -> str:
    return f"{noun} {names[0]} is" if len(names) == 1 else f"{noun}s {', '.join(names)} are"
