"""How long a page takes to be usable, cold, in Chromium: python -m bench.page_load http://127.0.0.1:8050/areas [runs]

Each run opens the page in a fresh context (empty cache) and prints, in milliseconds since navigation: first
contentful paint, the first row of the ranking that can be sorted and clicked, the map drawn; and what was transferred.
Start the product first (`make demo`), wait until its analysis is built, and leave the machine otherwise idle.
"""

from __future__ import annotations

import json
import statistics
import sys
from typing import Any

from playwright.sync_api import sync_playwright

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
INTERACTIVE = "#areas-grid .ag-center-cols-container .ag-row a"
MAP = "#areas-map .choroplethlayer path"
MEASURE = """() => {
  const entries = performance.getEntriesByType("resource");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const bytes = entries.reduce((sum, entry) => sum + entry.transferSize, 0);
  return {paint: paint ? paint.startTime : null, requests: entries.length, kilobytes: Math.round(bytes / 1000)};
}"""


def load(browser: Any, url: str) -> dict[str, float]:
    """One cold load of ``url``; times in milliseconds since navigation started."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, bypass_csp=True)
    page = context.new_page()
    page.add_init_script(
        f"""window.marks = {{}};
        const look = () => {{
          for (const [name, what] of [["interactive", {json.dumps(INTERACTIVE)}], ["map", {json.dumps(MAP)}]])
            if (!(name in window.marks) && document.querySelector(what)) window.marks[name] = performance.now();
          if (!("map" in window.marks && "interactive" in window.marks)) requestAnimationFrame(look);
        }};
        requestAnimationFrame(look);"""
    )
    page.goto(url)
    page.wait_for_function("window.marks && 'map' in window.marks && 'interactive' in window.marks", timeout=60_000)
    seen: dict[str, float] = page.evaluate(MEASURE) | page.evaluate("window.marks")
    context.close()
    return seen


def main() -> None:
    url = sys.argv[1]
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        seen = [load(browser, url) for _ in range(runs)]
        browser.close()
    for name in ("paint", "interactive", "map", "kilobytes", "requests"):
        values = [run[name] for run in seen]
        print(f"{name:12} median {statistics.median(values):7.0f}   min {min(values):7.0f}   max {max(values):7.0f}")


if __name__ == "__main__":
    main()
