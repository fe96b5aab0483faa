"""Why a message could not be sent, in words, and whether it is worth trying again."""

from __future__ import annotations

import socket
import ssl

from collector.ask_http import AskError, secret
from dashboard.notice_settings import NoticeSettings
from dashboard.notices.deadline import CONNECT_SECONDS
from dashboard.notices.outbox import Outcome

TOO_LONG = "does not answer in {seconds:g} seconds"


def later(said: str, wait_seconds: float | None = None) -> Outcome:
    """Not now: the same may go well another time."""
    return Outcome(False, False, said, wait_seconds)


def refused(said: str) -> Outcome:
    """Not at all: the same would be refused again."""
    return Outcome(False, True, said)


def of(error: Exception, *, has_passed: bool, seconds: float) -> str:
    """An error of a connection, in words that read on after who it was made to."""
    if has_passed:
        return TOO_LONG.format(seconds=seconds)
    if isinstance(error, TimeoutError):
        return f"cannot be reached in {CONNECT_SECONDS:g} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted: {error.verify_message}; ca_file names an authority of your own"
    if isinstance(error, ssl.SSLError):
        return f"speaks no TLS here ({error.reason or error})"
    if isinstance(error, socket.gaierror):
        return "has a name that is not known"
    said = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return f"cannot be reached: {said}"


def trust(receiver: NoticeSettings) -> ssl.SSLContext:
    """Certificates of the system's authorities, or of the one in ``ca_file``. Raises OSError and ssl.SSLError."""
    context = ssl.create_default_context(cafile=receiver.ca_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as 3.12, curl and others do; see collector.ask_http
    return context


def lacking(receiver: NoticeSettings) -> tuple[str, str] | None:
    """The first secret that cannot be had now: the setting that names where it is, and why; None where there is none."""
    for name in ("url", "password", "token"):
        variable, path = getattr(receiver, f"{name}_env"), getattr(receiver, f"{name}_file")
        try:
            secret(variable, path)
        except AskError as error:
            return f"{name}_env" if variable is not None else f"{name}_file", str(error)
    return None


def password(receiver: NoticeSettings) -> str | None:
    """Read anew for each message, so that a changed one needs no restart. Raises collector.ask_http.AskError."""
    return secret(receiver.password_env, receiver.password_file)


def token(receiver: NoticeSettings) -> str | None:
    """Likewise."""
    return secret(receiver.token_env, receiver.token_file)
