"""The short form of plotly's script: known, complete for what pages draw, and never made of a bundle that nobody looked at.

That it draws every page without an error, the tests of the pages in a browser show.
"""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from pathlib import Path

import brotli
import pytest

from dashboard.serving import plotly_script
from dashboard.serving.lasting_files import PLOTLY_PATH

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def script() -> bytes:
    return resources.files("plotly").joinpath(PLOTLY_PATH).read_bytes()


@pytest.fixture(scope="module")
def short(script) -> bytes:
    return plotly_script.shorten(script)


def test_the_bundle_that_is_locked_was_looked_at(script):
    """Another plotly: try all pages with its short form (tests/dashboard/pages/test_browser.py), then name its digest."""
    assert hashlib.sha256(script).hexdigest() in plotly_script.KNOWN


def test_it_is_less_than_half_of_what_a_browser_would_load(script, short):
    assert len(brotli.compress(short, quality=5)) < 0.5 * len(brotli.compress(script, quality=5))


def test_every_kind_of_trace_that_pages_draw_is_in_it(short):
    drawn = set()
    for path in (ROOT / "dashboard").rglob("*.py"):
        drawn |= {one.lower() for one in re.findall(r"\bgo\.([A-Z]\w+)\(", path.read_text(encoding="utf-8"))}
    traces = drawn - {"figure", "layout"}
    assert traces - {"scatter"} == plotly_script.TRACES
    kinds = set(re.findall(rb'moduleType:"trace",name:"([\w-]+)"', short))
    assert {one.encode() for one in traces} <= kinds


@pytest.mark.parametrize("other", [b"", b"window.Plotly = {}", b'x.register([a(),b()]);var c=W((d,e)=>{"use strict"})'])
def test_a_bundle_that_nobody_looked_at_is_sent_whole(other, script):
    assert plotly_script.shorten(other) == other
    assert plotly_script.shorten(script + b" ") == script + b" "
