"""Poll stage, explained: one device asked once, with every packet of the conversation put in words."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from collector import counted
from collector.config import CollectorSettings
from collector.poll import reading_text
from collector.poll.damage import Damaged
from collector.poll.objects.decode import text
from collector.poll.objects.text_encodings import decoded
from collector.poll.poller import Poller
from collector.poll.profile import Profile
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import (
    ERRORS,
    GET,
    GET_BULK,
    GET_NEXT,
    REPORT,
    RESPONSE,
    TIME_TICKS,
    TYPES,
    Absent,
    BadPacketError,
    Oid,
    Value,
    Varbind,
    decode_any,
    decode_any_bare,
    oid_text,
    parse_oid,
)
from collector.reading import Device, Reading

REPORTED = {
    parse_oid(f"1.3.6.1.6.3.15.1.1.{number}"): f"usmStats{name}"
    for number, name in enumerate(
        (
            "UnsupportedSecLevels",
            "NotInTimeWindows",
            "UnknownUserNames",
            "UnknownEngineIDs",
            "WrongDigests",
            "DecryptionErrors",
        ),
        1,
    )
}
"""What an engine of version 3 may report (RFC 3414 section 5)."""
NAMES = ("sysDescr", "ifName", "ifAlias", "ifDescr")
"""Objects that hold texts for people."""
KINDS = {GET: "GET", GET_NEXT: "GETNEXT", GET_BULK: "GETBULK", RESPONSE: "answer", REPORT: "report"}


@dataclass(frozen=True, slots=True)
class Step:
    """One packet: what it was in words, and its varbinds. ``names`` are aligned with ``varbinds``."""

    title: str
    varbinds: tuple[Varbind, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"  {name} = {value_text(bind)}" for name, bind in zip(self.names, self.varbinds, strict=True)]
        return "\n".join([self.title, *lines])


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was asked, what came back raw, what was made of it, and what was refused or could not be read on the way, by
    reason. ``timeout_seconds`` is how long each try waited; None where SNMP is off. ``uplink_twins`` says of which rows
    the uplink may be any, where they are several.
    """

    device: Device
    question: tuple[Step, ...]
    raw: tuple[Step, ...]
    reading: Reading
    let_in_by: str | None
    rejected: Mapping[str, int]
    damaged: Mapping[str, int]
    bulk_trouble: str | None
    ping_unavailable: str | None
    spoken_to: str | None = None
    strangers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float | None = None
    uplink_twins: str | None = None

    def guessed(self) -> list[tuple[str, int]]:
        """Encodings other than UTF-8 that texts were read in, with how many they are."""
        told = (pair for step in self.raw for pair in zip(step.names, step.varbinds, strict=True))
        texts = {bind.value for name, bind in told if name.startswith(NAMES) and isinstance(bind.value, bytes)}
        encodings = Counter(decoded(text)[1] for text in texts if not text.isascii())
        return sorted((name, count) for name, count in encodings.items() if name != "UTF-8")

    def __str__(self) -> str:
        """Everything as text, for a terminal."""
        lines = [f"question ({len(self.question)} request{'' if len(self.question) == 1 else 's'})"]
        lines += ["\n".join([step.title, *(f"  {name}" for name in step.names)]) for step in self.question]
        lines += ["", f"spoken to: {self.spoken_to}"] if self.spoken_to else []
        lines += ["", f"answer ({len(self.raw)} packets)", *map(str, self.raw)]
        lines += [f"refused: {count} x {reason}" for reason, count in sorted(self.rejected.items())]
        lines += [f"  from {sender} instead of {asked}" for asked, sender in self.strangers.items()]
        lines += [f"cannot be read: {count} x {Damaged(kind).words}" for kind, count in sorted(self.damaged.items())]
        lines += [f"texts that are not UTF-8, read as {name} by their letters: {n}" for name, n in self.guessed()]
        lines += [f"GETBULK {self.bulk_trouble}: tables were walked by GETNEXT"] if self.bulk_trouble else []
        lines += [self.ping_unavailable] if self.ping_unavailable and self.device.ping == "icmp" else []
        lines += ["", "reading"] + ([f"  let in by = {self.let_in_by}"] if self.let_in_by is not None else [])
        lines += [f"  {line}" for line in reading_text.lines(self.reading)]
        return "\n".join(lines)


