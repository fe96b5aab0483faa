"""Poll stage: the kinds of notification that are distinguished, and the reasons to drop a packet."""

from __future__ import annotations

from collections.abc import Mapping

TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"
"""snmpTrapOID.0 (RFC 3418): which notification this is. Traps of version 1 are translated to it (RFC 3584)."""

TRAP_ADDRESS = "1.3.6.1.6.3.18.1.3.0"
"""snmpTrapAddress.0 (RFC 3584 section 3): whom it is of, where a relay passed it on; agent-addr of version 1."""

OAM_EVENT = "1.3.6.1.2.1.158.0.2"
_OAM_LOG_TYPE = "1.3.6.1.2.1.158.1.6.1.4."
_OAM_LOG_WHERE = "1.3.6.1.2.1.158.1.6.1.5."
_DYING_GASP, _LOCAL = 257, 1

KIND_BY_OID = {
    "1.3.6.1.6.3.1.1.5.1": "cold_start",
    "1.3.6.1.6.3.1.1.5.2": "warm_start",
    "1.3.6.1.6.3.1.1.5.3": "link_down",
    "1.3.6.1.6.3.1.1.5.4": "link_up",
    "1.3.6.1.6.3.1.1.5.5": "authentication_failure",
}
KINDS = (*KIND_BY_OID.values(), "dying_gasp", "other")
LEADS_TO_A_POLL = frozenset(KINDS) - {"other"}

REASONS = (
    "unknown_source",
    "rate",
    "overload",
    "bad_packet",
    "community",
    "v3_user",
    "v3_password",
    "v3_level",
    "v3_time",
)


def kind_of(objects: Mapping[str, object]) -> str | None:
    """The kind of a notification by its objects (identifier in numbers -> value); None if they name none.

    ``dying_gasp`` is dot3OamNonThresholdEvent (RFC 4878) of the type dyingGaspEvent about the sender itself.
    """
    trap = objects.get(TRAP_OID)
    if trap is None:
        return None
    if str(trap) == OAM_EVENT and _is_own_gasp(objects):
        return "dying_gasp"
    return KIND_BY_OID.get(str(trap), "other")


def _is_own_gasp(objects: Mapping[str, object]) -> bool:
    said = {
        column: value
        for name, value in objects.items()
        for column in (_OAM_LOG_TYPE, _OAM_LOG_WHERE)
        if name.startswith(column)
    }
    return said.get(_OAM_LOG_TYPE) == _DYING_GASP and said.get(_OAM_LOG_WHERE) == _LOCAL
