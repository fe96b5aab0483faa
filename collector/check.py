"""`bairro check`: settings and inventory are read and everything wrong with them is told; nothing is sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import sqlalchemy as sa

import tomlfile
from collector import config, inventory, published
from collector.poll.profile import load_profiles
from collector.publish.web_guard import Guard
from collector.reading import ROLES

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2


def check(config_path: Path) -> tuple[list[str], int]:
    """The lines to print and the exit code: 0 all is well, 1 some rows are not used, 2 it could not run."""
    try:
        settings = config.load(config_path)
        profiles = load_profiles(*([settings.profiles] if settings.profiles else []))
        if settings.web.config_file is not None:
            Guard(settings.web.config_file)
        _check_database(settings.database_url, config_path)
    except tomlfile.SettingsError as error:
        return [str(error)], EXIT_UNUSABLE
    found = inventory.load(settings.inventory, settings)
    lines = [str(problem) for problem in found.problems]
    if not found.is_readable:
        return [*lines, f"{settings.inventory}: the collector would not start"], EXIT_UNUSABLE
    roles = Counter(device.role for device in found.devices)
    by_role = ", ".join(f"{roles[role]:,} {role}" for role in ROLES if roles[role]) or "none"
    areas = len({device.area for device in found.devices})
    lines += [
        f"{config_path}: good; polls every {settings.poll.interval_seconds:g} s, "
        f"{len(settings.credentials)} credentials, {len(profiles)} profiles",
        f"{settings.inventory}: {len(found.devices):,} devices ({by_role}) in {areas:,} areas, "
        f"{len(found.problems):,} problems",
    ]
    return lines, EXIT_PROBLEMS if found.problems or not found.devices else EXIT_OK


def _check_database(url: str, path: Path) -> None:
    """Raise SettingsError where nothing could ever be reached at ``url``; whether it answers is not asked."""
    try:
        published.connect(url).dispose()
    except ImportError as error:
        raise tomlfile.SettingsError(f"{path}: database: needs the Python package {error.name}") from None
    except sa.exc.ArgumentError as error:
        raise tomlfile.SettingsError(f"{path}: database: cannot be used: {error}") from None
