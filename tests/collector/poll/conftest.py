"""Agents made for one test, and real ones that speak version 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .agents import Serve, Served
from .secure_agent import MakeSteps, SecureAgent, Start, Steps


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


@pytest.fixture(scope="module")
def start_snmpd(
    tmp_path_factory: pytest.TempPathFactory,
    require_program: Callable[[str], str],
    free_port: Callable[[], int],
    module_processes: Any,
    eventually: Callable[..., Any],
) -> Start:
    """Starts Debian's snmpd with users of version 3, as often as it is asked."""
    program = require_program("snmpd")

    def start(**options: Any) -> SecureAgent:
        folder = options.pop("folder", None) or Path(tmp_path_factory.mktemp("secure"))
        port = options.pop("port", None) or free_port()
        agent = SecureAgent(program, folder, port, module_processes, **options)
        eventually(agent.is_up)
        return agent

    return start


@pytest.fixture
def steps() -> Iterator[MakeSteps]:
    made: list[Steps] = []

    def make(*arguments: Any, **options: Any) -> Steps:
        made.append(Steps(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
