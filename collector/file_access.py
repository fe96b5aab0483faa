"""Who may read what Bairro writes: one umask for the whole process, and a look at secrets that others can read."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import settings_file

OWNER = "owner"
UMASKS = {OWNER: 0o077, "group_read": 0o027, "group_write": 0o007}
"""By ``data_access``: files are 0600, 0640 or 0660, folders 0700, 0750 or 0770."""
ACCESS = tuple(UMASKS)


def wanted(config: Path | None) -> str:
    """``data_access`` of a settings file; ``owner`` where it does not say, or cannot be read (its reader tells that)."""
    try:
        document = settings_file.read(config) if config is not None else {}
    except settings_file.SettingsError:
        return OWNER
    access = document.get("data_access")
    return access if isinstance(access, str) and access in UMASKS else OWNER


@contextlib.contextmanager
def written_for(access: str) -> Iterator[None]:
    """Whatever is written meanwhile, by libraries and child processes too, is for ``access`` only."""
    before = os.umask(UMASKS[access])
    try:
        yield
    finally:
        os.umask(before)


def why_folder_is_open(folder: Path, access: str) -> str | None:
    """A sentence where a folder lets in more than ``access`` says, as one that an older version made."""
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError:
        return None
    if not mode & UMASKS[access] & 0o077:
        return None
    who = "every user of this host" if mode & 0o007 else "its group"
    allowed = {OWNER: "u=rwX,go=", "group_read": "u=rwX,g=rX,o=", "group_write": "ug=rwX,o="}[access]
    other = "" if mode & 0o007 else ", or set data_access"
    return f"{folder}: {who} can enter the data folder (mode {mode:03o}): chmod -R {allowed} {folder}{other}"


def why_secret_is_open(path: Path) -> str | None:
    """A sentence where a file's mode lets others than its owner read or change the secret in it.

    The rule is that of PostgreSQL for its keys: 0600, or 0640 where root owns the file and has given it to a group other
    than its own, which is how a service gets a secret that it cannot change.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    mode = stat.S_IMODE(found.st_mode)
    is_given = found.st_uid == 0 and found.st_gid != 0
    if not mode & (0o037 if is_given else 0o077):
        return None
    who = "every user of this host" if mode & 0o007 else "its group"
    return (
        f"{path}: holds a secret, and {who} can read it (mode {mode:03o}): chmod {'640' if is_given else '600'} {path}"
    )
