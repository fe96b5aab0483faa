"""`bairro notices` (the queue, a test, trying again, sending without pages) and `bairro silence`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dashboard.commands.operators_command import actor

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dashboard.config import DashboardSettings
    from dashboard.notice_settings import NoticeSettings

Run = Callable[[argparse.Namespace], int]


def add_to(commands: Any, parent: argparse.ArgumentParser, run: Run) -> None:
    """Add the commands to bairro's; ``run`` calls the entry once settings and database are there."""
    notices = commands.add_parser("notices", help="messages on incidents: the queue, a test, trying again")
    verbs = notices.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = verbs.add_parser("list", parents=[parent], help="what waits and what was refused")
    command.add_argument("--all", action="store_true", help="also what was sent")
    command.set_defaults(run=run, entry=list_notices)
    command = verbs.add_parser("test", parents=[parent], help="send a message that says it is a test")
    command.add_argument("receivers", metavar="RECEIVER", nargs="*", help="its name in the settings; default: all")
    command.set_defaults(run=run, entry=test_receivers)
    command = verbs.add_parser("retry", parents=[parent], help="send at once what waits and what was refused")
    command.add_argument("receivers", metavar="RECEIVER", nargs="*", help="its name; default: all")
    command.set_defaults(run=run, entry=retry)
    command = verbs.add_parser("run", parents=[parent], help="send notices without serving pages")
    command.set_defaults(run=run, entry=run_alone)
    _add_silence(commands.add_parser("silence", help="for a while no notice and no sound of something"), parent, run)


def _add_silence(command: argparse.ArgumentParser, parent: argparse.ArgumentParser, run: Run) -> None:
    who = argparse.ArgumentParser(add_help=False)
    who.add_argument("--by", metavar="NAME", help="who enters it; default: the system's user and host")
    verbs = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add = verbs.add_parser("add", parents=[parent, who], help="silence a device, a site or an area")
    target = add.add_mutually_exclusive_group(required=True)
    target.add_argument("--device", metavar="ID", help="incidents that begin at this device")
    target.add_argument("--site", help="incidents that begin at a device of the site")
    target.add_argument("--area", help="incidents that reach no further than the neighbourhood")
    add.add_argument("--hours", type=float, required=True, help="for how long")
    add.add_argument("--reason", required=True, help="why, for colleagues")
    add.add_argument("--force", action="store_true", help="even if the target is not in the inventory")
    add.set_defaults(run=run, entry=add_silence)
    listing = verbs.add_parser("list", parents=[parent], help="the silences that hold")
    listing.add_argument("--all", action="store_true", help="also past ones")
    listing.set_defaults(run=run, entry=list_silences)
    end = verbs.add_parser("end", parents=[parent, who], help="end a silence now")
    end.add_argument("silence", metavar="SILENCE", help="its id, or the beginning of it")
    end.set_defaults(run=run, entry=end_silence)


def list_notices(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """A message a line, oldest first."""
    from dashboard.notices import outbox

    rows = outbox.listed(engine, all_of_them=arguments.all)
    return "\n".join(_line(row) for row in rows) or "no notice waits, and none was refused"


def _line(row: Mapping[Any, Any]) -> str:
    subject = json.loads(row["content"])["subject"]
    if row["sent_at"] is not None:
        state = f"sent {row['sent_at']:%Y-%m-%d %H:%M:%S} UTC"
    elif row["refused_at"] is not None:
        state = f"not sent, given up {row['refused_at']:%Y-%m-%d %H:%M:%S} UTC"
    else:
        state = f"waits, next attempt {row['due_at']:%Y-%m-%d %H:%M:%S} UTC"
    said = f": {row['receiver']} {row['said']}" if row["said"] else ""
    return f"{row['incident_id']}-{row['number']}  {row['receiver']}  {row['event']}  {subject}\n  {state}{said}"


def test_receivers(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Send each a test and say what came of it. Raises EntryError where one was not sent."""
    from zoneinfo import ZoneInfo

    from dashboard.notices import failures, words
    from dashboard.notices.delivery import deliver
    from dashboard.notices.outbox import Notice
    from dashboard.operations.audit import EntryError

    at = datetime.now(UTC)
    speaker = words.Speaker(settings.provider, settings.web.public_url, {})
    lines, failed = [], False
    for one in _named(arguments, settings):
        content = words.test_content(one, speaker, at.astimezone(ZoneInfo(settings.timezone)))
        notice = Notice(one.name, str(content["facts"]["incident"]), 0, "test", content, at)
        outcome = deliver(one, notice, at)
        failed |= not outcome.is_sent
        lacking = failures.lacking(one)
        key = f"notices[{settings.notices.index(one)}].{lacking[0]}: " if lacking else ""
        lines.append(f"{key}{one.name} {outcome.said or 'took the test message'}")
    if failed:
        raise EntryError(f"{arguments.config}: {'; '.join(lines)}")
    return "\n".join(lines)


def retry(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Make what waits and what was refused due now; what serves the pages (or `bairro notices run`) sends it."""
    from dashboard.notices import outbox

    names = [one.name for one in _named(arguments, settings)]
    count = outbox.retry(engine, names, at=datetime.now(UTC))
    return f"{count:,} notice{'' if count == 1 else 's'} will be sent within seconds, while `bairro serve` or `bairro notices run` runs"


def run_alone(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Until SIGTERM or SIGINT."""
    from dashboard.notices import service

    _named(argparse.Namespace(receivers=[], config=arguments.config), settings)
    service.run(settings)
    return "bairro notices: stopped; what waits is sent when it runs again"


def _named(arguments: argparse.Namespace, settings: DashboardSettings) -> tuple[NoticeSettings, ...]:
    """The receivers that were named, or all. Raises EntryError for none."""
    from dashboard.operations.audit import EntryError

    known = {one.name: one for one in settings.notices}
    if not known:
        raise EntryError(f"{arguments.config}: notices: names no receiver, so that nobody is told of incidents")
    if unknown := [name for name in arguments.receivers if name not in known]:
        raise EntryError(f"{arguments.config}: notices: none is called {unknown[0]!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in arguments.receivers) or settings.notices


def add_silence(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Silence what was named."""
    from dashboard.operations import plan_maintenance, silences
    from dashboard.operations.audit import EntryError

    kind = next(kind for kind in silences.KINDS if getattr(arguments, kind) is not None)
    target, now = getattr(arguments, kind), datetime.now(UTC)
    if plan_maintenance.devices_of(settings.data, kind, target) == 0 and not arguments.force:
        raise EntryError(f"the inventory has no {kind} {target!r}; --force enters it all the same")
    silence_id = silences.add(
        engine, kind, target, hours=arguments.hours, reason=arguments.reason, by=actor(arguments), at=now
    )
    return f"silence {silence_id} on {kind} {target} holds for {arguments.hours:g} hours"


def list_silences(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """A silence a line."""
    from dashboard.operations import silences

    with engine.connect() as connection:
        rows = silences.held(connection, datetime.now(UTC), past=arguments.all)
    return "\n".join(
        f"{row['silence_id']}  {row['target_kind']} {row['target']} until {row['ends_at']:%Y-%m-%d %H:%M} UTC: "
        f"{row['reason']} ({row['created_by']})"
        for row in rows
    ) or ("there is no silence" if arguments.all else "no silence holds now")


def end_silence(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """End a silence."""
    from dashboard.operations import silences

    row = silences.end(engine, arguments.silence, by=actor(arguments), at=datetime.now(UTC))
    return f"silence {row['silence_id']} on {row['target_kind']} {row['target']} is ended"
