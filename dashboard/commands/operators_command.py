"""What operators enter on the command line: `bairro maintenance` and `bairro acknowledge`."""

from __future__ import annotations

import argparse
import getpass
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dashboard.config import DashboardSettings

EXIT_OK, EXIT_REFUSED = 0, 2

WORK = {
    "told": "customers were told now",
    "note": "a note for colleagues",
    "hand-over": "somebody else goes on with it",
    "take-back": "take your newest entry on it back",
}

Run = Callable[[argparse.Namespace], int]


def add_to(commands: Any, parent: argparse.ArgumentParser, run: Run) -> None:
    """Add the commands to bairro's; ``run`` calls ``enter`` once settings and database are there."""
    who = argparse.ArgumentParser(add_help=False)
    who.add_argument("--by", metavar="NAME", help="who enters it; default: the system's user and host")
    maintenance = commands.add_parser("maintenance", help="planned work: outages in its window count as planned")
    verbs = maintenance.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_add(verbs.add_parser("add", parents=[parent, who], help="enter a window, once or weekly"), run)
    command = verbs.add_parser("list", parents=[parent], help="current and future windows")
    command.add_argument("--all", action="store_true", help="also past and cancelled windows")
    command.set_defaults(run=run, entry=list_windows)
    command = verbs.add_parser("cancel", parents=[parent, who], help="cancel a window from now on")
    command.add_argument("window", metavar="WINDOW", help="its id, or the beginning of it")
    command.set_defaults(run=run, entry=cancel_window)
    command = commands.add_parser("acknowledge", parents=[parent, who], help="take on an incident, with a note")
    command.add_argument("incident", metavar="INCIDENT", help="its id, or the beginning of it")
    command.add_argument("--note", default="", help="what colleagues should know")
    command.set_defaults(run=run, entry=acknowledge_incident)
    _add_work(
        commands.add_parser("incident", help="customers told, a note, handing over, taking one back"), parent, who, run
    )


def _add_work(command: argparse.ArgumentParser, parent: Any, who: Any, run: Run) -> None:
    """What the page of an incident has buttons for."""
    verbs = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, help_text in WORK.items():
        verb = verbs.add_parser(name, parents=[parent, who], help=help_text)
        verb.add_argument("incident", metavar="INCIDENT", help="its id, or the beginning of it")
        if name == "hand-over":
            verb.add_argument("--to", required=True, metavar="NAME", help="who goes on with it")
        if name != "take-back":
            verb.add_argument("--note", default="", help="what colleagues should know")
        verb.set_defaults(run=run, entry=work_on_incident, verb=name)


def _add_add(command: argparse.ArgumentParser, run: Run) -> None:
    target = command.add_mutually_exclusive_group(required=True)
    target.add_argument("--device", metavar="ID", help="one device and the outages attributed to it")
    target.add_argument("--subtree", metavar="ID", help="one device and every device behind it")
    target.add_argument("--site", help="every device of the site")
    target.add_argument("--area", help="every device of the neighbourhood")
    command.add_argument("--from", dest="start", metavar="TIME", help="YYYY-MM-DD HH:MM in the time zone; default: now")
    command.add_argument("--to", dest="end", metavar="TIME", help="likewise; weekly: no window begins from then on")
    command.add_argument("--weekly", metavar="WHEN", help='such as "Sun 02:00", "Mon,Thu 23:30", "Mon-Fri 03:00"')
    command.add_argument("--hours", type=float, help="how long it lasts; weekly: each time")
    command.add_argument("--timezone", help="IANA name; default: the one in the settings")
    command.add_argument("--reason", required=True, help="what is done")
    command.add_argument("--force", action="store_true", help="even if the target is not in the inventory yet")
    command.set_defaults(run=run, entry=add_window)


def enter(arguments: argparse.Namespace, settings: DashboardSettings) -> int:
    """Do what was entered; raises EntryError for what cannot be taken, which changes nothing."""
    from collector.published import connect

    engine = connect(settings.database_url)
    try:
        print(arguments.entry(arguments, settings, engine))
    finally:
        engine.dispose()
    return EXIT_OK


