"""The web configuration file: what promtool takes, the collector takes, and the same the other way round."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import settings_file
from collector.publish.web import toolkit_config
from collector.publish.web.guard import Guard
from collector.publish.web.tls import CIPHERS, CIPHERS_OF_TLS13, CURVES, is_allowed

from ..certificates import Authority, private

TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
"""Of the password "fakepassword"."""


def lines(key: str, *names: str) -> str:
    return f"  {key}:\n" + "".join(f"    - {name}\n" for name in names)


GOOD = {
    "empty": "",
    "comment": "# nothing yet\n",
    "empty sections": "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n",
    "tls": TLS,
    "tls in a flow": "tls_server_config: {cert_file: server.pem, key_file: server.key}\n",
    "no tls without its keys": "tls_server_config:\n  min_version: TLS12\n",
    **{
        f"client auth {kind}": f"{TLS}  client_auth_type: {kind}\n  client_ca_file: ca.pem\n"
        for kind in ("RequestClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
    },
    "no client certificate": f"{TLS}  client_auth_type: NoClientCert\n",
    "client auth without an authority": f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n",
    "empty client auth": f'{TLS}  client_auth_type: ""\n',
    "versions": f"{TLS}  min_version: TLS13\n  max_version: TLS13\n",
    "old versions": f"{TLS}  min_version: TLS10\n  max_version: TLS11\n",
    "all ciphers": TLS + lines("cipher_suites", *CIPHERS, *CIPHERS_OF_TLS13),
    "ciphers of TLS 1.3 only": TLS + lines("cipher_suites", *CIPHERS_OF_TLS13),
    "no ciphers": f"{TLS}  cipher_suites: []\n",
    "client's choice": f"{TLS}  prefer_server_cipher_suites: false\n",
    "words for yes": f"{TLS}  prefer_server_cipher_suites: yes\n",
    "all curves": TLS + lines("curve_preferences", *CURVES),
    **{f"curve {name}": TLS + lines("curve_preferences", name) for name in CURVES},
    "http2": "http_server_config:\n  http2: false\n",
    "headers": (
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n"
        "    Strict-Transport-Security: max-age=31536000; includeSubDomains\n    X-XSS-Protection: 1\n"
        "    Content-Security-Policy: default-src 'self'\n"
    ),
    "users": f"basic_auth_users:\n  alice: {HASH}\n  bob: $2b{HASH[3:]}\n  carol: $2a{HASH[3:]}\n",
    "a user that is a number": f"basic_auth_users:\n  007: {HASH}\n",
    "users and tls": f"{TLS}basic_auth_users:\n  alice: {HASH}\n",
}

BAD = {
    "no yaml": ("tls_server_config: [\n", "not YAML: expected the node content, but found '<stream end>' (at line 2)"),
    "a list": ("- tls_server_config\n", "the file: must hold keys and values"),
    "unknown section": (
        "tls_config:\n  cert_file: a\n",
        "tls_config: unknown key; known here: tls_server_config, http_server_config, rate_limit, basic_auth_users",
    ),
    "unknown key": (
        f"{TLS}  cert_fil: a\n",
        "tls_server_config.cert_fil: unknown key; known here: cert, key, client_ca, cert_file, key_file, "
        "client_ca_file, client_auth_type, client_allowed_sans, min_version, max_version, cipher_suites, "
        "prefer_server_cipher_suites, curve_preferences; did you mean cert_file?",
    ),
    "unknown key of http": (
        "http_server_config:\n  http3: true\n",
        "http_server_config.http3: unknown key; known here: http2, headers",
    ),
    "a key twice": (f"{TLS}  cert_file: server.pem\n", "not YAML: 'cert_file' is there twice (at line 4)"),
    "a user twice": (
        f"basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n",
        "not YAML: 'alice' is there twice (at line 3)",
    ),
    "no certificate": (
        "tls_server_config:\n  key_file: server.key\n",
        "tls_server_config.cert_file: is required with TLS",
    ),
    "no key": ("tls_server_config:\n  cert_file: server.pem\n", "tls_server_config.key_file: is required with TLS"),
    "client auth only": (
        "tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n",
        "tls_server_config.cert_file: is required with TLS",
    ),
    "certificate missing": (
        TLS.replace("server.pem", "none.pem"),
        "tls_server_config.cert_file: {folder}/none.pem cannot be read: No such file or directory",
    ),
    "key missing": (
        TLS.replace("server.key", "none.key"),
        "tls_server_config.key_file: {folder}/none.key cannot be read: No such file or directory",
    ),
    "certificate and key swapped": (
        "tls_server_config:\n  cert_file: server.key\n  key_file: server.pem\n",
        "tls_server_config.cert_file: certificate and key must both be PEM that OpenSSL can use",
    ),
    "key of another": (
        TLS.replace("server.key", "client.key"),
        "tls_server_config.key_file: is not the key of the certificate",
    ),
    "key encrypted": (
        TLS.replace("server.key", "locked.key"),
        "tls_server_config.key_file: the key is encrypted; it must be stored without a password",
    ),
    "unknown client auth": (
        f"{TLS}  client_auth_type: Sometimes\n",
        "tls_server_config.client_auth_type: must be one of NoClientCert, RequestClientCert, RequireAnyClientCert, "
        "VerifyClientCertIfGiven, RequireAndVerifyClientCert, not 'Sometimes'",
    ),
    "authority without client auth": (
        f"{TLS}  client_ca_file: ca.pem\n",
        "tls_server_config.client_auth_type: is required with client_ca_file",
    ),
    "authority missing": (
        f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: none.pem\n",
        "tls_server_config.client_ca_file: {folder}/none.pem cannot be read: No such file or directory",
    ),
    "unknown version": (
        f"{TLS}  min_version: SSL3\n",
        "tls_server_config.min_version: must be one of TLS10, TLS11, TLS12, TLS13, not 'SSL3'",
    ),
    "unknown cipher": (
        TLS + lines("cipher_suites", "TLS_NULL"),
        "tls_server_config.cipher_suites[0]: unknown cipher 'TLS_NULL'",
    ),
    "unknown curve": (
        TLS + lines("curve_preferences", "X25519", "CurveP1"),
        "tls_server_config.curve_preferences[1]: must be one of CurveP256, CurveP384, CurveP521, X25519, not 'CurveP1'",
    ),
    "not a flag": (
        f"{TLS}  prefer_server_cipher_suites: perhaps\n",
        "tls_server_config.prefer_server_cipher_suites: must be true or false, not 'perhaps'",
    ),
    "unknown header": (
        "http_server_config:\n  headers:\n    Server: none\n",
        "http_server_config.headers.Server: cannot be set; those that can: Strict-Transport-Security, "
        "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection, Content-Security-Policy",
    ),
    "header with another value": (
        "http_server_config:\n  headers:\n    X-Frame-Options: sometimes\n",
        "http_server_config.headers.X-Frame-Options: must be one of deny, sameorigin, not 'sometimes'",
    ),
    "password in clear": (
        "basic_auth_users:\n  alice: hush-hush\n",
        "basic_auth_users.alice: is not a bcrypt hash (htpasswd -nBC 10 NAME makes one)",
    ),
    "users as a list": (
        f"basic_auth_users:\n  - {HASH}\n",
        "basic_auth_users: must be a table",
    ),
    "no bcrypt": (
        "basic_auth_users:\n  alice: $1$abcdefgh$0123456789012345678901234567890123456789012345678901\n",
        "basic_auth_users.alice: is not a bcrypt hash (htpasswd -nBC 10 NAME makes one)",
    ),
}

STRICTER = {
    "no certificate in the authority's file": (
        f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: server.key\n",
        "would refuse every client without a word of why",
    ),
    "versions upside down": (f"{TLS}  min_version: TLS13\n  max_version: TLS12\n", "no handshake could succeed"),
    "any certificate": (f"{TLS}  client_auth_type: RequireAnyClientCert\n", "lets in whoever makes one"),
    "header of two lines": (
        'http_server_config:\n  headers:\n    X-XSS-Protection: "1\\r\\nX-Other: 2"\n',
        "Go's server drops the line break; what remains is not what was meant",
    ),
}
"""What promtool takes and the collector does not, and why."""

NEWER = {
    "certificate in the file": "tls_server_config:\n  cert: |\n{cert}\n  key: |\n{key}\n",
    "authority in the file": f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca: |\n{{ca}}\n",
    "names of clients": (
        f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
        + lines("client_allowed_sans", "prometheus.example.net", "192.0.2.1")
    ),
    "rate": "rate_limit:\n  interval: 1m30.5s\n  burst: 20\n",
    "no rate": "rate_limit:\n  interval: 0\n  burst: 20\n",
}
"""What toolkits after promtool 2.42 take."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, server.pem, server.key, client.pem, client.key and locked.key."""
    made = tmp_path_factory.mktemp("web")
    authority = Authority(made)
    authority.sign("server")
    authority.sign("client")
    (made / "locked.key").write_bytes(private(ec.generate_private_key(ec.SECP256R1()), b"hush-hush"))
    return made


