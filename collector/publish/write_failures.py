"""Writes that fail: each is counted, and the log says once that a table cannot be written, and once that it can again."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator

log = logging.getLogger(__name__)


class WriteFailures:
    """What became of the tables that are written again and again; a full disk fails them every few seconds."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._told: dict[str, str] = {}

    @contextlib.contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """A write of the table ``what`` that fails does no more than this; the next turn tries again."""
        try:
            yield
        except OSError as error:
            self.counts[what] += 1
            why = error.strerror or str(error)
            if self._told.get(what) != why:
                self._told[what] = why
                log.warning("the %s table cannot be written: %s; it is tried again until it can be", what, why)
        else:
            if self._told.pop(what, None) is not None:
                log.warning("the %s table is written again", what)
