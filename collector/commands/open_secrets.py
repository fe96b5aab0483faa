"""Which secrets other users of this host can read: those in the settings themselves, and the files that they name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import settings_file
from collector import file_access
from collector.config import CollectorSettings
from collector.publish.web import toolkit_config

SECRETS = ("community", "auth_password", "priv_password")
NO_SECRET = "public"
"""The community that every scanner tries first."""


def told(settings: CollectorSettings, config: Path) -> list[str]:
    """A sentence for each file with a secret in it that more than its owner can read."""
    document = settings_file.read(config)
    found = dict.fromkeys([*([config] if _holds_one(document) else []), *_named(document, config), *_keys(settings)])
    return [why for path in found if (why := file_access.why_secret_is_open(path)) is not None]


def _credentials(document: dict[str, Any]) -> list[dict[str, Any]]:
    return list(document.get("credentials", []))


def _holds_one(document: dict[str, Any]) -> bool:
    """Whether the settings have a secret in their own text."""
    texts = [entry[key] for entry in _credentials(document) for key in SECRETS if key in entry]
    return any(text != NO_SECRET for text in texts) or has_password(document.get("database"))


def has_password(database: str | None) -> bool:
    """Whether the URL of a database has a password in it."""
    return database is not None and bool(sa.make_url(database).password)


def _named(document: dict[str, Any], config: Path) -> Iterator[Path]:
    for entry in _credentials(document):
        yield from (config.parent / entry[f"{key}_file"] for key in SECRETS if f"{key}_file" in entry)
    if token := document.get("discovery", {}).get("token_file"):
        yield config.parent / token


def _keys(settings: CollectorSettings) -> Iterator[Path]:
    """The private key of TLS, in a file of its own or in the web configuration."""
    if settings.web.config_file is None:
        return
    tls = toolkit_config.read(settings.web.config_file).tls
    if tls is not None and tls.key_file is not None:
        yield Path(tls.key_file)
    elif tls is not None and tls.key is not None:
        yield settings.web.config_file
