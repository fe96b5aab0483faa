"""Tables with more leavers than there are: chances and weights brought back to the true rate (King and Zeng 2001)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]


def intercept_shift(true_rate: float, sampled_rate: float) -> float:
    """What the log odds of a model fitted to a sample chosen by outcome are too high by.

    ln[((1 - t) / t) (y / (1 - y))] with t the true and y the sampled rate: King and Zeng (2001), equation 7, to be
    taken from the intercept. Slopes need no correction (Prentice and Pyke 1979).
    """
    return float(np.log((1 - true_rate) / true_rate * sampled_rate / (1 - sampled_rate)))


def corrected(log_odds: Floats, true_rate: float | None, sampled_rate: float) -> Floats:
    """Chances at the true rate; None where the sample is as the customers are."""
    shift = 0.0 if true_rate is None else intercept_shift(true_rate, sampled_rate)
    return np.asarray(special.expit(log_odds - shift))


def weights(outcome: Floats, true_rate: float | None) -> Floats:
    """How many of the true customers each row stands for: t / y who left, (1 - t) / (1 - y) who stayed (equation 9)."""
    sampled = float(outcome.mean())
    if true_rate is None or not 0 < sampled < 1:
        return np.ones(len(outcome))
    return np.where(outcome > 0.5, true_rate / sampled, (1 - true_rate) / (1 - sampled))
