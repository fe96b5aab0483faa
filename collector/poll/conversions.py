"""Poll stage: what becomes of a raw value on its way into a field: scale, sign, logarithm, and what counts as no value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from collector.poll.snmp.codec import Value

Convert = Callable[[Value], "int | float | bool | None"]
HALF_OF_32_BITS, ALL_ONES = 2**31, 2**32 - 1
_NUMBER = re.compile(rb"\s*([+-]?\d+(?:\.\d+)?)\s*[A-Za-z%]*(?:\s*:\s*[A-Za-z][A-Za-z -]*)?[\s\0]*\Z")


class Scaling(NamedTuple):
    """How a number is read: multiplied, divided, then ``offset`` is added; those in ``absent`` are no value.

    ``is_signed``: of a field that may lie below zero, which agents give as unsigned numbers too. ``takes_no_text``: the
    number that a text begins with may be of another unit. The rest is as in a profile.
    """

    multiplier: float
    divisor: float
    offset: float
    absent: frozenset[float]
    milliwatts: bool
    below_zero_divisor: float
    is_signed: bool
    takes_no_text: bool
    is_never_negative: bool


def of_anything(scaling: Scaling) -> Convert:
    """The conversion of any value: of a text the number that it begins with counts."""
    scaled_number, takes_no_text = of_number(scaling), scaling.takes_no_text

    def scaled(value: Value) -> float | int | None:
        if isinstance(value, bytes):
            value = None if takes_no_text else _leading_number(value)
        if not isinstance(value, (int, float)) or (isinstance(value, float) and not math.isfinite(value)):
            return None
        return scaled_number(value) if scaled_number is not None else value

    return scaled


def of_number(scaling: Scaling) -> Convert | None:
    """What becomes of a number; None where it stays as it is."""
    multiplier, divisor, offset, absent = scaling.multiplier, scaling.divisor, scaling.offset, scaling.absent
    refuses_negative = scaling.is_never_negative

    least = 0 if refuses_negative else -math.inf

    def scaled(value: Any) -> float | int | None:
        return None if value < least or value in absent else value * multiplier / divisor + offset

    def divided(value: Any) -> float | int | None:
        return value * multiplier / divisor

    def plain(value: Any) -> float | int | None:
        return None if value < least or value in absent else value

    if multiplier == divisor and not offset:
        linear: Convert | None = plain if absent else not_negative if refuses_negative else None
    else:
        linear = scaled if absent or offset or refuses_negative else divided
    convert = _logarithmic(scaling, linear) if scaling.milliwatts else linear
    return _signed(convert, absent) if scaling.is_signed else convert


def not_negative(value: Any) -> float | int | None:
    """A counter or a time that an agent gives as INTEGER."""
    return value if value >= 0 else None


def dbm(milliwatts: float) -> float | None:
    """A power as a level; None where it is not above 0."""
    return 10 * math.log10(milliwatts) if milliwatts > 0 else None


def _signed(convert: Convert | None, absent: frozenset[float]) -> Convert:
    """Levels below zero that an agent gives as unsigned numbers of 32 bits: 4294967231 is -65. All ones is no level."""

    def signed(value: Any) -> float | int | None:
        if value.__class__ is int and value >= HALF_OF_32_BITS:
            if value in absent or value >= ALL_ONES:
                return None
            value -= ALL_ONES + 1
        return convert(value) if convert is not None else value

    return signed


def _logarithmic(scaling: Scaling, linear: Convert | None) -> Convert:
    absent = scaling.absent

    def logarithmic(value: Any) -> float | None:
        if value < 0:
            return None if value in absent else value / scaling.below_zero_divisor
        power = linear(value) if linear is not None else value
        return None if power is None else dbm(power)

    return logarithmic


def _leading_number(value: bytes) -> float | None:
    """The number that a text such as ``-9.36 dBm`` or ``-2.62 dBm: Normal`` begins with; None for any other."""
    found = _NUMBER.match(value)
    return float(found[1]) if found else None
