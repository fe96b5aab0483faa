"""JSON as programs export records: a line for each (JSON Lines, NDJSON), or one list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from dashboard.tables.readers.sheets import MOST_COLUMNS, Fault, Sheet, UnreadableError, column_name, trimmed

LARGEST_BYTES = 512 * 1024 * 1024
DEEPEST = 3
"""Objects within objects that are read: address.city.name."""
TOO_DEEP = "its lists or objects lie too deep within one another"


def looks_like_json(content: bytes) -> bool:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def read_objects(content: bytes) -> Sheet:
    """The objects as rows: an object within one gives columns such as ``address.city``, lists are left out.

    Raises UnreadableError where there are none.
    """
    if len(content) > LARGEST_BYTES:
        raise UnreadableError("is JSON of more than 512 MiB: export it as CSV, or in parts")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError("is JSON, but not in UTF-8") from None
    rows, lines, faults, unit = _objects(text)
    if not rows and not faults:
        raise UnreadableError("is JSON without a list of objects: export a list, or a line for each record")
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) > MOST_COLUMNS:
        raise UnreadableError(f"its objects have {len(names):,} different names, more than {MOST_COLUMNS:,}")
    columns = {name: trimmed(pa.array([row.get(name) for row in rows], pa.string())) for name in names}
    described = "JSON, a line for each record" if unit == "line" else "JSON, lines are records"
    return Sheet(
        columns, np.array(lines, dtype=np.int64), tuple(faults), described, unit=unit, header="the first record"
    )


def _objects(text: str) -> tuple[list[dict[str, str | None]], list[int], list[Fault], str]:
    """The rows, where each stands, what is wrong with others, and what is counted."""
    try:
        document = json.loads(text)
    except RecursionError:
        raise UnreadableError(f"is not JSON that can be read: {TOO_DEEP}") from None
    except ValueError as error:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2 or not lines[0][1].lstrip().startswith("{"):
            raise UnreadableError(f"is not JSON that can be read: {error}") from None
        return (*_told(_of_lines(lines)), "line")
    if isinstance(document, dict):
        lists = [value for value in document.values() if _is_of_objects(value)]
        document = lists[0] if len(lists) == 1 else [] if lists else [document]
    if not _is_of_objects(document):
        return [], [], [], "record"
    return (*_told(enumerate(document, 1)), "record")


def _is_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and any(isinstance(one, dict) for one in value)


def _of_lines(lines: list[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            yield number, None


def _told(found: Any) -> tuple[list[dict[str, str | None]], list[int], list[Fault]]:
    rows, lines, faults = [], [], []
    for number, one in found:
        if isinstance(one, dict):
            rows.append(dict(_cells(one, "", DEEPEST)))
            lines.append(number)
        else:
            faults.append(Fault(number, None, "is no JSON object"))
    return rows, lines, faults


def _cells(one: dict[str, Any], before: str, deeper: int) -> Iterator[tuple[str, str | None]]:
    for name, value in one.items():
        full = before + column_name(name)
        if isinstance(value, dict) and deeper:
            yield from _cells(value, f"{full}.", deeper - 1)
        elif not isinstance(value, dict | list):
            yield full, _text(value)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
