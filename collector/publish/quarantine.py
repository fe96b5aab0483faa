"""What of the data folder cannot be read: files set aside under another name, rows left out, both counted and logged."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

log = logging.getLogger(__name__)

TABLES = ("journal", "quality_hours", "devices", "incidents")
MOST_ROWS_LOGGED = 5


class Aside:
    """Counts by table since the start. Nothing that is set aside is ever read, changed or removed again."""

    def __init__(self) -> None:
        self.files: Counter[str] = Counter(dict.fromkeys(TABLES, 0))
        self.rows: Counter[str] = Counter(dict.fromkeys(TABLES, 0))
        self._told: Counter[Path] = Counter()

    def put(self, path: Path, table: str, *, why: str, what: str = "damaged") -> Path | None:
        """Give the file a name that no reader takes, ending in ``what``; None where the disk does not let it."""
        self.files[table] += 1
        number, name = 1, path.with_name(f"{path.name}.{what}")
        while name.exists():
            number += 1
            name = path.with_name(f"{path.name}.{what}-{number}")
        try:
            path.rename(name)
        except OSError as error:
            log.error("%s: %s; it is left out, and cannot be set aside: %s", path, why, error.strerror or error)  # noqa: TRY400
            return None
        log.error("%s: %s; it is left out, and set aside as %s", path, why, name.name)
        return name

    def skip(self, table: str, path: Path, row: int, why: str) -> None:
        """Leave out one row, numbered from 1; the first few of each file are logged."""
        self.rows[table] += 1
        self._told[path] += 1
        if self._told[path] <= MOST_ROWS_LOGGED:
            log.warning("%s: row %d is left out: %s", path, row, why)
        elif self._told[path] == MOST_ROWS_LOGGED + 1:
            log.warning("%s: more rows are left out; bairro_collector_rows_left_out_total counts them", path)

    def tell(self, table: str, path: Path, why: str) -> None:
        """A file that is left out but stays in place, because it is another shard's or its disk fails: logged once."""
        if not self._told[path]:
            self._told[path] += 1
            self.files[table] += 1
            log.error("%s: %s; it is left out", path, why)
