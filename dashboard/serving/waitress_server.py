"""The server that runs the pages in this process: waitress, which reads a request whole before it spends a thread.

Connections that send nothing, or half a request, cost a descriptor each and nothing else. They are closed after a while,
and where there are too many, the one that has been quiet for longest goes first.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import resource
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from dashboard.serving import headers
from dashboard.serving.listening import BACKLOG

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

EXIT_OK = 0
THREADS = 8
MOST_CONNECTIONS = 4_000
OWN_DESCRIPTORS = 128
"""Descriptors left for files and databases."""
SPARE_CONNECTIONS = 64
"""Taken in one turn of the loop at most, and left free below the limit."""
QUIET_SECONDS, CLEANUP_SECONDS = 60, 5
MOST_HEAD_BYTES = 64 * 1024


class _Refusal(ErrorTask):
    """What waitress answers by itself where a request breaks the protocol, with the headers of every other answer."""

    def execute(self) -> None:
        policy = ("Content-Security-Policy", headers.DOCUMENT)
        self.response_headers.extend([*headers.ALWAYS.items(), policy])
        super().execute()


class _Channel(HTTPChannel):
    """A connection, and since when a request of it has been coming in."""

    error_task_class = _Refusal
    began = 0.0

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.began = time.time()
        return bool(super().received(data))


class _Server(TcpWSGIServer):
    """waitress that makes room for a new connection where it would else take no more, and waits for no trickle."""

    channel_class = _Channel

    def handle_accept(self) -> None:
        """Take all that wait, so that many new connections are not one turn of the loop each."""
        for _ in range(SPARE_CONNECTIONS):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                break
        self._make_room()

    def _make_room(self) -> None:
        over = len(self.active_channels) + SPARE_CONNECTIONS - self.adj.connection_limit
        if over > 0:
            quiet = [c for c in self.active_channels.values() if not c.requests]
            for channel in heapq.nsmallest(over, quiet, key=lambda channel: channel.last_activity):
                channel.will_close = True

    def maintenance(self, now: float) -> None:
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.request is not None and channel.began < now - QUIET_SECONDS:
                channel.will_close = True


def run(application: WSGIApplication, listener: socket.socket, address: str, most_body_bytes: int) -> int:
    """Serve ``application`` on ``listener`` until SIGTERM or SIGINT, and end what is being answered first."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    made = _make(application, listener, most_body_bytes)
    ending = threading.Event()

    def end(*_: Any) -> None:
        if not ending.is_set():
            ending.set()
            raise SystemExit(EXIT_OK)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    place = f"[{address}]" if ":" in address else address
    print(f"bairro serve: pages at http://{place}:{listener.getsockname()[1]}/", flush=True)
    made.run()
    with contextlib.suppress(OSError):
        made.close()
    return EXIT_OK


def _make(application: WSGIApplication, listener: socket.socket, most_body_bytes: int) -> _Server:
    chosen = Adjustments(
        sockets=[listener],
        threads=THREADS,
        connection_limit=_connection_limit(),
        channel_timeout=QUIET_SECONDS,
        cleanup_interval=CLEANUP_SECONDS,
        asyncore_use_poll=True,
        max_request_body_size=most_body_bytes,
        max_request_header_size=MOST_HEAD_BYTES,
        backlog=BACKLOG,
        ident=None,
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(THREADS)
    place = (listener.family, listener.type, listener.proto, listener.getsockname())
    options = {"dispatcher": dispatcher, "adj": chosen, "bind_socket": False, "sockinfo": place}
    return _Server(application, {}, True, listener, **options)


def _connection_limit() -> int:
    """As many as the system lets this process hold, whose soft limit is raised for it where that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OWN_DESCRIPTORS
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft - OWN_DESCRIPTORS)
