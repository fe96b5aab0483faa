"""The collector's settings: collector.toml becomes frozen dataclasses; an unknown key is an error that names it."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path

import settings_file
from collector import file_access
from collector.address import parse_address, parse_ip
from collector.credentials import PATIENCE, Credential, read_credentials
from collector.interface_filter import parse_filter
from collector.inventory_url import InventoryUrl, parse_url
from collector.reading import ROLES, Device

DETAILS = ("full", "summary", "area")
MOST_SHARDS = 256
INVENTORY_COLUMNS = tuple(column.name for column in dataclasses.fields(Device) if column.name != "port")


@dataclass(frozen=True, slots=True)
class Shard:
    """One collector of ``count`` that share an inventory; ``index`` counts from 0 and is part of file names."""

    index: int = 0
    count: int = 1

    @property
    def name(self) -> str:
        """What its files and its incidents are named after."""
        return str(self.index)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all shards."""
        return tuple(str(index) for index in range(self.count))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


ALONE = Shard()


def parse_shard(text: str) -> Shard:
    """``K/N``: the shard K, from 0, of N. Raises ValueError with a reason that reads on after the setting's name."""
    match = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})", text)
    if match is None:
        raise ValueError(f"must be K/N, the shard K (from 0) of N, such as 0/2, not {text!r}")
    index, count = int(match[1]), int(match[2])
    if not 1 <= count <= MOST_SHARDS:
        raise ValueError(f"there may be 1 to {MOST_SHARDS} shards, not {count}")
    if index >= count:
        raise ValueError(f"of {count} shards the last is {count - 1}/{count}; there is no {text}")
    return Shard(index, count)


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """How the inventory is read where it is a URL; a token is sent as ``Authorization: TYPE TOKEN``. Times in seconds.

    ``preset`` names the system whose labels are read; ``labels`` (by column), ``roles`` (by the other system's name) and
    ``leave_out`` (values by label) say it of any system, and go before the preset.
    """

    refresh_seconds: float = 60.0
    timeout_seconds: float = 10.0
    token_type: str = "Bearer"
    token_env: str | None = None
    token_file: Path | None = None
    preset: str | None = None
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    leave_out: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def reads_exports(self) -> bool:
        """Whether a file is not ours but another system's."""
        return bool(self.preset or self.labels or self.roles or self.leave_out)


COUNTERS_REFRESH = (0.0, 3600.0)
"""How often an agent may be said to renew its counters, in seconds."""


@dataclass(frozen=True, slots=True)
class PollSettings:
    """When and how devices are asked. Times in seconds. ``interfaces`` says which of them get series, where neither the
    inventory nor a profile does; empty: what is usual (``collector.interface_filter``). ``counters_refresh_seconds`` is how
    often agents renew their counters, 0: for each poll; None: polls show it, where they can.
    """

    interval_seconds: float = 60.0
    timeout_seconds: float = 1.5
    retries: int = 2
    budget_seconds: float = 10.0
    packets_per_second: float = 2000.0
    tick_seconds: float = 0.02
    max_rows: int = 20_000
    max_answer_bytes: int = 20_000_000
    health_every_polls: int = 5
    max_interfaces: int = 2_000
    interfaces: str = ""
    counters_refresh_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PingSettings:
    """One burst of echoes per poll."""

    count: int = 5
    spacing_seconds: float = 0.05
    timeout_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class OutageSettings:
    """When silence becomes an outage. ``again_seconds``: a suspect is asked again so soon; 0: in its turn."""

    down_after: int = 3
    again_seconds: float = 8.0
    group_min: int = 5
    group_share_ratio: float = 0.5
    group_window_seconds: float = 180.0
    flap_count: int = 3
    flap_window_seconds: float = 3600.0
    flap_hold_seconds: float = 900.0


