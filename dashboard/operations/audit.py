"""Who did what, and when: one row for every entry that an operator makes, in the transaction that makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bairro_error import BairroError
from collector.published import AUDIT


class EntryError(BairroError, ValueError):
    """What was entered cannot be taken; the message says why, for the person who entered it."""


def record(
    connection: sa.Connection, action: str, subject: str, *, by: str, at: datetime, details: Mapping[str, Any]
) -> None:
    """Note that ``by`` did ``action`` to ``subject`` (an id); ``details`` hold no secret."""
    text = json.dumps({name: _plain(value) for name, value in details.items()}, ensure_ascii=False)
    connection.execute(sa.insert(AUDIT).values(at=at, actor=by, action=action, subject=subject, details=text))


def one_id(connection: sa.Connection, column: sa.Column[str], wanted: str, *, what: str) -> str:
    """The one id that is ``wanted`` or begins with it. Raises EntryError for none and for several."""
    found = connection.scalars(sa.select(column).where(column.startswith(wanted, autoescape=True)).limit(4)).all()
    if wanted in found:
        return wanted
    if len(found) != 1 or not wanted:
        several = f"{what}s {', '.join(found[:3])} begin with {wanted!r}; write more of it"
        raise EntryError(several if found else f"there is no {what} {wanted!r}")
    return found[0]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
