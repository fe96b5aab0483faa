"""The file of a backup: a tar archive whose last member, ``manifest.json``, says what every other one holds."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from bairro_error import BairroError

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK = 1 << 20


class ArchiveError(BairroError, ValueError):
    """A file that is no whole backup, or none that this version can restore; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the manifest says of a file: its size in bytes and its SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``made_at`` is UTC in ISO 8601, ``bairro`` the version that made it, ``schema`` that of the database (None: none)."""

    made_at: str
    bairro: str
    schema: str | None
    files: dict[str, Held] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def total_bytes(self) -> int:
        return sum(held.bytes for held in self.files.values())


def write(path: Path, files: Iterable[tuple[str, Path]], manifest: Manifest) -> Manifest:
    """Write the archive beside ``path``, sync it and rename it; returns the manifest with the files in it. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("xb") as raw:
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for name, source in files:
                    manifest.files[name] = _add(archive, name, source)
                text = json.dumps(asdict(manifest), indent=1).encode()
                member = tarfile.TarInfo(MANIFEST)
                member.size, member.mode = len(text), 0o600
                archive.addfile(member, io.BytesIO(text))
            raw.flush()
            os.fsync(raw.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def _add(archive: tarfile.TarFile, name: str, source: Path) -> Held:
    with source.open("rb") as file:
        found = os.fstat(file.fileno())
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = found.st_size, found.st_mtime, 0o600
        hashed = _Hashed(file)
        archive.addfile(member, hashed)
    return Held(found.st_size, hashed.digest.hexdigest())


class _Hashed(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def check(path: Path) -> Manifest:
    """Read the whole archive and hold it to its manifest. Raises ArchiveError; nothing is written."""
    found: dict[str, Held] = {}
    stated = b""
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is None or not _is_safe(member.name) or stated:
                    raise ArchiveError(f"{path}: holds {member.name!r}, which no backup holds: nothing is restored")
                if member.name == MANIFEST:
                    stated = content.read()
                else:
                    found[member.name] = _held(content)
    except FileNotFoundError:
        raise ArchiveError(f"{path}: no such file") from None
    except (OSError, tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"{path}: is no whole backup: {error}; take another copy of it") from None
    if not stated:
        raise ArchiveError(
            f"{path}: has no {MANIFEST}: it is cut short, or no backup of Bairro; take another copy of it"
        )
    manifest = _manifest(path, stated)
    for name in sorted(manifest.files.keys() | found.keys()):
        if manifest.files.get(name) != found.get(name):
            raise ArchiveError(
                f"{path}: {name} is not what was backed up (its checksum differs); take another copy of it"
            )
    return manifest


def _held(content: IO[bytes]) -> Held:
    digest, size = hashlib.sha256(), 0
    while data := content.read(_CHUNK):
        digest.update(data)
        size += len(data)
    return Held(size, digest.hexdigest())


def _is_safe(name: str) -> bool:
    """Whether it stays within the folder that it is restored into."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and name == str(path) != "."


def _manifest(path: Path, text: bytes) -> Manifest:
    try:
        stated: dict[str, Any] = json.loads(text)
        written, by = stated["format"], str(stated["bairro"])
        files = {str(name): Held(int(held["bytes"]), str(held["sha256"])) for name, held in stated["files"].items()}
        manifest = Manifest(str(stated["made_at"]), by, stated["schema"], files)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ArchiveError(f"{path}: its {MANIFEST} cannot be read; take another copy of it") from None
    if written != FORMAT:
        raise ArchiveError(
            f"{path}: is a backup of format {written}, made by Bairro {by}; "
            f"this version reads format {FORMAT}: upgrade Bairro first"
        )
    return manifest


def extract(path: Path, into: Path) -> None:
    """Write the files of an archive that was checked. Raises OSError."""
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if member.name == MANIFEST or content is None:
                continue
            to = into / member.name
            to.parent.mkdir(parents=True, exist_ok=True)
            with to.open("xb") as file:
                while data := content.read(_CHUNK):
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.utime(to, (member.mtime, member.mtime))