@dataclass(frozen=True, slots=True)
class DegradationSettings:
    """When a device that answers is degraded. Judged by windows of ``window_seconds``, or of five polls if longer."""

    window_seconds: float = 300.0
    windows: int = 3
    of_windows: int = 5
    good_windows: int = 3
    loss_ratio: float = 0.05
    rtt_ratio: float = 2.0
    rtt_rise_seconds: float = 0.02
    utilization_ratio: float = 0.9


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where /metrics is served: shard K of several listens on ``port`` + K.

    ``targets`` are the addresses of all shards as Prometheus reaches them, for ``/sd``; none: worked out.
    ``config_file`` is the web configuration file (TLS, passwords) if any.
    """

    address: str = "127.0.0.1"
    port: int = 9733
    targets: tuple[str, ...] = ()
    config_file: Path | None = None


@dataclass(frozen=True, slots=True)
class TrapSettings:
    """Where traps and informs are received (``address`` None: nowhere) and how many; both limits are per source.

    ``relays`` are addresses that pass on notifications of others, which name their device themselves.
    """

    address: str | None = None
    port: int = 162
    packets_per_second: float = 10.0
    burst: int = 100
    poll_every_seconds: float = 5.0
    relays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """How many series a device gets: full, summary or area, by role; cpe None means full up to 5,000 of them."""

    network: str = "full"
    cpe: str | None = None


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """How often files are written: the live table, and the journal of the open hours (what a power cut may lose)."""

    live_seconds: float = 10.0
    journal_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class MaintenanceSettings:
    """How often the maintenance windows are read from the operations database."""

    read_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long what is written is kept, in days since it was, and how much of it; None: for good, whatever it takes."""

    hours_days: int | None = None
    incidents_days: int | None = None
    audit_days: int | None = None
    budget_gigabytes: float | None = None


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """All of collector.toml; paths in it are relative to the file.

    ``data_access`` is for whom files are written. ``sentinels`` are addresses that prove the collector's own connection: ``host`` is pinged by ICMP,
    ``host:port`` by UDP echo. ``profiles`` is a folder of profiles beside the packaged ones. ``shard`` is
    ``K/N``: this collector is the shard K, from 0, of N that share the inventory.
    """

    inventory: Path | InventoryUrl
    data: Path
    data_access: str = file_access.OWNER
    database: str | None = None
    discovery: DiscoverySettings = DiscoverySettings()
    poll: PollSettings = PollSettings()
    ping: PingSettings = PingSettings()
    outage: OutageSettings = OutageSettings()
    degradation: DegradationSettings = DegradationSettings()
    web: WebSettings = WebSettings()
    traps: TrapSettings = TrapSettings()
    metrics: MetricsSettings = MetricsSettings()
    publish: PublishSettings = PublishSettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()
    retention: RetentionSettings = RetentionSettings()
    sentinels: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = (Credential("default"),)
    profiles: Path | None = None
    shard: str = "0/1"

    @property
    def own_shard(self) -> Shard:
        return parse_shard(self.shard)

    @property
    def own_port(self) -> int:
        """Where this shard listens; 0 where a free port is to be taken."""
        return self.web.port + self.own_shard.index if self.web.port else 0

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'operations.sqlite'}"


CHOICES: dict[str, tuple[str, ...]] = {
    "data_access": file_access.ACCESS,
    "metrics.network": DETAILS,
    "metrics.cpe": DETAILS,
    "discovery.token_type": ("Bearer", "Token"),
    "discovery.preset": ("netbox", "librenms", "splynx", "uisp", "zabbix"),
}

RANGES: dict[str, tuple[float, float]] = {
    "discovery.refresh_seconds": (1, 86_400),
    "discovery.timeout_seconds": (0.1, 300),
    "poll.interval_seconds": (0.1, 3600),
    **{f"poll.{name}": bounds for name, bounds in PATIENCE.items()},
    "poll.budget_seconds": (0.05, 600),
    "poll.packets_per_second": (1, 1_000_000),
    "poll.tick_seconds": (0.001, 1),
    "poll.max_rows": (1, 1_000_000),
    "poll.max_answer_bytes": (1_000, 1_000_000_000),
    "poll.health_every_polls": (0, 1000),
    "poll.max_interfaces": (1, 1_000_000),
    "poll.counters_refresh_seconds": COUNTERS_REFRESH,
    "ping.count": (1, 100),
    "ping.spacing_seconds": (0, 10),
    "ping.timeout_seconds": (0.01, 60),
    "outage.down_after": (1, 100),
    "outage.again_seconds": (0, 600),
    "outage.group_min": (2, 100_000),
    "outage.group_share_ratio": (0.01, 1),
    "outage.group_window_seconds": (1, 3600),
    "outage.flap_count": (2, 1000),
    "outage.flap_window_seconds": (1, 604800),
    "outage.flap_hold_seconds": (1, 86400),
    "degradation.window_seconds": (1, 3600),
    "degradation.windows": (1, 50),
    "degradation.of_windows": (1, 50),
    "degradation.good_windows": (1, 50),
    "degradation.loss_ratio": (0.001, 1),
    "degradation.rtt_ratio": (1.1, 100),
    "degradation.rtt_rise_seconds": (0, 10),
    "degradation.utilization_ratio": (0.1, 1),
    "web.port": (0, 65535),
    "traps.port": (0, 65535),
    "traps.packets_per_second": (0.01, 10_000),
    "traps.burst": (1, 100_000),
    "traps.poll_every_seconds": (0.1, 3600),
    "publish.live_seconds": (0.5, 3600),
    "publish.journal_seconds": (0.5, 600),
    "maintenance.read_seconds": (0.5, 3600),
    "retention.hours_days": (8, 36_500),
    "retention.incidents_days": (8, 36_500),
    "retention.audit_days": (8, 36_500),
    "retention.budget_gigabytes": (0.001, 1_000_000),
}


