"""Where people's entries go from the pages: the same functions as on the command line, with every failure in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from collector.published import connect
from dashboard.operations import database_reading as reading
from dashboard.operations.audit import EntryError

T = TypeVar("T")


class Desk:
    """Writes to the operations database at ``url``; each entry opens it anew, so that one that was replaced is found."""

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        self._url = url
        self._name = parsed.render_as_string(hide_password=True)
        self._file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None

    def enter(self, entry: Callable[[sa.Engine], T]) -> T:
        """Make an entry. Raises audit.EntryError in words, also where the database is not there or cannot be written."""
        if self._file is not None and not self._file.exists():
            raise EntryError(reading.MISSING.format(name=self._file))
        engine = connect(self._url)
        try:
            with engine.connect() as connection:
                said = reading.other_schema(connection, self._name)
            if said is not None:
                raise EntryError(said)
            return entry(engine)
        except sa.exc.SQLAlchemyError as error:
            why = reading.why(error, self._name, is_file=self._file is not None)
            raise EntryError(f"nothing was entered: {why}") from None
        finally:
            engine.dispose()
