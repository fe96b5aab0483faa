"""A provider of its own for each test, and files given to it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records

AS_OF = datetime.date(2026, 3, 1)


@pytest.fixture
def provider(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")


@pytest.fixture
def import_text(provider: DashboardSettings) -> Callable[..., ImportReport]:
    """Imports a text (or bytes) as a file of a kind, under a mapping where one is given."""

    def give(kind: str, text: str | bytes, mapping: str | None = None) -> ImportReport:
        path = provider.data.parent / f"{kind}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if mapping is not None:
            (provider.data.parent / "own.toml").write_text(mapping)
            mapping = str(provider.data.parent / "own.toml")
        return import_records(kind, path, provider, as_of=AS_OF, mapping=mapping)

    return give
