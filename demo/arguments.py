"""The arguments of `bairro demo` and its parts, and how they read their words."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path

Run = Callable[[argparse.Namespace], int]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], demo: Run, prepare: Run, agents: Run) -> None:
    """Add the commands to bairro's."""
    world = argparse.ArgumentParser(add_help=False)
    world.add_argument("--folder", type=Path, default=Path("bairro-demo"), help="default: bairro-demo")
    world.add_argument("--seed", type=int, help="the world's seed")
    world.add_argument("--areas", type=_count, help="neighbourhoods; default: 24")
    world.add_argument("--devices", type=_count, help="devices, most of them CPE; default: 450")
    world.add_argument("--as-of", type=_moment, help="the world's epoch, ISO 8601; default: now, at the first start")
    world.add_argument("--port", type=_port, default=8050, help="of the pages; default: 8050")
    world.add_argument("--metrics-port", type=_port, default=9733, help="of /metrics; default: 9733")
    world.add_argument("--snmp-port", type=_port, default=16161, help="of the agents; default: 16161")
    world.add_argument("--echo-port", type=_port, default=16007, help="of the agents; default: 16007")
    what_for = "run a provider in a box: agents, collector, records, analysis, pages"
    command = commands.add_parser("demo", parents=[world], help=what_for)
    command.set_defaults(run=demo)
    command = commands.add_parser("demo-prepare", parents=[world], help="write or extend a demo's folder, no more")
    command.set_defaults(run=prepare)
    command = commands.add_parser("demo-agents", help="serve only the agents of a demo's folder")
    command.add_argument("folder", type=Path)
    command.set_defaults(run=agents)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number from 1 on")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: a port from 1 to 65535")
    return int(text)


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: a time such as 2026-03-01T12:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