def explain(device: Device, settings: CollectorSettings) -> Explanation:
    """Poll ``device`` once, in an event loop of its own. Raises settings_file.SettingsError for a bad profile."""
    return asyncio.run(_explain(device, settings))


async def _explain(device: Device, settings: CollectorSettings) -> Explanation:
    profiles = load_profiles(*([settings.profiles] if settings.profiles else []))
    names = object_names(profiles)
    at_once = min(1, settings.poll.health_every_polls)
    poll = dataclasses.replace(settings.poll, health_every_polls=at_once)
    poller = Poller(poll, settings.ping, settings.credentials, profiles)
    packets: list[tuple[str, bytes]] = []
    poller.engine.watch = lambda way, _address, data: packets.append((way, data))
    await poller.open()
    try:
        answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        poller.start(device, answered.set_result)
        reading = await answered
    finally:
        await poller.close()
    session = poller.session_of(device.device_id)
    steps = [(way, _step(data, names)) for way, data in packets]
    return Explanation(
        device,
        tuple(step for way, step in steps if way == "sent"),
        tuple(step for way, step in steps if way == "received"),
        reading,
        poller.let_in_by(device.device_id),
        dict(poller.counts.rejected),
        dict(poller.counts.damaged),
        poller.bulk_trouble(device.device_id),
        poller.ping_unavailable,
        poller.spoken_to(device.device_id),
        dict(poller.counts.strangers),
        session.timeout_seconds if session is not None else None,
        session.uplink_twins if session is not None else None,
    )


def object_names(profiles: Mapping[str, Profile]) -> dict[Oid, str]:
    """Object identifier -> its published name, for all that the profiles ask."""
    named = dict(REPORTED)
    for profile in profiles.values():
        for source in (*profile.scalars, *(column for table in profile.tables for column in table.columns)):
            named[source.numbers] = source.name
    return named


def named(oid: Oid, names: Mapping[Oid, str]) -> str:
    """``ifName.3 (1.3.6.1.2.1.31.1.1.1.1.3)``, or the numbers alone where the object is unknown."""
    for size in range(len(oid), 1, -1):
        name = names.get(oid[:size])
        if name is not None:
            return f"{'.'.join((name, *map(str, oid[size:])))} ({oid_text(oid)})"
    return oid_text(oid) or "a name that cannot be read"


def value_text(bind: Varbind) -> str:
    """A raw value with its type, as a person reads it."""
    value: Value = bind.value
    if isinstance(value, Damaged):
        return f"{TYPES.get(bind.tag, f'type {bind.tag:#04x}')}: cannot be read ({value.words})"
    if isinstance(value, Absent) or value is None:
        return TYPES[bind.tag]
    if isinstance(value, bytes):
        shown = text(value)
        is_plain = (shown or "").encode("utf-8", "replace") == value
        return f"{TYPES[bind.tag]}: {repr(shown or '') if is_plain else '0x' + value.hex()}"
    if bind.tag == TIME_TICKS and isinstance(value, int):
        return f"TimeTicks: {value} ({value / 100:.2f} s)"
    return f"{TYPES[bind.tag]}: {oid_text(value) if isinstance(value, tuple) else value}"


def _is_bare(data: bytes) -> bool:
    """Whether a PDU stands where other messages have their version."""
    at = 2 if len(data) < 2 or data[1] < 0x80 else 2 + (data[1] & 0x7F)
    return data[at : at + 1] in {bytes((kind,)) for kind in KINDS}


def _step(data: bytes, names: Mapping[Oid, str]) -> Step:
    """One packet in words; of version 3 what stands inside it, which is nothing where it only asks who is there."""
    if not data:
        return Step("discovery: which SNMP engine is there?", (), ())
    try:
        message = decode_any_bare(data) if _is_bare(data) else decode_any(data)
    except BadPacketError as bad:
        return Step(f"unusable packet of {len(data)} bytes: {bad}", (), ())
    title = KINDS[message.kind]
    if message.kind == GET_BULK:
        title += f", {counted.of(message.error_index, 'row')}"
    elif message.error_status:
        title += f", error {ERRORS[message.error_status]} at {message.error_index}"
    return Step(title, tuple(message.varbinds), tuple(named(bind.oid, names) for bind in message.varbinds))
