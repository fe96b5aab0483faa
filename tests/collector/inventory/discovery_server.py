"""A real HTTP server that answers as a test wants it."""

from __future__ import annotations

import contextlib
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Server:
    """Answers every request with ``body``, after ``delay`` seconds."""

    def __init__(self) -> None:
        self.body: bytes = b"[]"
        self.status, self.delay, self.kind = 200, 0.0, "application/json; charset=utf-8"
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        server = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                time.sleep(server.delay)
                self.send_response(server.status)
                headers = {"Content-Type": server.kind, "Content-Length": str(len(server.body)), **server.headers}
                for name, value in headers.items():
                    if value:
                        self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(server.body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/sd"

    def say(self, groups: Any) -> None:
        self.body = json.dumps(groups).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
