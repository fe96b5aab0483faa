"""TLS, client certificates and passwords before the collector's paths, with Python's client and with curl."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import bcrypt
import pytest
from cryptography import x509

from collector.publish.web.guard import Guard
from collector.publish.web.listener import HANDSHAKE_SECONDS
from collector.publish.web.messages import Request, Response, text
from collector.publish.web.server import WebServer

from ..certificates import Authority

TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
MUTUAL = f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
PASSWORD = "correct horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users:\n  alice: {HASH}\n"
Answer = tuple[int, dict[str, str], bytes]


class Served:
    """A guarded server on a loop in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self.server = WebServer({"/-/healthy": self.healthy}, Guard(path))
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.server.open("127.0.0.1", 0), self.loop).result(10)

    async def healthy(self, _request: Request) -> Response:
        return text("healthy\n")

    def client(self, *, certificate: str = "", ca: str = "ca.pem", **options: Any) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=self.folder / ca)
        made.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 does by itself
        for name, value in options.items():
            setattr(made, name, value)
        if certificate:
            made.load_cert_chain(self.folder / f"{certificate}.pem", self.folder / f"{certificate}.key")
        return made

    def get(self, context: ssl.SSLContext | None = None, *, user: str = "", password: str = PASSWORD) -> Answer:
        """Ask over TLS, or over plain HTTP without a context."""
        connection = (
            http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
            if context is None
            else http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=20, context=context)
        )
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        connection.request("GET", "/-/healthy", headers={"Authorization": f"Basic {token}"} if user else {})
        reply = connection.getresponse()
        found = reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
        connection.close()
        return found

    def shown(self, context: ssl.SSLContext) -> dict[str, Any]:
        """The certificate that the server shows."""
        raw = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as wrapped:
            return dict(wrapped.getpeercert() or {})

    def is_let_in(self, context: ssl.SSLContext) -> bool:
        try:
            return self.get(context)[0] == 200
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return False

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    made.sign("server")
    return made


@pytest.fixture
def serve(tmp_path: Path, authority: Authority) -> Iterator[Callable[[str], Served]]:
    running: list[Served] = []

    def start(config: str) -> Served:
        (tmp_path / "web.yml").write_text(config)
        running.append(Served(tmp_path / "web.yml"))
        return running[-1]

    yield start
    for served in running:
        served.close()


def rewrite(path: Path, content: str) -> None:
    """Replace a file in one move, with a time that has moved on."""
    beside = path.with_suffix(".new")
    beside.write_text(content)
    os.utime(beside, (time.time() + 5, time.time() + 5))
    beside.replace(path)


def test_https(serve: Callable[[str], Served]) -> None:
    served = serve(TLS)
    assert served.server.scheme == "https"
    assert served.get(served.client())[::2] == (200, b"healthy\n")
    with pytest.raises(ssl.SSLCertVerificationError):
        served.get(ssl.create_default_context())


def test_an_empty_file_is_plain_http(serve: Callable[[str], Served]) -> None:
    served = serve("")
    assert served.server.scheme == "http"
    assert served.get()[::2] == (200, b"healthy\n")


def test_plain_http_to_the_tls_port_is_told(serve: Callable[[str], Served]) -> None:
    served = serve(TLS)
    assert served.get()[::2] == (400, b"this port speaks HTTPS, not HTTP\n")
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=10) as silent:
        silent.sendall(b"\x16\x03\x01rubbish that is no handshake at all, and goes on and on")
        silent.settimeout(HANDSHAKE_SECONDS + 10)
        with contextlib.suppress(ConnectionError):
            while silent.recv(4096):
                pass
    assert served.is_let_in(served.client())


def test_client_certificates_are_required_and_verified(
    serve: Callable[[str], Served], authority: Authority, tmp_path: Path
) -> None:
    authority.sign("prometheus")
    Authority(tmp_path, "stranger").sign("mallory")
    served = serve(MUTUAL)
    assert served.is_let_in(served.client(certificate="prometheus"))
    assert not served.is_let_in(served.client())
    assert not served.is_let_in(served.client(certificate="mallory"))


