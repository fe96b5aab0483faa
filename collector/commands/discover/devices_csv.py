"""devices.csv as it is and as it would be: what is new, gone or moved, and the rows of both put together."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.commands.discover.proposal import COLUMNS
from collector.inventory.delimited import open_table
from collector.inventory.device_rows import Row, plain

FOLLOWS_THE_NETWORK = ("address",)
"""What is taken from the network even where the file says something else: a device that moved is asked where it is."""


@dataclass(frozen=True)
class Changes:
    """One sentence for each device that differs; ``not_asked`` are those of the file of which nothing can be said."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.moved)


@dataclass(frozen=True)
class OldFile:
    """The rows of a file by device_id, as they stand in it, and all of its columns."""

    columns: tuple[str, ...] = ()
    rows: dict[str, Row] = field(default_factory=dict)


def read(path: Path) -> OldFile:
    """Raises ValueError with a reason that reads on after the file's name, where it is no table of devices."""
    table = open_table(path)
    if "device_id" not in table.columns:
        raise ValueError("has no column device_id")
    rows: dict[str, Row] = {}
    for line, cells in table.rows():
        if isinstance(cells, str):
            raise ValueError(f"line {line}: {cells}")  # noqa: TRY004
        row = {name: plain(cell) for name, cell in zip(table.columns, cells, strict=False)}
        rows.setdefault(row.get("device_id") or row.get("address", ""), row)
    return OldFile(table.columns, rows)


def same_devices(old: OldFile, rows: Mapping[str, Row]) -> dict[str, str]:
    """The device of the file that each found one is: by name, else by address where the file knows no such name."""
    by_address = {row.get("address", ""): device_id for device_id, row in old.rows.items()}
    pairs = {}
    for device_id, row in rows.items():
        known = device_id if device_id in old.rows else by_address.get(row["address"])
        if known is not None and (known == device_id or known not in rows):
            pairs[device_id] = known
    return pairs


def changes(old: OldFile, rows: Mapping[str, Row], asked: Collection[str]) -> Changes:
    """What differs from the file, where the addresses ``asked`` were. Cells that it leaves empty, or marks as unsure, differ
    from nothing."""
    pairs = same_devices(old, rows)
    new = [f"{d} at {row['address']}, {row['role']}" for d, row in rows.items() if d not in pairs]
    there = set(pairs.values())
    lacking = {d: row.get("address", "") for d, row in old.rows.items() if d not in there}
    gone = [f"{d} at {address} did not answer" for d, address in lacking.items() if address in asked]
    not_asked = [f"{d} at {address}, which you did not name" for d, address in lacking.items() if address not in asked]
    moved = []
    for device_id, known in pairs.items():
        before = old.rows[known]
        now = _renamed(rows[device_id], pairs)
        for name in ("address", "parent", "uplink_interface"):
            is_told = before.get(name) and now.get(name) and name not in now["unsure"].split()
            if is_told and before[name] != now[name]:
                moved.append(f"{known}: {name} was {before[name]}, is now {now[name]}")
    return Changes(tuple(new), tuple(gone), tuple(moved), tuple(not_asked))


def combined(old: OldFile, rows: Mapping[str, Row]) -> tuple[tuple[str, ...], list[Row]]:
    """The columns and rows of the file with what was found: what the file says stays, but for what it marks as unsure or
    leaves empty and for addresses; devices that did not answer stay too."""
    pairs = same_devices(old, rows)
    by_known = {known: rows[device_id] for device_id, known in pairs.items()}
    columns = (*old.columns, *(name for name in COLUMNS if name not in old.columns))
    made = []
    for device_id, before in old.rows.items():
        found = by_known.get(device_id)
        made.append(before if found is None else _put_together(before, _renamed(found, pairs)))
    made += [_renamed(row, pairs) for device_id, row in rows.items() if device_id not in pairs]
    return columns, made


def _put_together(before: Row, found: Row) -> Row:
    doubted = before.get("unsure", "").split()
    row = dict(before)
    for name, value in found.items():
        is_open = not before.get(name) or name in doubted or name in FOLLOWS_THE_NETWORK
        if is_open and name not in ("device_id", "unsure", "why"):
            row[name] = value or row.get(name, "")
    still = [name for name in found["unsure"].split() if name in doubted or not before.get(name)]
    return row | {"unsure": " ".join(still), "why": found["why"]}


def _renamed(row: Row, pairs: Mapping[str, str]) -> Row:
    """With the names that the file has for devices."""
    return row | {"parent": pairs.get(row["parent"], row["parent"])}


def doubts(rows: Iterable[Row]) -> str:
    """How often which column is marked as unsure, in words; empty where none is."""
    count = Counter(name for row in rows for name in row.get("unsure", "").split())
    return ", ".join(f"{name} of {number:,}" for name, number in count.most_common())


def text(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """The file's content."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return out.getvalue()


def write(path: Path, content: str) -> Path | None:
    """Put the file in place at once; the old one is kept beside it, where there is one. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(content, encoding="utf-8")
        kept = None
        if path.exists():
            kept = path.with_name(f"{path.name}.old")
            kept.write_bytes(path.read_bytes())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return kept
