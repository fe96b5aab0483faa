"""The devices that answer and measure worst now: most lost, slowest, fullest, weakest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.figures.live import last_reading
from dashboard.operations.live.live_state import Live

MOST = 10


@dataclass(frozen=True, slots=True)
class Ranking:
    """``rows``: (device, area, value as it is written), worst first; where there are none ``nothing`` says why."""

    title: str
    rows: tuple[tuple[str, str, str], ...]
    nothing: str = "not measured"


def rankings(live: Live) -> list[Ranking]:
    """By loss, latency, load and received level. All but the level are of network devices, where any measures it."""
    answering = live.devices[live.shown.isin(["up", "degraded"])]
    network = answering[answering["role"] != "cpe"]
    lossy = answering[answering["loss_ratio"] > 0]
    made = (
        ("Most pings lost", lossy[lossy["role"] != "cpe"], lossy, "loss_ratio", False, last_reading.loss),
        ("Slowest replies", network, answering, "rtt_seconds", False, last_reading.round_trip),
        ("Fullest uplinks", network, answering, "utilization_ratio", False, last_reading.load),
        ("Weakest signal", answering, answering, "signal_dbm", True, lambda dbm: last_reading.signal(dbm, None)),
    )
    is_lossless = answering["loss_ratio"].notna().any()
    return [
        Ranking(
            title,
            _worst(some if some[of].notna().any() else every, of, words, is_least=is_least),
            *(["no ping was lost"] if of == "loss_ratio" and is_lossless else []),
        )
        for title, some, every, of, is_least, words in made
    ]


def _worst(
    devices: pd.DataFrame, column: str, words: Callable[[Any], str], *, is_least: bool
) -> tuple[tuple[str, str, str], ...]:
    known = devices[devices[column].notna()].sort_values([column, "device_id"], ascending=[is_least, True]).head(MOST)
    return tuple(
        (str(name), str(area), words(value))
        for name, area, value in known[["device_id", "area", column]].itertuples(index=False)
    )
