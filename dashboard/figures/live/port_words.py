"""The ports of a device in words: how each stands, what it carries, and how full it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.figures.live import last_reading
from dashboard.figures.style import numbers

COLUMNS = ("Port", "State", "Received / sent", "Load", "Speed")
STATES = {"up": "● up", "down": "■ down", "shut": "○ shut by an operator", "unknown": "? not known"}

Row = Mapping[str, Any]


def state(row: Row) -> str:
    """A key of STATES; what the device did not say is not known."""
    if row["is_admin_up"] is False:
        return "shut"
    return "unknown" if row["is_up"] is None else "up" if row["is_up"] else "down"


def load(row: Row) -> float | None:
    """The fuller direction's rate over the speed; None where either is not known, or the speed is stated as 0."""
    speed = row["speed_bytes_per_second"]
    rates = [row[f"{way}_bytes_per_second"] for way in ("receive", "transmit")]
    known = [rate for rate in rates if rate is not None]
    return max(known) / speed if known and speed else None


def cells(row: Row) -> list[str]:
    """The values of COLUMNS but for the port's name."""
    speed = row["speed_bytes_per_second"]
    return [
        STATES[state(row)],
        last_reading.rates(row["receive_bytes_per_second"], row["transmit_bytes_per_second"]),
        last_reading.load(load(row)),
        last_reading.rates(speed, None).split(" / ", maxsplit=1)[0] + _unit(speed) if speed else numbers.NONE,
    ]


def _unit(bytes_per_second: float) -> str:
    said = last_reading.rates(bytes_per_second, None)
    return said[said.rindex(numbers.NONE) + len(numbers.NONE) :]


def summary(rows: tuple[Row, ...]) -> str:
    """'48 ports: 30 up, 2 down, 16 shut by an operator'."""
    counts = {key: sum(state(row) == key for row in rows) for key in STATES}
    told = [f"{numbers.count(count)} {STATES[key][2:]}" for key, count in counts.items() if count]
    return f"{numbers.of(len(rows), 'port')}: {', '.join(told)}"
