"""`bairro capture DEVICE`: records everything that a device answers, without what identifies its owner."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from collector import recordings
from collector.commands.blocking_client import Caller, NoAnswerError
from collector.commands.scrub import scrub
from collector.config import CollectorSettings
from collector.credentials import Credential, credentials_of
from collector.inventory import devices_file
from collector.poll.objects.get_request import Access, access
from collector.poll.profile import load_profiles
from collector.poll.snmp.codec import (
    GET_BULK,
    GET_NEXT,
    NO_ERROR,
    NO_SUCH_NAME,
    TOO_BIG,
    Absent,
    Message,
    Oid,
    Packet,
    encode_oid,
    encode_request,
    oid_text,
    parse_oid,
)
from collector.poll.timeouts import patience
from collector.reading import Device
from collector.recordings import Recorded

ROOTS = tuple(map(parse_oid, ("1.3.6.1.2.1", "1.3.6.1.4.1", "1.3.6.1.6.3.10.2.1")))
MOST_OBJECTS = 200_000
REPETITIONS = 20
EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2


def capture(settings: CollectorSettings, device_id: str, path: Path | None = None) -> tuple[str, int]:
    """Record one device to ``path`` (default: its sysObjectID's name here). The text to print and the exit code."""
    found = devices_file.load(settings.inventory, settings)
    device = next((d for d in found.devices if d.device_id == device_id), None)
    if device is None:
        return f"bairro capture: {device_id!r} is not in {settings.inventory}", EXIT_UNUSABLE
    credentials = credentials_of(device.credential, settings.credentials)
    if not credentials:
        return f"bairro capture: {device_id!r} is not asked by SNMP (its credential is off)", EXIT_UNUSABLE
    objects: dict[Oid, Recorded] = {}
    for credential in credentials:
        wait = patience(settings.poll, device, credential)
        walker = Walker(device, credential, timeout_seconds=wait.timeout_seconds, tries=wait.tries)
        objects, failure = walker.walk()
        if objects:
            break
    if not objects:
        return f"bairro capture: {device_id}: {failure or 'gave nothing'}", EXIT_PROBLEMS
    profiles = load_profiles(*([settings.profiles] if settings.profiles else []))
    own = (*credential.secrets, device.device_id, device.address)
    scrubbed = scrub(objects, profiles.values(), secrets=own)
    path = path or Path(f"{oid_text(_object_id(objects))}.snmprec")
    recordings.write(path, scrubbed.objects)
    lines = [f"{path}: {len(scrubbed.objects)} objects"]
    lines += [f"  {failure}: what came until then is kept"] if failure else []
    lines += ["replaced or left out:", *(f"  {kind}: {count}" for kind, count in sorted(scrubbed.replaced.items()))]
    lines += ["Check the file before you share it: numbers are kept as they are, and so are the texts of"]
    lines += ["sysDescr, ifDescr, ifName and the kinds of parts in ENTITY-MIB."]
    return "\n".join(lines), EXIT_PROBLEMS if failure else EXIT_OK


def _object_id(objects: dict[Oid, Recorded]) -> Oid:
    recorded = objects.get(recordings.OBJECT_ID)
    return recorded.value if recorded is not None and isinstance(recorded.value, tuple) else (0, 0)


@dataclass
class Walker:
    """Walks a device over a socket of its own, one request at a time."""

    device: Device
    credential: Credential
    timeout_seconds: float
    tries: int
    repetitions: int = REPETITIONS
    is_bulk: bool = True
    """Whether GETBULK is asked; no longer where it has failed."""

    def walk(self) -> tuple[dict[Oid, Recorded], str | None]:
        """All objects below ROOTS that a recording can hold, and why there are not more, if so."""
        try:
            family, _, _, _, address = socket.getaddrinfo(
                self.device.address, self.device.port, type=socket.SOCK_DGRAM
            )[0]
        except OSError as error:
            return {}, f"address: {error.strerror}"
        objects: dict[Oid, Recorded] = {}
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.connect(address)
            channel.settimeout(self.timeout_seconds)
            through = access(self.credential)
            caller = Caller(channel, through, tries=self.tries)
            for root in ROOTS:
                failure = self._walk_below(root, objects, lambda after: caller.ask(self._request(after, through)))
                if failure is not None:
                    return objects, failure
        return objects, None

    def _walk_below(self, root: Oid, objects: dict[Oid, Recorded], ask: Callable[[Oid], Message]) -> str | None:
        last = root
        while len(objects) < MOST_OBJECTS:
            try:
                answer = ask(last)
            except NoAnswerError as error:
                if self._gives_up_bulk():
                    continue
                return str(error)
            if answer.error_status == TOO_BIG and self.repetitions > 1:
                self.repetitions //= 2
                continue
            if answer.error_status not in (NO_ERROR, NO_SUCH_NAME) and self._gives_up_bulk():
                continue
            if answer.error_status:
                return None if answer.error_status == NO_SUCH_NAME else f"error {answer.error_status} after {last}"
            readable = [bind for bind in answer.varbinds if bind.oid]
            if not readable:
                return f"the names after {oid_text(last)} cannot be read"
            for bind in readable:
                if bind.oid[: len(root)] != root or isinstance(bind.value, Absent):
                    return None
                if bind.oid <= last:
                    return f"the agent's answers do not increase after {oid_text(last)}"
                last = bind.oid
                if isinstance(bind.value, (int, bytes, tuple)):
                    objects[last] = Recorded(bind.tag, bind.value)
        return f"more than {MOST_OBJECTS} objects"

    def _gives_up_bulk(self) -> bool:
        """Ask by GETNEXT from here on; False where that was tried already."""
        was_bulk, self.is_bulk = self.is_bulk and self.credential.version != "1", False
        return was_bulk

    def _request(self, after: Oid, through: Access) -> Packet:
        is_bulk = self.is_bulk and through.version != "1"
        second = self.repetitions if is_bulk else 0
        return encode_request(GET_BULK if is_bulk else GET_NEXT, through.head, [encode_oid(after)], second=second)
