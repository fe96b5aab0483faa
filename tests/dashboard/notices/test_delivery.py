"""One attempt at a real receiver: what arrives, and what is said where it does not."""

from __future__ import annotations

import socket
import ssl
import threading
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from dashboard.notices.delivery import deliver
from dashboard.notices.outbox import Outcome
from tests.collector.publish.certificates import NAMES, Authority

from .conftest import NOW, PUBLIC, a_notice, listening, receiver_of

PASSWORD = "not-to-be-shown"


class Mailbox:
    """Keeps what it is sent; `full@` refuses for good, `busy@` for now."""

    def __init__(self) -> None:
        self.got: list[SimpleNamespace] = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("full@"):
            return "550 mailbox does not exist"
        if address.startswith("busy@"):
            return "451 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.got.append(
            SimpleNamespace(to=envelope.rcpt_tos, text=envelope.content.decode(), is_tls=session.ssl is not None)
        )
        return "250 OK"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.sign("server", *NAMES)
    return made


@pytest.fixture(scope="module")
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "server.pem", authority.folder / "server.key")
    return context


@pytest.fixture(scope="module")
def mail(tls, free_port):
    """A mail server that wants STARTTLS and a password."""

    def check(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    controller = Controller(
        Mailbox(),
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=tls,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
    )
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def by_mail(mail, authority, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    mail.handler.got.clear()

    def make(**fields):
        usual = {"to": ("noc@example.net",), "sender": "bairro@example.net", "username": "bairro"}
        usual |= {"host": "localhost", "port": mail.port, "password_env": "MAIL_PASSWORD", "ca_file": authority.file}
        return receiver_of("email", **(usual | fields))

    return make


def test_a_mail_arrives_over_tls_in_one_thread_with_an_id_that_stays(by_mail, mail):
    receiver = by_mail()
    for notice in (a_notice(), a_notice(1, "ended"), a_notice(1, "ended")):
        assert deliver(receiver, notice, NOW) == Outcome(True)
    first, second, again = mail.handler.got
    assert first.is_tls
    assert first.to == ["noc@example.net"]
    assert "Subject: olt-7 is down\r\n" in first.text
    assert "Message-ID: <i-1-0@example.net>" in first.text
    assert "In-Reply-To: <i-1-0@example.net>" in second.text
    assert "Message-ID: <i-1-1@example.net>" in second.text
    assert second.text == again.text
    assert "text/plain" in first.text
    assert PASSWORD not in first.text


@pytest.mark.parametrize(
    ("fields", "is_final", "said"),
    [
        ({"to": ("full@example.net",)}, True, "refuses all recipients: full@example.net (550 mailbox does not exist)"),
        ({"to": ("busy@example.net",)}, False, "refuses all recipients: busy@example.net (451 come back later)"),
        ({"password_env": "MAIL_WRONG"}, True, "answers 535: 5.7.8 Authentication credentials invalid"),
        (
            {"password_env": "MAIL_NONE"},
            False,
            "needs the secret in the environment variable MAIL_NONE, which holds none",
        ),
        ({"ca_file": None}, False, "has a certificate that is not trusted: unable to get local issuer certificate"),
        ({"port": 1}, False, "cannot be reached: Connection refused"),
        ({"security": "tls"}, False, "speaks no TLS here"),
    ],
)
def test_a_mail_that_cannot_be_sent_says_why(by_mail, monkeypatch, fields, is_final, said):
    monkeypatch.setenv("MAIL_WRONG", "another")
    outcome = deliver(by_mail(**fields), a_notice(), NOW)
    assert (outcome.is_sent, outcome.is_final) == (False, is_final)
    assert outcome.said.startswith(said)
    assert PASSWORD not in outcome.said


def test_a_mail_that_some_recipients_refuse_is_sent_to_the_others(by_mail, mail):
    outcome = deliver(by_mail(to=("noc@example.net", "full@example.net")), a_notice(), NOW)
    assert outcome == Outcome(True, said="sent, but refused for full@example.net (550 mailbox does not exist)")
    assert [one.to for one in mail.handler.got] == [["noc@example.net"]]


def test_a_webhook_gets_what_is_known_by_name(http_receiver, monkeypatch):
    monkeypatch.setenv("HOOK", "t0k3n")
    receiver = receiver_of(url=f"{http_receiver.url}/in?x=1", token_env="HOOK")
    assert deliver(receiver, a_notice(customers="40"), NOW) == Outcome(True)
    (got,) = http_receiver.got
    assert (got.path, got.headers["Authorization"], got.headers["Idempotency-Key"]) == (
        "/in?x=1",
        "Bearer t0k3n",
        "i-1-0",
    )
    assert got.body["text"] == "olt-7 is down.\nWhere: Ribeira é <b>"
    assert {key: got.body[key] for key in ("id", "event", "what", "customers", "ended", "link")} == {
        "id": "i-1-0",
        "event": "opened",
        "what": "olt-7 is down",
        "customers": "40",
        "ended": None,
        "link": f"{PUBLIC}/incident/i-1",
    }


def test_a_webhook_may_have_fields_of_its_own(http_receiver):
    receiver = receiver_of(url=http_receiver.url, body={"content": "{what} ({area})", "username": "Bairro"})
    deliver(receiver, a_notice(area="Ribeira"), NOW)
    assert http_receiver.got[0].body == {"content": "olt-7 is down (Ribeira)", "username": "Bairro"}


def test_telegram_gets_plain_text(http_receiver, monkeypatch):
    monkeypatch.setenv("BOT", "123:abc")
    receiver = receiver_of("telegram", url=http_receiver.url, token_env="BOT", chat="-100200")
    assert deliver(receiver, a_notice(), NOW) == Outcome(True)
    (got,) = http_receiver.got
    assert got.path == "/bot123:abc/sendMessage"
    assert got.body["chat_id"] == "-100200"
    assert "<b>" in got.body["text"]
    assert "parse_mode" not in got.body


def test_ntfy_gets_a_title_a_link_and_an_id_by_which_it_shows_a_message_once(http_receiver):
    receiver = receiver_of("ntfy", url=http_receiver.url, topic="noc")
    assert deliver(receiver, a_notice(), NOW) == Outcome(True)
    assert http_receiver.got[0].body == {
        "topic": "noc",
        "title": "olt-7 is down",
        "message": "olt-7 is down.\nWhere: Ribeira é <b>",
        "priority": 4,
        "sequence_id": "i-1-0",
        "click": f"{PUBLIC}/incident/i-1",
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((403, {}, b'{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked"}'),
         Outcome(False, True, "answers 403: Forbidden: bot was kicked")),
        ((429, {}, b'{"ok":false,"description":"Too Many Requests: retry after 34","parameters":{"retry_after":34}}'),
         Outcome(False, False, "answers 429: Too Many Requests: retry after 34", 34.0)),
        ((429, {"Retry-After": "7"}, b'{"code":42901,"http":429,"error":"limit reached"}'),
         Outcome(False, False, "answers 429: limit reached", 7.0)),
        ((503, {}, b"<html>down</html>"), Outcome(False, False, "answers 503")),
        ((404, {}, b"no such hook\nmore"), Outcome(False, True, "answers 404: no such hook")),
        ((302, {"Location": "/login"}, b""),
         Outcome(False, True, "answers 302, a redirect, which is not followed: set the address that it leads to")),
        ((400, {}, b"[" * 60_000), Outcome(False, True, "answers 400")),
    ],
)  # fmt: skip
def test_an_answer_says_whether_to_try_again(http_receiver, answer, expected):
    http_receiver.answer = lambda _: answer
    assert deliver(receiver_of(url=http_receiver.url), a_notice(), NOW) == expected


def test_a_slow_answer_is_waited_for_though_a_connection_is_given_less(http_receiver, monkeypatch):
    monkeypatch.setattr("dashboard.notices.posts.CONNECT_SECONDS", 0.5)
    wait = threading.Event()
    http_receiver.answer = lambda _: (200, {}, b"late") if not wait.wait(1.0) else (500, {}, b"")
    assert deliver(receiver_of(url=http_receiver.url), a_notice(), NOW) == Outcome(True)
    assert len(http_receiver.got) == 1


def test_who_takes_a_connection_and_says_nothing_does_not_answer():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = receiver_of(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert deliver(receiver, a_notice(), NOW, seconds=0.5) == Outcome(
            False, False, "does not answer in 0.5 seconds"
        )


def trickling(listener: socket.socket) -> None:
    """Answer one letter again and again, so that no time-out of the socket ever counts."""
    connection, _ = listener.accept()
    with connection:
        try:
            while True:
                connection.sendall(b"2")
                if threading.Event().wait(0.05):
                    return
        except OSError:
            return


@pytest.mark.parametrize("kind", ["webhook", "email"])
def test_a_server_that_never_ends_its_answer_is_left(kind):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickling, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        mail = {"host": "127.0.0.1", "port": port, "sender": "a@example.net", "to": ("b@example.net",)}
        receiver = receiver_of(kind, **(mail if kind == "email" else {"url": f"http://127.0.0.1:{port}"}))
        assert deliver(receiver, a_notice(), NOW, seconds=0.5) == Outcome(
            False, False, "does not answer in 0.5 seconds"
        )
        thread.join()


def test_a_webhook_whose_certificate_is_of_ones_own_authority_is_trusted_by_ca_file(authority, tls):
    with listening(tls) as receiver:
        untrusted = deliver(receiver_of(url=receiver.url), a_notice(), NOW)
        assert untrusted.said == (
            "has a certificate that is not trusted: unable to get local issuer certificate; "
            "ca_file names an authority of your own"
        )
        assert (untrusted.is_final, receiver.got) == (False, [])
        assert deliver(receiver_of(url=receiver.url, ca_file=authority.file), a_notice(), NOW) == Outcome(True)


def test_an_address_that_is_a_secret_is_never_shown(tmp_path):
    file = tmp_path / "hook"
    file.write_text("http://127.0.0.1:1/hidden\n")
    assert deliver(receiver_of(url_file=file), a_notice(), NOW).said == "cannot be reached: Connection refused"
    file.write_text("hidden")
    assert deliver(receiver_of(url_file=file), a_notice(), NOW).said == (
        "url: must be an address that begins with http:// or https://"
    )
