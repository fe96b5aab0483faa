"""Which hours without service a form of the dose goes by: over how many weeks, and in single outages of what length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EIGHT = 8
"""Weeks over which every measure is told, and acts where nothing says otherwise."""
PART = 1.0 / 3.0
"""What an hour of a shorter outage counts for in the forms between all hours alike and those of long outages alone."""


@dataclass(frozen=True, slots=True, order=True)
class Felt:
    """Hours over so many ``weeks``: all alike (``longer_than`` 0), or those in single outages that lasted longer than so
    many hours, with a share ``rest`` (0 to 1) of the others."""

    weeks: int = EIGHT
    longer_than: int = 0
    rest: float = 0.0

    def of(self, every: Floats, long: Floats) -> Floats:
        """(n,) the hours that are felt, of ``every`` and of the ``long`` ones among them.

        Where it is not known how many were long, as many of them as of all others together; none where nothing is known.
        """
        if not self.longer_than:
            return every
        known = ~np.isnan(long) & ~np.isnan(every)
        whole = float(every[known].sum())
        usual = float(np.minimum(long, every)[known].sum()) / whole if whole > 0 else 1.0
        of_long = np.where(known, np.minimum(long, every), usual * every)
        return np.asarray(of_long + self.rest * (every - of_long))


ALL_OF_EIGHT = Felt()
