"""What every answer tells the browser not to do: run, load, frame, sniff or pass on anything that is not ours."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from flask import Response

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers say Origin: null of our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
}
TIME = "Bairro-Time"
"""The server's clock in seconds of Unix time, by which a page tells how old its news are (`age.js`)."""
FRAME = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SIGNING_OUT = FRAME.replace("form-action 'none'", "form-action 'self'")
# Plotly, AG Grid and Dash write styles of their own into the page, and into elements of it.
STYLES = "style-src 'self' 'unsafe-inline'"
DOCUMENT = f"default-src 'none'; img-src 'self' data:; {STYLES}; {FRAME}"
"""For whatever is no page of the application: a report, a table, an error. Nothing in it runs."""
PDF = f"default-src 'none'; object-src 'self'; {STYLES}; {FRAME}"
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def application(scripts: Iterable[str]) -> str:
    """The policy of the application's pages: our own scripts, and the inline ones of ``scripts`` by their hash."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src 'self' {hashes}; {STYLES}; img-src 'self' data:; font-src 'self' data:; "
        f"connect-src 'self'; {SIGNING_OUT}"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def harden(answer: Response, page_policy: str, *, is_page: bool) -> Response:
    """Add the headers; ``page_policy`` is for the application's own pages."""
    for name, value in ALWAYS.items():
        answer.headers[name] = value
    policy = page_policy if is_page else PDF if answer.mimetype == "application/pdf" else DOCUMENT
    answer.headers.setdefault("Content-Security-Policy", policy)
    return answer
