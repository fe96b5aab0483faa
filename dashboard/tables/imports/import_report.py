"""What an import of records did, told to people and to programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dashboard.tables.checks.cells.ids import Way
from dashboard.tables.imports.joining.join_counts import Join
from dashboard.tables.readers.sheets import Fault
from dashboard.tables.readers.sources import Source

SHOWN = 10
PARTICULARS = r"\d{4}-\d{2}-\d{2}|(?<=line )\d+|(?<=row )\d+|(?<=feature )\d+"
CAUSES = {
    "two contracts at once": ": is started_on another one than in the import before, or has a customer a row for each service?",
    "has the same": ": has the file a row for each message or change?",
}
"""What is probably behind a fault that many rows have."""
SHOWN_COLUMNS = 20


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or in a dry run would do.

    Rows read = added + changed + unchanged + rejected + duplicates (the same again in the file) + skipped (no records,
    by the mapping). ``unit`` is what the faults' lines count: line, row or feature.

    ``ended`` customers are not in the file and were ended. ``joins`` tell how many rows name what is on record, and
    ``unjoined`` why that cannot be told yet.
    ``ways`` say of a dry run how ids are to be rewritten so that they join, column by column.
    ``failure`` says why nothing of the file could be used. ``exit_code``: 0 all rows are in, 1 some were refused or there
    is a warning (too few rows join, all complaints are "other"), 2 nothing could be used: a failure, or every row was
    refused. Printed it is a text for people; ``summary`` is its first line.
    """

    kind: str
    source: Source
    rows_read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    duplicates: int = 0
    skipped: int = 0
    ended: int = 0
    is_dry_run: bool = False
    described: str = ""
    unit: str = "line"
    dropped_columns: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    joins: tuple[Join, ...] = ()
    unjoined: tuple[str, ...] = ()
    ways: Mapping[str, Way] = field(default_factory=dict)
    reject_file: Path | None = None
    snapshot: Path | None = None
    failure: str | None = None

    @property
    def accepted(self) -> int:
        return self.added + self.changed + self.ended

    @property
    def is_unusable(self) -> bool:
        """Whether every row was refused, but for those that a mapping skips."""
        return 0 < self.rejected == self.rows_read - self.skipped and not self.ended

    @property
    def exit_code(self) -> int:
        is_in_doubt = self.rejected or self.warnings or any(join.is_under for join in self.joins)
        return 2 if self.failure or self.is_unusable else 1 if is_in_doubt else 0

    @property
    def summary(self) -> str:
        if self.failure:
            return f"{self.kind}: {self.source}: {self.failure}"
        would = "would be " if self.is_dry_run else ""
        apart = f", {self.duplicates:,} the same again" if self.duplicates else ""
        apart += f", {self.skipped:,} skipped" if self.skipped else ""
        apart += f"; {self.ended:,} absent ones {would}ended" if self.ended else ""
        read = "1 row" if self.rows_read == 1 else f"{self.rows_read:,} rows"
        return (
            f"{self.kind}: {self.source.name} ({self.described}): {read} read: {would}{self.added:,} added,"
            f" {self.changed:,} changed, {self.unchanged:,} unchanged, {self.rejected:,} rejected{apart}"
        )

    def __str__(self) -> str:
        if self.failure:
            return self.summary
        lines = [self.summary]
        if self.dropped_columns:
            lines.append(f"  columns not stored: {_listed(self.dropped_columns)}")
        lines += _refused(self.faults, self.unit)
        lines += [f"  {'WARNING: ' if join.is_under else ''}{join}" for join in self.joins]
        lines += [f"  WARNING: {warning}" for warning in self.warnings]
        lines += [f"  {note}" for note in (*self.unjoined, *self.notes)]
        if self.reject_file:
            lines.append(f"  every refused row: {self.reject_file}")
        if self.is_dry_run:
            lines.append("  dry run: nothing was written")
        elif self.is_unusable:
            lines.append("  nothing could be used: every row was rejected, and the records stay as they are")
        elif not self.accepted:
            lines.append("  nothing new: the records stay as they are")
        else:
            lines.append(f"  stored: {self.snapshot}")
        return "\n".join(lines)


def _listed(columns: Sequence[str]) -> str:
    more = len(columns) - SHOWN_COLUMNS
    return ", ".join(columns[:SHOWN_COLUMNS]) + (f" and {more:,} more" if more > 0 else "")


def _refused(faults: Sequence[Fault], unit: str) -> list[str]:
    """A line per kind of fault: reasons that differ by a day or a line alone are one kind."""
    kinds: dict[tuple[str | None, str], list[Fault]] = {}
    for fault in faults:
        kinds.setdefault((fault.column, re.sub(PARTICULARS, "*", fault.reason)), []).append(fault)
    most = sorted(kinds.values(), key=len, reverse=True)
    lines = [f"  refused, {len(alike):,} x from {unit} {alike[0].line}: {_said(alike)}" for alike in most[:SHOWN]]
    return [*lines, f"  refused: {len(most) - SHOWN} more reasons"] if len(most) > SHOWN else lines


def _said(alike: Sequence[Fault]) -> str:
    first = alike[0]
    others = " (the others likewise)" if len({fault.reason for fault in alike}) > 1 else ""
    cause = next((cause for words, cause in CAUSES.items() if words in first.reason), "") if others else ""
    return f"{first.column or 'the row'} {first.reason}{others}{cause}"
