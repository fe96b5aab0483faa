"""Recordings of devices, one object a line (``OID|tag|value``): read, written, and put to the profiles."""

from __future__ import annotations

import codecs
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from collector.poll.device.seldom_look import first
from collector.poll.objects import decode, part_values
from collector.poll.objects.decode import Cells, Scalars
from collector.poll.objects.interfaces import interface_rows
from collector.poll.objects.interfaces.corrections import corrections
from collector.poll.objects.probes import probes
from collector.poll.objects.seldom_table import SeldomTable
from collector.poll.profile import Profile, Source, Table, choose, telling
from collector.poll.snmp.codec import IP_ADDRESS, OCTETS, OID, Absent, Oid, Value, encode_subids, oid_text, parse_oid
from collector.reading import InterfaceReading, PartReading, ProbeReading, SignalReading
from settings_file import SettingsError

OBJECT_ID, DESCRIPTION = parse_oid("1.3.6.1.2.1.1.2.0"), parse_oid("1.3.6.1.2.1.1.1.0")
NUMBER_TAGS = (0x02, 0x41, 0x42, 0x43, 0x46, 0x47)
TEXT_TAGS = (OCTETS, 0x44)
MOST_SHOWN = 10
LONGEST_SHOWN = 40
_TAG = re.compile(r"([0-9]{1,3})([xe]?)(?::(.+))?")


class Recorded(NamedTuple):
    """One object of a recording: the tag of its type as in BER, and its value as the wire decoder gives it."""

    tag: int
    value: Value


Recording = Mapping[Oid, Recorded]


def read(path: Path) -> tuple[dict[Oid, Recorded], list[str]]:
    """The objects of a recording in their order, and what is wrong with every other line, by its number.

    Lines may come in any order and end as on any system; blank ones are passed over, and of one object the last counts.
    Raises SettingsError for no file.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig", "replace").split("\n")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    objects: dict[Oid, Recorded] = {}
    problems = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                oid, recorded = _object(line.rstrip("\r"))
                objects[oid] = recorded
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    return dict(sorted(objects.items())), problems


def write(path: Path, objects: Recording) -> None:
    """Write a recording; texts that are not plain ASCII go as hexadecimal digits."""
    lines = [f"{oid_text(oid)}|{_written(recorded)}\n" for oid, recorded in sorted(objects.items())]
    path.write_text("".join(lines), encoding="ascii")


def _object(line: str) -> tuple[Oid, Recorded]:
    name, _, rest = line.partition("|")
    tag, bar, written = rest.partition("|")
    if not bar:
        raise ValueError(f"not of the form OID|type|value: {_short(line)}")
    return parse_oid(name), _recorded(tag, written)


def _recorded(tag: str, written: str) -> Recorded:
    """Raises ValueError that says what is wrong with a type or value that no agent sends."""
    found = _TAG.fullmatch(tag.strip())
    number, form = (int(found[1]), found[2]) if found else (-1, "")
    if number not in (*NUMBER_TAGS, *TEXT_TAGS, OID, IP_ADDRESS):
        raise ValueError(f"{_short(tag)} is no type of a value")
    if found is not None and found[3]:
        written = _made_up(found[3], written)
    if form == "x":
        return Recorded(number, _bytes(written))
    if form == "e":
        return Recorded(number, codecs.decode(written, "unicode_escape").encode("latin-1", "replace"))
    if number in NUMBER_TAGS:
        return Recorded(number, _number(written))
    if number == OID:
        return Recorded(number, parse_oid(written))
    if number == IP_ADDRESS:
        return Recorded(number, ipaddress.IPv4Address(written.strip()).packed)
    return Recorded(number, written.encode("utf-8"))


def _number(written: str) -> int:
    """A number that fits an answer."""
    if not re.fullmatch(r"\s*-?[0-9]{1,20}\s*", written) or not -(2**63) <= int(written) < 2**64:
        raise ValueError(f"{_short(written)} is no number")
    return int(written)


def _bytes(written: str) -> bytes:
    digits = "".join(written.split())
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2])
    except ValueError:
        raise ValueError(f"{_short(written)} is not in hexadecimal digits") from None


def _made_up(module: str, written: str) -> str:
    """The value that a simulator's module (``2:numeric``, ``4:writecache``) begins with, as ``initial=`` or ``value=``."""
    found = re.search(r"(?:^|,)\s*(?:value|initial)=([^,]*)", written)
    if found is None:
        raise ValueError(f"the module {_short(module)} of a simulator would make up its value")
    return found[1]


def _short(written: str) -> str:
    return repr(written if len(written) <= LONGEST_SHOWN else written[:LONGEST_SHOWN] + "...")


def _written(recorded: Recorded) -> str:
    tag, value = recorded
    if isinstance(value, bytes):
        if tag == IP_ADDRESS and len(value) == 4:
            return f"{tag}|{'.'.join(map(str, value))}"
        is_plain = all(32 <= byte < 127 for byte in value)
        return f"{tag}|{value.decode('ascii')}" if is_plain else f"{tag}x|{value.hex()}"
    return f"{tag}|{oid_text(value) if isinstance(value, tuple) else value}"