def test_a_client_is_told_why_it_is_not_let_in(
    serve: Callable[[str], Served], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Authority(tmp_path, "stranger").sign("mallory")
    served = serve(MUTUAL)
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        served.get(served.client(certificate="mallory", maximum_version=ssl.TLSVersion.TLSv1_2))
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        served.get(served.client(maximum_version=ssl.TLSVersion.TLSv1_2))
    assert "TLS handshake with 127.0.0.1 failed: unable to get local issuer certificate" in caplog.text


def test_client_certificates_may_be_optional(
    serve: Callable[[str], Served], authority: Authority, tmp_path: Path
) -> None:
    authority.sign("prometheus")
    Authority(tmp_path, "stranger").sign("mallory")
    served = serve(MUTUAL.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"))
    assert served.is_let_in(served.client())
    assert served.is_let_in(served.client(certificate="prometheus"))
    assert not served.is_let_in(served.client(certificate="mallory"))


@pytest.mark.parametrize("kind", ["NoClientCert", "RequestClientCert"])
def test_client_certificates_may_be_of_no_account(serve: Callable[[str], Served], tmp_path: Path, kind: str) -> None:
    Authority(tmp_path, "stranger").sign("mallory")
    served = serve(f"{TLS}  client_auth_type: {kind}\n")
    assert served.is_let_in(served.client())
    assert served.is_let_in(served.client(certificate="mallory"))


def test_only_clients_of_these_names(serve: Callable[[str], Served], authority: Authority) -> None:
    authority.sign("one", x509.DNSName("one.example.net"))
    authority.sign("two", x509.DNSName("two.example.net"))
    served = serve(f"{MUTUAL}  client_allowed_sans:\n    - two.example.net\n")
    assert not served.is_let_in(served.client(certificate="one"))
    assert served.is_let_in(served.client(certificate="two"))


@pytest.mark.parametrize(
    ("allowed", "spoken"),
    [
        ("  min_version: TLS13\n", {"TLSv1.3"}),
        ("  max_version: TLS12\n", {"TLSv1.2"}),
        ("", {"TLSv1.2", "TLSv1.3"}),
        ("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", {"TLSv1.3"}),
    ],
)
def test_versions(serve: Callable[[str], Served], allowed: str, spoken: set[str]) -> None:
    served = serve(TLS + allowed)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        client = served.client(minimum_version=version, maximum_version=version)
        assert served.is_let_in(client) == (version.name.replace("_", ".") in spoken)


def test_old_versions_where_they_are_asked_for(
    serve: Callable[[str], Served], require_program: Callable[[str], str]
) -> None:
    served = serve(f"{TLS}  min_version: TLS10\n")
    command = [require_program("openssl"), "s_client", "-connect", f"127.0.0.1:{served.server.port}"]
    command += ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False, timeout=30)
    assert "Protocol  : TLSv1.1" in done.stdout, done.stderr


def test_ciphers_and_curves(serve: Callable[[str], Served], require_program: Callable[[str], str]) -> None:
    served = serve(
        f"{TLS}  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n"
        "  curve_preferences: [CurveP384, X25519]\n"
    )
    command = [require_program("openssl"), "s_client", "-connect", f"127.0.0.1:{served.server.port}"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False, timeout=30)
    assert "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305" in done.stdout
    assert "P-384, 384 bits" in done.stdout or "secp384r1, 384 bits" in done.stdout
    assert not served.is_let_in(restricted(served, "ECDHE-ECDSA-AES128-GCM-SHA256"))


def restricted(served: Served, ciphers: str) -> ssl.SSLContext:
    client = served.client(maximum_version=ssl.TLSVersion.TLSv1_2)
    client.set_ciphers(ciphers)
    return client


def test_a_certificate_is_changed_while_it_runs(serve: Callable[[str], Served], authority: Authority) -> None:
    """By a link that points elsewhere, as certbot and Kubernetes do it, with no connection broken."""
    authority.sign("first")
    authority.sign("second")
    for kind in ("pem", "key"):
        (authority.folder / f"server.{kind}").unlink()
        (authority.folder / f"server.{kind}").symlink_to(f"first.{kind}")
    served = serve(TLS)
    kept = http.client.HTTPSConnection("127.0.0.1", served.server.port, timeout=20, context=served.client())
    kept.request("GET", "/-/healthy")
    assert kept.getresponse().read() == b"healthy\n"
    assert name_of(served.shown(served.client())) == "first"
    for kind in ("pem", "key"):
        beside = authority.folder / f"link.{kind}"
        beside.symlink_to(f"second.{kind}")
        beside.replace(authority.folder / f"server.{kind}")
        assert served.is_let_in(served.client()), "half of the pair is not used"
    assert name_of(served.shown(served.client())) == "second"
    kept.request("GET", "/-/healthy")
    assert kept.getresponse().read() == b"healthy\n"
    kept.close()


def name_of(certificate: dict[str, Any]) -> str:
    return str(dict(pair[0] for pair in certificate["subject"])["commonName"])


def test_rules_change_while_it_runs_and_bad_ones_change_nothing(
    serve: Callable[[str], Served], caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(TLS)
    client, path = served.client(), served.folder / "web.yml"
    assert served.get(client)[0] == 200
    rewrite(path, TLS + USERS)
    assert served.get(client)[0] == 401
    rewrite(path, "basic_auth_users: nobody")
    assert served.get(client)[0] == 401
    assert "basic_auth_users: must be a table; what was in force before stays" in caplog.text
    rewrite(path, USERS)
    assert served.get(client, user="alice")[0] == 200
    assert "TLS cannot be switched" in caplog.text
    path.unlink()
    assert served.get(client)[0] == 401


def test_passwords(serve: Callable[[str], Served]) -> None:
    served = serve(USERS)
    status, headers, body = served.get()
    assert (status, headers["www-authenticate"]) == (401, 'Basic realm="bairro"')
    assert body == b"a user and a password are needed\n"
    for _ in range(2):
        assert served.get(user="alice")[::2] == (200, b"healthy\n")
        assert served.get(user="alice", password="wrong")[0] == 401
        assert served.get(user="mallory")[0] == 401


def test_every_path_is_guarded(serve: Callable[[str], Served]) -> None:
    served = serve(USERS)
    for path in ("/", "/-/healthy", "/nowhere"):
        connection = http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=20)
        connection.request("GET", path)
        assert connection.getresponse().status == 401
        connection.close()


def test_headers_are_added(serve: Callable[[str], Served]) -> None:
    served = serve(f"http_server_config:\n  headers:\n    X-Frame-Options: deny\n{USERS}")
    assert served.get(user="alice")[1]["x-frame-options"] == "deny"
    assert served.get()[1]["x-frame-options"] == "deny"


def test_requests_are_limited(serve: Callable[[str], Served]) -> None:
    served = serve("rate_limit:\n  interval: 1h\n  burst: 3\n")
    assert [served.get()[0] for _ in range(5)] == [200, 200, 200, 429, 429]


def test_handshakes_that_never_end_hold_nobody_up(serve: Callable[[str], Served]) -> None:
    served = serve(TLS)
    held = [socket.create_connection(("127.0.0.1", served.server.port), timeout=10) for _ in range(50)]
    for connection in held[:25]:
        connection.sendall(b"\x16\x03\x01\x02\x00")
    assert served.is_let_in(served.client())
    for connection in held:
        connection.close()


def test_curl_speaks_to_it(
    serve: Callable[[str], Served], authority: Authority, require_program: Callable[[str], str]
) -> None:
    authority.sign("prometheus")
    served = serve(MUTUAL + USERS)
    folder, curl = served.folder, require_program("curl")
    command = [curl, "-sS", "--cacert", folder / "ca.pem", f"https://127.0.0.1:{served.server.port}/-/healthy"]
    with_certificate = [*command, "--cert", folder / "prometheus.pem", "--key", folder / "prometheus.key"]
    with_both = [*with_certificate, "-u", f"alice:{PASSWORD}"]
    answers = [
        subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
        for words in (command, with_certificate, with_both)
    ]
    assert answers[0].returncode != 0
    assert [answer.stdout for answer in answers[1:]] == ["a user and a password are needed\n", "healthy\n"]
