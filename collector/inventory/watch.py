"""The inventory in force: read at the start, and again when its file changes, when its URL is due, or on SIGHUP."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from collector.config import CollectorSettings
from collector.inventory import devices_file, http_discovery
from collector.inventory.devices_file import Inventory
from collector.inventory.http_discovery import DiscoveryError, Found
from collector.inventory_url import InventoryUrl

log = logging.getLogger(__name__)

MOST_PROBLEMS_LOGGED = 20
T = TypeVar("T")


class InventoryWatch:
    """Holds the last good inventory; a source that cannot be used changes nothing and says so.

    ``loaded_at`` (Unix seconds) is when it was last read and found good.
    """

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._source = settings.inventory
        self._seen: object = None
        self._asked_at = time.monotonic()
        if isinstance(self._source, Path):
            self._seen = _signature(self._source)
            self.current = devices_file.load(self._source, settings)
        else:
            self.current = self._first(self._source)
        self.loaded_at = time.time()
        log_problems(self.current)

    def has_changed(self) -> bool:
        """Whether the file is another one than was last read, or it is time to ask the URL again."""
        if isinstance(self._source, Path):
            return _signature(self._source) != self._seen
        return time.monotonic() - self._asked_at >= self._settings.discovery.refresh_seconds

    async def reload(self) -> bool:
        """Read it again, in a thread; returns whether the devices in force have changed."""
        before, source = self.current, self._source
        self._asked_at = time.monotonic()
        if isinstance(source, Path):
            self._seen = _signature(source)
            self.current = await _in_thread(lambda: devices_file.reload(source, self._settings, before))
        else:
            self.current = await _in_thread(lambda: self._again(source, before))
        if self.current.is_readable:
            self.loaded_at = time.time()
        changed = self.current.devices != before.devices
        is_as_before = (self.current.problems, self.current.left_out) == (before.problems, before.left_out)
        if not is_as_before or isinstance(source, Path):
            log_problems(self.current)
        if changed or isinstance(source, Path):
            log.info(
                "%s: read again: %d devices%s", source, len(self.current.devices), "" if changed else ", as before"
            )
        return changed

    def _first(self, url: InventoryUrl) -> Inventory:
        """What the URL answers, or what it last answered."""
        try:
            fresh = self._take(http_discovery.fetch(url, self._settings), url)
        except DiscoveryError as error:
            fresh = devices_file.unusable(url.shown, str(error))
        return devices_file.or_kept(fresh, url, self._settings)

    def _again(self, url: InventoryUrl, before: Inventory) -> Inventory:
        """The same answer as last time is not read again: a large one takes a second."""
        try:
            found = http_discovery.fetch(url, self._settings)
        except DiscoveryError as error:
            return devices_file.merge(devices_file.unusable(url.shown, str(error)), before)
        if found.digest == self._seen and before.is_readable:
            return before
        return devices_file.merge(self._take(found, url), before)

    def _take(self, found: Found, url: InventoryUrl) -> Inventory:
        fresh = devices_file.read_answer(found, url, self._settings)
        self._seen = found.digest
        if fresh.devices:
            try:
                http_discovery.keep(found, self._settings)
            except OSError as error:
                log.warning("the answer of %s cannot be kept for the next start: %s", url, error.strerror or error)
        return fresh


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


async def _in_thread(work: Callable[[], T]) -> T:
    """Like asyncio.to_thread, in a thread that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except Exception as error:
            failed = error
        try:
            loop.call_soon_threadsafe(settle, result, failed)
        except RuntimeError:
            log.debug("the collector ended while its inventory was being read")

    threading.Thread(target=run, name="inventory", daemon=True).start()
    return await done


def log_problems(found: Inventory) -> None:
    """One line for each problem, up to a limit, and one for what is left out."""
    if found.left_out:
        log.info("%d entries of the inventory are left out, as the settings of its labels say", found.left_out)
    for problem in found.problems[:MOST_PROBLEMS_LOGGED]:
        log.warning("%s", problem)
    if len(found.problems) > MOST_PROBLEMS_LOGGED:
        more = len(found.problems) - MOST_PROBLEMS_LOGGED
        log.warning("and %d more problems in the inventory; bairro check lists them all", more)
