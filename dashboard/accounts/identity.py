"""Who asks: kept for the length of one request, for all that is made in it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, has_request_context

from dashboard.accounts import rights
from dashboard.accounts.rights import Right, Rule


@dataclass(frozen=True, slots=True)
class Identity:
    """``name`` is None where nobody was asked who they are; ``session_id`` is None where no session stands behind it."""

    role: str
    name: str | None = None
    session_id: str | None = None

    def may(self, *wanted: Right) -> bool:
        """Whether one of the rights is theirs."""
        return rights.may(self.role, frozenset(wanted))

    def passes(self, rule: Rule | None) -> bool:
        return rule is not None and rights.may(self.role, rule)


EVERYBODY = Identity(rights.ADMIN)
"""Whoever reaches pages that ask nobody who they are: they are served to this host only, or by a proxy that asks."""
NOBODY = Identity(rights.NOBODY)


def current() -> Identity:
    """Who asks now. Outside a request it is the program itself, which may everything."""
    found = g.get("identity", NOBODY) if has_request_context() else EVERYBODY
    return found if isinstance(found, Identity) else NOBODY


def set_current(identity: Identity) -> None:
    g.identity = identity
