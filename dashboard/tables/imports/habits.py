"""How this provider writes dates: by what its earlier files of a kind, or else of the other kinds, showed; and its settings."""

from __future__ import annotations

from pathlib import Path

from dashboard.config import DashboardSettings
from dashboard.tables.checks.cells.date_orders import Customs, Order
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import RECORDS

DATE_ORDER = "date_order"
"""Under this name a snapshot says what the dates of the newest file with an evident order showed."""


def customs_of(kind: str, settings: DashboardSettings) -> Customs:
    """Raises SnapshotError."""
    return Customs(_remembered(kind, settings.data), settings.timezone, settings.currency)


def _remembered(kind: str, data: Path) -> Order | None:
    of_kind = _stored(kind, data)
    if of_kind is not None:
        return of_kind
    others = {order for other in RECORDS if other != kind and (order := _stored(other, data)) is not None}
    return others.pop() if len(others) == 1 else None


def _stored(kind: str, data: Path) -> Order | None:
    said = snapshots.read_metadata(kind, data).get(DATE_ORDER.encode(), b"").decode()
    return Order[said] if said in Order.__members__ else None
