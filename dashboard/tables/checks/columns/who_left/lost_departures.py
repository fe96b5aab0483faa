"""Rows that say who left and are rejected while the others are taken: the records would say that hardly anybody left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from collector.published import TableSpec
from dashboard.tables.readers.sheets import Fault, Sheet

ENDS = ("ended_on", "notice_on", "end_reason")
FEWEST = 5
MOST_REFUSED, MOST_UNTOLD = 0.5, 0.8
"""Down to which share of the departures of the rows that are taken the file is refused, and told of."""


@dataclass(frozen=True)
class Lost:
    """Of ``ended`` rows with an end ``lost`` are rejected; ``kept_ratio`` is how many departures per customer are left of them."""

    lost: int = 0
    ended: int = 0
    kept_ratio: float = 1.0
    reasons: str = ""

    @property
    def refusal(self) -> str | None:
        """Why the file is refused; None where enough of the departures are left."""
        if self.lost < FEWEST or self.kept_ratio > MOST_REFUSED:
            return None
        return (
            f"{self._said}: with the other rows alone the records would say that hardly anybody left. Correct these cells, or"
            " say in a mapping how they are written (--propose writes one), and import the file again"
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        if self.lost < FEWEST or self.kept_ratio > MOST_UNTOLD:
            return ()
        return (f"{self._said}, and fewer of the other rows: departures on record are too few until these are mended",)

    @property
    def _said(self) -> str:
        return f"{self.lost:,} of {self.ended:,} rows that say that a customer left are rejected ({self.reasons})"


def of_import(spec: TableSpec, sheet: Sheet, faults: Sequence[Fault]) -> Lost:
    """What the ``faults`` cost of the departures in ``sheet``, the file as it was read.

    A row says that somebody left where a cell of its end is filled, or refused.
    """
    if spec.name != "customers":
        return Lost()
    refused = {fault.line for fault in faults}
    is_end = np.zeros(len(sheet.lines), dtype=bool)
    for name in ENDS:
        if name in sheet.columns:
            is_end |= sheet.columns[name].is_valid().to_numpy(zero_copy_only=False)
    ended = {*sheet.lines[is_end].tolist(), *(fault.line for fault in faults if fault.column in ENDS)}
    lost = ended & refused
    others = sheet.rows_read - sheet.skipped - len(ended)
    others_kept = others - len(refused - ended)
    if not lost or not others_kept:
        return Lost()
    kept_ratio = (1 - len(lost) / len(ended)) / (others_kept / others)
    return Lost(
        len(lost), len(ended), kept_ratio, _reasons([fault for fault in faults if fault.line in lost], sheet.unit)
    )


def _reasons(faults: Sequence[Fault], unit: str) -> str:
    """The most frequent reasons, each with the first line that has it."""
    first = {(fault.column, fault.reason): fault.line for fault in reversed(faults)}
    most = Counter((fault.column, fault.reason) for fault in faults).most_common(2)
    return "; ".join(f"{key[0] or 'the row'} {key[1]}, first on {unit} {first[key]}" for key, _ in most)
