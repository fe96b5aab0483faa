"""`bairro repair`: lists hours of the quality history with impossible values and, if asked to, blanks those values."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from collector import parquet_footer
from collector.hour_bounds import HOUR_SECONDS, HOURS, LEAST_PACKET_BYTES, PART_OF, ROUNDING
from collector.publish import parquet, write_locks
from collector.publish.parquet import UnreadableError
from collector.published import QUALITY_HOURS

ASIDE = "before-repair"
RATES = ("receive_p95_bytes_per_second", "transmit_p95_bytes_per_second")
OF_LINE: Mapping[str, float] = {
    **dict.fromkeys(RATES, 1.0),
    **dict.fromkeys(("receive_bytes", "transmit_bytes"), HOUR_SECONDS),
    **dict.fromkeys(("error_packets", "discard_packets"), HOUR_SECONDS / LEAST_PACKET_BYTES),
}
"""Columns that a device's line bounds, and by how many times its bytes a second."""
LINE_MARGIN = 2.0
"""A line is estimated from percentiles of both directions, so what it bounds may be twice as much."""

Numbers = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that cannot be, and why."""

    path: Path
    hour: str
    device_id: str
    column: str
    value: float
    why: str

    def __str__(self) -> str:
        return f"{self.hour} {self.device_id} {self.column} = {self.value:g}: {self.why} ({self.path})"


@dataclass
class Report:
    """What was found, what of it was blanked, the files that were written anew by their kept old ones, and what not."""

    findings: list[Finding] = field(default_factory=list)
    blanked: int = 0
    kept: dict[Path, Path] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def repair(data: Path, say: Callable[[str], object], *, blank: bool = False) -> Report:
    """Look through all hours of ``data``; ``blank`` takes impossible values out of them and keeps each old file aside.

    It may run beside collectors: each file is rewritten in this process's turn. Raises OSError (TimeoutError where
    another keeps its turn too long); what was written until then is whole.
    """
    report = Report()
    lines = _lines(data)
    for path in _files(data):
        if not blank:
            _look(path, lines, report, say)
            continue
        with write_locks.of_quality(data):
            found = _look(path, lines, report, say)
            if found is not None and found:
                _blank(path, found, report, say)
    return report


def _files(data: Path) -> Iterator[Path]:
    """The files of the history by day; those that come while their day is gone through too."""
    for day in sorted((data / "quality").glob("date=*")):
        done: set[Path] = set()
        while new := [path for path in sorted(day.glob("*.parquet")) if path not in done]:
            for path in new:
                done.add(path)
                yield path


def _lines(data: Path) -> dict[str, float]:
    """What each device's line carries in bytes a second, from hours in which its use was measured against it."""
    lines: dict[str, float] = {}
    for path in _files(data):
        rows = _read(path, Report(), ("device_id", *RATES, "utilization_p95_ratio"))
        if rows is None:
            continue
        used = _numbers(rows["utilization_p95_ratio"])
        rate = np.fmax(*(_numbers(rows[name]) for name in RATES))
        with np.errstate(divide="ignore", invalid="ignore"):
            line = rate / used
        good = (used > 0) & (used < 1 - ROUNDING) & (line <= HOURS[RATES[0]].most)
        for device_id, value in zip(rows["device_id"].filter(pa.array(good)).to_pylist(), line[good], strict=True):
            lines[device_id] = max(lines.get(device_id, 0.0), float(value))
    return lines


def _read(path: Path, report: Report, columns: tuple[str, ...] | None = None) -> pa.Table | None:
    """A file's rows; None for one that was compacted meanwhile, or that cannot be read, which is a problem."""
    try:
        return parquet.read(path, QUALITY_HOURS, columns)
    except FileNotFoundError:
        return None
    except UnreadableError as error:
        report.problems.append(f"{path}: {error}; it is left as it is")
        return None
    except OSError as error:  # a loop of links, or no permission
        problem = f"{path}: cannot be read: {os.strerror(error.errno) if error.errno else error}; it is left as it is"
        report.problems += [problem] if problem not in report.problems else []
        return None


