"""What the collector says of itself, as its metrics show it: each figure is the attribute that one metric reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFigures:
    """All figures at one moment. Of a metric with a label: by the label's value. None: there is nothing to show.

    There are no defaults, so that whoever makes one gives every figure.
    """

    blind: float | None
    cycle_lag_seconds: float | None
    poll_interval_seconds: float | None
    polls_in_flight: float | None
    polls_stuck: float | None
    polls_skipped: float | None
    packets_sent: float | None
    packets_received: float | None
    packets_retried: float | None
    packets_late: float | None
    packets_rejected: Mapping[str, float] | None
    bulk_avoided: float | None
    damaged_values: Mapping[str, float] | None
    values_refused: Mapping[str, float] | None
    traffic_unknown: Mapping[str, float] | None
    inventory_devices: float | None
    inventory_problems: float | None
    inventory_loaded_timestamp_seconds: float | None
    history_rows: float | None
    history_unwritten: float | None
    incidents_unwritten: float | None
    maintenance_windows: float | None
    maintenance_read_timestamp_seconds: float | None
    write_failures: Mapping[str, float] | None
    files_set_aside: Mapping[str, float] | None
    rows_left_out: Mapping[str, float] | None
    connections_ended: Mapping[str, float] | None
    traps: Mapping[str, float] | None
    traps_dropped: Mapping[str, float] | None
    trap_worker_restarts: float | None
    polls_prompted: float | None
    errors: float | None
