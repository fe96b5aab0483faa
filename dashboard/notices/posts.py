"""A notice as one POST: to a webhook, to Telegram's bot API (sendMessage) or to an ntfy server (publishing as JSON).

https://core.telegram.org/bots/api#sendmessage, https://docs.ntfy.sh/publish/#publish-as-json
"""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from collector.ask_http import AskError, secret
from dashboard.notice_settings import NoticeSettings, filled, url_problem
from dashboard.notices import due, failures
from dashboard.notices.deadline import ANSWER_SECONDS, CONNECT_SECONDS, Deadline
from dashboard.notices.outbox import Notice, Outcome

MOST_BYTES = 64 * 1024
TELEGRAM = "https://api.telegram.org"
TRY_AGAIN = frozenset({408, 425, 429})
"""Of the 400s those that mean: not now (RFC 9110, 8470, 6585)."""
PRIORITIES = {due.OPENED: 4, due.REOPENED: 4}
"""ntfy's, from 1 to 5; 3 is usual."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is sent where; ``url`` may be a secret and is never shown."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]


def send(receiver: NoticeSettings, notice: Notice, deadline: Deadline) -> Outcome:
    """Raises OSError, http.client.HTTPException and AskError."""
    return _outcome(*_ask(receiver, post(receiver, notice), deadline))


def post(receiver: NoticeSettings, notice: Notice) -> Post:
    """The request that the receiver's kind wants. Raises AskError for a secret that cannot be had."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "bairro",
        "Idempotency-Key": notice.notice_id,
    }
    url = secret(receiver.url_env, receiver.url_file) or receiver.url or TELEGRAM
    if said := url_problem(url):
        raise AskError(f"url: {said}")
    if receiver.kind == "telegram":
        url = f"{url.rstrip('/')}/bot{failures.token(receiver)}/sendMessage"
        return Post(url, _telegram(receiver, notice), headers)
    headers |= _authorization(receiver)
    return Post(url, _ntfy(receiver, notice) if receiver.kind == "ntfy" else _webhook(receiver, notice), headers)


def _telegram(receiver: NoticeSettings, notice: Notice) -> dict[str, Any]:
    """Without parse_mode the text is plain, so that no name of a device can be read as markup."""
    options = {"is_disabled": True}
    return {"chat_id": receiver.chat, "text": notice.content["text"], "link_preview_options": options}


def _ntfy(receiver: NoticeSettings, notice: Notice) -> dict[str, Any]:
    """With a sequence id (from ntfy 2.16 on; older ones pass over it) a message that comes twice is shown once."""
    link = notice.content["facts"]["link"]
    body = {
        "topic": receiver.topic,
        "title": notice.content["subject"],
        "message": notice.content["text"],
        "priority": PRIORITIES.get(notice.event, 3),
        "sequence_id": notice.notice_id,
    }
    return body | ({"click": link} if link else {})


def _webhook(receiver: NoticeSettings, notice: Notice) -> dict[str, Any]:
    """What is known by name; or the fields of ``body`` alone. Chats that take webhooks read `text`."""
    facts = dict(notice.content["facts"])
    if receiver.body:
        facts |= {"what": f"{facts['heading']}{facts['what']}"}
        return {key: filled(template, facts) for key, template in receiver.body.items()}
    told = {name: facts[name] for name in ("kind", "area", "customers", "devices", "since", "ended", "lasted", "begin")}
    told |= {name: facts[name] for name in ("what", "taken_up", "incident", "link", "provider")}
    content = {"subject": notice.content["subject"], "text": notice.content["text"]}
    return {"id": notice.notice_id, "event": notice.event, **content, **told}


def _authorization(receiver: NoticeSettings) -> dict[str, str]:
    token = failures.token(receiver)
    if token is not None:
        return {"Authorization": f"Bearer {token}"}
    password = failures.password(receiver)
    if password is None:
        return {}
    pair = base64.b64encode(f"{receiver.username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _ask(receiver: NoticeSettings, sent: Post, deadline: Deadline) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and the beginning of the answer. No proxy is asked and no redirect followed."""
    parts = urlsplit(sent.url)
    connection = _connection(receiver, parts.scheme, str(parts.hostname), parts.port)
    deadline.watch(lambda: connection.sock)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        body = json.dumps(sent.body, ensure_ascii=False).encode()
        connection.connect()
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.request("POST", target, body, {name: _header(value) for name, value in sent.headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers.items()), answer.read(MOST_BYTES)
    finally:
        connection.close()


def _connection(receiver: NoticeSettings, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=failures.trust(receiver))


def _header(value: str) -> str:
    if not value.isascii():
        raise AskError("needs a header that cannot be sent: it is not ASCII")
    return value


def _outcome(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    if 200 <= status < 300:
        return Outcome(True)
    if 300 <= status < 400:
        return failures.refused(
            f"answers {status}, a redirect, which is not followed: set the address that it leads to"
        )
    said = f"answers {status}{_reason(body)}"
    if 400 <= status < 500 and status not in TRY_AGAIN:
        return failures.refused(said)
    return failures.later(said, _asked(headers, body))


def _asked(headers: Mapping[str, str], body: bytes) -> float | None:
    """How long the receiver asks to wait: Retry-After in seconds, or what Telegram writes into its answer."""
    after = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    if after.isascii() and after.isdigit():
        return float(after[:9])
    parameters = _said(body).get("parameters")
    asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(asked) if type(asked) is int and 0 <= asked < 10**9 else None


def _reason(body: bytes) -> str:
    """What Telegram (`description`), ntfy (`error`) and others say in JSON, else the first line of a plain answer."""
    said = _said(body)
    reason = next(
        (said[name] for name in ("description", "error", "message", "detail") if isinstance(said.get(name), str)), ""
    )
    if not reason and not body.lstrip().startswith((b"<", b"{", b"[")):
        reason = body[:200].decode("utf-8", "replace").partition("\n")[0]
    reason = " ".join("".join(c if c.isprintable() else " " for c in reason).split())[:200]
    return f": {reason}" if reason else ""


def _said(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
