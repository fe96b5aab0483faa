"""`bairro check`: reads settings and inventory and reports everything wrong with them; nothing is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

import settings_file
from collector import config, file_access, published
from collector.commands import open_secrets
from collector.commands.discover import devices_csv
from collector.inventory import devices_file, found_uplinks
from collector.poll.profile_files import load_profiles
from collector.publish.live.device_spans import current_rows
from collector.publish.live.live_file import read_faults
from collector.publish.web.guard import Guard
from collector.reading import ROLES, Device

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2
MOST_TOLD = 20


def check(config_path: Path) -> tuple[list[str], int]:
    """The lines to print and the exit code: 0 all is well, 1 some rows are not used or name what is not there, or others
    can read secrets, 2 it could not run."""
    try:
        settings = config.load(config_path)
        profiles = load_profiles(*([settings.profiles] if settings.profiles else []))
        if settings.web.config_file is not None:
            Guard(settings.web.config_file)
        _check_database(settings.database_url, config_path)
    except settings_file.SettingsError as error:
        return [str(error)], EXIT_UNUSABLE
    found = devices_file.load(settings.inventory, settings)
    secrets = open_secrets.told(settings, config_path)
    lines = [*secrets, *(str(problem) for problem in found.problems)]
    if not found.is_readable:
        return [*lines, f"{settings.inventory}: the collector would not start"], EXIT_UNUSABLE
    roles = Counter(device.role for device in found.devices)
    by_role = ", ".join(f"{roles[role]:,} {role}" for role in ROLES if roles[role]) or "none"
    areas = len({device.area for device in found.devices})
    missing = _missing_uplinks(settings, found.devices)
    lines += missing[:MOST_TOLD]
    lines += [f"and {len(missing) - MOST_TOLD} more uplinks that were not there"] if len(missing) > MOST_TOLD else []
    unsure = _unsure(settings)
    if unsure:
        lines.append(f"{settings.inventory}: marked as unsure: {unsure}; look at them (column unsure)")
    if why := file_access.why_folder_is_open(settings.data, settings.data_access):
        lines.append(why)
    lines += _found_uplinks(settings, found.devices)
    if found.left_out:
        lines.append(f"{settings.inventory}: {found.left_out:,} left out, as the settings of its labels say")
    lines += [
        f"{config_path}: good; polls every {settings.poll.interval_seconds:g} s, "
        f"{_of(len(settings.credentials), 'credential')}, {_of(len(profiles), 'profile')}",
        f"{settings.inventory}: {_of(len(found.devices), 'device')} ({by_role}) in {_of(areas, 'area')}, "
        f"{_of(len(found.problems) + len(missing), 'problem')}",
    ]
    return lines, EXIT_PROBLEMS if secrets or found.problems or missing or not found.devices else EXIT_OK


def _unsure(settings: config.CollectorSettings) -> str:
    """What `bairro discover` was not sure of in a file that was read before, and nobody has looked at since."""
    if not isinstance(settings.inventory, Path) or settings.discovery.reads_exports:
        return ""
    try:
        return devices_csv.doubts(devices_csv.read(settings.inventory).rows.values())
    except ValueError:
        return ""


def _of(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _found_uplinks(settings: config.CollectorSettings, devices: Sequence[Device]) -> list[str]:
    """Which devices use an uplink that was found for them."""
    kept = found_uplinks.read(settings.data)
    used = [d for d in devices if d.device_id in kept and kept[d.device_id].interface == d.uplink_interface]
    shown = [
        f"{d.device_id}: uplink {d.uplink_interface!r} as found: {kept[d.device_id].why}" for d in used[:MOST_TOLD]
    ]
    return shown + ([f"and {len(used) - MOST_TOLD} more uplinks as found"] if len(used) > MOST_TOLD else [])


def _missing_uplinks(settings: config.CollectorSettings, devices: Sequence[Device]) -> list[str]:
    """Uplinks that the collector has not found on their devices, as far as it has written that down.

    Nothing is sent. Only what the inventory still names as it did then is told.
    """
    named = {device.device_id: device.uplink_interface for device in devices if device.uplink_interface is not None}
    then = {row["device_id"]: row["uplink_interface"] for row in current_rows(settings.data)}
    return [
        f"{settings.inventory}: {row['device_id']}: uplink_interface: the device had no interface "
        f"{named[row['device_id']]!r} when it was polled last, at {row['polled_at']:%Y-%m-%d %H:%M:%S} UTC; "
        f"`bairro explain {row['device_id']}` lists those that it has"
        for row in read_faults(settings.data)
        if "uplink_missing" in row["faults"]
        and named.get(row["device_id"]) is not None
        and then.get(row["device_id"]) == named[row["device_id"]]
    ]


def _check_database(url: str, path: Path) -> None:
    """Raise SettingsError where nothing could ever be reached at ``url``; whether it answers is not asked."""
    try:
        published.connect(url).dispose()
    except ImportError as error:
        raise settings_file.SettingsError(f"{path}: database: needs the Python package {error.name}") from None
    except sa.exc.ArgumentError as error:
        raise settings_file.SettingsError(f"{path}: database: cannot be used: {error}") from None
