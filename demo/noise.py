"""Randomness without state: a number for every (seed, stream, keys), so that the world is a function of time."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def uniform(seed: int, stream: str, *keys: ArrayLike) -> NDArray[np.float64]:
    """Numbers in (0, 1), one for each broadcast combination of integer ``keys`` (SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        state = _mix(np.asarray((seed << 32) ^ zlib.crc32(stream.encode()), dtype=np.uint64))
        for key in keys:
            state = _mix(state ^ (np.asarray(key, dtype=np.int64).view(np.uint64) * _STEP + _STEP))
    return np.asarray((state >> np.uint64(11)) * 2.0**-53 + 2.0**-54, dtype=np.float64)


def normal(seed: int, stream: str, *keys: ArrayLike) -> NDArray[np.float64]:
    """Standard normal numbers, as `uniform`."""
    return np.asarray(ndtri(uniform(seed, stream, *keys)))


def between(bounds: tuple[float, float], at: ArrayLike) -> NDArray[np.float64]:
    """The point that lies the share ``at`` (0 to 1) of the way between two bounds."""
    low, high = bounds
    return np.asarray(low + (high - low) * np.asarray(at), dtype=np.float64)


def generator(seed: int, stream: str, *keys: int) -> np.random.Generator:
    """A stream of its own for one (seed, stream, keys), where many numbers are drawn at once."""
    return np.random.Generator(np.random.SFC64([seed, zlib.crc32(stream.encode()), *keys]))


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = state + _STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))
