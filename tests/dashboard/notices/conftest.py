"""A database with open incidents, and receivers of notices that listen on loopback."""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from collector.published import connect
from dashboard.config import DashboardSettings, WebSettings
from dashboard.notice_settings import NoticeSettings
from dashboard.notices.outbox import Notice

NOW = datetime.now(UTC).replace(microsecond=0)
PUBLIC = "https://noc.example.net"


@dataclass
class Receiver:
    """An HTTP server that keeps what it is sent, and answers what ``answer`` says of the so-manieth request."""

    url: str
    answer: Callable[[int], tuple[int, dict[str, str], bytes]] = lambda _: (200, {}, b"{}")
    got: list[SimpleNamespace] = field(default_factory=list)


@contextlib.contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on loopback, with TLS where a context is given."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(SimpleNamespace(path=self.path, headers=self.headers, body=json.loads(body)))
            status, headers, answer = receiver.answer(len(receiver.got))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver.url = f"http{'s' if tls else ''}://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def http_receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


def receiver_of(kind: str = "webhook", **fields: Any) -> NoticeSettings:
    return NoticeSettings(kind, fields.pop("name", kind), **fields)


def a_notice(number: int = 0, event: str = "opened", **facts: Any) -> Notice:
    known = dict.fromkeys(
        (
            "kind",
            "area",
            "customers",
            "devices",
            "since",
            "ended",
            "lasted",
            "begin",
            "taken_up",
            "incident",
            "provider",
        )
    )
    known |= {"what": "olt-7 is down", "heading": "", "link": f"{PUBLIC}/incident/i-1"}
    content = {"subject": "olt-7 is down", "text": "olt-7 is down.\nWhere: Ribeira é <b>", "facts": known | facts}
    return Notice("webhook", "i-1", number, event, content, NOW)


@pytest.fixture(scope="session")
def recorded(sample, tmp_path_factory) -> Path:
    """The sample's incidents in a database: i-agg since 47 minutes, i-olt 9, i-group 3, and i-past, which is over."""
    settings = sample.settings(tmp_path_factory.mktemp("recorded"))
    sample.write_incidents(settings.database_url, NOW)
    return Path(settings.database_url.removeprefix("sqlite:///"))


@pytest.fixture
def night(sample, recorded, tmp_path) -> Iterator[SimpleNamespace]:
    """A copy of that database, and settings with receivers that use it."""
    base = sample.settings(tmp_path)
    base.data.mkdir(exist_ok=True)
    shutil.copy(recorded, base.database_url.removeprefix("sqlite:///"))
    engine = connect(base.database_url)

    def settings(*receivers: NoticeSettings, **more: Any) -> DashboardSettings:
        return replace(base, notices=receivers, web=replace(WebSettings(), public_url=PUBLIC), **more)

    yield SimpleNamespace(engine=engine, settings=settings)
    engine.dispose()
