"""A service discovery for the tests of the inventory, and settings that read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.config import CollectorSettings, DiscoverySettings
from collector.inventory_url import InventoryUrl

from .discovery_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    opened = Server()
    yield opened
    opened.close()


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> CollectorSettings:
    return CollectorSettings(InventoryUrl(server.url), tmp_path, discovery=DiscoverySettings(timeout_seconds=1.0))
