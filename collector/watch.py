"""The inventory in force: read at the start, and again when its file changes or on SIGHUP."""

from __future__ import annotations

import asyncio
import logging
import os

from collector import inventory
from collector.config import CollectorSettings
from collector.inventory import Inventory

log = logging.getLogger(__name__)

MOST_PROBLEMS_LOGGED = 20


class InventoryWatch:
    """Holds the last good inventory; a file that cannot be used changes nothing and says so."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._path = settings.inventory
        self._seen = self._signature()
        self.current: Inventory = inventory.load(self._path, settings)
        self.loaded_at: float = 0.0
        log_problems(self.current)

    def has_changed(self) -> bool:
        """Whether the file is another one than was last read."""
        return self._signature() != self._seen

    async def reload(self) -> bool:
        """Read the file again, in a thread; returns whether the devices in force have changed."""
        self._seen = self._signature()
        before = self.current
        self.current = await asyncio.to_thread(inventory.reload, self._path, self._settings, before)
        log_problems(self.current)
        changed = self.current.devices != before.devices
        log.info(
            "%s: read again: %d devices%s", self._path, len(self.current.devices), "" if changed else ", as before"
        )
        return changed

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            stat = os.stat(self._path)
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def log_problems(found: Inventory) -> None:
    """One line for each problem, up to a limit."""
    for problem in found.problems[:MOST_PROBLEMS_LOGGED]:
        log.warning("%s", problem)
    if len(found.problems) > MOST_PROBLEMS_LOGGED:
        more = len(found.problems) - MOST_PROBLEMS_LOGGED
        log.warning("and %d more problems in the inventory; bairro check lists them all", more)
