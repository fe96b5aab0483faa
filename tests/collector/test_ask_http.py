"""HTTPS to an operator's own authority: as plain openssl makes one, and as docs/operations.md says to make one."""

from __future__ import annotations

import contextlib
import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from collector.ask_http import AskError, ask

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
SHORTEST = """
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=Shortest"
openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem
"""


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\n")

    def log_message(self, *_arguments: Any) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    """A client that turns away is what these tests are about."""

    daemon_threads = True

    def handle_error(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def make(tmp_path: Path, require_program: Callable[[str], str]) -> Callable[[str], Path]:
    """Runs the commands; the folder that then holds ca.pem, server.pem and server.key."""
    require_program("openssl")

    def run(commands: str) -> Path:
        subprocess.run(["sh", "-euc", commands], cwd=tmp_path, capture_output=True, check=True)
        return tmp_path

    return run


@pytest.fixture
def serve() -> Iterator[Callable[[Path], int]]:
    """Serves with the folder's certificate on a port that it gives."""
    with contextlib.ExitStack() as stack:

        def start(folder: Path) -> int:
            server = Quiet(("127.0.0.1", 0), Hello)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "server.pem", folder / "server.key")
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            thread = Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            for end in (thread.join, server.server_close, server.shutdown):
                stack.callback(end)
            return server.server_port

        yield start


def documented() -> str:
    """The commands of docs/operations.md that make an authority, for this machine's address."""
    found = re.search(r"```\n(openssl req -x509 .*?)```", OPERATIONS.read_text(), re.DOTALL)
    assert found
    return found[1].replace("192.0.2.10", "127.0.0.1")


def said(port: int, host: str = "127.0.0.1") -> bytes:
    return ask(f"https://{host}:{port}/", headers={}, timeout_seconds=10, most_bytes=1000).body


@pytest.mark.parametrize("commands", [SHORTEST, documented()], ids=["shortest", "documented"])
def test_an_authority_of_ones_own_is_believed_on_every_python(make, serve, commands, monkeypatch):
    folder = make(commands)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    assert said(serve(folder)) == b"hello\n"


def test_only_an_authority_that_is_trusted_and_a_name_that_is_its_own_are_believed(make, serve, monkeypatch):
    folder = make(SHORTEST.replace("DNS:localhost,", "").replace("CN=localhost", "CN=collector"))
    port = serve(folder)
    with pytest.raises(AskError, match="unable to get local issuer certificate"):
        said(port)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    assert said(port) == b"hello\n"
    with pytest.raises(AskError, match="Hostname mismatch"):
        said(port, "localhost")


def strict_client_says(folder: Path) -> str:
    """What ``openssl verify -x509_strict``, by whose rules a client of Python 3.13 goes, says of the certificate."""
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", "server.pem"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_a_strict_client_believes_the_documented_authority(make):
    assert strict_client_says(make(documented())) == "server.pem: OK\n"


def test_a_strict_client_refuses_the_shortest_authority_in_the_documented_words(make):
    refused = re.search(r"error 9\d at \d depth lookup: (.*)", strict_client_says(make(SHORTEST)))
    assert refused
    assert refused[1] in OPERATIONS.read_text()
