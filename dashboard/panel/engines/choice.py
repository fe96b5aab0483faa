"""Starts the engine that the settings name."""

from __future__ import annotations

from dashboard.config import DashboardSettings
from dashboard.panel.engines.sql_engine import Engine


def start(settings: DashboardSettings) -> Engine:
    """The engine that the settings name. Raises EngineError where it cannot be had."""
    if settings.engine.name == "spark":
        from dashboard.panel.engines.on_spark import SparkEngine

        return SparkEngine(settings.engine, settings.data / "scratch")
    from dashboard.panel.engines.on_duckdb import DuckdbEngine

    return DuckdbEngine(settings.engine, settings.data / "scratch")