@dataclass(frozen=True, slots=True)
class Yield:
    """What the profiles make of a recording. ``profiles`` are names of those that apply, each with the reason."""

    object_id: str
    description: str
    profiles: tuple[tuple[str, str], ...]
    uptime_seconds: float | None
    boot_seconds: float | None
    interfaces: tuple[InterfaceReading, ...]
    signals: tuple[SignalReading, ...]
    probes: tuple[ProbeReading, ...]
    parts: tuple[PartReading, ...]
    missing: tuple[str, ...]
    """Objects that the profiles ask for and the recording lacks."""

    def __str__(self) -> str:
        """Everything as text, for a terminal."""
        lines = [f"sysObjectID  {self.object_id or '(none)'}", f"sysDescr     {self.description or '(none)'}"]
        lines += ["", "profiles", *(f"  {name}: {reason}" for name, reason in self.profiles)]
        lines += ["", f"uptime {self.uptime_seconds} s, since the boot {self.boot_seconds} s"]
        lines += ["", f"interfaces ({len(self.interfaces)})", *map(_shown, self.interfaces)]
        lines += ["", f"signals ({len(self.signals)})", *map(_shown, self.signals)]
        if self.probes:
            lines += ["", f"probes ({len(self.probes)})", *map(_shown, self.probes)]
        if self.parts:
            lines += ["", f"parts ({len(self.parts)})", *map(_shown_part, self.parts)]
        more = f" and {len(self.missing) - MOST_SHOWN} more" if len(self.missing) > MOST_SHOWN else ""
        lines += ["", f"asked for and not there: {', '.join(self.missing[:MOST_SHOWN]) or 'nothing'}{more}"]
        return "\n".join(lines)


def put(objects: Recording, profiles: Mapping[str, Profile], *, named: str | None = None) -> Yield:
    """What one first poll of the device would read, with the profiles that it would be asked by."""
    object_id, description = (_text(objects, oid) for oid in (OBJECT_ID, DESCRIPTION))
    answered = {branch for branch in telling(profiles.values()) if _has(objects, branch)}
    chosen = choose(profiles, named, object_id, description, answered)
    every = [scalar for profile in chosen for scalar in profile.scalars]
    scalars = Scalars([scalar for scalar in every if not scalar.is_of_part])
    of_parts = [scalar for scalar in every if scalar.is_of_part]
    parts = part_values.scalars(of_parts, [_value(objects, scalar.numbers) for scalar in of_parts])
    values = [_value(objects, scalar.numbers) for scalar in scalars.sources]
    interfaces: tuple[InterfaceReading, ...] = ()
    signals = scalars.channels(values)
    own_probes: tuple[ProbeReading, ...] = ()
    levels: tuple[SignalReading, ...] = ()
    missing = [s.name for s, value in zip(scalars.sources, values, strict=True) if isinstance(value, Absent)]
    for table in (table for profile in chosen for table in profile.tables):
        cells = walked(table, objects)
        missing += [name for name, column in cells.items() if not column]
        if table.rows == "interfaces":
            names = interface_rows.name_interfaces(table, cells)
            interfaces += interface_rows.interfaces(table, cells, names, corrections(table, cells, names))
        elif table.rows == "probes":
            own_probes += probes(table, cells)
        elif table.rows == "parts":
            given = SeldomTable(table).learn({c.name: _column(c, objects) for c in table.walked})
            parts += given.parts
            levels += given.signals
        else:
            signals += decode.signals(table, cells)
    own = {signal.channel for signal in signals}
    signals += tuple(level for level in levels if level.channel not in own)
    return Yield(
        object_id,
        description,
        tuple(
            (name, profile.reason(object_id, description, answered) or "chosen by name")
            for name, profile in _named(profiles, chosen)
        ),
        scalars.number("uptime_seconds", values),
        scalars.number("boot_seconds", values),
        interfaces,
        signals,
        own_probes,
        first(parts, lambda part: part[:2]),
        tuple(missing),
    )


def walked(table: Table, objects: Recording) -> Cells:
    """A table as a walk of the device would have given it."""
    return table.spread({column.name: _column(column, objects) for column in table.walked})


def _column(column: Source, objects: Recording) -> dict[bytes, Value]:
    size = len(column.numbers)
    return {
        encode_subids(oid[size:]): recorded.value
        for oid, recorded in objects.items()
        if len(oid) > size and oid[:size] == column.numbers
    }


def _named(profiles: Mapping[str, Profile], chosen: Iterable[Profile]) -> list[tuple[str, Profile]]:
    return [(name, profile) for profile in chosen for name, known in profiles.items() if known is profile]


def _value(objects: Recording, oid: Oid) -> Value:
    recorded = objects.get(oid)
    return Absent.NO_SUCH_INSTANCE if recorded is None else recorded.value


def _text(objects: Recording, oid: Oid) -> str:
    recorded = objects.get(oid)
    return (decode.text(recorded.value) or "") if recorded is not None else ""


def _has(objects: Recording, branch: Oid) -> bool:
    return any(oid[: len(branch)] == branch and len(oid) > len(branch) for oid in objects)


def _shown_part(part: PartReading) -> str:
    return f"  {part.part or 'the device'}: {part.measure} {part.value:g}"


def _shown(record: InterfaceReading | SignalReading | ProbeReading) -> str:
    """One record on one line, without what it does not know."""
    name, *rest = [(field, value) for field, value in record._asdict().items() if value is not None]
    return f"  {name[1]}: " + ", ".join(
        f"{field} {value:g}" if isinstance(value, float) else f"{field} {value}" for field, value in rest
    )
