"""Which message is due: one when an incident opened, when it was taken up, and when it ended."""

from __future__ import annotations

from datetime import datetime

from dashboard.notice_settings import NoticeSettings
from dashboard.notices.stories import Incident

OPENED, TAKEN_UP, ENDED, REOPENED = "opened", "taken_up", "ended", "reopened"


def event(found: Incident, receiver: NoticeSettings, told: tuple[str, ...], at: datetime) -> str | None:
    """What ``receiver`` is to be told next of ``found``, having been ``told`` what came before; None: nothing now.

    ``at`` is in the provider's time zone. Whoever was told of the beginning is told of the end, whatever the filters
    say by then. In quiet hours and while it is silenced nothing is due; what ended meanwhile is not told at all, where
    nobody was told that it began.
    """
    if receiver.is_quiet(at) or found.is_silenced:
        return None
    is_open = found.ended_at is None
    last = next((one for one in reversed(told) if one != TAKEN_UP), None)
    if last is None:
        return OPENED if is_open and is_meant(found, receiver) and _has_lasted(found, receiver, at) else None
    if last == ENDED:
        return REOPENED if is_open else None
    if not is_open:
        return ENDED
    return TAKEN_UP if found.taken_up_by and TAKEN_UP not in told else None


def is_meant(found: Incident, receiver: NoticeSettings) -> bool:
    """Whether the receiver's filters let it through. Where nobody counts customers, no number of them keeps it back."""
    if found.kind not in receiver.incidents:
        return False
    if receiver.areas and not set(found.areas) & set(receiver.areas):
        return False
    return found.kind == "blind" or found.customers is None or found.customers >= receiver.minimum_customers


def _has_lasted(found: Incident, receiver: NoticeSettings, at: datetime) -> bool:
    return (at - found.started_at).total_seconds() >= receiver.delay_minutes * 60
