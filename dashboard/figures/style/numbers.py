"""Numbers as people read them: the one place where a value becomes text, shared by pages and reports."""

from __future__ import annotations

import math
from datetime import date, datetime

import pandas as pd

NONE = "–"
THIN = "\u202f"

CURRENCY_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "BRL": "R$", "RUB": "₽"}


def is_missing(value: object) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def count(value: float | None) -> str:
    """12345 -> '12,345', as in every text of the product; a missing value is a dash."""
    if is_missing(value):
        return NONE
    assert value is not None
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{round(value):,}".replace("-", "−")


def of(value: float, noun: str) -> str:
    """'1 area', '24 areas'; as few as are written, so that 1.2 devices are '1 device'."""
    return f"{count(value)} {noun}{'' if count(value) == '1' else 's'}"


def decimal(value: float | None, places: int = 1) -> str:
    """A number with fixed decimals; from a thousand on without them, and never minus zero."""
    if is_missing(value):
        return NONE
    assert value is not None
    if abs(value) >= 1000:
        return count(value)
    rounded = round(value, places) + 0.0
    return f"{rounded:.{places}f}".replace("-", "−")


def leavers(value: float | None) -> str:
    """An expected number of people: whole from ten on, else one decimal."""
    return decimal(value, 0 if not is_missing(value) and abs(value or 0) >= 9.95 else 1)


def signed(text: str) -> str:
    return text if text.startswith("−") or text in {NONE, "0", "0.0"} else f"+{text}"


def interval(low: float | None, high: float | None, form=leavers) -> str:  # type: ignore[no-untyped-def]
    """'3.1 to 9.8'; with one end 'up to 9.8' or '3.1 and more'; a dash where there is none."""
    if is_missing(low) or is_missing(high) or (low == -math.inf and high == math.inf):
        return NONE
    if low == -math.inf:
        return f"up to {form(high)}"
    return f"{form(low)} and more" if high == math.inf else f"{form(low)} to {form(high)}"


def percent(ratio: float | None, places: int = 1) -> str:
    return NONE if is_missing(ratio) else decimal((ratio or 0) * 100, places) + after("%")


def milliseconds(seconds: float | None, places: int = 0) -> str:
    return NONE if is_missing(seconds) else decimal((seconds or 0) * 1000, places) + after("ms")


def after(unit: str) -> str:
    """A unit as it stands after a number: '40%', but '18 ms', with a narrow space that no line breaks at."""
    return unit if unit in {"", "%"} else f"{THIN}{unit}"


def money(value: float | None, currency: str, places: int = 0) -> str:
    """1234.5 EUR -> '€1,235'; a currency without a sign of its own stands behind: '1,235 CHF'."""
    if is_missing(value):
        return NONE
    assert value is not None
    text = decimal(abs(value), places)
    sign = CURRENCY_SIGNS.get(currency)
    text = f"{sign}{text}" if sign else f"{text}{THIN}{currency}"
    return f"−{text}" if round(value, places) < 0 else text


def rate_ratio(value: float | None) -> str:
    return NONE if is_missing(value) else f"×{decimal(value, 2)}"


def probability(value: float | None) -> str:
    """A p-value as it is read: '0.012', '< 0.001'."""
    if is_missing(value):
        return NONE
    assert value is not None
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def duration(seconds: float | None) -> str:
    """'45 s', '12 min', '3 h 05 min', '2 d 4 h': rounded to the smallest unit that is told, so that 239.95 s are 4 min."""
    if is_missing(seconds):
        return NONE
    length = max(0.0, float(seconds or 0))
    whole, minutes, hours = (math.floor(length / unit + 0.5) for unit in (1, 60, 3600))
    if whole < 60:
        return f"{whole} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def day(value: date | datetime | str | None) -> str:
    """'22 Nov 2026', in any process locale."""
    if is_missing(value):
        return NONE
    when = pd.Timestamp(value)  # type: ignore[arg-type]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{when.day} {months[when.month - 1]} {when.year}"


def moment(value: datetime | None, now: datetime) -> str:
    """A clock time today, else the day with it: '14:05', '21 Nov 14:05'. Both in the same time zone."""
    if is_missing(value):
        return NONE
    assert value is not None
    clock = f"{value:%H:%M}"
    return clock if value.date() == now.date() else f"{day(value)[:-5]} {clock}"
