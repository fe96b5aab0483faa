"""What is said of an open incident: what is down, who is affected, where to begin, and who has taken it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard.figures.style import numbers

KIND_ORDER = ("outage", "degradation", "planned")
MEASURES = {"loss": "packet loss", "latency": "slow answers", "saturation": "a full uplink"}
BEGIN = {
    "loss": "signal, errors and cabling of {root}",
    "latency": "load and path of {root}",
    "saturation": "what fills the uplink of {root}: is it usual at this hour?",
}
ID_CHARACTERS = 13
"""The ids begin with the time in milliseconds: two rarely share this many characters."""

Row = Mapping[Any, Any]


def in_order(incidents: pd.DataFrame) -> pd.DataFrame:
    """Outages before degradations before planned work; within each kind what most customers feel, then the newest."""
    kinds = incidents["kind"].map({kind: i for i, kind in enumerate(KIND_ORDER)}).fillna(len(KIND_ORDER))
    keys = incidents.assign(kind_order=kinds)
    by = ["kind_order", "subscribers_affected", "started_at"]
    return incidents.loc[keys.sort_values(by, ascending=[True, False, False]).index]


def answers_now(row: Row) -> bool:
    """Whether an outage is kept open (its device flaps) or is just ending: nobody is without service by it now."""
    return row["kind"] in {"outage", "planned"} and not row["out_now"] and not row["unseen_now"]


def people(row: Row) -> tuple[str, list[str]]:
    """How many customers are without service by it now, as a number and the lines under it.

    Of a degradation, which takes no service away, all that it touches; '?' where nobody knows of any of them, or the
    inventory counts no customers.
    """
    if not row["is_counted"]:
        return "?", ["customers:", "none in the inventory"]
    ever, now = int(row["subscribers_affected"]), int(row["customers_now"])
    if row["kind"] not in {"outage", "planned"} or (now == ever and not row["unseen_now"]):
        return numbers.count(ever), [_customers(ever)]
    if not row["unseen_now"]:
        return numbers.count(now), [f"{_customers(now)} now", f"of {numbers.count(ever)} in all"]
    gap = f"{_devices(int(row['unseen_now']))} not known"
    if not now:
        return "?", [f"of {numbers.count(ever)} {_customers(ever)}", gap]
    return numbers.count(now), [f"{_customers(now)} now", f"of {numbers.count(ever)}, {gap}"]


def what(row: Row) -> str:
    """What has happened, in a sentence without its end."""
    if row["kind"] in {"outage", "planned"} and row["unseen_now"]:
        return f"{_fell(row)}; whether this is still so is not known for {_devices(int(row['unseen_now']))}"
    return _fell(row)


def _fell(row: Row) -> str:
    root, devices = row["root_device_id"] or "an unknown device", int(row["devices_affected"])
    if row["kind"] == "degradation":
        measure = MEASURES.get(row["measure"], "bad quality")
        return f"{measure} at {_devices(devices)} behind {root}" if row["scope"] == "group" else f"{measure} at {root}"
    if row["scope"] == "group":
        return f"{_devices(devices)} behind {root} fell silent together; {_group_now(row, root)}"
    behind = f", and {_devices(devices - 1)} behind it" if devices > 1 else ""
    if answers_now(row):
        return f"{root} was down{behind}; {'all answer' if behind else 'it answers'} now"
    if row["root_state"] in {"up", "suspect"}:
        return f"{root} was down and answers again; {_devices(int(row['out_now']))} behind it {_do(row)} not yet"
    return f"{root} is down{behind}"


def had(row: Row) -> str:
    """What an incident that is over had struck; a group's root answered throughout, so that it is no part of it."""
    root, devices = row["root_device_id"] or "an unknown device", int(row["devices_affected"])
    struck = f"{_devices(devices)} behind {root}" if row["scope"] == "group" else root
    if row["kind"] == "degradation":
        return f"{MEASURES.get(row['measure'], 'bad quality')} at {struck}"
    behind = f" and {_devices(devices - 1)} behind it" if row["scope"] != "group" and devices > 1 else ""
    return f"{'planned work at ' if row['kind'] == 'planned' else ''}{struck}{behind}"


def collector_of(row: Row) -> str:
    """The collector that opened it: 'collector shard 0'."""
    return f"collector shard {str(row['detected_by']).removeprefix('shard ')}"


def for_device(row: Row, device_id: str) -> str:
    """What an incident was to one device in it: its own, or behind another's."""
    root = row["root_device_id"] or "an unknown device"
    measure = MEASURES.get(row["measure"], "bad quality").capitalize()
    own = {"outage": "Without service", "planned": "Without service in planned work", "degradation": measure}
    said = own.get(row["kind"], "Not observed: the collector lost sight of the network")
    if row["kind"] not in own or root == device_id:
        others = " of devices behind it" if row["scope"] == "group" and row["kind"] in own else ""
        return f"{said}{others}"
    return f"{said}, behind {root}"


def _group_now(row: Row, root: str) -> str:
    """How those stand who fell silent together."""
    if answers_now(row):
        return "all answer now"
    answers = f"{root} answers" if row["root_state"] in {"up", "degraded"} else f"whether {root} answers is not known"
    some = 0 < row["out_now"] < row["devices_affected"] and not row["unseen_now"]
    return f"{numbers.count(int(row['out_now']))} still {_do(row)} not answer, {answers}" if some else answers


def _do(row: Row) -> str:
    return "does" if row["out_now"] == 1 else "do"


def begin(row: Row, parent: str | None) -> str:
    """Where to look first. ``parent``: the device that the root hangs from; the verdict says that it answers."""
    root = row["root_device_id"]
    if root is None:
        return ""
    if row["kind"] == "planned":
        return "nothing to do during the work"
    if row["kind"] == "degradation":
        return BEGIN.get(row["measure"], "{root}").format(root=root)
    if answers_now(row):
        return f"what makes it come and go: power, connectors and cabling {'behind' if row['scope'] == 'group' else 'of'} {root}"
    if row["scope"] == "group":
        return f"the line or node that they share behind {root}, and power in the street"
    return f"power of {root}" + (f", then its link to {parent}, which answers" if parent else ", then its uplink")


def taken_up(row: Row) -> str:
    """Who has taken it up and what they said last; nothing where nobody has."""
    said = row["taken_up"]
    if not said:
        return ""
    by, note = said
    return f"{by}: {note}" if note else str(by)


def silenced(row: Row, now: datetime) -> str:
    """Until when it is silenced, by whom and why; nothing where it is not. ``now`` in the time zone of pages."""
    held = row.get("silenced")
    if not isinstance(held, Mapping) or held["ends_at"] <= now:
        return ""
    until = numbers.moment(held["ends_at"].astimezone(now.tzinfo), now)
    return f"Silenced until {until} by {held['created_by']}: {held['reason']}"


def short_id(incident_id: str, others: Sequence[str]) -> str:
    """How the id begins, as far as it takes to tell it from the others."""
    start = incident_id[:ID_CHARACTERS]
    return start if sum(other.startswith(start) for other in others) <= 1 else incident_id


def _customers(count: int) -> str:
    return "customer" if count == 1 else "customers"


def _devices(count: int) -> str:
    return f"{numbers.count(count)} device{'' if count == 1 else 's'}"
