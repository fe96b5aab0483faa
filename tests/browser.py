"""Chromium for tests: Debian's own, headless, with nothing in the background; every page is watched for errors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ARTIFACTS = Path(__file__).parent.parent / "test-artifacts"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK, WALL = (1366, 768), (1920, 1080)


def executable() -> str | None:
    """Where Chromium is, or None: BAIRRO_CHROMIUM, else /usr/bin/chromium, else what the path has."""
    named = os.environ.get("BAIRRO_CHROMIUM")
    return named or shutil.which("chromium", path="/usr/bin") or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser; it ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page and what went wrong on it: console errors, failed or foreign requests, exceptions."""

    page: Any
    base: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path, wait_until="networkidle")

    def shot(self, name: str) -> Path:
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def assert_clean(self) -> None:
        assert self.errors == []
        assert self.foreign == []


@contextmanager
def watched(browser: Any, base: str, *, size: tuple[int, int] = DESK, theme: str = "light") -> Iterator[Watched]:
    """A fresh page of the given size, in a context of its own, that notes every error and every request."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    seen = Watched(context.new_page(), base)

    def on_request(request: Any) -> None:
        seen.requests.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            seen.foreign.append(request.url)

    seen.page.on("request", on_request)
    seen.page.on("console", lambda m: seen.errors.append(m.text) if m.type in {"error", "warning"} else None)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on("response", lambda r: seen.errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    try:
        yield seen
    finally:
        context.close()
