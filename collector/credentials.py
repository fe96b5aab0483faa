"""How devices let the collector in: ``[[credentials]]`` of collector.toml, and the list of them that a device names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import settings_file

VERSIONS = ("1", "2c", "3")
AUTH_PROTOCOLS = ("MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512")
PRIV_PROTOCOLS = ("DES", "AES", "AES192", "AES256", "AES192C", "AES256C")
NO_SNMP = "off"
"""The credential of a device that is pinged only."""
SEPARATOR = "+"
"""Between the credentials of one device. Commas, semicolons and tabs part the columns of devices.csv itself."""
SHORTEST_PASSWORD = 8
"""In characters (RFC 3414 section 11.2)."""
LONGEST_NAME_BYTES = 32
"""Of a user (RFC 3414, usmUserName) and of a context (RFC 3411, SnmpAdminString of vacmContextName)."""
PATIENCE: dict[str, tuple[float, float]] = {"timeout_seconds": (0.01, 60), "retries": (0, 10)}
"""How long a device may be waited for and how often asked, wherever that can be set."""
MANNER: dict[str, tuple[float, float]] = {
    "max_repetitions": (1, 1000),
    "max_reply_bytes": (200, 60_000),
    "requests_per_second": (0.1, 100_000),
}
"""How a device may be spoken to: rows to a request, bytes of a reply, pace."""
WISHES = (*PATIENCE, *MANNER, "getnext")
_V3_ONLY = (
    "user",
    "auth_protocol",
    "auth_password",
    "auth_password_env",
    "auth_password_file",
    "priv_protocol",
    "priv_password",
    "priv_password_env",
    "priv_password_file",
    "context",
)


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential: a community (versions 1 and 2c) or a user (version 3). Secrets never print.

    Without ``auth_protocol`` nothing is signed, without ``priv_protocol`` nothing is encrypted. What follows ``context`` is
    for the devices that it lets in to; None: as their profile or ``[poll]`` says.
    """

    name: str
    version: str = "2c"
    community: str = field(default="public", repr=False)
    user: str = ""
    auth_protocol: str | None = None
    auth_password: str = field(default="", repr=False)
    priv_protocol: str | None = None
    priv_password: str = field(default="", repr=False)
    context: str = ""
    timeout_seconds: float | None = None
    retries: int | None = None
    max_repetitions: int | None = None
    max_reply_bytes: int | None = None
    requests_per_second: float | None = None
    getnext: bool | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(filter(None, (self.community, self.auth_password, self.priv_password)))


@dataclass(frozen=True, slots=True)
class CredentialEntry:
    """One ``[[credentials]]`` as written. Of each secret exactly one of three keys says where it comes from."""

    name: str
    version: str = "2c"
    community: str | None = field(default=None, repr=False)
    community_env: str | None = None
    community_file: Path | None = None
    user: str | None = None
    auth_protocol: str | None = None
    auth_password: str | None = field(default=None, repr=False)
    auth_password_env: str | None = None
    auth_password_file: Path | None = None
    priv_protocol: str | None = None
    priv_password: str | None = field(default=None, repr=False)
    priv_password_env: str | None = None
    priv_password_file: Path | None = None
    context: str | None = None
    timeout_seconds: float | None = None
    retries: int | None = None
    max_repetitions: int | None = None
    max_reply_bytes: int | None = None
    requests_per_second: float | None = None
    getnext: bool | None = None


def read_credentials(entries: Any, path: Path) -> tuple[Credential, ...]:
    """``[[credentials]]`` of the file ``path``. Raises settings_file.SettingsError that names file and key, no secret."""
    if not isinstance(entries, list) or not entries:
        raise settings_file.SettingsError(f"{path}: credentials: must be one or more [[credentials]] tables")
    found: dict[str, Credential] = {}
    for number, raw in enumerate(entries):
        key = f"credentials[{number}]"
        choices = {
            f"{key}.version": VERSIONS,
            f"{key}.auth_protocol": AUTH_PROTOCOLS,
            f"{key}.priv_protocol": PRIV_PROTOCOLS,
        }
        entry = settings_file.build(raw, CredentialEntry, path, key=key, choices=choices)
        _check_name(entry.name, found, f"{path}: {key}.name")
        where = f"{path}: {key}"
        check_patience(entry, where)
        made = _user(entry, where) if entry.version == "3" else _community(entry, where)
        found[entry.name] = replace(made, **{name: getattr(entry, name) for name in WISHES})
    return tuple(found.values())


def check_patience(entry: Any, where: str) -> None:
    """Raises settings_file.SettingsError where a table's own timeout, retries or way of speaking are out of range."""
    for name, (least, most) in (PATIENCE | MANNER).items():
        value = getattr(entry, name)
        if value is not None and not least <= value <= most:
            raise settings_file.SettingsError(f"{where}.{name}: must be {least:g} to {most:g}, not {value:g}")


