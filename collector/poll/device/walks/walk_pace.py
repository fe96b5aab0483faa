"""Poll stage: what the walks of one table have taught: how many rows to ask for, and the way to go again."""

from __future__ import annotations

from collector.poll.device.walks.walk_cache import Route
from collector.poll.manner import MOST_REPETITIONS


class Pace:
    """What earlier walks of one table on one device have taught: rows, bytes per row and a ceiling on repetitions.

    ``route`` is the way to go again, known once a walk has gone as the one before it.
    """

    __slots__ = ("ceiling", "is_known", "route", "row_bytes", "rows")

    def __init__(self, rows: int = 0, row_bytes: float = 0.0) -> None:
        """``rows`` and ``row_bytes`` are what to expect, before any walk has shown it; 0: nobody knows."""
        self.is_known = False
        self.rows = rows
        self.row_bytes = row_bytes
        self.ceiling = MOST_REPETITIONS
        self.route: Route | None = None

    def note(self, rows: int, size: int) -> bool:
        """Learn from a whole walk of this many rows and bytes; True where it went as expected."""
        row_bytes = size / (rows + 1)
        went_as_expected = self.is_known and rows == self.rows and abs(row_bytes - self.row_bytes) <= 0.05 * row_bytes
        self.is_known = True
        if rows:
            self.rows, self.row_bytes = rows, row_bytes
        return went_as_expected
