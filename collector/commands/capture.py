"""`bairro capture DEVICE`: records everything that a device answers, without what identifies its owner."""

from __future__ import annotations

from pathlib import Path

from collector import recordings
from collector.commands.scrub import scrub
from collector.commands.walker import Walker
from collector.config import CollectorSettings
from collector.credentials import credentials_of
from collector.inventory import devices_file
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Oid, oid_text
from collector.poll.timeouts import patience
from collector.recordings import Recorded

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
