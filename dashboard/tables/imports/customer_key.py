"""The customer key that an import needs: the one that the stored records were made with, or a new one."""

from __future__ import annotations

from pathlib import Path

from dashboard.config import DashboardSettings
from dashboard.tables.imports import hashed_ids
from dashboard.tables.imports.context import Context
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.readers.sheets import Sheet
from dashboard.tables.schema import RECORDS


def customer_key(context: Context, sheet: Sheet, is_dry_run: bool) -> tuple[bytes | None, bool]:
    """The key, None where nothing in the file needs one, and whether it is new. Raises KeyProblemError."""
    if "customer_id" not in context.spec.column_names:
        return None, False
    if "customer_id" not in sheet.columns and not context.settings.customer_key.exists():
        return None, False
    settings = context.settings
    known = _known_fingerprint(settings.data)
    return hashed_ids.load_key(settings.customer_key, settings.data, known=known, is_dry_run=is_dry_run)


def stored_key(settings: DashboardSettings) -> bytes:
    """The key that the stored records were made with. Raises KeyProblemError, also where there are none yet."""
    known = _known_fingerprint(settings.data)
    if known is None:
        raise hashed_ids.KeyProblemError(
            "no customer has been imported yet, so there is no customer key to compare with"
        )
    return hashed_ids.load_key(settings.customer_key, settings.data, known=known)[0]


def _known_fingerprint(data: Path) -> str | None:
    return next(filter(None, (_key_of(kind, data) for kind in RECORDS)), None)


def _key_of(kind: str, data: Path) -> str | None:
    stated = snapshots.read_metadata(kind, data).get(b"customer_key")
    return stated.decode() if stated else None
