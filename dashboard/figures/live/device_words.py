"""One device as people read it: its state, when it was asked and heard, what it measures, what it is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.figures.live import last_reading
from dashboard.figures.style import numbers

NOT_MEASURED = "not measured"
ROLES = {
    "router": "Router",
    "olt": "OLT",
    "cmts": "CMTS",
    "ap": "Access point",
    "switch": "Switch",
    "cpe": "Customer device",
}
TECHNOLOGIES = {"fibre": "fibre", "cable": "cable", "wireless": "wireless", "dsl": "DSL"}

Row = Mapping[Hashable, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of a device: the value, what it is, what stands under it, and all of it in a sentence."""

    value: str
    name: str
    beside: str = ""
    meaning: str = ""


def moment(value: Any, now: datetime, *, never: str) -> str:
    """A clock time to the second today, else the day with it; ``never`` where there was none."""
    if value is None or numbers.is_missing(value):
        return never
    local = value.astimezone(now.tzinfo)
    clock = f"{local:%H:%M:%S}"
    return clock if local.date() == now.date() else f"{numbers.day(local)} {clock}"


def times(row: Row, now: datetime) -> list[Fact]:
    """When it was asked last, and when it answered last."""
    asked = moment(row["polled_at"], now, never="not asked yet")
    heard = moment(row["answered_at"], now, never="not since the collector began")
    return [
        Fact(asked, "last asked", meaning="When the collector polled it last"),
        Fact(heard, "last heard", meaning="When it answered a poll last"),
    ]


def measures(row: Row) -> list[Fact]:
    """What its last polls measured; what was not is said, and is never 0."""
    usual = row["usual_rtt_seconds"]
    beside = "" if numbers.is_missing(usual) else f"usual {last_reading.round_trip(usual)}"
    rates = last_reading.rates(row["receive_bytes_per_second"], row["transmit_bytes_per_second"])
    found = [
        Fact(
            last_reading.round_trip(row["rtt_seconds"]),
            "round trip",
            beside,
            "Median round trip of the last pings, else of SNMP",
        ),
        Fact(last_reading.lost(row), "pings lost", "", "Share of the last pings that never came back"),
        Fact(
            rates, "uplink down / up", "", "Rate on the uplink towards the customers, and back, between the last polls"
        ),
        Fact(
            last_reading.load(row["utilization_ratio"]),
            "load, busier direction",
            "",
            "Rate over capacity of the busier direction of the uplink",
        ),
        Fact(
            last_reading.signal(row["signal_dbm"], row["signal_noise_db"]),
            "signal" if not numbers.is_missing(row["signal_dbm"]) else "signal to noise",
            "",
            "Received level, else signal-to-noise ratio, of the worst channel",
        ),
    ]
    return [fact for fact in (*found, *_health(row)) if fact.value != numbers.NONE]


def _health(row: Row) -> list[Fact]:
    """How its own parts stood when it was last asked for them."""
    failed, degrees = row.get("failed_parts"), row.get("temperature_celsius")
    hot = numbers.NONE if numbers.is_missing(degrees) else f"{numbers.decimal(degrees, 0)}{numbers.after('°C')}"
    found = [
        Fact(numbers.percent(row.get("processor_ratio"), 0), "processor", "", "Load of its busiest processor"),
        Fact(numbers.percent(row.get("memory_ratio"), 0), "memory", "", "How full its fullest memory is"),
        Fact(hot, "temperature", "", "Its hottest part"),
    ]
    if isinstance(failed, str) or failed is None or numbers.is_missing(failed) or not len(failed):
        return found
    return [
        *found,
        Fact(", ".join(failed), "failed by its own word", "", "Fans and power supplies that it says have failed"),
    ]


def unmeasured(row: Row) -> str:
    """Which of them were not measured, in a sentence; empty where all were."""
    names = {
        "round trip": row["rtt_seconds"],
        "loss": row["loss_ratio"],
        "uplink traffic": row["receive_bytes_per_second"],
        "load": row["utilization_ratio"],
        "signal": row["signal_dbm"] if not numbers.is_missing(row["signal_dbm"]) else row["signal_noise_db"],
    }
    if row.get("state") in last_reading.OUT:
        names["loss"] = None
    left = [name for name, value in names.items() if numbers.is_missing(value)]
    return f"Not measured in the last polls: {', '.join(left)}." if left else ""


def kind(role: str, technology: str | None, site: str | None) -> str:
    """What it is and where: 'OLT, fibre, site Oosterduyn'."""
    said = [ROLES.get(role, role)]
    if technology:
        said.append(TECHNOLOGIES.get(technology, technology))
    if site:
        said.append(f"site {site}")
    return ", ".join(said)


def capacity(row: Mapping[str, Any] | None) -> str:
    """'Capacity down / up, as the inventory states it: 10 / 2.5 Gbit/s'; empty where it states none."""
    if row is None:
        return ""
    down, up = row.get("capacity_receive_bytes_per_second"), row.get("capacity_transmit_bytes_per_second")
    if numbers.is_missing(down) and numbers.is_missing(up):
        return ""
    return f"Capacity down / up, as the inventory states it: {last_reading.rates(down, up)}."