def _look(
    path: Path, lines: Mapping[str, float], report: Report, say: Callable[[str], object]
) -> dict[str, Marks] | None:
    """The impossible values of a file, by column; each is printed."""
    rows = _read(path, report)
    if rows is None or not rows.num_rows:
        return None
    wrong: dict[str, Marks] = {}
    for column, all_marks, why in _impossible(rows, lines):
        marks = all_marks & ~wrong.get(column, np.zeros(rows.num_rows, dtype=bool))
        for row in np.flatnonzero(marks):
            value = float(rows[column][row].as_py())
            found = Finding(
                path, _hour(rows["hour"][row]), rows["device_id"][row].as_py(), column, value, why(int(row))
            )
            report.findings.append(found)
            say(str(found))
        if marks.any():
            wrong[column] = wrong.get(column, np.zeros(rows.num_rows, dtype=bool)) | marks
    return wrong


def _hour(moment: pa.Scalar) -> str:
    try:
        return f"{moment.as_py():%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError):
        return f"{moment.value} µs since 1970"


def _impossible(rows: pa.Table, lines: Mapping[str, float]) -> Iterator[tuple[str, Marks, Callable[[int], str]]]:
    """Column after column: which rows hold a value that cannot be, and why, by row."""
    values = {name: _numbers(rows[name]) for name in HOURS}
    line = np.array([lines.get(device_id, np.nan) for device_id in rows["device_id"].to_pylist()]) * LINE_MARGIN
    for name, bound in HOURS.items():
        marks = ~np.isnan(values[name]) & ~((values[name] >= bound.least) & (values[name] <= bound.most))
        nan = np.array(pc.is_nan(rows[name].cast(pa.float64(), safe=False)).fill_null(False))
        said = f"beyond {bound.least:g} to {bound.most:g}, {bound.reason}"
        yield name, marks | nan, lambda _, said=said: said  # type: ignore[misc]
    for name, times in OF_LINE.items():
        most = line * times
        yield (
            name,
            values[name] > most,
            lambda row, most=most: f"more than {most[row]:g}, which is twice what its line carries",  # type: ignore[misc]
        )
    for name, whole in PART_OF.items():
        said = f"more than {whole} of the same hour"
        yield name, values[name] > values[whole] * (1 + ROUNDING) + ROUNDING, lambda _, said=said: said  # type: ignore[misc]
    with np.errstate(over="ignore"):
        away = np.nan_to_num(values["down_seconds"]) + np.nan_to_num(values["silent_seconds"])
    for name in ("down_seconds", "silent_seconds"):
        over = (values[name] > 0) & (away > values["observed_seconds"] * (1 + ROUNDING) + ROUNDING)
        yield name, over, lambda _: "down and silent together are more than observed"
    fast = np.logical_or.reduce([values[rate] > np.fmin(line, HOURS[rate].most) for rate in RATES])
    share = values["utilization_p95_ratio"]
    yield "utilization_p95_ratio", fast & ~np.isnan(share), lambda _: "worked out of a rate that cannot be"


def _numbers(column: pa.ChunkedArray) -> Numbers:
    """A column's values; null is NaN."""
    found: Numbers = column.cast(pa.float64(), safe=False).to_numpy()  # of 1e18 the last digits do not matter
    return found


def _blank(path: Path, wrong: Mapping[str, Marks], report: Report, say: Callable[[str], object]) -> None:
    """Write the file without those values, all else unchanged, and keep the old one under a name that no program reads."""
    required = {column.name for column in QUALITY_HOURS.columns if column.required}
    for name in sorted(required & wrong.keys()):
        report.problems.append(f"{path}: {name} is never blank, so {int(wrong[name].sum())} values of it are left")
    wrong = {name: marks for name, marks in wrong.items() if name not in required}
    if not wrong:
        return
    with parquet_footer.opened(path) as file:
        rows = file.read()
    for name, marks in wrong.items():
        place = rows.schema.get_field_index(name)
        nothing: Any = pa.scalar(None, rows.schema.field(name).type)
        rows = rows.set_column(place, rows.schema.field(name), pc.if_else(pa.array(marks), nothing, rows[name]))
    kept = _keep(path)
    parquet.write(rows, path, durable=True)
    report.kept[path] = kept
    count = int(sum(marks.sum() for marks in wrong.values()))
    report.blanked += count
    say(f"{path}: {count} values blanked; as it was: {kept.name}")


def _keep(path: Path) -> Path:
    """Give the file a second name, which stays with its old content."""
    number, name = 1, path.with_name(f"{path.name}.{ASIDE}")
    while name.exists():
        number += 1
        name = path.with_name(f"{path.name}.{ASIDE}-{number}")
    try:
        os.link(path, name)
    except OSError:  # a file system without hard links
        name.write_bytes(path.read_bytes())
    return name
