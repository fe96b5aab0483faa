"""Where the inventory is read from, where that is no file."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class InventoryUrl:
    """Where HTTP service discovery is read; ``shown`` leaves out the query, which may hold a secret."""

    text: str = field(repr=False)

    @property
    def shown(self) -> str:
        return self.text.partition("?")[0].partition("#")[0]

    def __str__(self) -> str:
        return self.shown


def parse_url(text: str) -> InventoryUrl | None:
    """``text`` where it is a URL; None where it names a file. Raises ValueError, showing nothing of the URL."""
    if "://" not in text:
        return None
    try:
        url = urlsplit(text)
        is_usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be a file or an http:// or https:// URL")
    if "@" in url.netloc:
        raise ValueError("holds a user or a password; name a token under [discovery] instead")
    return InventoryUrl(text)
