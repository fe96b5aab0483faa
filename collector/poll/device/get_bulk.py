"""Poll stage: whether the tables of one device can be asked for by GETBULK, or must be by GETNEXT, row by row."""

from __future__ import annotations

LOST_AT_FIRST = 2
"""Tries of GETBULK in a row without an answer after which a device that has never answered one is asked by GETNEXT."""
LOST_LATER = 3
"""The same for a device that has."""


class GetBulk:
    """What is known of one device's GETBULK, until the device is explored again: about hourly, and after a restart.

    A lost packet proves nothing. GETBULK is *suspected* once the device has refused it for a single row, or has not
    answered several tries in a row, the last of them for a single row, which no path is too narrow for; it *is avoided*
    once GETNEXT was answered then. After that it is tried once whenever all is learnt anew. ``trouble`` says what was
    wrong with it last, None where nothing is; ``is_replaced`` whether GETNEXT was answered in its place.
    """

    __slots__ = ("_has_worked", "_is_suspected", "_lost", "is_avoided", "is_replaced", "is_trial", "trouble")

    def __init__(self, before: GetBulk | None = None) -> None:
        self.is_avoided = self.is_replaced = False
        self.trouble: str | None = None
        self.is_trial = before is not None and before.is_avoided
        self._has_worked: bool = before is not None and before._has_worked
        self._is_suspected = False
        self._lost = 0

    @property
    def is_used(self) -> bool:
        return not self.is_avoided and not self._is_suspected

    @property
    def has_failed(self) -> bool:
        """Whether GETNEXT should be tried, after the tries that were lost."""
        return self._is_suspected or self.is_trial or self._lost >= self._most_lost

    @property
    def is_last_try(self) -> bool:
        """Whether the next try is the last before GETNEXT; it should ask for a single row, unless it is a trial."""
        return self.is_trial or self._lost >= self._most_lost

    def lost(self, repetitions: int) -> None:
        """A request for this many rows was not answered."""
        self._lost += 1
        self.trouble = "is not answered"
        if self.is_trial or (repetitions == 1 and self._lost >= self._most_lost):
            self._is_suspected = True

    def refused(self, trouble: str) -> None:
        """It was answered with an error, even for a single row, or by packets that cannot be read."""
        self.trouble = trouble
        self._is_suspected = True

    def ran_out(self) -> None:
        """No time was left in the poll for GETNEXT: the next walk begins with it."""
        self._is_suspected = self._is_suspected or self.has_failed

    def answered(self) -> None:
        self._has_worked = True
        self.acquit()

    def acquit(self) -> None:
        """GETNEXT fares no better: the fault is not GETBULK's."""
        if not self.is_avoided:
            self._lost = 0
            self._is_suspected = self.is_trial = False
            self.trouble = None

    def answered_next(self) -> bool:
        """GETNEXT was answered; True where GETBULK is avoided from now on, and was not before."""
        self.is_replaced = True
        if not self._is_suspected or self.is_avoided:
            return False
        self.is_avoided = True
        return not self.is_trial

    @property
    def _most_lost(self) -> int:
        return LOST_LATER if self._has_worked else LOST_AT_FIRST
