"""Scripts and styles: fetched once, compressed once. Their addresses name their content or version, so browsers may keep them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib import metadata, resources
from pathlib import Path

import brotli
from dash.fingerprint import build_fingerprint, check_fingerprint
from flask import Response, request

from dashboard.serving import plotly_script

ASSETS, SUITES = "/assets/", "/_dash-component-suites/"
FOREVER = "public, max-age=31536000, immutable"
BROTLI_QUALITY = 9
"""A second of CPU for plotly's script, once in the life of the process; 11 would take ten for a tenth less."""
PLOTLY_PATH = "package_data/plotly.min.js"
PLOTLY = f"{SUITES}plotly/{PLOTLY_PATH}"
ADDRESS = re.compile(rf"{ASSETS}([\w.-]+)\?m=[\d.]+")


def plotly_address() -> str:
    """Where plotly's script is, by its version and content. Dash itself names neither, so that browsers ask for it anew."""
    content = resources.files("plotly").joinpath(PLOTLY_PATH).read_bytes()
    digest = hashlib.sha256(content + " ".join(sorted(plotly_script.TRACES)).encode()).hexdigest()[:16]
    return f"{SUITES}plotly/{build_fingerprint(PLOTLY_PATH, metadata.version('plotly'), digest)}"


class LastingFiles:
    """What is known of the files that never change while the process lives."""

    def __init__(self, assets: Path) -> None:
        self._digests = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in assets.iterdir() if path.is_file()
        }
        self._compressed: dict[str, bytes] = {}
        self._plotly: bytes | None = None

    def addressed(self, page: str) -> str:
        """``page`` with the addresses of our own files by their content, not by the time at which they were installed."""
        return ADDRESS.sub(lambda found: f"{ASSETS}{found[1]}?v={self._digests.get(found[1], '')}", page)

    def keep(self, answer: Response) -> Response:
        """Let the browser keep ``answer`` where its address names what it is, and send it compressed as well as may be."""
        name = self._name(request.path)
        if name is None or answer.status_code != 200 or request.method != "GET":
            return answer
        if self._is_lasting(request.path, request.args.get("v")):
            answer.headers["Cache-Control"] = FOREVER
            answer.headers.pop("ETag", None)
            answer.headers.pop("Last-Modified", None)
        if name == PLOTLY:
            answer.set_data(self._short_plotly(answer))
        if "br" in request.accept_encodings and answer.mimetype in {
            "text/javascript",
            "application/javascript",
            "text/css",
        }:
            answer.direct_passthrough = False
            answer.set_data(self._brotli(name, answer.get_data))
            answer.headers["Content-Encoding"] = "br"
        return answer

    def _name(self, path: str) -> str | None:
        """One name for all the addresses that a file may have; None for what is no file of these."""
        if path.startswith(SUITES):
            return str(check_fingerprint(path)[0])
        return path if path.removeprefix(ASSETS) in self._digests and path.startswith(ASSETS) else None

    def _is_lasting(self, path: str, version: str | None) -> bool:
        if path.startswith(SUITES):
            return bool(check_fingerprint(path)[1])
        return version == self._digests.get(path.removeprefix(ASSETS))

    def _short_plotly(self, answer: Response) -> bytes:
        if self._plotly is None:
            self._plotly = plotly_script.shorten(answer.get_data())
        return self._plotly

    def _brotli(self, name: str, read: Callable[[], bytes]) -> bytes:
        if (kept := self._compressed.get(name)) is None:
            kept = brotli.compress(read(), quality=BROTLI_QUALITY)
            self._compressed[name] = kept
        return kept
