"""The inventory as another system exports it: CSV, JSON or YAML, each record with its fields as labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from collector.inventory.delimited import open_table

Labels = dict[str, str]
JSON_STARTS = (b"{", b"[")
YAML_ENDS = (".yaml", ".yml")
LARGEST_FILE = 256 * 1024 * 1024


def records(path: Path, records_at: str) -> Iterator[tuple[int | str, Labels | str]]:
    """Each record with its place: the line of a CSV file, the number in the list of a JSON or YAML file, from 0.

    Labels are in lower case; those of what lies within another are joined by dots. ``records_at`` is where the list
    stands, if the document is not the list itself. Raises ValueError with a reason that reads on after the file's name.
    """
    if path.suffix.lower() in YAML_ENDS or _starts_as_json(path):
        yield from _of_document(_document(path), records_at)
        return
    table = open_table(path)
    for line, cells in table.rows():
        if isinstance(cells, str):
            yield line, cells
        else:
            yield line, {name: cell.strip() for name, cell in zip(table.columns, cells, strict=False)}


def _starts_as_json(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(JSON_STARTS)
    except OSError:
        return False


def _document(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("is larger than 256 MiB")
        text = path.read_text(encoding="utf-8-sig")
        return yaml.safe_load(text) if path.suffix.lower() in YAML_ENDS else json.loads(text)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError, json.JSONDecodeError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"cannot be made out: {said[:200]}") from None


def _of_document(document: Any, records_at: str) -> Iterator[tuple[str, Labels | str]]:
    found = document
    for name in records_at.split(".") if records_at and not isinstance(document, list) else ():
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        where = f"a list under {records_at!r}" if records_at else "a list"
        raise ValueError(f"holds no devices: {where} is expected")  # noqa: TRY004
    for number, record in enumerate(found):
        if isinstance(record, dict):
            yield f"[{number}]", dict(_flat(record, ""))
        else:
            yield f"[{number}]", "is not an object"


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """``site.name`` for an object in an object, ``interfaces.0.ip`` for one in a list; Zabbix's tags go by their name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}".lower().lstrip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            is_tag = isinstance(inner, dict) and set(inner) <= {"tag", "value"} and "tag" in inner
            if is_tag:
                yield f"{name}.{inner['tag']}".lower(), str(inner.get("value", ""))
            else:
                yield from _flat(inner, f"{name}.{number}")
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)
