"""The inventory from HTTP service discovery: a URL that answers in the format of Prometheus's ``http_sd_configs``.

A list of groups ``{"targets": ["ADDRESS[:PORT]", ...], "labels": {...}}``; labels are named like the columns of
devices.csv, bare or as ``__meta_bairro_NAME`` (which Prometheus, reading the same URL, leaves out of its series), or
as the settings say.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bairro_error import BairroError
from collector.ask_http import AskError, ask, secret
from collector.config import CollectorSettings
from collector.inventory.device_rows import Row
from collector.inventory.labels import Fault, LabelReader
from collector.inventory_url import InventoryUrl

LARGEST_BODY = 256 * 1024 * 1024
CONTENT_TYPE = re.compile(r'application/json(;\s*charset=("utf-8"|utf-8))?', re.IGNORECASE)
"""As in Prometheus: discovery/http/http.go."""

Entry = Row | Fault | str | None
"""A target: its row, what is wrong with it, or None where it is left out."""


class DiscoveryError(BairroError, ValueError):
    """The URL cannot be read, or answers with something else; the message reads on after it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer and how to know it again; ``cached_at`` (Unix seconds) where it is an earlier one."""

    body: bytes
    digest: bytes
    cached_at: float | None = None


def fetch(url: InventoryUrl, settings: CollectorSettings) -> Found:
    """Ask the URL, within ``discovery.timeout_seconds`` altogether. Raises DiscoveryError."""
    wanted = settings.discovery
    headers = {
        "Accept": "application/json",
        "User-Agent": "bairro",
        "X-Prometheus-Refresh-Interval-Seconds": f"{wanted.refresh_seconds:g}",
    }
    try:
        token = secret(wanted.token_env, wanted.token_file)
        if token is not None:
            headers["Authorization"] = f"{wanted.token_type} {token}"
        answer = ask(url.text, headers=headers, timeout_seconds=wanted.timeout_seconds, most_bytes=LARGEST_BODY)
    except AskError as error:
        raise DiscoveryError(str(error)) from None
    if answer.status != HTTPStatus.OK:
        raise DiscoveryError(f"answers with status {answer.status}")
    if not CONTENT_TYPE.fullmatch(answer.content_type):
        raise DiscoveryError(f"answers with Content-Type {answer.content_type or 'none'!r}, not application/json")
    return Found(answer.body, hashlib.blake2b(answer.body, digest_size=16).digest())


def entries(body: bytes, reader: LabelReader) -> Iterator[tuple[str, Entry]]:
    """Each target with its place. Raises DiscoveryError at the start."""
    try:
        groups = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DiscoveryError(f"answers with what is not JSON: {error}") from None
    if not isinstance(groups, list):
        raise DiscoveryError("answers with JSON that is not a list of target groups")
    return _entries(groups, reader)


def _entries(groups: list[Any], reader: LabelReader) -> Iterator[tuple[str, Entry]]:
    for number, group in enumerate(groups):
        place = f"[{number}]"
        targets = group.get("targets") if isinstance(group, dict) else None
        labels = group.get("labels") if isinstance(group, dict) else None
        if not isinstance(targets, list):
            yield place, "is not a group: an object with a list of targets is expected"
            continue
        row = _row({} if labels is None else labels, reader)
        for index, target in enumerate(targets):
            here = f"{place}.targets[{index}]"
            if not isinstance(row, dict):
                yield here, row
            elif not isinstance(target, str):
                yield here, "is not text"
            else:
                yield here, reader.at(row, target)


def _row(labels: Any, reader: LabelReader) -> Entry:
    """What the labels say of every target of their group."""
    if not isinstance(labels, dict):
        return "its labels are not an object"
    return None if reader.is_left_out(labels) else reader.row(labels)


# --- the last good answer, kept for a start while the URL is away ---


def cache_path(settings: CollectorSettings) -> Path:
    """Where the last good answer is kept."""
    return settings.data / "inventory" / "discovered.json"


def keep(found: Found, settings: CollectorSettings) -> None:
    """Keep a good answer. Raises OSError."""
    path = cache_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(found.body)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def kept(settings: CollectorSettings) -> Found | None:
    """The last good answer; None if there is none or it cannot be read."""
    path = cache_path(settings)
    try:
        body, at = path.read_bytes(), path.stat().st_mtime
    except OSError:
        return None
    return Found(body, b"", at)
