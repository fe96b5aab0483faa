"""Which role may open which page, callback, download, report and endpoint: one table, asked before each is answered.

What stands in no table here is opened by nobody, and `check` ends the start with a sentence that names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from bairro_error import BairroError

FILE = "dashboard/accounts/rights.py"


class Right(StrEnum):
    """What somebody may see or do."""

    ANYBODY = "what needs no sign-in"
    SIGNED_IN = "what all who are signed in may use"
    NETWORK = "devices and incidents"
    WORK = "entries about incidents and planned work"
    CUSTOMERS = "finding a device by its customer's id"
    FINDINGS = "areas, what would help, and reports"
    RECORDS = "records and builds"
    ACCOUNTS = "accounts and sessions"
    WALL = "what a wall shows"
    METRICS = "metrics of the dashboard itself"


Rule = frozenset[Right]
"""The rights of which one is enough."""


class RightsError(BairroError):
    """Something that can be asked for stands in no table here; the message names it."""


NOBODY, VIEWER, OPERATOR, ANALYST, ADMIN = "nobody", "viewer", "operator", "analyst", "admin"
WALL, METRICS = "wall", "metrics"
ROLES: Mapping[str, str] = {
    VIEWER: "management: areas, what would help, and reports",
    OPERATOR: "the operations centre: devices, incidents, and work on them",
    ANALYST: "records, builds and all that follows from them; devices and incidents to read",
    ADMIN: "everything, accounts too",
}
"""What an account can be, and what each may see."""
TOKENS: Mapping[str, str] = {
    WALL: "a screen on a wall: Now, its view for walls, and Incidents, to read",
    METRICS: "Prometheus: /metrics and /-/ready",
}
"""What a token can be for."""
_ALL_WHO_ARE_IN = {Right.ANYBODY, Right.SIGNED_IN}
RIGHTS: Mapping[str, Rule] = {
    NOBODY: frozenset({Right.ANYBODY}),
    VIEWER: frozenset({*_ALL_WHO_ARE_IN, Right.FINDINGS}),
    OPERATOR: frozenset({*_ALL_WHO_ARE_IN, Right.NETWORK, Right.WORK, Right.CUSTOMERS}),
    ANALYST: frozenset({*_ALL_WHO_ARE_IN, Right.NETWORK, Right.FINDINGS, Right.RECORDS}),
    ADMIN: frozenset(Right),
    WALL: frozenset({*_ALL_WHO_ARE_IN, Right.WALL}),
    METRICS: frozenset({Right.ANYBODY, Right.METRICS}),
}

ANYBODY, SIGNED_IN, NETWORK = frozenset({Right.ANYBODY}), frozenset({Right.SIGNED_IN}), frozenset({Right.NETWORK})
FINDINGS, RECORDS, WORK = frozenset({Right.FINDINGS}), frozenset({Right.RECORDS}), frozenset({Right.WORK})
ON_WALLS, OF_ITSELF = frozenset({Right.NETWORK, Right.WALL}), frozenset({Right.METRICS})
OF_AREAS = frozenset({Right.NETWORK, Right.FINDINGS})
"""Of an area operators see its devices, management its findings."""

PAGES: Mapping[str, Rule] = {
    "/": ON_WALLS,
    "/incidents": ON_WALLS,
    "/incident/": NETWORK,
    "/device/": NETWORK,
    "/replay": NETWORK,
    "/areas": FINDINGS,
    "/area/": OF_AREAS,
    "/fixes": FINDINGS,
    "/loyalty": FINDINGS,
    "/backtest": FINDINGS,
    "/methods": FINDINGS,
    "/methods/": FINDINGS,
    "/evidence": RECORDS,
}
"""Pages by their path, and by what it begins with where it ends in a slash; a page's own callback goes by it too."""
ENDPOINTS: Mapping[str, Rule] = {
    "healthy": ANYBODY,
    "icon": ANYBODY,
    "/_favicon.ico": ANYBODY,
    "sign_in": ANYBODY,
    "sign_in_form": ANYBODY,
    "sign_in_screen": ANYBODY,
    "sign_in_openid": ANYBODY,
    "sign_in_openid_back": ANYBODY,
    "sign_out": ANYBODY,
    "own_metrics": OF_ITSELF,
    "ready": OF_ITSELF,
    "/_dash-layout": SIGNED_IN,
    "/_dash-dependencies": SIGNED_IN,
    "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>": SIGNED_IN,
    "/_reload-hash": SIGNED_IN,
    "_dash_assets.static": SIGNED_IN,
    "/_dash-update-component": SIGNED_IN,  # and then by CALLBACKS
    "/": SIGNED_IN,  # and then by PAGES
    "/<path:path>": SIGNED_IN,  # and then by PAGES
    "found": SIGNED_IN,  # answers what the role may see
    "ranking": FINDINGS,
    "what_would_help": FINDINGS,
    "former_fixes": FINDINGS,
    "report": FINDINGS,
    "past_incidents": NETWORK,
}
"""What Flask routes, by the name of its endpoint."""
CALLBACKS: Mapping[str, Rule] = {
    "page": SIGNED_IN,  # and then by PAGES
    "now-tiles": ON_WALLS,
    "wall-top": ON_WALLS,
    "incidents-grid": ON_WALLS,
    "incident-head": NETWORK,
    "work-said": WORK,
    "device-now": NETWORK,
    "device-history": NETWORK,
    "device-detail": NETWORK,
    "plan-said": WORK,
    "silence-said": WORK,
    "replay-tiles": NETWORK,
    "area-now": NETWORK,
    "area-weeks": FINDINGS,
    "areas-map-box": FINDINGS,
    "areas-map": FINDINGS,
}
"""What the server answers to Dash, by the component of the callback's first output."""
FOUND: Mapping[str, Rule] = {
    "area": OF_AREAS,
    "device": NETWORK,
    "port": NETWORK,
    "incident": NETWORK,
    "customer": frozenset({Right.CUSTOMERS}),
}
"""What the search of the pages tells, by kind."""


