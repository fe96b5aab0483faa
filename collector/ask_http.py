"""One HTTP request to a URL of the operator's own: bounded in time and size, with no redirects and no proxies."""

from __future__ import annotations

import http.client
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bairro_error import BairroError

CHUNK = 64 * 1024


class AskError(BairroError, ValueError):
    """There is no whole answer; the message reads on after the URL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with any status."""

    status: int
    content_type: str
    body: bytes


def ask(
    url: str,
    *,
    headers: Mapping[str, str],
    timeout_seconds: float,
    most_bytes: int,
    form: Mapping[str, str] | None = None,
) -> Answer:
    """GET ``url``, or POST ``form`` to it. Raises AskError."""
    deadline = time.monotonic() + timeout_seconds
    data = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        request = urllib.request.Request(url, data=data, headers=dict(headers))
        with _opener(request.type).open(request, timeout=timeout_seconds) as reply:
            body = _read(reply, deadline, most_bytes)
            return Answer(reply.status, reply.headers.get("Content-Type", "").strip(), body)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers.get("Content-Type", "").strip(), _rest(error))
    except UnicodeEncodeError:
        raise AskError("needs a header that cannot be sent: it is not ASCII") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        said = getattr(reason, "strerror", None) or str(reason) or "no answer"
        raise AskError(f"cannot be reached: {said}") from None


def secret(name: str | None, path: Path | None) -> str | None:
    """A secret from the environment variable ``name`` or the file ``path``; None where neither is named.

    Raises AskError.
    """
    if name is not None:
        found, where = os.environ.get(name, ""), f"the environment variable {name}"
    elif path is not None:
        where = str(path)
        try:
            found = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise AskError(f"needs the secret in {where}, which cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise AskError(f"needs the secret in {where}, which is not UTF-8 text") from None
    else:
        return None
    if not found or not found.isprintable():
        raise AskError(f"needs the secret in {where}, which holds none")
    return found


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Only the URL of the operator is asked, and no other that it names."""

    def redirect_request(self, *_arguments: Any, **_more: Any) -> None:
        return None


def _opener(scheme: str) -> urllib.request.OpenerDirector:
    """Of this request alone, so that an authority that was renewed on the disk is read anew."""
    handlers = [urllib.request.ProxyHandler({}), _NoRedirects()]
    if scheme == "https":
        handlers.append(urllib.request.HTTPSHandler(context=_verifying()))
    return urllib.request.build_opener(*handlers)


def _verifying() -> ssl.SSLContext:
    """Signature, dates and name are verified on every Python alike; the form that RFC 5280 wants is not demanded.

    Python 3.13 demands it by default, and so refuses the authorities that a plain ``openssl req -x509`` makes, which
    3.12, curl and Prometheus accept.
    """
    made = ssl.create_default_context()
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return made


def _read(reply: Any, deadline: float, most_bytes: int) -> bytes:
    chunks, size = [], 0
    while chunk := reply.read1(CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > most_bytes:
            raise AskError(f"answers with more than {most_bytes // 1024 // 1024} MiB")
        if time.monotonic() > deadline:
            raise AskError("takes too long to answer")
    if reply.length:
        raise AskError("breaks off in the middle of its answer")
    return b"".join(chunks)


def _rest(error: urllib.error.HTTPError) -> bytes:
    """The beginning of what a refusal says of itself."""
    try:
        return error.read(CHUNK)
    except (OSError, http.client.HTTPException):
        return b""
