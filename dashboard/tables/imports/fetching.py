"""Records fetched from a source of the settings, through the same door as `bairro import`, and what became of it."""

from __future__ import annotations

import base64
import datetime
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from collector import ask_http
from dashboard.config import DashboardSettings
from dashboard.source_settings import SourceSettings
from dashboard.tables.imports import records
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.readers import json_pages, sources
from dashboard.tables.readers.sheets import Sheet, UnreadableError
from dashboard.tables.readers.sources import Source

KEPT = "sources.json"
USUALLY_FILLED = 0.5
"""A column of which less was filled may be missing from an export by chance."""


@dataclass(frozen=True, slots=True)
class Last:
    """What became of the last time that a source was fetched: when (UTC), why it failed or None, its filled columns."""

    at: str
    failure: str | None
    columns: tuple[str, ...]


def fetch(
    wanted: SourceSettings,
    settings: DashboardSettings,
    *,
    now: datetime.datetime,
    takes_new_columns: bool = False,
    by: str = "",
) -> ImportReport:
    """Fetch ``wanted`` whole and import it; a source that cannot be used is a report with a ``failure``.

    ``now`` (with a zone) is the day of the export. A source that lacks columns which it had the last time is refused unless
    it ``takes_new_columns``.
    """
    before = last(settings.data).get(wanted.name)
    columns = before.columns if before else ()
    try:
        source = _source(wanted)
        filled, there = _columns(sources.read(source, may_be_geojson=wanted.kind == "areas"))
        if not takes_new_columns:
            _refuse_lost(wanted, columns, there)
        report = records.import_records(
            wanted.kind,
            source,
            settings,
            as_of=_day(wanted, settings, now),
            mapping=wanted.mapping,
            absent=wanted.absent,
            by=by or f"source {wanted.name}",
        )
        columns = columns if report.failure else filled
    except (UnreadableError, ask_http.AskError) as error:
        report = ImportReport(wanted.kind, Source(wanted.name, called=wanted.name), failure=str(error))
    at = now.astimezone(datetime.UTC).isoformat(timespec="seconds")
    _keep(settings.data, wanted.name, Last(at, report.failure, columns))
    return report


def _day(wanted: SourceSettings, settings: DashboardSettings, now: datetime.datetime) -> datetime.date:
    """The day of the export: today; of a file the one on which it was written, since an old one knows nothing of today."""
    zone = ZoneInfo(settings.timezone)
    if wanted.file is None:
        return now.astimezone(zone).date()
    try:
        written = datetime.datetime.fromtimestamp(wanted.file.stat().st_mtime, zone)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from None
    return min(written.date(), now.astimezone(zone).date())


def last(data: Path) -> dict[str, Last]:
    """By the source's name; what cannot be read is as if it were not there."""
    try:
        kept = json.loads((data / "records" / KEPT).read_text(encoding="utf-8"))
        return {name: Last(one["at"], one["failure"], tuple(one["columns"])) for name, one in kept.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _keep(data: Path, name: str, what: Last) -> None:
    kept: dict[str, Any] = {one: _kept(state) for one, state in last(data).items()} | {name: _kept(what)}
    folder = data / "records"
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{KEPT}-{os.getpid()}"
    beside.write_text(json.dumps(kept, indent=1, ensure_ascii=False), encoding="utf-8")
    beside.replace(folder / KEPT)


def _kept(state: Last) -> dict[str, Any]:
    """As it is kept."""
    return {"at": state.at, "failure": state.failure, "columns": list(state.columns)}


def _columns(sheet: Sheet) -> tuple[tuple[str, ...], frozenset[str]]:
    """The columns that are filled in half of the rows or more, and all that are there."""
    rows = max(1, len(sheet.lines))
    filled = (name for name, cells in sheet.columns.items() if len(cells) - cells.null_count >= USUALLY_FILLED * rows)
    return tuple(filled), frozenset(sheet.columns)


def _refuse_lost(wanted: SourceSettings, before: Collection[str], there: Collection[str]) -> None:
    """Raises UnreadableError where columns that were filled the last time are not there."""
    gone, new = [name for name in before if name not in there], sorted(set(there) - set(before))
    if not gone:
        return
    beside = (
        f", and {', '.join(new[:5])} {'is' if len(new) == 1 else 'are'} there that were not filled then" if new else ""
    )
    raise UnreadableError(
        f"its columns have changed since the last time: {', '.join(gone[:5])} {'is' if len(gone) == 1 else 'are'} gone{beside}."
        f" Nothing was imported: look at its mapping, then bairro fetch {wanted.name} --new-columns"
    )


def _source(wanted: SourceSettings) -> Source:
    """Where to read it; of an API all pages, which are fetched here. Raises UnreadableError, AskError."""
    if wanted.file is not None:
        return Source(str(wanted.file), sheet=wanted.sheet)
    secret = ask_http.secret(wanted.secret_env, wanted.secret_file)
    if wanted.database is not None:
        try:
            url = sa.make_url(wanted.database)
        except (sa.exc.ArgumentError, ValueError):
            raise UnreadableError("database is no URL: dialect://user@host/database") from None
        place = (url.set(password=secret) if secret else url).render_as_string(hide_password=False)
        return Source(place, table=wanted.table, query=wanted.query)
    paging = json_pages.Paging(
        wanted.pages, wanted.page_size, wanted.offset_parameter, wanted.limit_parameter, wanted.page_parameter
    )
    content = json_pages.read_all(str(wanted.url), paging, json_pages.asker(_headers(wanted, secret)))
    return replace(Source(wanted.name), content=content, called=f"{wanted.name} ({str(wanted.url).partition('?')[0]})")


def _headers(wanted: SourceSettings, secret: str | None) -> Mapping[str, str]:
    headers = {"Accept": "application/json"}
    if secret is None:
        return headers
    if wanted.header is not None:
        return headers | {wanted.header: secret}
    if wanted.username is not None:
        basic = base64.b64encode(f"{wanted.username}:{secret}".encode()).decode()
        return headers | {"Authorization": f"Basic {basic}"}
    return headers | {"Authorization": f"Bearer {secret}"}
