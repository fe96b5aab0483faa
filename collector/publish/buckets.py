"""Fixed logarithmic buckets: percentiles kept as small whole numbers, the same in memory, journal and table."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

_STEP = math.log(1.02)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Values from ``low`` up in steps of 2%, so that a value is known to within 1%.

    Bucket 0 holds everything up to ``low``; 65,535 buckets reach further than any float that is measured.
    """

    low: float

    def index(self, value: float) -> int:
        """The bucket of ``value``."""
        return 0 if value <= self.low else int(math.log(value / self.low) / _STEP) + 1

    def value(self, index: int) -> float:
        """The geometric middle of a bucket; 0 for the lowest."""
        return self.low * math.exp((index - 0.5) * _STEP) if index else 0.0

    def quantile(self, indices: array[int], q: float) -> float | None:
        """The ``q`` quantile, by nearest rank, of values kept as bucket numbers; None of nothing."""
        if not indices:
            return None
        return self.value(sorted(indices)[max(0, math.ceil(q * len(indices)) - 1)])


RTT_SECONDS = Buckets(low=1e-5)
BYTES_PER_SECOND = Buckets(low=1.0)
RATIO = Buckets(low=1e-4)
