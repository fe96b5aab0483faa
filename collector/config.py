"""The collector's settings: collector.toml becomes frozen dataclasses; an unknown key is an error that names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PollSettings:
    """When and how devices are asked. Times in seconds."""

    interval_seconds: float = 60.0
    timeout_seconds: float = 1.5
    retries: int = 2
    budget_seconds: float = 10.0
    packets_per_second: float = 2000.0
    tick_seconds: float = 0.02
    max_rows: int = 5000
    max_answer_bytes: int = 4_000_000


@dataclass(frozen=True, slots=True)
class PingSettings:
    """One burst of echoes per poll."""

    count: int = 5
    spacing_seconds: float = 0.05
    timeout_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class OutageSettings:
    """When silence becomes an outage."""

    down_after: int = 3
    group_min: int = 5
    group_share_ratio: float = 0.5
    group_window_seconds: float = 180.0


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where /metrics is served."""

    address: str = "127.0.0.1"
    port: int = 9733


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """How many series a device gets: full, summary or area, by role; cpe None means full up to 5,000 of them."""

    network: str = "full"
    cpe: str | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """One way to be let in. ``community`` never prints."""

    name: str
    version: str = "2c"
    community: str = field(default="public", repr=False)


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """All of collector.toml; paths in it are relative to the file."""

    inventory: Path
    data: Path
    database: str | None = None
    poll: PollSettings = PollSettings()
    ping: PingSettings = PingSettings()
    outage: OutageSettings = OutageSettings()
    web: WebSettings = WebSettings()
    metrics: MetricsSettings = MetricsSettings()
    sentinels: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = (Credential("default"),)
