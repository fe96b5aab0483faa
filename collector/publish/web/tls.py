"""TLS of the web configuration: what the file says as a context of Python's, and who of the clients may pass."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import settings_file
from collector.publish.web.toolkit_config import TlsServer, WebConfig

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}
"""Go's names for suites up to TLS 1.2, and OpenSSL's."""
CIPHERS_OF_TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Always on where TLS 1.3 is, in Go as here."""
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
_KEY = "tls_server_config"


def context(config: WebConfig) -> ssl.SSLContext | None:
    """What a handshake needs, read from the files now; None is plain HTTP.

    Raises settings_file.SettingsError that names the web configuration file and the key.
    """
    tls = config.tls
    if tls is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_alpn_protocols(["http/1.1"])
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    _set_versions(made, tls)
    _set_ciphers(made, tls, config.path)
    _set_curve(made, tls, config.path)
    _load_certificate(made, tls, config.path)
    _demand_certificates(made, tls, config.path)
    return made


def is_allowed(sans: tuple[str, ...], certificate: Mapping[str, Any] | None) -> bool:
    """Whether a client's certificate, as ``getpeercert`` gives it, has one of the names; without any, all are."""
    if not sans:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    return any(_spelt(kind, value) in sans for kind, value in names)


def _spelt(kind: str, value: str) -> str:
    """As Go writes it: IPv6 addresses in their shortest spelling."""
    return str(ipaddress.ip_address(value.strip())) if kind == "IP Address" else value


def _error(path: Path, key: str, reason: str) -> settings_file.SettingsError:
    return settings_file.SettingsError(f"{path}: {_KEY}.{key}: {reason}")


def _set_versions(made: ssl.SSLContext, tls: TlsServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version, made.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]


def _set_ciphers(made: ssl.SSLContext, tls: TlsServer, path: Path) -> None:
    for number, name in enumerate(tls.cipher_suites):
        if name not in CIPHERS and name not in CIPHERS_OF_TLS13:
            raise _error(path, f"cipher_suites[{number}]", f"unknown cipher {name!r}")
    if not tls.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    wanted = [CIPHERS[name] for name in tls.cipher_suites if name in CIPHERS]
    if tls.cipher_suites and not wanted:
        if tls.max_version != "TLS13":
            raise _error(path, "cipher_suites", f"holds none that {tls.max_version} could use")
        made.minimum_version = ssl.TLSVersion.TLSv1_3
        return
    if tls.min_version in ("TLS10", "TLS11"):
        # OpenSSL 3 signs nothing with SHA-1, which these versions need, above this level.
        wanted = [*(wanted or ["DEFAULT"]), "@SECLEVEL=0"]
    try:
        if wanted:
            made.set_ciphers(":".join(wanted))
    except ssl.SSLError:
        raise _error(path, "cipher_suites", "this host's OpenSSL has none of them") from None


def _set_curve(made: ssl.SSLContext, tls: TlsServer, path: Path) -> None:
    """The first curve only, as Python lets a server have either one or OpenSSL's own list."""
    for number, name in enumerate(tls.curve_preferences):
        if name not in CURVES:
            raise _error(path, f"curve_preferences[{number}]", f"must be one of {', '.join(CURVES)}, not {name!r}")
    if tls.curve_preferences:
        try:
            made.set_ecdh_curve(CURVES[tls.curve_preferences[0]])
        except (ValueError, ssl.SSLError):
            raise _error(path, "curve_preferences[0]", "this host's OpenSSL does not have it") from None


def _load_certificate(made: ssl.SSLContext, tls: TlsServer, path: Path) -> None:
    certificate = _read(tls.cert_file, tls.cert, path, "cert_file")
    key = _read(tls.key_file, tls.key, path, "key_file")
    with tempfile.TemporaryDirectory(prefix="bairro-") as folder:  # Python reads neither from memory
        pair = Path(folder, "cert"), Path(folder, "key")
        for file, content in zip(pair, (certificate, key), strict=True):
            file.touch(mode=0o600)
            file.write_bytes(content)
        try:
            made.load_cert_chain(*pair, password=_no_password)
        except _LockedKeyError:
            raise _error(path, "key_file", "the key is encrypted; it must be stored without a password") from None
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise _error(path, "key_file", "is not the key of the certificate") from None
            raise _error(path, "cert_file", "certificate and key must both be PEM that OpenSSL can use") from None


class _LockedKeyError(Exception):
    pass


def _no_password() -> str:
    raise _LockedKeyError


def _demand_certificates(made: ssl.SSLContext, tls: TlsServer, path: Path) -> None:
    """Who must show a certificate. One that is asked for but never verified proves nothing, so it is not asked for."""
    made.verify_mode = {
        "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
        "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
    }.get(tls.client_auth_type, ssl.CERT_NONE)
    if tls.client_auth_type == "RequireAnyClientCert":
        raise _error(
            path,
            "client_auth_type",
            "RequireAnyClientCert lets in whoever makes a certificate of their own, "
            "and is not offered here; use RequireAndVerifyClientCert with client_ca_file",
        )
    if tls.client_ca_file is None and tls.client_ca is None:
        made.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    authority = _read(tls.client_ca_file, tls.client_ca, path, "client_ca_file")
    try:
        made.load_verify_locations(cadata=authority.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        raise _error(path, "client_ca_file", "holds no certificate in PEM that OpenSSL can use") from None


def _read(file: str | None, text: str | None, path: Path, key: str) -> bytes:
    if file is None:
        return (text or "").encode()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise _error(path, key, f"{file} cannot be read: {error.strerror}") from None