def load(path: Path) -> CollectorSettings:
    """Read collector.toml. Raises settings_file.SettingsError naming the file and the key; no secret is ever shown."""
    document = settings_file.read(path, absent=settings_file.NO_CONFIG)
    entries = document.pop("credentials", None)
    settings = settings_file.build(document, CollectorSettings, path, choices=CHOICES)
    try:
        settings = dataclasses.replace(settings, inventory=parse_url(document["inventory"]) or settings.inventory)
    except ValueError as error:
        raise settings_file.SettingsError(f"{path}: inventory: {error}") from None
    _check_ranges(settings, path)
    _check_words(settings, path)
    _check_addresses(settings.web.targets, f"{path}: web.targets")
    _check_shard(settings, f"{path}: shard")
    _check_discovery(settings, path)
    if entries is None:
        return settings
    return dataclasses.replace(settings, credentials=read_credentials(entries, path))


def with_shard(settings: CollectorSettings, shard: str | None) -> CollectorSettings:
    """The settings of one shard: with ``--shard K/N`` in place of their own, if it is given.

    Raises settings_file.SettingsError where it is none, or the addresses of the shards are of another number of them.
    """
    if shard is not None:
        settings = dataclasses.replace(settings, shard=shard)
        _check_shard(settings, "--shard")
    targets, count = settings.web.targets, settings.own_shard.count
    if targets and len(targets) != count:
        raise settings_file.SettingsError(f"web.targets: names {len(targets)} addresses, but there are {count} shards")
    if settings.traps.port and settings.own_shard.index:
        traps = dataclasses.replace(settings.traps, port=settings.traps.port + settings.own_shard.index)
        settings = dataclasses.replace(settings, traps=traps)
    return settings


def _check_ranges(settings: CollectorSettings, path: Path) -> None:
    for key, (low, high) in RANGES.items():
        section, name = key.split(".")
        value = getattr(getattr(settings, section), name)
        if value is not None and not low <= value <= high:
            raise settings_file.SettingsError(f"{path}: {key}: must be {low:.15g} to {high:.15g}, not {value:g}")
    if settings.poll.timeout_seconds > settings.poll.budget_seconds:
        raise settings_file.SettingsError(
            f"{path}: poll.timeout_seconds: is longer than poll.budget_seconds ({settings.poll.budget_seconds:g})"
        )
    degradation = settings.degradation
    for name in ("windows", "good_windows"):
        if getattr(degradation, name) > degradation.of_windows:
            raise settings_file.SettingsError(
                f"{path}: degradation.{name}: is more than degradation.of_windows ({degradation.of_windows})"
            )


def _check_words(settings: CollectorSettings, path: Path) -> None:
    _check_addresses(settings.sentinels, f"{path}: sentinels")
    for number, relay in enumerate(settings.traps.relays):
        try:
            parse_ip(relay)
        except ValueError as error:
            raise settings_file.SettingsError(f"{path}: traps.relays[{number}]: {error}") from None
    try:
        parse_filter(settings.poll.interfaces)
    except ValueError as error:
        raise settings_file.SettingsError(f"{path}: poll.interfaces: {error}") from None
    if settings.profiles is not None and not settings.profiles.is_dir():
        raise settings_file.SettingsError(f"{path}: profiles: {settings.profiles} is not a folder")
    if settings.database is not None and "://" not in settings.database:
        raise settings_file.SettingsError(
            f"{path}: database: must be a URL such as sqlite:////var/lib/bairro/operations.sqlite"
        )


def _check_discovery(settings: CollectorSettings, path: Path) -> None:
    wanted = settings.discovery
    if wanted.token_env is not None and wanted.token_file is not None:
        raise settings_file.SettingsError(f"{path}: discovery: has both token_env and token_file")
    if isinstance(settings.inventory, Path):
        of_file = DiscoverySettings(
            preset=wanted.preset, labels=wanted.labels, roles=wanted.roles, leave_out=wanted.leave_out
        )
        if wanted != of_file:
            raise settings_file.SettingsError(
                f"{path}: discovery: only preset, labels, roles and leave_out are for an inventory that is a file"
            )
    if wanted.preset is not None and (wanted.preset == "netbox") == isinstance(settings.inventory, Path):
        what = "a URL" if wanted.preset == "netbox" else "a file that was exported"
        raise settings_file.SettingsError(f"{path}: discovery.preset: {wanted.preset} is for {what}")
    for column in wanted.labels:
        if column not in INVENTORY_COLUMNS:
            known = ", ".join(INVENTORY_COLUMNS)
            raise settings_file.SettingsError(f"{path}: discovery.labels.{column}: unknown column; known: {known}")
    for name, role in wanted.roles.items():
        if role not in ROLES:
            raise settings_file.SettingsError(
                f"{path}: discovery.roles.{name}: must be one of {', '.join(ROLES)}, not {role!r}"
            )


def _check_addresses(addresses: tuple[str, ...], where: str) -> None:
    for number, address in enumerate(addresses):
        try:
            parse_address(address)
        except ValueError as error:
            raise settings_file.SettingsError(f"{where}[{number}]: {error}") from None


def _check_shard(settings: CollectorSettings, where: str) -> None:
    try:
        shard = settings.own_shard
    except ValueError as error:
        raise settings_file.SettingsError(f"{where}: {error}") from None
    if settings.own_port > 65535:
        raise settings_file.SettingsError(
            f"{where}: shard {shard.index} listens on web.port + {shard.index}, beyond 65535"
        )