def named_credentials(text: str) -> tuple[str, ...]:
    """The names in a device's ``credential``, in the order in which they are tried.

    Raises ValueError with a reason that reads on after the column's name.
    """
    names = tuple(name.strip() for name in text.split(SEPARATOR))
    if "" in names:
        raise ValueError(f"{text!r} has an empty name between its {SEPARATOR!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"{text!r} names a credential twice")
    if NO_SNMP in names and len(names) > 1:
        raise ValueError(f"{NO_SNMP!r} stands alone: the device is not asked by SNMP then")
    return names


def credentials_of(named: str | None, given: Sequence[Credential]) -> tuple[Credential, ...]:
    """The credentials of a device whose ``credential`` is ``named``, in the order in which they are tried.

    The first of all where it names none; none where it is not asked by SNMP. Names that are not given are left out:
    the inventory has refused them before.
    """
    if named == NO_SNMP:
        return ()
    if named is None:
        return tuple(given[:1])
    by_name = {credential.name: credential for credential in given}
    return tuple(by_name[name] for name in named_credentials(named) if name in by_name)


def _check_name(name: str, taken: dict[str, Credential], where: str) -> None:
    if not name:
        raise settings_file.SettingsError(f"{where}: must not be empty")
    if name in taken:
        raise settings_file.SettingsError(f"{where}: {name!r} is there twice")
    if name == NO_SNMP:
        raise settings_file.SettingsError(f"{where}: {NO_SNMP!r} means that a device is not asked by SNMP")
    if SEPARATOR in name or name != name.strip():
        raise settings_file.SettingsError(
            f"{where}: must have no {SEPARATOR!r} (it parts names) and no blanks around it"
        )


def _community(entry: CredentialEntry, where: str) -> Credential:
    _refuse(entry, _V3_ONLY, where, "is for version 3 only")
    community = _secret(entry, "community", where)
    if not community:
        raise settings_file.SettingsError(f"{where}.{_given(entry, 'community')[0]}: the community must not be empty")
    return Credential(entry.name, entry.version, community)


def _user(entry: CredentialEntry, where: str) -> Credential:
    _refuse(entry, ("community", "community_env", "community_file"), where, "is for versions 1 and 2c only")
    if entry.user is None:
        raise settings_file.SettingsError(f"{where}.user: is required for version 3")
    if not entry.user:
        raise settings_file.SettingsError(f"{where}.user: must not be empty")
    for key, text in (("user", entry.user), ("context", entry.context or "")):
        if len(text.encode("utf-8")) > LONGEST_NAME_BYTES:
            raise settings_file.SettingsError(f"{where}.{key}: must be at most {LONGEST_NAME_BYTES} bytes of UTF-8")
    if entry.priv_protocol is not None and entry.auth_protocol is None:
        raise settings_file.SettingsError(
            f"{where}.priv_protocol: needs auth_protocol too (RFC 3414 has no privacy alone)"
        )
    return Credential(
        entry.name,
        "3",
        "",
        entry.user,
        entry.auth_protocol,
        _password(entry, "auth", where),
        entry.priv_protocol,
        _password(entry, "priv", where),
        entry.context or "",
    )


def _password(entry: CredentialEntry, kind: str, where: str) -> str:
    """The password of a protocol, or nothing where there is neither."""
    key = f"{kind}_password"
    if getattr(entry, f"{kind}_protocol") is None:
        _refuse(entry, (key, f"{key}_env", f"{key}_file"), where, f"needs {kind}_protocol too")
        return ""
    password = _secret(entry, key, where)
    if len(password) < SHORTEST_PASSWORD:
        raise settings_file.SettingsError(
            f"{where}.{_given(entry, key)[0]}: the password must have at least {SHORTEST_PASSWORD} characters "
            f"(RFC 3414 section 11.2)"
        )
    return password


def _refuse(entry: CredentialEntry, keys: tuple[str, ...], where: str, reason: str) -> None:
    for key in keys:
        if getattr(entry, key) is not None:
            raise settings_file.SettingsError(f"{where}.{key}: {reason}")


def _given(entry: CredentialEntry, key: str) -> list[str]:
    """Which of the three sources of a secret are there."""
    return [name for name in (key, f"{key}_env", f"{key}_file") if getattr(entry, name) is not None]


def _secret(entry: CredentialEntry, key: str, where: str) -> str:
    given = _given(entry, key)
    if len(given) != 1:
        has = " and ".join(given) or "none of them"
        raise settings_file.SettingsError(f"{where}: needs exactly one of {key}, {key}_env, {key}_file; it has {has}")
    source = getattr(entry, given[0])
    if given[0] == key:
        return str(source)
    if isinstance(source, Path):
        return _first_line(source, f"{where}.{given[0]}")
    found = os.environ.get(source, "")
    if not found:
        raise settings_file.SettingsError(f"{where}.{given[0]}: the environment variable {source} is not set")
    return found


def _first_line(path: Path, where: str) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise settings_file.SettingsError(f"{where}: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise settings_file.SettingsError(f"{where}: {path} is not UTF-8 text") from None
    return text.partition("\n")[0].strip()
