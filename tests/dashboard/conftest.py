"""A sample provider, the dashboard serving it, and Chromium that notes every error and every request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from dashboard.config import DashboardSettings
from dashboard.pages.source import Source
from dashboard.results import stored_results

from . import sample as sample_provider

ARTIFACTS = Path(__file__).parent.parent.parent / "test-artifacts" / "pages"
SERVE = """
import sys
from dataclasses import replace
from pathlib import Path
from dashboard.app import serve
from dashboard.config import DashboardSettings, WebSettings
data, database, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
settings = DashboardSettings(data=data, customer_key=data / "key", provider="Harbour Broadband", database=database)
sys.exit(serve(replace(settings, web=WebSettings(port=port))))
"""


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    """The module that makes sample providers."""
    return sample_provider


@pytest.fixture(scope="session")
def provider(sample, tmp_path_factory) -> DashboardSettings:
    """A provider with results, live data and incidents; tests only read it."""
    made: DashboardSettings = sample.make(tmp_path_factory.mktemp("provider"))
    return made


@pytest.fixture(scope="session")
def built(provider) -> stored_results.Results:
    """The provider's results."""
    loaded = stored_results.load(provider.data)
    assert loaded is not None
    return loaded


@pytest.fixture(scope="session")
def source(provider) -> Source:
    return Source(provider)


@pytest.fixture(scope="session")
def serve(session_processes, free_port, eventually) -> Callable[[DashboardSettings], str]:
    """Serve a provider with the real server in a process of its own; returns its URL."""

    def start(settings: DashboardSettings) -> str:
        port = free_port()
        command = [sys.executable, "-c", SERVE, str(settings.data), settings.database_url, str(port)]
        session_processes.start(command, cwd=Path(__file__).parent.parent.parent)
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: urlopen(f"{url}/-/healthy", timeout=2).status == 200, 60)
        return url

    return start


@pytest.fixture(scope="session")
def served(serve, sample, tmp_path_factory) -> tuple[str, DashboardSettings]:
    """A provider of its own that is served: its URL and settings."""
    settings = sample.make(tmp_path_factory.mktemp("served"))
    return serve(settings), settings


@dataclass
class Watched:
    """A page and what went wrong on it: console messages, failed responses, requests that left the machine."""

    page: Any
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def go(self, url: str, shows: str) -> None:
        """Open ``url`` and wait until ``shows`` is there."""
        self.page.goto(url)
        self.page.locator(shows).first.wait_for(state="attached", timeout=60_000)

    def shot(self, name: str) -> Path:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def assert_clean(self) -> None:
        assert self.errors == []
        assert self.foreign == []


@pytest.fixture
def watch(browser) -> Iterator[Callable[..., Watched]]:
    """Fresh pages, each in a context of its own, that note errors and requests; they close with the test."""
    contexts = []

    def start(size: tuple[int, int] = (1366, 768), theme: str = "light", *, strict: bool = False) -> Watched:
        # Playwright waits for functions by eval(), which the pages' policy forbids; a strict page takes it at its word.
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, color_scheme=theme, bypass_csp=not strict)
        contexts.append(context)
        seen = Watched(context.new_page())

        def on_request(request: Any) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
                seen.foreign.append(request.url)

        seen.page.on("request", on_request)
        seen.page.on("console", lambda m: seen.errors.append(m.text) if m.type in {"error", "warning"} else None)
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("response", lambda r: seen.errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        return seen

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def scratch(sample, tmp_path) -> DashboardSettings:
    """Settings of a provider that has nothing yet; a test may write to it."""
    settings: DashboardSettings = sample.settings(tmp_path)
    return replace(settings)
