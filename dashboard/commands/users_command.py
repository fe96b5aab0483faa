"""`bairro user`: accounts, their roles, passwords and sessions, and the tokens of screens."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.commands.operators_command import actor

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dashboard.config import DashboardSettings

ROLES = ("viewer", "operator", "analyst", "admin")
Run = Callable[[argparse.Namespace], int]
ENDED = {"disable": "is disabled and signed out", "enable": "may sign in again"}


def add_to(commands: Any, parent: argparse.ArgumentParser, run: Run) -> None:
    """Add the command to bairro's; ``run`` calls its ``entry`` once settings and database are there."""
    who = argparse.ArgumentParser(add_help=False)
    who.add_argument("--by", metavar="NAME", help="who enters it; default: the system's user and host")
    user = commands.add_parser("user", help="accounts of the pages, their sessions, and tokens of screens")
    verbs = user.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def verb(name: str, what_for: str, entry: Any, *, named: str | None = "NAME") -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = verbs.add_parser(name, parents=[parent, who], help=what_for)
        if named is not None:
            command.add_argument("name", metavar=named)
        command.set_defaults(run=run, entry=entry, verb=name)
        return command

    command = verb("add", "make an account; asks for its password", add)
    command.add_argument("--role", required=True, help=f"what it may see and do: {', '.join(ROLES)}")
    command.add_argument("--full-name", default="", help="the person's name, for the list of accounts")
    _take_password(command)
    what_for = "for somebody whom the proxy or the OpenID provider vouches for"
    command.add_argument("--without-password", action="store_true", help=what_for)
    verb("list", "accounts, sessions and tokens", list_all, named=None)
    _take_password(verb("password", "give an account another password, and end its sessions", change_password))
    command = verb("role", "give an account another role, from now on", change_role)
    command.add_argument("role", help=", ".join(ROLES))
    verb("disable", "let an account sign in no more, and end its sessions", change)
    verb("enable", "let a disabled account sign in again", change)
    verb("end-sessions", "end all sessions of an account", end_sessions)
    command = verb("token", "a token for a screen on a wall, or for Prometheus; it is shown once", add_token)
    command.add_argument("--for", dest="purpose", choices=("wall", "metrics"), default="wall", help="default: wall")
    command.add_argument("--days", type=float, help="how long it holds; default: until it is ended")
    verb("end-token", "end a token", end_token)


def _take_password(command: argparse.ArgumentParser) -> None:
    what_for = "read the password from this file (- for standard input) instead of asking for it"
    command.add_argument("--password-file", type=Path, metavar="FILE", help=what_for)


def add(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Make an account."""
    from dashboard.accounts import user_records
    from dashboard.operations.audit import EntryError

    if arguments.without_password and arguments.password_file is not None:
        raise EntryError("--without-password and --password-file exclude each other")
    password = None if arguments.without_password else _password(arguments)
    options: dict[str, Any] = {"display": arguments.full_name, "by": actor(arguments), "at": _now()}
    name = user_records.add(engine, arguments.name, arguments.role, password, **options)
    return f"{name} may sign in as {arguments.role}. From now on the pages ask everybody who they are"


def change_password(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Give an account another password."""
    from dashboard.accounts import user_records

    name = user_records.set_password(engine, arguments.name, _password(arguments), by=actor(arguments), at=_now())
    return f"{name} has another password, and is signed out everywhere"


def change_role(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Give an account another role."""
    from dashboard.accounts import user_records

    name = user_records.set_role(engine, arguments.name, arguments.role, by=actor(arguments), at=_now())
    return f"{name} is {arguments.role} from now on, in sessions that are open too"


def change(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Disable an account, or enable it again."""
    from dashboard.accounts import user_records

    what = user_records.disable if arguments.verb == "disable" else user_records.enable
    return f"{what(engine, arguments.name, by=actor(arguments), at=_now())} {ENDED[arguments.verb]}"


def end_sessions(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """End all sessions of an account."""
    from dashboard.accounts import user_records

    count = user_records.end_sessions(engine, arguments.name, by=actor(arguments), at=_now())
    return f"{count} {'session' if count == 1 else 'sessions'} of {arguments.name} ended"


def add_token(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Make a token, and say how it is used."""
    from dashboard.accounts import session_records
    from dashboard.operations.audit import EntryError

    if arguments.days is not None and not 0 < arguments.days <= 36_500:
        raise EntryError("--days: more than 0 and at most 36500")
    lasts = None if arguments.days is None else timedelta(days=arguments.days)
    options: dict[str, Any] = {"lasts": lasts, "by": actor(arguments), "at": _now()}
    token = session_records.add_token(engine, arguments.name, arguments.purpose, **options)
    use = (
        f"open once on the screen: http://HOST/sign-in/screen?token={token}"
        if arguments.purpose == "wall"
        else f"in Prometheus, at the job of the dashboard:\n  authorization:\n    credentials: {token}"
    )
    return f"{use}\nThis is shown once. `bairro user end-token` ends it"


def end_token(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """End a token."""
    from dashboard.accounts import session_records

    return f"the token {session_records.end_token(engine, arguments.name, by=actor(arguments), at=_now())} is ended"


def list_all(arguments: argparse.Namespace, settings: DashboardSettings, engine: sa.Engine) -> str:
    """Accounts, then sessions and tokens that hold."""
    from dashboard.accounts import session_records, user_records

    with engine.connect() as connection:
        accounts = user_records.listed(connection)
        idle = timedelta(hours=settings.accounts.idle_hours)
        sessions = session_records.running(connection, _now(), idle)
    lines = [_account(row) for row in accounts] or ["there are no accounts: bairro user add NAME --role admin"]
    return "\n".join([*lines, *(_session(row) for row in sessions)])


def _account(row: Any) -> str:
    signs_in = "with a password" if row["password_hash"] else "by the proxy or OpenID provider"
    last = "never signed in" if row["signed_in_at"] is None else f"last signed in {_moment(row['signed_in_at'])}"
    state = f"disabled since {_moment(row['disabled_at'])}" if row["disabled_at"] else f"{signs_in}, {last}"
    full = "" if row["display_name"] == row["name"] else f" ({row['display_name']})"
    return f"{row['name']}{full}: {row['role']}, {state}"


def _session(row: Any) -> str:
    what = "session" if row["kind"] == "browser" else f"token for {row['kind']}"
    source = f" from {row['source']}" if row["source"] else ""
    until = "until it is ended" if row["expires_at"] is None else f"until {_moment(row['expires_at'])}"
    return (
        f"  {what} {row['name']}{source}: since {_moment(row['created_at'])}, used {_moment(row['seen_at'])}, {until}"
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _password(arguments: argparse.Namespace) -> str:
    """From a file, or typed twice; never from the command's words, which other users of the host can read."""
    from dashboard.operations.audit import EntryError

    path = arguments.password_file
    if path is not None:
        try:
            text = sys.stdin.readline() if str(path) == "-" else path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EntryError(f"{path}: the password cannot be read: {error}") from None
        return text.rstrip("\r\n")
    if not sys.stdin.isatty():
        raise EntryError("there is no terminal to type the password at; name a file with --password-file")
    first = getpass.getpass(f"Password of {arguments.name}: ")
    if first != getpass.getpass("Once more: "):
        raise EntryError("the two passwords are not the same; nothing was changed")
    return first


def _now() -> datetime:
    return datetime.now(UTC)