def may(role: str, rule: Rule) -> bool:
    """Whether ``role`` has one of the rights."""
    return not rule.isdisjoint(RIGHTS.get(role, frozenset()))


def of_page(path: str) -> Rule | None:
    """The rule of the page at ``path``; None where there is none."""
    path = path.rstrip("/") or "/"
    if path in PAGES:
        return PAGES[path]
    begins = [start for start in PAGES if start != "/" and start.endswith("/") and path.startswith(start)]
    return PAGES[begins[0]] if begins else None


def of_callback(output: str) -> Rule | None:
    """The rule of a callback by what it puts out, as Dash spells it: a.x or ..a.x...b.y.."""
    return CALLBACKS.get(first_component(output))


def first_component(output: str) -> str:
    return output.strip(".").split("...")[0].rpartition(".")[0]


def home(role: str) -> str:
    """The first page that ``role`` may open."""
    return next((path for path, rule in PAGES.items() if may(role, rule)), "/")


def check(pages: Iterable[str], endpoints: Collection[str], callbacks: Iterable[str]) -> None:
    """Raise RightsError for the first page, endpoint or callback (by its output) that has no entry."""
    for path in pages:
        if of_page(path) is None:
            raise RightsError(f"{FILE}: PAGES has no entry for {path!r}: say there which roles may open it")
    for endpoint in endpoints:
        if endpoint not in ENDPOINTS:
            raise RightsError(f"{FILE}: ENDPOINTS has no entry for {endpoint!r}: say there which roles may open it")
    for output in callbacks:
        if of_callback(output) is None:
            raise RightsError(
                f"{FILE}: CALLBACKS has no entry for {first_component(output)!r}, which a callback puts out first: "
                "say there which roles may have it answered"
            )
