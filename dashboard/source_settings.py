"""``[[sources]]`` of dashboard.toml: where records are fetched from by themselves, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

KINDS = ("areas", "customers", "prices", "complaints", "nps", "reviews")
PAGES = ("offset", "page", "one")
NAME = re.compile(r"[\w][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """A file, a database or a JSON API that is fetched as records of ``kind`` on a schedule.

    Exactly one of ``file``, ``database`` (its URL without a password, with ``table`` or ``query``) and ``url``. An API is
    asked page by page: by ``offset`` and ``limit``, by number of the page, or once. The secret in ``secret_env`` or
    ``secret_file`` is the database's password; for an API it is the whole value of ``header``, or the password beside
    ``username``, or a bearer token.
    """

    name: str
    kind: str
    file: Path | None = None
    database: str | None = None
    table: str | None = None
    query: str | None = None
    url: str | None = None
    pages: str = "offset"
    page_size: int = 100
    offset_parameter: str = "offset"
    limit_parameter: str = "limit"
    page_parameter: str = "page"
    header: str | None = None
    username: str | None = None
    secret_env: str | None = None
    secret_file: Path | None = None
    mapping: str | None = None
    sheet: str | None = None
    absent: str | None = None
    every_hours: float = 0.0
    at: str | None = None


def fault(source: SourceSettings) -> str | None:
    """What is wrong with a source by itself: the key and why."""
    if NAME.fullmatch(source.name) is None:
        return "name: must be letters, digits, dots, hyphens and underscores"
    if source.kind not in KINDS:
        return f"kind: must be one of {', '.join(KINDS)}, not {source.kind!r}"
    given = [key for key in ("file", "database", "url") if getattr(source, key) is not None]
    if len(given) != 1:
        return f"needs one of file, database and url, and has {' and '.join(given) or 'none'}"
    if source.secret_env is not None and source.secret_file is not None:
        return "secret_env: secret_file is set too; set only one of them"
    if source.every_hours < 0 or source.every_hours > 8_760:
        return f"every_hours: must be between 0 and 8760, not {source.every_hours:g}"
    if source.every_hours and source.at is not None:
        return "at: every_hours is set too; set only one of them"
    if source.absent not in (None, "left", "stay"):
        return f"absent: must be left or stay, not {source.absent!r}"
    return _fault_of_api(source) if source.url is not None else _fault_of_database(source)


def _fault_of_database(source: SourceSettings) -> str | None:
    if source.database is None:
        return None
    if re.match(r"[a-z][a-z0-9+]*://", source.database) is None:
        return "database: must be a URL: postgresql://user@host/database"
    if re.match(r"[^/]*//[^/@]*:[^/@]+@", source.database):
        return "database: has a password in it: name it with secret_env or secret_file"
    return None if bool(source.table) != bool(source.query) else "needs table or query, one of them"


def _fault_of_api(source: SourceSettings) -> str | None:
    if not re.match(r"https?://[^/@]+(?:/|$)", source.url or ""):
        return "url: must begin with http:// or https:// and name no user"
    if source.pages not in PAGES:
        return f"pages: must be one of {', '.join(PAGES)}, not {source.pages!r}"
    if not 1 <= source.page_size <= 10_000:
        return f"page_size: must be between 1 and 10000, not {source.page_size}"
    if source.header is not None and re.fullmatch(r"[A-Za-z0-9-]+", source.header) is None:
        return f"header: {source.header!r} is no name of a header"
    return None
