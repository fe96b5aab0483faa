"""Poll stage: what to ask of which device, as data: profiles, and how their tables are compiled."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from collector.part_measures import HEALTH, PartMeasure
from collector.poll.conversions import Convert, Scaling, of_anything, of_number
from collector.poll.snmp.codec import Oid, Value, decode_subids, encode_subids, parse_oid
from collector.reading import InterfaceReading, SignalReading

SCALAR_FIELDS = ("uptime_seconds", "boot_seconds", "object_id", "description")
NOT_ASKED = ("name", "index", "counter_bits", "late_seconds", "summed_rows")
INTERFACE_FIELDS = (
    "name",
    *(name for name in InterfaceReading._fields if name not in NOT_ASKED),
    "type",
)
SIGNAL_FIELDS = tuple(name for name in SignalReading._fields if name != "dark_dbm")
PROBE_FIELDS = (
    "name",
    "rtt_seconds",
    "jitter_seconds",
    "loss_ratio",
    "sent",
    "received",
    "is_answered",
    "is_in_microseconds",
)
MEMORY_HELPERS = ("memory_used", "memory_free", "memory_size")
PART_HELPERS = ("kind", "units", "value", "scale", "precision", "is_in_use", *MEMORY_HELPERS)
"""What a row of parts may hold beside its name and its measures: what these are made of."""
PART_FIELDS = ("name", *PART_HELPERS, *HEALTH)
ROW_FIELDS = {"interfaces": INTERFACE_FIELDS, "signals": SIGNAL_FIELDS, "probes": PROBE_FIELDS, "parts": PART_FIELDS}
KINDS = (*HEALTH, "level_dbm", "level_watts")
"""What a row's ``kind`` may make of its value; the last two are optical levels where the row's name says which way."""
STILL_FIELDS = ("is_up", "is_admin_up", "speed_bytes_per_second", "discontinuity_seconds")
NEVER_NEGATIVE = ("uptime_seconds", "boot_seconds", "discontinuity_seconds", "speed_bytes_per_second")
"""Fields that cannot be negative: a negative INTEGER counts as no value."""
CLOCKS = ("uptime_seconds", "boot_seconds", "discontinuity_seconds")
"""Fields that no text tells: the number that one begins with may be of days."""
RATES = ("receive_rate_bytes_per_second", "transmit_rate_bytes_per_second")
"""Fields of which a text (``866.7 Mbps``) has a unit of its own."""
SIGNED_FIELDS = (
    "received_dbm",
    "noise_ratio_db",
    "noise_dbm",
    "transmitted_dbm",
    "rsrp_dbm",
    "rsrq_db",
    "sinr_db",
    "mse_db",
)
TEXT_FIELDS = ("name", "alias", "channel", "description", "object_id", "kind", "units", "type")


@dataclass(frozen=True, eq=False)
class Source:
    """One object to ask for: where its value goes, where its definition is published, how it is read.

    ``unit`` is the unit on the wire. A number, or the one that a text begins with, is multiplied, divided, ``offset``
    is added, then it is stored; numbers in ``absent`` mean that the device has no value. ``milliwatts`` makes a power
    that is linear, once scaled to milliwatts, one in dBm; devices that give such an object in dBm give it below zero,
    to be divided by ``below_zero_divisor``. ``dark_dbm`` is the most that an optical receiver shows without light.
    ``values`` names an enumeration's numbers, of which ``true`` are yes and
    ``unknown`` is no answer. ``rarely`` columns of interfaces are asked at the first poll and then about hourly or
    when something moved. ``instead_of`` names the object that this one stands in for where a row or the device lacks
    it. ``channel`` makes a scalar a signal of that channel. ``index_ends`` takes of a column only the rows whose index ends
    with these numbers, which are no part of the row's own index: one object that holds several kinds of values.
    """

    name: str
    oid: str
    field: str
    source: str
    unit: str = ""
    multiplier: float = 1.0
    divisor: float = 1.0
    offset: float = 0.0
    milliwatts: bool = False
    below_zero_divisor: float = 1.0
    dark_dbm: float | None = None
    absent: tuple[float, ...] = ()
    values: dict[str, str] = dataclasses.field(default_factory=dict)
    true: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    bits: int = 0
    rarely: bool = False
    instead_of: str | None = None
    channel: str | None = None
    index_ends: str = ""

    @cached_property
    def numbers(self) -> Oid:
        return parse_oid(self.oid)

    @cached_property
    def is_of_part(self) -> bool:
        """Whether it tells of a part of the device rather than of the device or a channel."""
        return self.field not in SCALAR_FIELDS and self.field not in SIGNAL_FIELDS

    @cached_property
    def ending(self) -> Oid:
        """The numbers of ``index_ends``."""
        return tuple(map(int, self.index_ends.split("."))) if self.index_ends else ()

    @cached_property
    def is_text(self) -> bool:
        return self.field in TEXT_FIELDS

    @cached_property
    def is_still(self) -> bool:
        """Whether its value stays the same from poll to poll, as a rule: the state and speed of an interface."""
        return self.field in STILL_FIELDS

    @cached_property
    def is_never_negative(self) -> bool:
        return bool(self.bits) or self.field in NEVER_NEGATIVE

    @cached_property
    def meanings(self) -> dict[Value, bool | None]:
        """What each number of an enumeration says; empty for what is none."""
        return {int(n): None if name in self.unknown else name in self.true for n, name in self.values.items()}

    @cached_property
    def convert(self) -> Convert | None:
        """How a raw value becomes the field's; None where an unsigned counter is stored as it is."""
        if self.values:
            return self.meanings.get
        return None if self.bits else of_anything(self._scaling(self.is_never_negative))

    @cached_property
    def convert_number(self) -> Convert | None:
        """The same for what is known to be a number, which takes fewer questions; None where it stays as it is."""
        if self.values:
            return self.convert
        return None if self.bits else of_number(self._scaling(self.is_never_negative))

    @cached_property
    def convert_unsigned(self) -> Convert | None:
        """The same for what its type on the wire keeps from being negative."""
        if self.values:
            return self.convert
        return None if self.bits else of_number(self._scaling(False))

    def _scaling(self, is_never_negative: bool) -> Scaling:
        return Scaling(
            self.multiplier,
            self.divisor,
            self.offset,
            frozenset(self.absent),
            self.milliwatts,
            self.below_zero_divisor,
            self.field in SIGNED_FIELDS,
            self.field in CLOCKS or self.field in RATES,
            is_never_negative,
        )


