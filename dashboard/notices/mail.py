"""A notice as an e-mail over SMTP (RFC 5321, 5322; STARTTLS: RFC 3207); all of one incident stand in one thread."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from dashboard.notice_settings import NoticeSettings
from dashboard.notices import failures
from dashboard.notices.deadline import ANSWER_SECONDS, CONNECT_SECONDS, Deadline
from dashboard.notices.outbox import Notice, Outcome

PORTS = {"starttls": 587, "tls": 465, "none": 25}


def send(receiver: NoticeSettings, notice: Notice, deadline: Deadline, at: datetime) -> Outcome:
    """One message to all whom ``to`` names. Raises OSError and smtplib.SMTPException."""
    with _session(receiver, deadline) as session:
        try:
            left_out = session.send_message(message(receiver, notice, at), receiver.sender, list(receiver.to))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            said = f"refuses all recipients: {_reasons(error.recipients)}"
            return failures.refused(said) if all(500 <= code < 600 for code in codes) else failures.later(said)
    return Outcome(True, said=f"sent, but refused for {_reasons(left_out)}" if left_out else "")


def message(receiver: NoticeSettings, notice: Notice, at: datetime) -> EmailMessage:
    """Plain text, with an id that is the same at each attempt."""
    made = EmailMessage()
    made["From"], made["To"] = receiver.sender, ", ".join(receiver.to)
    made["Subject"] = notice.content["subject"]
    made["Date"] = format_datetime(at)
    made["Message-ID"] = _message_id(receiver, notice.notice_id)
    if notice.number:
        made["In-Reply-To"] = made["References"] = _message_id(receiver, notice.first_id)
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    made["X-Bairro-Notice"] = notice.notice_id
    made.set_content(f"{notice.content['text']}\n")
    return made


def outcome_of(error: smtplib.SMTPException) -> Outcome | None:
    """What an answer of the server means; None for what is no answer."""
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return failures.refused(f"cannot do what is asked of it: {error}")
    if isinstance(error, smtplib.SMTPResponseException):
        said = f"answers {error.smtp_code}: {_text(error.smtp_error)}"
        return failures.refused(said) if 500 <= error.smtp_code < 600 else failures.later(said)
    return None


@contextlib.contextmanager
def _session(receiver: NoticeSettings, deadline: Deadline) -> Iterator[smtplib.SMTP]:
    password = failures.password(receiver)
    session = _connected(receiver, deadline)
    try:
        if receiver.security == "starttls":
            session.starttls(context=failures.trust(receiver))
        if password is not None:
            session.login(receiver.username, password)
        yield session
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            session.quit()
        session.close()


def _connected(receiver: NoticeSettings, deadline: Deadline) -> smtplib.SMTP:
    kind: Any = smtplib.SMTP_SSL if receiver.security == "tls" else smtplib.SMTP

    class Watched(kind):
        """Tells the deadline of itself before it waits for the first answer."""

        def connect(self, *given: Any, **named: Any) -> tuple[int, bytes]:
            deadline.watch(lambda: self.sock)
            return super().connect(*given, **named)

    named = {"context": failures.trust(receiver)} if receiver.security == "tls" else {}
    made: smtplib.SMTP = Watched(
        receiver.host, receiver.port or PORTS[receiver.security], timeout=CONNECT_SECONDS, **named
    )
    if made.sock is not None:
        made.sock.settimeout(ANSWER_SECONDS)
    return made


def _message_id(receiver: NoticeSettings, notice_id: str) -> str:
    return f"<{notice_id}@{str(receiver.sender).rpartition('@')[2]}>"


def _reasons(recipients: Any) -> str:
    return "; ".join(f"{name} ({code} {_text(said)})" for name, (code, said) in recipients.items())


def _text(said: Any) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
