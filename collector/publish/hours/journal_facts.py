"""What the journal's facts hold: fields by name, so that a journal of another version is read by what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from bairro_error import BairroError
from collector.hour_bounds import LAST_HOUR
from collector.part_measures import Health
from collector.publish.hours.facts import AMOUNTS, BlindFact, Fact, PollFact, RecallFact, StateFact
from collector.reading import STATES

Shapes = Mapping[str, Sequence[str]]
"""The names of a fact's fields by its kind, which is its first value; and under ``amounts`` those of that tuple."""

_NEEDED = object()


class FactError(BairroError, ValueError):
    """A fact that cannot be taken in; the message says of which field and why."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a fact. A fact that lacks it takes ``default``, where there is one."""

    name: str
    fits: Callable[[Any], bool]
    default: Any = _NEEDED


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _moment(value: Any) -> bool:
    return _number(value) and 0 <= value <= LAST_HOUR.timestamp()


def _duration(value: Any) -> bool:
    return _number(value) and 0 <= value <= LAST_HOUR.timestamp()


def _amount(value: Any) -> bool:
    return _number(value) and value >= 0


def _numbers(value: Any) -> bool:
    return isinstance(value, tuple) and all(map(_number, value))


def _amounts(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == len(AMOUNTS) and all(map(_or_none(_amount), value))


def _health(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == len(Health._fields) and all(map(_or_none(_number), value))


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _state(value: Any) -> bool:
    return value in STATES


KINDS: dict[str, tuple[Field, ...]] = {
    "poll": (
        Field("device_id", _text),
        Field("at", _moment),
        Field("since", _or_none(_moment)),
        Field("is_reachable", _flag),
        Field("pings_sent", _count),
        Field("pings_lost", _count),
        Field("rtt_seconds", _numbers),
        Field("seconds", _duration),
        Field("has_rate", _flag),
        Field("amounts", _amounts),
        Field("utilization_ratio", _or_none(_number), None),
        Field("has_restarted", _flag),
        Field("signal_dbm", _or_none(_number), None),
        Field("signal_noise_db", _or_none(_number), None),
        Field("health", _or_none(_health), None),
    ),
    "state": (
        Field("device_id", _text),
        Field("since", _moment),
        Field("state", _state),
        Field("root", _or_none(_text), None),
    ),
    "blind": (Field("started_at", _moment), Field("ended_at", _or_none(_moment))),
    "recall": (Field("device_id", _text), Field("since", _moment), Field("at", _moment)),
}
RECORDS: dict[str, type[PollFact | StateFact | BlindFact | RecallFact]] = {
    "poll": PollFact,
    "state": StateFact,
    "blind": BlindFact,
    "recall": RecallFact,
}
SHAPES: Shapes = {**{kind: tuple(field.name for field in fields) for kind, fields in KINDS.items()}, "amounts": AMOUNTS}
"""Those of today, which a journal states when it is begun."""
FIRST_SHAPES: Shapes = {
    "poll": (
        "device_id", "at", "since", "is_reachable", "pings_sent", "pings_lost", "rtt_seconds", "seconds", "has_rate",
        "amounts", "utilization_ratio", "has_restarted", "signal_dbm", "signal_noise_db",
    ),
    "state": ("device_id", "since", "state", "root"),
    "blind": ("started_at", "ended_at"),
    "amounts": (
        "receive_bytes", "transmit_bytes", "error_packets", "discard_packets", "codewords_total",
        "codewords_uncorrectable",
    ),
}  # fmt: skip
"""Those of Bairro 0.1, whose journals do not state them; its first states had no root."""


def read(fact: Any, shapes: Shapes) -> Fact:
    """``fact``, written by ``shapes``, as one of today. Raises FactError.

    A value that today's fact does not have is left out; one that was not written yet takes its default.
    """
    kind, *values = fact if isinstance(fact, tuple) and fact else (None,)
    if not isinstance(kind, str) or kind not in KINDS:
        raise FactError(f"is no fact of a kind that is known ({', '.join(KINDS)})")
    names = shapes.get(kind, ())
    if names != SHAPES[kind] or len(values) != len(names) or shapes.get("amounts") != AMOUNTS:
        values = _by_name(kind, values, shapes)
    for field, value in zip(KINDS[kind], values, strict=True):
        if not field.fits(value):
            raise FactError(f"its {field.name} cannot be {value!r:.40}")
    made = RECORDS[kind]._make((kind, *values))
    if isinstance(made, PollFact) and made.has_rate and not made.seconds:
        raise FactError("it has a rate over no time")
    return made


def _by_name(kind: str, values: Sequence[Any], shapes: Shapes) -> list[Any]:
    names = shapes.get(kind, ())
    if len(values) > len(names):
        raise FactError(f"a {kind} of {len(values)} values, where its journal names {len(names)}")
    found = dict(zip(names, values, strict=False))
    if isinstance(amounts := found.get("amounts"), tuple):
        held = dict(zip(shapes.get("amounts", ()), amounts, strict=False))
        found["amounts"] = tuple(held.get(name) for name in AMOUNTS)
    made = []
    for field in KINDS[kind]:
        value = found.get(field.name, field.default)
        if value is _NEEDED:
            raise FactError(f"a {kind} without {field.name}")
        made.append(value)
    return made