def add_window(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Enter a window; returns what was entered, with the first occurrence."""
    from dashboard.operations import plan_maintenance as maintenance
    from dashboard.operations import window_words
    from dashboard.operations.audit import EntryError

    now = datetime.now(UTC)
    kind = next(kind for kind in ("device", "subtree", "site", "area") if getattr(arguments, kind) is not None)
    window = window_words.entry(
        kind,
        getattr(arguments, kind),
        start=arguments.start,
        end=arguments.end,
        weekly=arguments.weekly,
        hours=arguments.hours,
        time_zone=arguments.timezone or settings.timezone,
        reason=arguments.reason,
        now=now,
    )
    devices = maintenance.devices_of(settings.data, window.target_kind, window.target)
    if devices == 0 and not arguments.force:
        raise EntryError(f"the inventory has no {window.target_kind} {window.target!r}; --force enters it all the same")
    window_id = maintenance.add(engine, window, by=actor(arguments), at=now)
    row = next(row for row in maintenance.windows(engine, now, past=True) if row["window_id"] == window_id)
    known = (
        "no inventory has been published yet, so the name was not checked"
        if devices is None
        else f"{devices:,} device{'' if devices == 1 else 's'}"
    )
    return f"window {window_id} on {window.target_kind} {window.target} ({known})\n  {_when(row, now)}"


def list_windows(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """The windows as lines of text."""
    from dashboard.operations import plan_maintenance as maintenance

    now = datetime.now(UTC)
    rows = maintenance.windows(engine, now, past=arguments.all)
    if not rows:
        return (
            "there is no current or future maintenance window"
            if not arguments.all
            else "there is no maintenance window"
        )
    return "\n".join(
        f"{row['window_id']}  {row['target_kind']} {row['target']}: {row['reason']} ({row['created_by']})\n"
        f"  {_when(row, now)}"
        for row in rows
    )


def cancel_window(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Call a window off."""
    from dashboard.operations import plan_maintenance as maintenance

    row = maintenance.cancel(engine, arguments.window, by=actor(arguments), at=datetime.now(UTC))
    return f"window {row['window_id']} on {row['target_kind']} {row['target']} is cancelled"


def acknowledge_incident(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Take up an incident."""
    from dashboard.operations import acknowledgements

    by, now = actor(arguments), datetime.now(UTC)
    incident_id, ended_at = acknowledgements.acknowledge(engine, arguments.incident, arguments.note, by=by, at=now)
    over = "" if ended_at is None else f", which ended at {ended_at:%Y-%m-%d %H:%M} UTC and is over"
    return f"{by} has taken on incident {incident_id}{over}"


def work_on_incident(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Enter what WORK names; the page does the same through the same functions."""
    from dashboard.operations import incident_work

    by, now, incident = actor(arguments), datetime.now(UTC), arguments.incident
    if arguments.verb == "told":
        return f"customers were told of incident {incident_work.told(engine, incident, arguments.note, by=by, at=now)}"
    if arguments.verb == "note":
        return f"the note on incident {incident_work.note(engine, incident, arguments.note, by=by, at=now)} is kept"
    if arguments.verb == "hand-over":
        incident_id = incident_work.hand_over(engine, incident, arguments.to, arguments.note, by=by, at=now)
        return f"{arguments.to} has taken on incident {incident_id} from {by}"
    taken_back = incident_work.take_back(engine, incident, by=by, at=now)
    return f"taken back: {taken_back.action} of {taken_back.at:%Y-%m-%d %H:%M} UTC"


def _when(row: Mapping[str, Any], now: datetime) -> str:
    from dashboard.operations import plan_maintenance as maintenance

    if row["cancelled_at"] is not None:
        return f"cancelled by {row['cancelled_by']} at {row['cancelled_at']:%Y-%m-%d %H:%M} UTC"
    occurrence = maintenance.following(row, now)
    if occurrence is None:
        return f"ended {row['ends_at']:%Y-%m-%d %H:%M} UTC"
    start, end = occurrence
    times = (
        f"{start:%a %Y-%m-%d %H:%M} to {end:%a %Y-%m-%d %H:%M} {row['time_zone']} ({start.astimezone(UTC):%H:%M} UTC)"
    )
    state = "under way" if start <= now else "next" if row["weekdays"] else "once"
    if not row["weekdays"]:
        return f"{state}: {times}"
    until = "" if row["ends_at"] is None else f" until {row['ends_at']:%Y-%m-%d %H:%M} UTC"
    return f"weekly on {row['weekdays']} at {row['local_start']}{until}; {state}: {times}"


def actor(arguments: argparse.Namespace) -> str:
    """Who enters it: ``--by``, else the system's user and host."""
    if getattr(arguments, "by", None):
        return str(arguments.by)[:200]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"[:200]
