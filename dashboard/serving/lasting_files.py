"""Scripts and styles: fetched once, compressed once. Their addresses name their content or version, so browsers may keep them."""

from __future__ import annotations

import gzip
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
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda content: brotli.compress(content, quality=9),
    "gzip": lambda content: gzip.compress(content, 6, mtime=0),
}
"""How files are compressed, the best first: a second of CPU for plotly's script, once in the life of the process."""
COMPRESSED = frozenset({"text/javascript", "application/javascript", "text/css"})
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
        self._compressed: dict[tuple[str, str], bytes] = {}
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
        coding = next((one for one in CODINGS if request.accept_encodings[one] > 0), None)
        if coding is not None and answer.mimetype in COMPRESSED:
            answer.direct_passthrough = False
            answer.set_data(self._coded(name, coding, answer.get_data))
            answer.headers["Content-Encoding"] = coding
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

    def _coded(self, name: str, coding: str, read: Callable[[], bytes]) -> bytes:
        if (kept := self._compressed.get((name, coding))) is None:
            kept = CODINGS[coding](read())
            self._compressed[name, coding] = kept
        return kept
