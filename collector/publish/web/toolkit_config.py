"""Who may read the collector's HTTP: the web configuration file of the Prometheus exporter-toolkit, read strictly.

The format is that of https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md, so that a
file that serves one exporter serves this one.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import settings_file

CLIENT_AUTH_TYPES = (
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
)
TLS_VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")
HEADERS: dict[str, tuple[str, ...]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
"""The headers that the toolkit lets a file set, with the values that they may take (none listed: any)."""

_CHOICES = {
    "tls_server_config.client_auth_type": CLIENT_AUTH_TYPES,
    "tls_server_config.min_version": TLS_VERSIONS,
    "tls_server_config.max_version": TLS_VERSIONS,
}
_BCRYPT = re.compile(r"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
_FLAGS = {"tls_server_config": "prefer_server_cipher_suites", "http_server_config": "http2"}
_YES, _NO = ("y", "yes", "true", "on"), ("n", "no", "false", "off")
_ABSENT = ("", "~", "null", "Null", "NULL")
_SWITCH_ON_TLS = ("cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type")
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class TlsServer:
    """``tls_server_config``. A certificate, key or authority is given as text or as a file; the file wins."""

    cert: str | None = None
    key: str | None = field(default=None, repr=False)
    client_ca: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    client_ca_file: str | None = None
    client_auth_type: str = "NoClientCert"
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it names."""
        return tuple(Path(name) for name in (self.cert_file, self.key_file, self.client_ca_file) if name is not None)


@dataclass(frozen=True, slots=True)
class HttpServer:
    """``http_server_config``. ``http2`` is taken and means nothing: this server speaks HTTP/1.1."""

    http2: bool = True
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``rate_limit``: one request each ``interval`` (a duration such as 1s; 0 is no limit), so many at once."""

    interval: str = "0s"
    burst: str = "0"


@dataclass(frozen=True, slots=True)
class _File:
    tls_server_config: TlsServer = TlsServer()
    http_server_config: HttpServer = HttpServer()
    rate_limit: RateLimit = RateLimit()
    basic_auth_users: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A web configuration file, checked. ``tls`` None is plain HTTP; ``users`` maps names to bcrypt hashes.

    ``rate`` is (seconds between requests, burst), None where there is no limit.
    """

    path: Path
    tls: TlsServer | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate: tuple[float, int] | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that it consists of."""
        return (self.path, *(self.tls.files if self.tls is not None else ()))


def read(path: Path) -> WebConfig:
    """Read the file. Raises settings_file.SettingsError that names file and key, and shows no secret."""
    values = _present(_document(path))
    for section, flag in _FLAGS.items():
        _read_flag(values.get(section), flag)
    found = settings_file.build(values, _File, path, choices=_CHOICES)
    _check_headers(found.http_server_config.headers, path)
    _check_users(found.basic_auth_users, path)
    tls = _tls(found.tls_server_config, values.get("tls_server_config", {}), path)
    rate = _rate(found.rate_limit, path)
    return WebConfig(path, tls, found.http_server_config.headers, found.basic_auth_users, rate)


class _StrictLoader(yaml.BaseLoader):
    """Text, lists and mappings only, and no key twice, as in the toolkit's own reader."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _document(path: Path) -> dict[str, Any]:
    try:
        found = yaml.load(path.read_text(encoding="utf-8-sig"), _StrictLoader)
    except FileNotFoundError:
        raise settings_file.SettingsError(f"{path}: no such file") from None
    except OSError as error:
        raise settings_file.SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise settings_file.SettingsError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except yaml.MarkedYAMLError as error:  # its own text would quote the file, secrets and all
        line = f" (at line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise settings_file.SettingsError(f"{path}: not YAML: {error.problem}{line}") from None
    except yaml.YAMLError:
        raise settings_file.SettingsError(f"{path}: not YAML") from None
    if found is None or found in _ABSENT:
        return {}
    if not isinstance(found, dict):
        raise settings_file.SettingsError(f"{path}: the file: must hold keys and values")
    return found


def _present(value: Any) -> Any:
    """Without what is written but empty, which means the default."""
    if isinstance(value, dict):
        return {key: _present(inner) for key, inner in value.items() if not _is_absent(inner)}
    return value


def _is_absent(value: Any) -> bool:
    return value in _ABSENT if isinstance(value, str) else value == []


def _read_flag(section: Any, key: str) -> None:
    """Turn the words of YAML 1.1 for yes and no into a bool; any other word stays, and is refused later."""
    if isinstance(section, dict) and isinstance(section.get(key), str):
        word = section[key].lower()
        section[key] = True if word in _YES else False if word in _NO else section[key]


def _check_headers(headers: Mapping[str, str], path: Path) -> None:
    for name, value in headers.items():
        key = f"{path}: http_server_config.headers.{name}"
        if name not in HEADERS:
            raise settings_file.SettingsError(f"{key}: cannot be set; those that can: {', '.join(HEADERS)}")
        if HEADERS[name] and value not in HEADERS[name]:
            raise settings_file.SettingsError(f"{key}: must be one of {', '.join(HEADERS[name])}, not {value!r}")
        if not value.isprintable() or not value.isascii():
            raise settings_file.SettingsError(f"{key}: must be printable ASCII on one line")


def _check_users(users: Mapping[str, str], path: Path) -> None:
    for name, hashed in users.items():
        if not _BCRYPT.fullmatch(hashed):
            raise settings_file.SettingsError(
                f"{path}: basic_auth_users.{name}: is not a bcrypt hash (htpasswd -nBC 10 NAME makes one)"
            )


def _tls(given: TlsServer, written: Iterable[str], path: Path) -> TlsServer | None:
    """The TLS settings where there are any, or None for plain HTTP. What files hold is looked at elsewhere."""
    where = f"{path}: tls_server_config"
    if not set(_SWITCH_ON_TLS) & set(written):
        return None
    for name in ("cert", "key"):
        if getattr(given, name) is None and getattr(given, f"{name}_file") is None:
            raise settings_file.SettingsError(f"{where}.{name}_file: is required with TLS")
    has_authority = given.client_ca is not None or given.client_ca_file is not None
    if has_authority and given.client_auth_type == "NoClientCert":
        raise settings_file.SettingsError(f"{where}.client_auth_type: is required with client_ca_file")
    if given.client_allowed_sans and given.client_auth_type not in ("RequireAnyClientCert", CLIENT_AUTH_TYPES[-1]):
        raise settings_file.SettingsError(
            f"{where}.client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert"
        )
    if given.min_version > given.max_version:
        raise settings_file.SettingsError(f"{where}.min_version: is above max_version ({given.max_version})")
    return dataclasses.replace(
        given,
        cert_file=_beside(path, given.cert_file),
        key_file=_beside(path, given.key_file),
        client_ca_file=_beside(path, given.client_ca_file),
    )


def _beside(path: Path, name: str | None) -> str | None:
    """A file's name relative to the settings. Links are kept: certificates are renewed by pointing one elsewhere."""
    return name and str(path.parent / name)


def _rate(given: RateLimit, path: Path) -> tuple[float, int] | None:
    pieces = _DURATION.findall(given.interval)
    if given.interval != "0" and "".join(map("".join, pieces)) != given.interval:
        raise settings_file.SettingsError(
            f"{path}: rate_limit.interval: must be a duration such as 1s, not {given.interval!r}"
        )
    if not given.burst.isdecimal():
        raise settings_file.SettingsError(f"{path}: rate_limit.burst: must be a whole number, not {given.burst!r}")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in pieces)
    return (seconds, int(given.burst)) if seconds else None
