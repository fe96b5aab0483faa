"""How the dashboard stands: for who watches over it, and for pages that many look at."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dashboard.analysis import build_log
from dashboard.serving.own_metrics import State

if TYPE_CHECKING:
    from dashboard.pages.source import Source

TICK_SECONDS = 5


def moment(source: Source) -> Hashable:
    """Changes with what pages that renew themselves show, and with each of their ticks."""
    at = datetime.now(UTC)
    return source.version(source.live(at)), int(at.timestamp() // TICK_SECONDS)


def state(source: Source) -> State:
    """What the dashboard has to say of itself now."""
    at, data = datetime.now(UTC), source.settings.data
    live = source.live(at)
    return State(
        tuple((s.name, s.age_seconds(at), s.condition == "live") for s in live.shards if s.name),
        live.is_database_known,
        live.problems,
        _results_at(source),
        build_log.last_at(data),
        build_log.last_failure(data) is not None,
        _notices(source),
    )


def _notices(source: Source) -> tuple[tuple[str, int, int], ...]:
    """Of each receiver in the settings; none where that is not known."""
    names = [one.name for one in source.settings.notices]
    found = source.incidents.notices() if names else None
    return () if found is None else tuple((name, *found.get(name, (0, 0))) for name in names)


def _results_at(source: Source) -> float | None:
    results = source.results()
    try:
        return None if results is None else datetime.fromisoformat(str(results.manifest["built_at"])).timestamp()
    except (KeyError, ValueError):
        return None
