"""One moment out of two readings: the live tables and the incidents are written one after the other, and must agree."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard.operations.live.live_incidents import COLUMNS, Incidents
from dashboard.operations.live.live_tables import FIGURES, Tables

WITHOUT_SERVICE = ("down", "suppressed")
OUTAGES = ("outage", "planned")
STANDING = ("out_now", "customers_now", "unseen_now", "is_recorded")
INCIDENT_COLUMNS = (*COLUMNS, *STANDING)

FirstSeen = Mapping[tuple[str, str], datetime]


def one_moment(tables: Tables, found: Incidents, first_seen: FirstSeen) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Devices and incidents that agree with each other.

    - A device of an open outage that is not in it by a live table older than the incident is without service.
      ``first_seen`` tells when the database first had each (incident, device).
    - A device is without service since its incident in the database began for it; the root since the incident began.
    - An outage that only the live table tells of has a row among the incidents, with ``is_recorded`` false.

    Each incident says how many devices and customers are without service by it now (``out_now``, ``customers_now``),
    and of how many of its devices nobody knows (``unseen_now``).
    """
    members = _open_members(found)
    devices = _since(_caught_up(tables, members, first_seen), members)
    unrecorded = _unrecorded(devices, set(found.table.loc[found.table["ended_at"].isna(), "incident_id"]))
    incidents = found.table.assign(is_recorded=True)
    if unrecorded:
        devices = _since_of_roots(devices, unrecorded)
        told = pd.DataFrame(unrecorded, columns=[*COLUMNS, "is_recorded"]).astype({"taken_up": object})
        incidents = told if incidents.empty else pd.concat([told, incidents], ignore_index=True)
        incidents["ended_at"] = pd.to_datetime(incidents["ended_at"], utc=True)
    return devices, _with_standing(incidents, devices, members, tables)


def _open_members(found: Incidents) -> pd.DataFrame:
    """A row for each device and open outage, with the incident's ``root``, ``scope`` and start (``began_at``)."""
    about = found.table[["incident_id", "root_device_id", "scope", "kind", "started_at", "ended_at"]]
    about = about[about["ended_at"].isna() & about["kind"].isin(OUTAGES)].drop(columns=["ended_at", "kind"])
    about = about.rename(columns={"started_at": "began_at", "root_device_id": "root"})
    return found.members.merge(about, on="incident_id")


def _caught_up(tables: Tables, members: pd.DataFrame, first_seen: FirstSeen) -> pd.DataFrame:
    """The devices, with those out of service that the database has put into an outage since the live table was written."""
    devices = tables.devices
    inside = members[members["ended_at"].isna()]
    if inside.empty or devices.empty:
        return devices
    told = devices[devices["device_id"].isin(inside["device_id"].unique())]
    states = told.set_index("device_id")["state"]
    late = [
        row
        for row in inside.to_dict("records")
        if (name := row["device_id"]) in states.index
        and name not in tables.unseen
        and states[name] not in WITHOUT_SERVICE
        and tables.written_at[name] <= first_seen[row["incident_id"], name]
    ]
    if not late:
        return devices
    devices = devices.copy()
    numbers = pd.Series(told.index, told["device_id"])
    for row in late:
        number = numbers[row["device_id"]]
        is_root = row["device_id"] == row["root"] and row["scope"] != "group"
        devices.loc[number, list(FIGURES)] = None
        devices.loc[number, ["state", "root", "incident_id"]] = [
            "down" if is_root else "suppressed",
            row["root"],
            row["incident_id"],
        ]
    return devices


def _since(devices: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """The devices with the database's word since when they are without service, which outlives a collector."""
    if members.empty or devices.empty:
        return devices
    is_root = members["device_id"] == members["root"]
    began = members["started_at"].where(~is_root, members["began_at"])
    known = pd.Series(began.to_numpy(), pd.MultiIndex.from_frame(members[["device_id", "incident_id"]]))
    out = devices.index[devices["state"].isin(WITHOUT_SERVICE) & devices["incident_id"].notna()]
    keys = pd.MultiIndex.from_frame(devices.loc[out, ["device_id", "incident_id"]])
    since = pd.to_datetime(pd.Series(known.reindex(keys).to_numpy(), out), utc=True).dropna()
    if since.empty:
        return devices
    devices = devices.copy()
    devices.loc[since.index, "since"] = since
    return devices


def _since_of_roots(devices: pd.DataFrame, unrecorded: list[dict[str, Any]]) -> pd.DataFrame:
    """The devices with each root of these outages without service since the outage began, as its card says."""
    began = {row["root_device_id"]: row["started_at"] for row in unrecorded}
    roots = devices["device_id"].isin(began) & devices["state"].isin(WITHOUT_SERVICE)
    devices = devices.copy()
    devices.loc[roots, "since"] = devices.loc[roots, "device_id"].map(began)
    return devices


def _unrecorded(devices: pd.DataFrame, open_ids: set[str]) -> list[dict[str, Any]]:
    """A row for each outage that the live table tells of and the database does not, as open."""
    out = devices[devices["state"].isin(WITHOUT_SERVICE) & ~devices["incident_id"].isin(open_ids)]
    if out.empty:
        return []
    key = out["incident_id"].fillna(out["root"]).fillna(out["device_id"])
    states = dict(zip(devices["device_id"], devices["state"], strict=True))
    areas = dict(zip(devices["device_id"], devices["area"], strict=True))
    rows = []
    for name, members in out.groupby(key):
        root = members["root"].dropna().iloc[0] if members["root"].notna().any() else members["device_id"].iloc[0]
        is_group = states.get(root) not in WITHOUT_SERVICE and root not in set(members["device_id"])
        planned = members.loc[members["device_id"] == root, "maintenance_until"]
        rows.append(
            {
                "incident_id": str(name),
                "root_device_id": root,
                "scope": "group" if is_group else "device" if len(members) == 1 else "subtree",
                "area": areas.get(root, members["area"].iloc[0]),
                "kind": "planned" if planned.notna().any() else "outage",
                "started_at": members["since"].min(),
                "ended_at": None,
                "detected_by": "",
                "devices_affected": len(members),
                "subscribers_affected": int(members["subscribers"].sum()),
                "customer_minutes_lost": 0.0,
                "measure": None,
                "areas": tuple(sorted(set(members["area"]))),
                "taken_up": None,
                "is_recorded": False,
            }
        )
    return rows


def _with_standing(
    incidents: pd.DataFrame, devices: pd.DataFrame, members: pd.DataFrame, tables: Tables
) -> pd.DataFrame:
    out = devices[devices["state"].isin(WITHOUT_SERVICE)]
    key = out["incident_id"].fillna(out["root"]).fillna(out["device_id"])
    by_incident = out.groupby(key)["subscribers"]
    there = (
        set(devices.loc[devices["device_id"].isin(members["device_id"].unique()), "device_id"]) - tables.unseen.keys()
    )
    unseen = members.loc[~members["device_id"].isin(list(there))].groupby("incident_id").size()
    names = incidents["incident_id"]
    return incidents.assign(
        out_now=names.map(by_incident.size()).fillna(0).astype(int),
        customers_now=names.map(by_incident.sum()).fillna(0).astype(int),
        unseen_now=names.map(unseen).fillna(0).astype(int),
    )[list(INCIDENT_COLUMNS)]
