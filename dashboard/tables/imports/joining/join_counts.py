"""One join of an import: of so many rows so many name what is on record, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from dashboard.config import DashboardSettings
from dashboard.tables.checks.cells.ids import Way
from dashboard.tables.readers.sheets import Sheet

LARGEST_FALL = 0.2
"""By how much the share may lie under the last import's before it is said with exit code 1."""
FEWEST_WRITTEN = 2
"""Rows whose id is one on record in another writing; a single one may be a slip."""


@dataclass(frozen=True)
class Reason:
    """Why ids are not those on record, in words; ``way`` says how ``column`` of the file is to be rewritten, where that is it.

    ``is_writing``: they are those on record, written otherwise.
    """

    said: str = ""
    column: str = ""
    way: Way = field(default_factory=Way)
    is_writing: bool = False

    def __str__(self) -> str:
        return self.said

    def __bool__(self) -> bool:
        return bool(self.said)


@dataclass(frozen=True)
class StandIn:
    """An id under which so many rows stand that it is nobody's own."""

    written: str
    rows: int

    def __str__(self) -> str:
        return (
            f"{self.rows:,} rows name one and the same customer ({self.written!r}), so this id probably stands for nobody, and"
            " these rows count as naming no customer: leave the id blank in the export"
        )


@dataclass(frozen=True)
class Join:
    """One way in which rows of an import name what is on record. ``key`` tells it apart in the history.

    ``rows`` are those that name something, ``joined`` those of them that name something known; ``stored`` says the same
    of all that is on record after the import. Rows under an id that stands for nobody (``stand_in``) join nothing.
    """

    key: str
    said: str
    rows: int
    joined: int
    floor: float = 0.0
    stored: tuple[int, int] | None = None
    last: tuple[int, int] | None = None
    stand_in: StandIn | None = None
    reason: Reason = field(default_factory=Reason)

    @property
    def setting(self) -> str:
        """Of which setting in [joins] the floor is."""
        return self.key.split(".")[-1]

    @property
    def share(self) -> float:
        return self.joined / self.rows if self.rows else 1.0

    @property
    def is_under(self) -> bool:
        """Whether so few join that what rests on them is not known, or far fewer than in the last import, or some would
        join if they were written as those on record are."""
        return self.share < self.floor or self._has_fallen or self._is_written_otherwise or self.stand_in is not None

    @property
    def _is_written_otherwise(self) -> bool:
        return self.reason.is_writing and self.rows - self.joined >= FEWEST_WRITTEN

    @property
    def _has_fallen(self) -> bool:
        return self.last is not None and self.rows > 0 and self.share < self.last[0] / self.last[1] - LARGEST_FALL

    def __str__(self) -> str:
        said = self.said.replace("rows name ", "row names ", 1) if self.rows == 1 else self.said
        text = f"{self.joined:,} of {self.rows:,} {said}"
        beside = []
        if self.last is not None:
            beside.append(f"in the last import {self.last[0]:,} of {self.last[1]:,}")
        if self.stored is not None and self.stored != (self.joined, self.rows):
            beside.append(f"of all on record {self.stored[0]:,} of {self.stored[1]:,}")
        text += f" ({'; '.join(beside)})" if beside else ""
        if self.share < self.floor:
            text += f", and joins.{self.setting} asks for {self.floor:.0%}"
        if self.stand_in is not None:
            text += f"; {self.stand_in}"
            if self.share >= self.floor and not self.reason.is_writing:
                return text
        return f"{text}: {self.reason}" if self.reason and self.is_under else text


@dataclass(frozen=True)
class Told:
    """The joins of one import, and what cannot be said yet."""

    joins: tuple[Join, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """An import as its joins are looked at: the accepted ``rows`` (ids hashed), all on record ``after``, and the sheet
    that it was read from, whose ids are as the export writes them."""

    kind: str
    sheet: Sheet
    rows: pa.Table
    after: pa.Table
    key: bytes | None
    settings: DashboardSettings
