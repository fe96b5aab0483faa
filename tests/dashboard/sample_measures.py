"""The measures that samples plant, by place; others that the registry may have are not taken by their providers."""

from __future__ import annotations

from dashboard.measures import MEASURES, Measure

PLANTED: tuple[Measure, ...] = tuple(
    next(measure for measure in MEASURES if measure.name == name)
    for name in ("down_hours", "evening_latency", "loss", "evening_utilization")
)


def not_taken(kind: str) -> dict[str, float]:
    """The columns of all other measures but planned work, null: ``kind`` is column, area_column or trailing."""
    others = [measure for measure in MEASURES if measure not in PLANTED and measure.may_be_promised]
    return {getattr(measure, kind): float("nan") for measure in others}
