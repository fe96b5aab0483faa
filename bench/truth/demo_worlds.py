"""Demo worlds for the statistical benchmarks: each seed simulated in memory and taken through the real panel code."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa

from dashboard.config import DashboardSettings
from dashboard.panel import assemble as panels
from dashboard.tables.schema import RECORDS, conform
from demo import world
from demo.rules import Rules

AREAS = 24
DEVICES = 300
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def panel_of(
    rules: Rules, seed: int, *, areas: int = AREAS, devices: int = DEVICES
) -> tuple[panels.Panel, world.World]:
    """The panel that a provider with these rules would have, and the world behind it.

    Only access nodes are measured: CPE's own hours would take most of the time and tell the models little more.
    """
    made = world.simulate(rules, seed, areas, devices, AS_OF, cpe_hours=False)
    records = {kind: _table(kind, frame) for kind, frame in made.records.items()}
    settings = DashboardSettings(data=Path(), customer_key=Path(), timezone=world.PROVIDER_TIMEZONE)
    return panels.build(records, made.quality_hours, made.devices, settings), made


def _table(kind: str, frame: pd.DataFrame) -> pa.Table:
    """A provider's export as the import would store it: blanks are nulls."""
    spec = RECORDS[kind]
    known = frame.reindex(columns=[*spec.column_names]).replace("", None)
    return conform(pa.Table.from_pandas(known, schema=spec.arrow_schema(), preserve_index=False), spec)
