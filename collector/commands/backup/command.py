"""The commands `bairro backup` and `bairro restore`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

EXIT_OK, EXIT_UNUSABLE = 0, 2
APART = "Settings, inventory and the customer key are not in it: keep copies of them apart"


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add both commands to bairro's."""
    command = commands.add_parser(
        "backup", parents=[parent], help="write history, records, incidents and entries to one file, while all runs"
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the file to write, such as bairro-2026-11-30.tar")
    command.set_defaults(run=back_up)
    command = commands.add_parser("restore", help="restore a backup into an empty folder, after checking all of it")
    command.add_argument("file", type=Path, metavar="FILE", help="what bairro backup wrote")
    command.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="an empty folder, or a new one")
    what_for = "an empty PostgreSQL database for the incidents and entries; default: SQLite in the folder"
    command.add_argument("--database", metavar="URL", help=what_for)
    command.set_defaults(run=restore)


def back_up(arguments: argparse.Namespace) -> int:
    from collector import config, file_lock
    from collector.commands.backup import take

    settings = config.load(arguments.config)
    try:
        made = take.back_up(settings.data, settings.database_url, arguments.file, at=time.time())
    except file_lock.HeldError as error:
        return _refuse(f"another backup of {settings.data} is being made: {error}")
    except TimeoutError as error:
        return _refuse(f"{error}: an import or another writer is busy; try again")
    except OSError as error:
        return _refuse(f"{error.filename or arguments.file}: {error.strerror or error}; no backup was made")
    held = "its database" if made.schema is not None else "no database, since there is none yet"
    print(
        f"{arguments.file}: {len(made.files):,} files of {settings.data} ({made.total_bytes / 1e6:,.1f} MB) with {held}"
    )
    print(APART)
    return EXIT_OK


def restore(arguments: argparse.Namespace) -> int:
    from collector.commands.backup import database_copy
    from collector.commands.backup.restore import restore as restore_into

    try:
        made = restore_into(arguments.file, arguments.into, arguments.database)
    except OSError as error:
        return _refuse(f"{error.filename or arguments.into}: {error.strerror or error}; nothing was restored")
    print(
        f"{arguments.into}: {len(made.files):,} files ({made.total_bytes / 1e6:,.1f} MB), as they were at {made.made_at} "
        f"(Bairro {made.bairro}); every checksum fits"
    )
    if arguments.database and made.schema is not None:
        print(f"{database_copy.shown(arguments.database)}: its incidents and entries")
    print(
        f'Name the folder in both settings files (data = "{arguments.into.resolve()}"), and put the customer key back'
    )
    return EXIT_OK


def _refuse(why: str) -> int:
    print(f"bairro: {why}", file=sys.stderr)
    return EXIT_UNUSABLE