@dataclass(frozen=True, eq=False)
class Table:
    """Columns walked together; each row becomes one of ``rows``: ``interfaces``, ``signals``, ``probes`` or ``parts``.

    Columns of several conceptual tables may stand in one where their rows have the same index, or where a device has
    only one of them. ``channel`` goes before the name of each row's signal, so that those of two tables differ.
    Interfaces whose whole name matches ``leave_out`` are not taken: another table of the device has them. Of parts only
    those are taken whose name matches ``only``, and, where ``kinds`` is given, whose kind is one of it: it says what each
    kind's value is, perhaps with a divisor (``voltage_volts/10``) or turned around (``!fan_ok``).
    """

    name: str
    rows: str
    columns: tuple[Source, ...]
    channel: str = ""
    leave_out: str = ""
    only: str = ""
    kinds: dict[str, str] = dataclasses.field(default_factory=dict)

    @cached_property
    def walked(self) -> tuple[Source, ...]:
        """The columns to walk: an object that several columns share is walked once, by the name of the first."""
        if not any(column.index_ends for column in self.columns):
            return self.columns
        first: dict[Oid, Source] = {}
        for column in self.columns:
            first.setdefault(column.numbers, column)
        return tuple(first.values())

    def spread(self, cells: Mapping[str, Mapping[bytes, Value]]) -> Mapping[str, Mapping[bytes, Value]]:
        """The cells of ``walked`` by column, each by the index of its row."""
        if self.walked is self.columns:
            return cells
        names = {column.numbers: column.name for column in self.walked}
        return {column.name: _ending_with(column, cells.get(names[column.numbers], {})) for column in self.columns}


@dataclass(frozen=True)
class Match:
    """Which devices a profile is for: sysObjectID begins with one of these, or sysDescr matches one of those, or the
    device has an object below one of ``answers``. One that has an object below one of ``lacks`` is not meant.
    """

    object_ids: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    every_device: bool = False


@dataclass(frozen=True)
class Profile:
    """What to ask of one kind of device. Several profiles may apply to one device and are asked together. ``measures`` are
    those that it declares itself, which are fields of its parts.

    ``timeout_seconds``, ``retries`` and what follows ``interfaces`` are for a kind that needs it; None: as ``[poll]`` says.
    ``interfaces`` says which
    interfaces get series (``collector.interface_filter``); empty: it does not say.
    """

    title: str
    match: Match = Match()
    scalars: tuple[Source, ...] = ()
    tables: tuple[Table, ...] = ()
    measures: tuple[PartMeasure, ...] = ()
    timeout_seconds: float | None = None
    retries: int | None = None
    interfaces: str = ""
    max_repetitions: int | None = None
    max_reply_bytes: int | None = None
    requests_per_second: float | None = None
    getnext: bool | None = None

    def applies(self, object_id: str, description: str, answered: Collection[Oid] = ()) -> bool:
        """Whether a device that calls itself so, and has the objects ``answered``, is of this kind."""
        return self.reason(object_id, description, answered) is not None

    def reason(self, object_id: str, description: str, answered: Collection[Oid] = ()) -> str | None:
        """Why such a device is of this kind, in words; None where it is not."""
        if any(parse_oid(oid) in answered for oid in self.match.lacks):
            return None
        if self.match.every_device:
            return "for every device"
        dotted = object_id.strip(".") + "."
        for prefix in self.match.object_ids:
            if dotted.startswith(prefix.strip(".") + "."):
                return f"sysObjectID begins with {prefix}"
        for pattern in self.match.descriptions:
            if re.search(pattern, description):
                return f"sysDescr matches {pattern}"
        return next((f"it answers for {oid}" for oid in self.match.answers if parse_oid(oid) in answered), None)


def choose(
    profiles: Mapping[str, Profile],
    named: str | None,
    object_id: str,
    description: str,
    answered: Collection[Oid] = (),
) -> tuple[Profile, ...]:
    """The profiles of one device: those for every device, and the named one or else those that match it.

    ``named`` is the inventory's profile field; a name that no profile has is as none. ``answered`` are those of
    ``telling`` that the device has.
    """
    own = profiles.get(named) if named else None
    return tuple(
        profile
        for profile in profiles.values()
        if profile.match.every_device
        or profile is own
        or (own is None and profile.applies(object_id, description, answered))
    )


def telling(profiles: Iterable[Profile]) -> tuple[Oid, ...]:
    """The objects by which devices are known that call themselves what others do."""
    told = (oid for profile in profiles for oid in (*profile.match.answers, *profile.match.lacks))
    return tuple(dict.fromkeys(map(parse_oid, told)))


def _ending_with(column: Source, cells: Mapping[bytes, Value]) -> Mapping[bytes, Value]:
    if not column.index_ends:
        return cells
    size = len(column.ending)
    found = ((decode_subids(index), value) for index, value in cells.items())
    return {encode_subids(index[:-size]): value for index, value in found if index[-size:] == column.ending}
