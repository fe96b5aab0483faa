"""Takes the pictures of the pages that README.md shows: make screenshots [ARGS="--folder FOLDER"]

Starts a demo of its own, waits until its analysis is built and an incident is open, runs the backtest, and writes
docs/pictures/*.webp. With --folder the demo's world is kept there and used again. Needs Chromium (Debian's `chromium`).
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1366, "height": 860}
QUALITY = 82
PORTS = ("port", "metrics-port", "snmp-port", "echo-port")
PATIENCE_SECONDS = 1800
PATIENCE_MILLISECONDS = 600_000
"""For one page: an incident may have to happen first."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: the page's path, the theme, and what is there once the page is drawn."""

    name: str
    path: str
    shows: tuple[str, ...]
    theme: str = "light"


NOW = ("#now-tiles .tile.alarm", "#now-incidents .incident", "#now-map .choroplethlayer path", "#now-devices .ag-row")
SHOTS = (
    Shot("now", "/", NOW),
    Shot("now-dark", "/", NOW, "dark"),
    Shot("areas", "/areas", ("#areas-map .choroplethlayer path",)),
    Shot("area", "/area/{area}", ("#area-weeks .main-svg",)),
    Shot("fixes", "/fixes", (".order li",)),
    Shot("loyalty", "/loyalty", (".share .part",)),
    Shot("evidence", "/evidence", (".table-box .interval .dot",)),
    Shot("backtest", "/backtest", (".table-box td",)),
)


def wait_for(what: str, is_so: Callable[[], bool], demo: subprocess.Popen[Any]) -> None:
    """Return once ``is_so``; end the program where the demo ended first, or after half an hour."""
    print(f"waiting for {what}", flush=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if demo.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"tools/screenshots.py: the demo gave no {what}; its output is above")
        time.sleep(1)


def answers(url: str) -> bool:
    """Whether anything answers there."""
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except OSError:
        return False


def free_ports() -> list[str]:
    """Options of `bairro demo` that name ports nobody uses."""
    with contextlib.ExitStack() as held:
        sockets = {name: held.enter_context(socket.socket()) for name in PORTS}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return [word for name, one in sockets.items() for word in (f"--{name}", str(one.getsockname()[1]))]


@contextlib.contextmanager
def running_demo(folder: Path) -> Iterator[str]:
    """A demo whose results are built and looked back at; the URL of its pages."""
    bairro = (sys.executable, "-m", "bairro")
    ports = free_ports()
    with (folder / "demo.log").open("w") as log:
        demo = subprocess.Popen([*bairro, "demo", "--folder", folder / "demo", *ports], cwd=ROOT, stdout=log)
        try:
            results = folder / "demo" / "data" / "results"
            wait_for("results", lambda: any(results.glob("*/manifest.json")), demo)
            if not any((folder / "demo" / "data" / "backtest").glob("*/manifest.json")):
                print("looking back", flush=True)
                config = folder / "demo" / "dashboard.toml"
                subprocess.run([*bairro, "backtest", "--config", config], cwd=ROOT, check=True)
            url = f"http://127.0.0.1:{ports[1]}"
            wait_for("pages", lambda: answers(f"{url}/-/healthy"), demo)
            yield url
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait()


def take(browser: Any, url: str, shot: Shot, area: str) -> None:
    """Write one picture as WebP, which Chromium itself encodes."""
    context = browser.new_context(viewport=SIZE, color_scheme=shot.theme, bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(url + shot.path.format(area=area))
    for part in shot.shows:
        page.locator(part).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2_000)  # charts fade in
    image = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    (PICTURES / f"{shot.name}.webp").write_bytes(base64.b64decode(image["data"]))
    context.close()


def worst_area(browser: Any, url: str) -> str:
    """The area that the ranking puts first."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(f"{url}/areas")
    row = page.locator("#areas-grid .ag-center-cols-container .ag-row").first
    row.wait_for()
    area = str(row.get_attribute("row-id"))
    page.close()
    return area


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description="Takes the pictures that README.md shows.")
    parser.add_argument("--folder", type=Path, help="where the demo is kept; default: a folder that is removed again")
    parser.add_argument("--url", help="of a running demo's pages, instead of one of its own")
    parser.add_argument("names", nargs="*", help="pictures to take; default: all")
    options = parser.parse_args()
    if unknown := set(options.names) - {shot.name for shot in SHOTS}:
        parser.error(f"no picture is called {', '.join(sorted(unknown))}")
    if (chromium := shutil.which("chromium")) is None:
        sys.exit("tools/screenshots.py: needs Chromium: apt-get install chromium")
    PICTURES.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bairro-pictures-")))
        folder.mkdir(parents=True, exist_ok=True)
        url = options.url or stack.enter_context(running_demo(folder))
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium, args=list(FLAGS))
        area = worst_area(browser, url)
        for shot in SHOTS:
            if not options.names or shot.name in options.names:
                take(browser, url, shot, area)
                print(f"docs/pictures/{shot.name}.webp: {(PICTURES / f'{shot.name}.webp').stat().st_size // 1024} KB")
        browser.close()


if __name__ == "__main__":
    main()
