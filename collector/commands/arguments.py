"""The arguments of the collector's commands, and how they read their words."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from collector.commands.backfill import command as backfill
from collector.commands.backup import command as backup
from collector.commands.discover import command as discover
from collector.commands.ingest import command as ingest
from collector.commands.uplinks import command as uplinks

Run = Callable[[argparse.Namespace], int]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    *,
    collect: Run,
    check: Run,
    explain: Run,
    profile_test: Run,
    capture: Run,
    repair: Run,
    migrate: Run,
    disk: Run,
    init: Run,
) -> None:
    """Add the commands to bairro's."""
    collector = argparse.ArgumentParser(add_help=False)
    collector.add_argument("--config", type=Path, default=Path("collector.toml"), help="default: collector.toml")

    command = commands.add_parser("init", help="write a folder with settings, an inventory and units for systemd")
    command.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="default: this one")
    command.set_defaults(run=init)
    command = commands.add_parser("collect", parents=[collector], help="poll the inventory and publish what is found")
    command.add_argument("--address", help="address to listen on, instead of the one in the settings")
    command.add_argument("--shard", metavar="K/N", help="poll part K (from 0) of N, instead of the one in the settings")
    what_for = "TLS and passwords in the format of Prometheus' exporters, instead of the file in the settings"
    command.add_argument("--web.config.file", dest="web_config_file", type=Path, metavar="FILE", help=what_for)
    command.set_defaults(run=collect)
    command = commands.add_parser("check", parents=[collector], help="check settings and inventory; sends nothing")
    command.set_defaults(run=check)
    command = commands.add_parser(
        "explain", parents=[collector], help="ask one device and show every step from question to state"
    )
    command.add_argument("device", help="a device_id of the inventory")
    command.set_defaults(run=explain)
    _add_profile_commands(commands, collector, profile_test=profile_test, capture=capture)
    discover.add_to(commands, collector)
    backfill.add_to(commands, collector)
    ingest.add_to(commands, collector)
    uplinks.add_to(commands, collector)
    command = commands.add_parser("repair", parents=[collector], help="list impossible values in the history")
    command.add_argument("--blank", action="store_true", help="remove them; the old file is kept beside each new one")
    command.set_defaults(run=repair)
    command = commands.add_parser("migrate", parents=[collector], help="create or upgrade the operations database")
    command.add_argument("--url", help="an SQLAlchemy URL; default: the one in the settings")
    command.set_defaults(run=migrate)
    backup.add_to(commands, collector)
    command = commands.add_parser(
        "disk", parents=[collector], help="what is kept, what a day adds, how long the disk lasts"
    )
    command.add_argument("--remove", action="store_true", help="remove what [retention] keeps no longer, now")
    command.set_defaults(run=disk)


def _add_profile_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    collector: argparse.ArgumentParser,
    *,
    profile_test: Run,
    capture: Run,
) -> None:
    profile = commands.add_parser("profile", help="what to ask of which kind of device")
    verbs = profile.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = verbs.add_parser("test", help="show what would be read from a recording of a device")
    command.add_argument("recording", type=Path, metavar="RECORDING.snmprec")
    command.add_argument("--profiles", type=Path, help="folder of your own profiles, in addition to the packaged ones")
    command.add_argument("--profile", help="a profile's name, as in the inventory; default: detected from the device")
    command.set_defaults(run=profile_test)
    command = commands.add_parser("capture", parents=[collector], help="record a device, with its secrets removed")
    command.add_argument("device", help="a device_id of the inventory")
    command.add_argument("--out", type=Path, help="file to write; default: the sysObjectID with .snmprec, here")
    command.set_defaults(run=capture)
