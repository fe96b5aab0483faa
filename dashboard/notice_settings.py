"""`[[notices]]` of dashboard.toml: who is told of incidents, how, of which and when."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KINDS = ("email", "webhook", "telegram", "ntfy")
INCIDENTS = ("outage", "degradation", "blind")
SECURITY = ("starttls", "tls", "none")
FIELDS = (
    "event",
    "what",
    "area",
    "customers",
    "devices",
    "since",
    "ended",
    "lasted",
    "begin",
    "taken_up",
    "link",
    "incident",
    "provider",
)
"""What may stand in braces in `subject`, `text` and `body`."""
MOST_DELAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """One receiver of notices. Which fields it needs depends on its ``kind`` (NEEDED); secrets are named, never written.

    Told are ``incidents`` of these kinds in ``areas`` (none: all) that have had ``minimum_customers``, once they have
    lasted ``delay_minutes``, outside ``quiet_hours`` (HH:MM-HH:MM in the provider's time zone).
    """

    kind: str
    name: str
    incidents: tuple[str, ...] = ("outage", "degradation", "blind")
    areas: tuple[str, ...] = ()
    minimum_customers: int = 0
    delay_minutes: float = 5.0
    quiet_hours: str | None = None
    host: str | None = None
    port: int | None = None
    security: str = "starttls"
    sender: str | None = None
    to: tuple[str, ...] = ()
    url: str | None = None
    url_env: str | None = None
    url_file: Path | None = None
    chat: str | None = None
    topic: str | None = None
    username: str = ""
    password_env: str | None = None
    password_file: Path | None = None
    token_env: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    subject: str | None = None
    text: str | None = None
    body: dict[str, str] = field(default_factory=dict)

    def is_quiet(self, at: datetime) -> bool:
        """Whether ``at``, in the provider's time zone, lies in the quiet hours."""
        if self.quiet_hours is None:
            return False
        start, end = _hours(self.quiet_hours)
        now = at.time().replace(tzinfo=None)
        return start <= now < end if start < end else now >= start or now < end


NEEDED = {
    "email": ("host", "sender", "to"),
    "webhook": ("url",),
    "telegram": ("chat", "token"),
    "ntfy": ("url", "topic"),
}
"""What each kind needs; of `url` and `token` also the name of where the secret is."""
OF_KINDS = {
    "host": ("email",),
    "port": ("email",),
    "sender": ("email",),
    "to": ("email",),
    "chat": ("telegram",),
    "topic": ("ntfy",),
    "body": ("webhook",),
    "url": ("webhook", "telegram", "ntfy"),
    "url_env": ("webhook", "telegram", "ntfy"),
    "url_file": ("webhook", "telegram", "ntfy"),
    "token_env": ("webhook", "telegram", "ntfy"),
    "token_file": ("webhook", "telegram", "ntfy"),
}
"""Fields that mean something for some kinds only."""


def problem(notices: tuple[NoticeSettings, ...]) -> tuple[str, str] | None:
    """The first setting that cannot be used, as its key and what is wrong with it; None where all is well."""
    names: set[str] = set()
    for i, one in enumerate(notices):
        found = _problem(one)
        if found is None and one.name in names:
            found = "name", f"two are called {one.name!r}: the queue tells them apart by name"
        if found is not None:
            return f"notices[{i}].{found[0]}", found[1]
        names.add(one.name)
    return None


def _problem(one: NoticeSettings) -> tuple[str, str] | None:
    if one.kind not in KINDS:
        return "kind", f"must be one of {', '.join(KINDS)}, not {one.kind!r}"
    if not one.name.strip() or len(one.name) > 200:
        return "name", "must be a name of at most 200 letters"
    return _fields(one) or _filters(one) or _address(one) or _templates(one)


def _fields(one: NoticeSettings) -> tuple[str, str] | None:
    """What the kind lacks, and what is set for another kind."""
    for name in NEEDED[one.kind]:
        if not any(getattr(one, f"{name}{end}", None) for end in ("", "_env", "_file")):
            also = f"; {name}_env or {name}_file names where it is" if name in {"url", "token"} else ""
            return (f"{name}_env" if name == "token" else name), f"is required for kind {one.kind!r}{also}"
    for name, kinds in OF_KINDS.items():
        if getattr(one, name) and one.kind not in kinds:
            return name, f"means nothing for kind {one.kind!r}"
    for name in ("url", "password", "token"):
        given = [end for end in ("", "_env", "_file") if getattr(one, f"{name}{end}", None)]
        if len(given) > 1:
            return f"{name}{given[1]}", f"{name}{given[0]} is set too; set only one of them"
    return None


def _filters(one: NoticeSettings) -> tuple[str, str] | None:
    if unknown := [kind for kind in one.incidents if kind not in INCIDENTS]:
        return "incidents", f"must be of {', '.join(INCIDENTS)}, not {unknown[0]!r}"
    if not one.incidents:
        return "incidents", "is empty, so that nothing would ever be sent"
    if one.minimum_customers < 0:
        return "minimum_customers", f"must not be negative, not {one.minimum_customers}"
    if not 0 <= one.delay_minutes <= MOST_DELAY_MINUTES:
        return "delay_minutes", f"must be between 0 and {MOST_DELAY_MINUTES}, not {one.delay_minutes:g}"
    try:
        if one.quiet_hours is not None:
            _hours(one.quiet_hours)
    except ValueError:
        return "quiet_hours", f"is written HH:MM-HH:MM, such as 22:00-07:00, not {one.quiet_hours!r}"
    return None


def _address(one: NoticeSettings) -> tuple[str, str] | None:
    if one.security not in SECURITY:
        return "security", f"must be one of {', '.join(SECURITY)}, not {one.security!r}"
    if one.port is not None and not 0 < one.port < 65_536:
        return "port", f"must be between 1 and 65535, not {one.port}"
    if one.url is not None and (said := url_problem(one.url)):
        return "url", said
    for key, address in [("sender", one.sender), *(("to", to) for to in one.to)]:
        if address is not None and (address.count("@") != 1 or not address.isprintable() or " " in address.strip()):
            return key, f"must be an e-mail address such as noc@example.net, not {address!r}"
    if bool(one.username) != bool(one.password_env or one.password_file):
        return (
            ("password_env", "is required beside username")
            if one.username
            else ("username", "is required beside a password")
        )
    return None


def url_problem(url: str) -> str | None:
    """Why nothing can be sent to ``url``; it is not repeated, for it may be a secret."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not url.isascii() or not url.isprintable() or " " in url:
        return "must be an address that begins with http:// or https://"
    return "must hold no user and password: set username and password_env" if parts.username else None


def _templates(one: NoticeSettings) -> tuple[str, str] | None:
    for key, template in [
        ("subject", one.subject),
        ("text", one.text),
        *((f"body.{k}", v) for k, v in one.body.items()),
    ]:
        if template is not None and (said := _template(template)):
            return key, said
    return None


def _template(template: str) -> str | None:
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"does not parse ({str(error).lower()}); a brace that means itself is written twice"
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if name not in FIELDS or form or conversion:
            whole = f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
            return f"{{{whole}}} stands for nothing; known here: {known}"
    return None


def filled(template: str, facts: dict[str, Any]) -> str:
    """``template`` with what is known; a field of which nothing is known is left empty."""
    return template.format_map({name: facts.get(name) or "" for name in FIELDS})


def _hours(text: str) -> tuple[time, time]:
    """'22:00-07:00' as two times of day. Raises ValueError."""
    start, mark, end = text.partition("-")
    if not mark or len(start) != 5 or len(end) != 5 or start == end:
        raise ValueError(text)
    return time.fromisoformat(start), time.fromisoformat(end)
