"""What a device's own clocks say between two polls: it ran on, started anew, rolled over, or it is another device."""

from __future__ import annotations

from typing import Literal

from collector.reading import Reading

UPTIME_WRAP_SECONDS = 2**32 / 100
SLACK_SECONDS = 5.0
STEP_SECONDS = 300.0

Course = Literal["ran on", "restarted", "young", "agent restarted", "another clock"]


def course(previous: Reading, current: Reading) -> Course:
    """What sysUpTime and the clock that outlives it have done between two readings.

    Who is up for longer than the time between two polls cannot have restarted in it. The roll of sysUpTime after 497 days
    is none, nor is the restart of an agent alone on a host whose ``boot_seconds`` ran on; ``young`` says that sysUpTime
    alone tells of a restart. A clock that stands still is none, and one that was set by
    up to five minutes ran on. One that stands elsewhere, though it is older than the time between the polls, is another
    device's, or was never a clock.
    """
    boot = _boot(previous, current)
    old, new = previous.uptime_seconds, current.uptime_seconds
    if old is None or new is None:
        return "restarted" if boot == "fell" else "ran on"
    seconds, slack = current.at - previous.at, _slack(previous, current)
    drift = new - old - seconds
    if abs(drift) <= slack or new == old:
        return "ran on"
    if _is_roll(drift, slack) and boot != "fell":
        return "ran on"
    if _is_young(old, new, seconds, slack):
        return "agent restarted" if boot == "ran on" else "restarted" if boot == "fell" else "young"
    if boot == "ran on" or abs(drift) <= STEP_SECONDS:
        return "ran on"
    return "another clock"


def follows(previous: Reading, current: Reading) -> bool:
    """Whether both may come from one clock that never stopped."""
    old, new = previous.uptime_seconds, current.uptime_seconds
    if old is None or new is None:
        return False
    return abs(new - old - (current.at - previous.at)) <= _slack(previous, current)


def _is_young(old: float, new: float, seconds: float, slack: float) -> bool:
    """Whether a device that is up for ``new`` seconds may have started since it was up for ``old``, ``seconds`` ago."""
    if new < old:
        return new <= seconds + slack
    return new + slack < seconds


def _is_roll(drift: float, slack: float) -> bool:
    """Whether sysUpTime stands where its roll at 2^32 hundredths would have put it."""
    return abs(drift + UPTIME_WRAP_SECONDS) <= slack


def _boot(previous: Reading, current: Reading) -> str:
    """What the clock that outlives the roll says: ``ran on``, ``fell``, or ``unknown`` where it was not read."""
    if previous.boot_seconds is None or current.boot_seconds is None:
        return "unknown"
    expected = previous.boot_seconds + current.at - previous.at
    slack = _slack(previous, current)
    if abs(current.boot_seconds - expected) <= slack:
        return "ran on"
    if abs(current.boot_seconds - (expected - UPTIME_WRAP_SECONDS)) <= slack:
        return "unknown"  # hrSystemUptime is a TimeTicks too: this is its own roll
    return "fell" if current.boot_seconds < min(previous.boot_seconds, current.at - previous.at) else "unknown"


def _slack(previous: Reading, current: Reading) -> float:
    """How far two clocks may disagree over the time between: 5 s, or 1% of it."""
    return max(SLACK_SECONDS, 0.01 * (current.at - previous.at))
