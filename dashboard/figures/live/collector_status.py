"""What is said of the collectors: which is heard of, since when not, whose devices are therefore unknown, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.figures.style import numbers
from dashboard.operations.live.live_state import Live, Shard

MOST_NAMED = 4
AWAY = "If it was removed on purpose, restart the others with the new number of shards."
SHORT = {
    "missing": "not reporting",
    "unreadable": "live table unreadable",
    "silent": "silent",
    "blind": "blind",
    "live": "live",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A line across the page: ``kind`` is alarm or warning; ``command`` is what to type, after the text."""

    kind: str
    text: str
    command: str = ""


def name(shard: Shard, count: int) -> str:
    """What a shard is called where there are ``count``: 'the collector', 'collector shard 1'."""
    return f"collector shard {shard.name}" if count > 1 and shard.name else "the collector"


def why(shard: Shard, count: int) -> str:
    """Why nothing is known of a device of this shard."""
    if not shard.name:
        return "in no collector's live table"
    return f"{name(shard, count)} {SHORT[shard.condition]}"


def notices(live: Live, now: datetime) -> list[Notice]:
    """A line for each collector that is not heard of, worst first; ``now`` gives the time zone."""
    troubled = [shard for shard in live.shards if shard.condition in _SAID]
    said = [_SAID[shard.condition](shard, live.shard_count, now) for shard in troubled[:MOST_NAMED]]
    more = troubled[MOST_NAMED:]
    if more:
        lost, one = sum(shard.devices for shard in more), len(more) == 1
        who = f"{numbers.of(len(more), 'more collector')} {'does' if one else 'do'} not report"
        said.append(Notice("warning", f"{who}: {numbers.of(lost, 'device')} {'is' if lost == 1 else 'are'} unknown."))
    return said


def gaps(live: Live) -> list[str]:
    """Why it is not known whether anything is wrong, each in a few words; none where everything is known."""
    count = live.shard_count
    said = [_gap(s, count) for s in live.shards if s.condition != "live" and s.name]
    said += [f"{_devices(s)} are in no collector’s live table" for s in live.shards if not s.name]
    if live.is_blind and not any(s.condition == "blind" for s in live.shards):
        said.append("the collector is blind")
    return [*said, *([] if live.is_database_known else ["the incidents cannot be read"])]


def _gap(shard: Shard, count: int) -> str:
    who = name(shard, count)
    return (
        f"the live table of {who} cannot be read"
        if shard.condition == "unreadable"
        else f"{who} is {SHORT[shard.condition]}"
    )


def freshness(live: Live, now: datetime) -> dict[str, Any]:
    """What the browser needs to tell how old the page's news are: the same for as long as nothing is heard.

    ``seen_at`` (seconds of Unix time by the server's clock; None: never told) is until when the collector that knows
    least told something; ``lead`` stands before the age, ``late`` once it is more than ``stale_after`` seconds; ``kind``
    is '', 'old' or 'blind'.
    """
    oldest = live.oldest(now)
    if oldest is None:
        return {"seen_at": None, "stale_after": 0.0, "lead": "▲ no live data", "late": "▲ no live data", "kind": "old"}
    who = f"shard {oldest.name}: " if live.shard_count > 1 and oldest.name else ""
    late = f"▲ {who}data"
    lead, kind = {
        "live": ("● live ·", ""),
        "silent": (late, "old"),
        "blind": (f"■ {f'shard {oldest.name}' if who else 'collector'} blind · data", "blind"),
        "unreadable": (f"▲ {who}unreadable · data", "old"),
        "missing": (f"▲ {who}not reporting", "old"),
    }[oldest.condition]
    if (
        live.is_blind
        and oldest.condition in {"live", "silent"}
        and not any(s.condition == "blind" for s in live.shards)
    ):
        lead, kind = "■ collector blind · data", "blind"
    seen_at = None if oldest.seen_at is None else oldest.seen_at.timestamp()
    if seen_at is None:
        lead = late = lead.removesuffix(" · data")
    return {
        "seen_at": seen_at,
        "stale_after": oldest.silent_after_seconds,
        "lead": lead,
        "late": late,
        "kind": kind,
    }


def _devices(shard: Shard) -> str:
    return f"{numbers.count(shard.devices)} device{'' if shard.devices == 1 else 's'}"


def _unknown(shard: Shard) -> str:
    """How much of the network is unknown with it."""
    if not shard.devices:
        return "It is not known how many devices it has."
    people = (
        f" with {numbers.count(shard.customers)} customer{'' if shard.customers == 1 else 's'}"
        if shard.customers
        else ""
    )
    return f"Its {_devices(shard)}{people} {'is' if shard.devices == 1 else 'are'} unknown."


def _since(shard: Shard, now: datetime) -> str:
    return "ever" if shard.seen_at is None else f"since {numbers.moment(shard.seen_at.astimezone(now.tzinfo), now)}"


def _not_since(shard: Shard, now: datetime) -> str:
    return "never reported" if shard.seen_at is None else f"not reported {_since(shard, now)}"


def _silent(shard: Shard, count: int, now: datetime) -> Notice:
    who = name(shard, count)
    begin = f"These data are old: {who}" if count <= 1 else who.capitalize()
    gone = f"{AWAY} " if count > 1 else ""
    do = f"{gone}Its log says why. To start it:"
    command = _command(shard, count)
    return Notice("alarm", f"{begin} has {_not_since(shard, now)}. {_unknown(shard)} {do}", command)


def _blind(shard: Shard, count: int, now: datetime) -> Notice:
    return Notice(
        "alarm",
        f"{name(shard, count)[0].upper()}{name(shard, count)[1:]} has been blind {_since(shard, now)}: its own connection, or "
        f"every reference that it pings, does not answer. {_unknown(shard)} This time counts as not observed, and no new outage "
        "is declared. Check the network connection of its host.",
    )


def _missing(shard: Shard, count: int, now: datetime) -> Notice:
    if not shard.name:
        people = f", with {numbers.count(shard.customers)} customers," if shard.customers else ""
        are = "is" if shard.devices == 1 else "are"
        return Notice(
            "alarm",
            f"{_devices(shard)} of the inventory{people} {are} in no collector’s live table, so nothing is known about "
            "them. Check that all collectors run, with the same inventory and number of shards.",
        )
    return Notice(
        "alarm",
        f"Collector shard {shard.name} of {count} has no live table. {_unknown(shard)} {AWAY} To start it:",
        _command(shard, count),
    )


def _command(shard: Shard, count: int) -> str:
    return f"bairro collect --shard {shard.name}/{count}" if count > 1 else "bairro collect"


_SAID = {"silent": _silent, "blind": _blind, "missing": _missing}
