"""Agents made for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .agents import Serve, Served


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts agents made for one test and stops them after it."""
    running: list[Served] = []

    def start(answer: Callable[[Served, bytes, Any], None]) -> Served:
        running.append(Served(answer))
        return running[-1]

    yield start
    for served in running:
        served.stop()