@pytest.fixture
def write(folder: Path) -> Callable[[str], Path]:
    def to_file(text: str) -> Path:
        path = folder / "web.yml"
        path.write_text(text)
        return path

    return to_file


@pytest.fixture
def promtool_takes(require_program: Callable[[str], str]) -> Callable[[Path], bool]:
    promtool = require_program("promtool")

    def takes(path: Path) -> bool:
        # Old versions of it look for files in the working folder, newer ones beside the configuration.
        command = [promtool, "check", "web-config", path.name]
        return subprocess.run(command, cwd=path.parent, capture_output=True, check=False, timeout=30).returncode == 0

    return takes


@pytest.mark.parametrize("name", GOOD)
def test_what_promtool_takes_is_taken(
    write: Callable[[str], Path], promtool_takes: Callable[[Path], bool], name: str
) -> None:
    path = write(GOOD[name])
    assert promtool_takes(path)
    assert Guard(path).speaks_tls == ("cert_file" in GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_what_promtool_refuses_is_refused_by_file_and_key(
    write: Callable[[str], Path], promtool_takes: Callable[[Path], bool], name: str
) -> None:
    text, message = BAD[name]
    path = write(text)
    assert not promtool_takes(path)
    with pytest.raises(settings_file.SettingsError) as told:
        Guard(path)
    assert str(told.value) == f"{path}: {message.format(folder=path.parent)}"
    assert "hush" not in str(told.value)


@pytest.mark.parametrize("name", STRICTER)
def test_what_only_promtool_takes(
    write: Callable[[str], Path], promtool_takes: Callable[[Path], bool], name: str
) -> None:
    path = write(STRICTER[name][0])
    assert promtool_takes(path)
    with pytest.raises(settings_file.SettingsError):
        Guard(path)


@pytest.mark.parametrize("name", NEWER)
def test_what_newer_toolkits_take(folder: Path, write: Callable[[str], Path], name: str) -> None:
    files = {"cert": "server.pem", "key": "server.key", "ca": "ca.pem"}
    texts = {
        key: "\n".join(f"    {line}" for line in (folder / file).read_text().split("\n")) for key, file in files.items()
    }
    Guard(write(NEWER[name].format(**texts)))


def test_what_newer_toolkits_refuse(write: Callable[[str], Path]) -> None:
    for text, message in (
        ("rate_limit:\n  interval: soon\n", "rate_limit.interval: must be a duration such as 1s, not 'soon'"),
        ("rate_limit:\n  burst: -1\n", "rate_limit.burst: must be a whole number, not '-1'"),
        (
            TLS + lines("client_allowed_sans", "a"),
            "tls_server_config.client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert "
            "or RequireAnyClientCert",
        ),
    ):
        with pytest.raises(settings_file.SettingsError) as told:
            Guard(write(text))
        assert str(told.value).endswith(f": {message}")


def test_the_rate_is_read(write: Callable[[str], Path]) -> None:
    assert toolkit_config.read(write("rate_limit:\n  interval: 1m30.5s\n  burst: 20\n")).rate == (90.5, 20)
    assert toolkit_config.read(write("rate_limit:\n  interval: 0s\n  burst: 20\n")).rate is None


def test_no_secret_is_shown(write: Callable[[str], Path]) -> None:
    assert "$2y$" not in repr(toolkit_config.read(write(f"basic_auth_users:\n  alice: {HASH}\n")))
    with pytest.raises(settings_file.SettingsError) as told:
        toolkit_config.read(write("tls_server_config:\n  key: 'hush-hush\n  cert: x\n"))
    assert "hush" not in str(told.value)
    with pytest.raises(settings_file.SettingsError) as told:
        toolkit_config.read(write("basic_auth_users:\n  alice: [hush-hush]\n"))
    assert "hush" not in str(told.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00"])
def test_no_text(folder: Path, content: bytes) -> None:
    path = folder / "bytes.yml"
    path.write_bytes(content)
    with pytest.raises(settings_file.SettingsError, match=r"bytes\.yml: not "):
        toolkit_config.read(path)


def test_names_of_certificates_are_compared_as_go_writes_them() -> None:
    certificate = {
        "subjectAltName": (
            ("DNS", "one.example.net"),
            ("IP Address", "2001:DB8:0:0:0:0:0:1"),
            ("URI", "spiffe://example.net/prometheus"),
            ("email", "ops@example.net"),
        )
    }
    for allowed in ("one.example.net", "2001:db8::1", "spiffe://example.net/prometheus", "ops@example.net"):
        assert is_allowed((allowed,), certificate)
    assert not is_allowed(("two.example.net",), certificate)
    assert not is_allowed(("one.example.net",), {})
    assert not is_allowed(("one.example.net",), None)
    assert is_allowed((), None)
