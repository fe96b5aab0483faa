"""The table of *Now*: devices that are not up, and those that are up but not well, each with a short reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard.figures.live import collector_status, last_reading
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import DEVICE_STATES
from dashboard.operations.live.live_state import Live
from dashboard.pages import parts
from dashboard.pages.source import Source

UNWELL = "up"
"""The state of the filter that stands for devices which answer and are not well."""

SHOWN = ("down", "suspect", "degraded", UNWELL, "unknown", "suppressed", "silent")
"""What needs a person first; devices behind an outage come back with it, and a single silent one does not count as an outage."""

FAULTS = {
    "snmp_silent": "SNMP silent",
    "snmp_refused": "SNMP refused",
    "snmp_partial": "SNMP answers only in part",
    "ping_silent": "ping silent",
    "uplink_down": "uplink down",
    "uplink_shut": "uplink shut by an operator",
    "uplink_missing": "named uplink not found",
    "two_devices": "two devices at one address",
}
FLAPS = "goes down repeatedly"
WHY = {
    "down": "does not answer",
    "suspect": "missed a poll; being checked",
    "silent": "alone silent: switched off, or its own line",
}
MEASURED = "Round trip · pings lost · uplink rate down / up · load of the busier direction · signal"
NUMBER = {"cellClass": "number", "headerClass": "number"}


COLUMNS: tuple[dict[str, Any], ...] = (
    {**parts.mark_column("state", "State", 172, DEVICE_STATES, order="bairroBySeverity"), "flex": 205},
    parts.column("device_id", "Device", 146, flex=210, cellRenderer="DeviceLink", tooltipField="device_and_role"),
    parts.column("area", "Area", 108, flex=125, cellRenderer="AreaLink", tooltipField="area"),
    parts.column("why", "Why", 186, flex=270, tooltipField="why"),
    parts.column("since", "Since", 62, **NUMBER),
    parts.column("subscribers", "Customers", 102, cellRenderer="Shown", **NUMBER),
    parts.column(
        "measured", "Measured now", 126, flex=150, headerTooltip=MEASURED, tooltipField="measured", sortable=False
    ),
)


def filter_word(state: str) -> str:
    """What the filter calls a state."""
    return "Up, with problems" if state == UNWELL else DEVICE_STATES[state].word


def rows(live: Live, source: Source, now: datetime, states: Sequence[str]) -> list[dict[str, Any]]:
    """Devices not up or not well, in the order of SHOWN, within each those with most customers first."""
    flaps = flapping(live)
    is_chosen = live.shown.isin(states) & (live.shown.ne(UNWELL) | _may_be_unwell(live.devices, flaps))
    chosen = live.devices[is_chosen].assign(subscribers=live.behind[is_chosen.to_numpy()], state=live.shown[is_chosen])
    chosen = chosen.assign(why=[why(row, live, flaps, now) for row in chosen.to_dict("records")])
    chosen = chosen[chosen["state"].ne(UNWELL) | chosen["why"].ne("")]
    order = {state: i for i, state in enumerate(SHOWN)}
    chosen = chosen.assign(order=chosen["state"].map(order))
    chosen = chosen.sort_values(["order", "subscribers"], ascending=[True, False], kind="stable")
    names = source.names
    return [
        {
            "device_id": row["device_id"],
            "state": row["state"],
            "device_and_role": f"{row['device_id']} ({row['role']})",
            "area": names.get(row["area"], row["area"]),
            "href": parts.device_href(row["device_id"]),
            "area_href": parts.area_href(row["area"]),
            "why": row["why"],
            "since": "" if row["state"] == "degraded" else numbers.moment(row["since"].tz_convert(now.tzinfo), now),
            "subscribers": int(row["subscribers"]) if live.is_counted else None,
            "subscribers_text": numbers.count(row["subscribers"]) if live.is_counted else "",
            "measured": last_reading.line(row),
        }
        for row in chosen.to_dict("records")
    ]


def _may_be_unwell(devices: pd.DataFrame, flapping: frozenset[str]) -> pd.Series:
    """Which of the devices that are up `why` may say something of: few of many."""
    return devices["faults"].notna() | devices["device_id"].isin(list(flapping))


def until(moment: Any, now: datetime) -> str:
    """Until when a maintenance window holds; nothing where there is none, or it is over since the table was written."""
    if moment is None or pd.isna(moment) or moment <= now:
        return ""
    return numbers.moment(moment.tz_convert(now.tzinfo), now)


def flapping(live: Live) -> frozenset[str]:
    """Roots of open outages that may be up: an outage of a device that answers is kept open because it flaps."""
    incidents = live.open_incidents
    roots = incidents.loc[
        incidents["kind"].isin(["outage", "planned"]) & incidents["scope"].ne("group"), "root_device_id"
    ]
    return frozenset(roots.dropna())


def why(row: dict[Any, Any], live: Live, flapping: frozenset[str], now: datetime) -> str:
    """What is known of the reason; nothing for a device that is well. ``state`` is the one that is shown."""
    state = row["state"]
    if state in {UNWELL, "degraded"}:
        said = _ails(row, live, flapping)
    elif row["device_id"] in live.unseen:
        said = [collector_status.why(live.unseen[row["device_id"]], live.shard_count)]
    elif state == "suppressed" and row["root"] not in {None, row["device_id"]}:
        said = [f"behind {row['root']}"]
    elif state == "unknown":
        said = [_unknown(row)]
    else:
        said = [WHY[state]] if state in WHY else []
    if (end := until(row["maintenance_until"], now)) and (said or state != UNWELL):
        said = [f"planned work until {end}", *said]
    return ", ".join(said)


def _unknown(row: dict[Any, Any]) -> str:
    """Why a collector that is heard of knows nothing: polls that could not be sent, or came to nothing yet, do not count."""
    polled = row["polled_at"]
    if polled is None or pd.isna(polled):
        return "not polled yet"
    return "not polled" if polled < row["since"] else "asked without result: bairro explain says why"


def _ails(row: dict[Any, Any], live: Live, flapping: frozenset[str]) -> list[str]:
    said = [FLAPS] if row["device_id"] in flapping else []
    codes = [] if row["faults"] is None else row["faults"]
    return [*said, *last_reading.ailing(row, live.limits), *(FAULTS.get(code, code) for code in codes)]
