"""The dashboard's settings: dashboard.toml becomes frozen dataclasses; an unknown key is an error that names it."""

from __future__ import annotations

import datetime
import operator
import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import settings_file
from collector import file_access
from dashboard import notice_settings
from dashboard.measures import TARGETS
from dashboard.notice_settings import NoticeSettings
from dashboard.source_settings import SourceSettings, fault
from recurrence import WEEKDAYS, Weekly


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the pages are served, and for whom.

    Beyond loopback they are served only ``behind_proxy``: where something in front asks who people are. A request must
    then name one of ``hosts``. ``published_on`` is the address on which a container's port is published, and stands for
    ``address`` where that is asked. ``user_header`` is the header in which the proxy says who asks, ``role_header`` the one
    with their role or groups, ``public_url`` is where browsers find the pages, as notices link to them.
    """

    address: str = "127.0.0.1"
    port: int = 8050
    behind_proxy: bool = False
    hosts: tuple[str, ...] = ()
    published_on: str | None = None
    metrics_url: str | None = None
    user_header: str | None = None
    role_header: str | None = None
    public_url: str | None = None


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """How people sign in, where they do: as soon as there is an account, or where this asks for it.

    ``roles`` gives names and groups, as a proxy or an OpenID provider says them, a role of `bairro user`;
    ``default_role`` is that of all others whom one of them vouches for.
    """

    required: bool = False
    idle_hours: float = 8.0
    longest_hours: float = 24.0
    roles: dict[str, str] = field(default_factory=dict)
    default_role: str | None = None


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """An OpenID Connect provider that says who people are; its secret in an environment variable or a file."""

    issuer: str | None = None
    client_id: str = ""
    client_secret_env: str | None = None
    client_secret_file: Path | None = None
    title: str = "OpenID Connect"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    role_claim: str = "groups"


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """How time at risk is cut, and what is too little to speak of.

    ``records_complete_from`` (YYYY-MM-DD) is since when departures are in the records without gaps; departures
    of the last ``reporting_lag_days`` are taken as not all entered yet. Areas with fewer customers than
    ``minimum_customers`` are merged or hidden for management and in reports.
    """

    records_complete_from: str | None = None
    reporting_lag_days: int = 28
    minimum_customers: int = 30
    minimum_expected_leavers: float = 2.0
    seed: int = 20260101


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What joins the tables: DuckDB in the build's own process, or the Spark cluster at ``spark_master``.

    How much of this machine it may take; what does not fit in memory goes to disk in `<data>`. Of a cluster this is the part
    of the build's own process; the workers' share is the cluster's own affair.
    """

    name: str = "duckdb"
    spark_master: str = "local[*]"
    memory_gigabytes: float = 2.0
    disk_gigabytes: float = 20.0


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """When `bairro serve` has the results built anew: every so many hours from start to start (0: it does not), or
    every day ``at`` HH:MM in the provider's time zone.
    """

    every_hours: float = 0.0
    at: str | None = None


@dataclass(frozen=True, slots=True)
class JoinSettings:
    """Which share of rows must name what is on record (0 to 1) before anything is told that rests on them.

    ``complaints`` and ``nps``: a customer, or for want of one an area; ``prices``: a plan that customers have;
    ``areas`` and ``devices``: where customers live, and behind what. An export of customers without more than
    ``absent_customers`` of those on record is refused until somebody says why. ``dates`` and ``same_area``: complaints and
    answers from the time in which their customer was one, and from the customer's own area where they name one.
    ``reasons``: departures with a notice or a reason that is known.
    """

    complaints: float = 0.7
    nps: float = 0.7
    prices: float = 0.2
    areas: float = 0.7
    devices: float = 0.7
    absent_customers: float = 0.2
    dates: float = 0.8
    same_area: float = 0.8
    reasons: float = 0.7


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """A Prometheus that scrapes the collector, which *Device* asks for what it has at its own resolution.

    With secrets in environment variables or files: a bearer token, or a password beside ``username``.
    """

    url: str | None = None
    username: str = ""
    password_env: str | None = None
    password_file: Path | None = None
    token_env: str | None = None
    token_file: Path | None = None


DEFAULT_FILE = Path("dashboard.toml")
"""What commands read where no other file is named."""


@dataclass(frozen=True, slots=True)
class DashboardSettings:
    """All of dashboard.toml; paths in it are relative to the file.

    ``links`` are what *Device* leads to beside: a name, and an address in which LINK_FIELDS stand for what is known.
    ``targets`` is to what quality is to come where the pages say what that would save, by the keys that the measures
    declare; of a measure without one that is what the best quarter of the customers have.
    """

    data: Path
    customer_key: Path
    data_access: str = file_access.OWNER
    provider: str = "Your network"
    timezone: str = "UTC"
    currency: str = "EUR"
    database: str | None = None
    web: WebSettings = WebSettings()
    accounts: AccountSettings = field(default_factory=AccountSettings)
    openid: OpenIdSettings = OpenIdSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    targets: dict[str, float] = field(default_factory=dict)
    engine: EngineSettings = EngineSettings()
    build: BuildSettings = BuildSettings()
    joins: JoinSettings = JoinSettings()
    prometheus: PrometheusSettings = PrometheusSettings()
    links: dict[str, str] = field(default_factory=dict)
    sources: tuple[SourceSettings, ...] = ()
    notices: tuple[NoticeSettings, ...] = ()

    @property
    def target_of_measure(self) -> dict[str, float]:
        """The targets that are set, by the name of their measure."""
        return {TARGETS[key]: value for key, value in self.targets.items()}

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'operations.sqlite'}"


LINK_FIELDS = ("device", "area", "role", "site", "from", "to")
"""What may stand in braces in a link; ``from`` and ``to`` are a day ago and now in milliseconds, as Grafana takes them."""
HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
ACCOUNT_ROLES = ("viewer", "operator", "analyst", "admin")
CHOICES: dict[str, tuple[str, ...]] = {
    "data_access": file_access.ACCESS,
    "engine.name": ("duckdb", "spark"),
    "targets": tuple(TARGETS),
    "accounts.default_role": ACCOUNT_ROLES,
}
LIMITS: dict[str, tuple[float, float]] = {
    "web.port": (0, 65_535),
    "analysis.reporting_lag_days": (0, 365),
    "analysis.minimum_customers": (1, 10_000),
    "analysis.minimum_expected_leavers": (0, 1_000),
    "build.every_hours": (0, 8_760),
    "accounts.idle_hours": (0.05, 8_760),
    "accounts.longest_hours": (0.05, 8_760),
    **{f"joins.{one.name}": (0.0, 1.0) for one in fields(JoinSettings)},
    "engine.memory_gigabytes": (0.05, 4_096),
    "engine.disk_gigabytes": (0, 1_000_000),
}


def load(path: Path) -> DashboardSettings:
    """Read dashboard.toml. Raises settings_file.SettingsError naming the file and the key."""
    settings = settings_file.load(path, DashboardSettings, choices=CHOICES, absent=settings_file.NO_CONFIG)
    try:
        ZoneInfo(settings.timezone)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise settings_file.SettingsError(
            f"{path}: timezone: no IANA time zone is called {settings.timezone!r}"
        ) from None
    complete_from = settings.analysis.records_complete_from
    if complete_from is not None and not _is_day(complete_from):
        raise settings_file.SettingsError(
            f"{path}: analysis.records_complete_from: must be a date YYYY-MM-DD, not {complete_from!r}"
        )
    for key, (low, high) in LIMITS.items():
        value = operator.attrgetter(key)(settings)
        if not low <= value <= high:
            raise settings_file.SettingsError(f"{path}: {key}: must be between {low:g} and {high:g}, not {value:g}")
    _check_hosts(path, settings.web)
    _check_sign_in(path, settings)
    _check_addresses(path, settings)
    if settings.build.at is not None:
        _check_time_of_day(path, settings)
    _check_sources(path, settings)
    if wrong := notice_settings.problem(settings.notices):
        raise settings_file.SettingsError(f"{path}: {wrong[0]}: {wrong[1]}")
    for name, target in settings.target_of_measure.items():
        if target < 0:
            raise settings_file.SettingsError(f"{path}: targets: the target for {name} must not be negative")
    return settings


def _check_hosts(path: Path, web: WebSettings) -> None:
    for host in web.hosts:
        if HOST_NAME.fullmatch(host) is None:
            raise settings_file.SettingsError(
                f"{path}: web.hosts: {host!r} is not a host name: write it without https:// and port, "
                "such as bairro.example.net"
            )
    if web.user_header is not None and not web.behind_proxy:
        raise settings_file.SettingsError(
            f"{path}: web.user_header: is set, but web.behind_proxy is not: without a proxy anybody could send it"
        )
    if web.role_header is not None and web.user_header is None:
        raise settings_file.SettingsError(
            f"{path}: web.role_header: is set, but web.user_header is not: name the header that says whose role it is"
        )
    if web.behind_proxy and not web.hosts:
        raise settings_file.SettingsError(
            f"{path}: web.hosts: is empty, but web.behind_proxy is true: name the hosts that browsers use for the proxy, "
            'such as hosts = ["bairro.example.net"]'
        )


def _check_sign_in(path: Path, settings: DashboardSettings) -> None:
    """Roles that there are, and an OpenID provider that is described whole."""
    for word, role in settings.accounts.roles.items():
        if role not in ACCOUNT_ROLES:
            raise settings_file.SettingsError(
                f"{path}: accounts.roles.{word}: must be one of {', '.join(ACCOUNT_ROLES)}, not {role!r}"
            )
    openid = settings.openid
    if openid.issuer is None:
        return
    if not openid.issuer.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise settings_file.SettingsError(
            f"{path}: openid.issuer: must begin with https://, since who people are is asked there; http:// is for this host"
        )
    if not openid.client_id:
        raise settings_file.SettingsError(f"{path}: openid.client_id: is required where openid.issuer is set")
    if "openid" not in openid.scopes:
        raise settings_file.SettingsError(f'{path}: openid.scopes: must have "openid" among them')


def _check_addresses(path: Path, settings: DashboardSettings) -> None:
    """Addresses that pages lead to or that are asked: of the web, and with no field that is not known."""
    web = settings.web
    addresses = {
        "prometheus.url": settings.prometheus.url,
        "web.metrics_url": web.metrics_url,
        "web.public_url": web.public_url,
    }
    for key, address in (addresses | {f"links.{name}": link for name, link in settings.links.items()}).items():
        if address is not None and not address.startswith(("http://", "https://")):
            raise settings_file.SettingsError(f"{path}: {key}: must begin with http:// or https://, not {address!r}")
    for name, link in settings.links.items():
        if unknown := [found for found in re.findall(r"\{([^{}]*)\}", link) if found not in LINK_FIELDS]:
            known = ", ".join(f"{{{one}}}" for one in LINK_FIELDS)
            raise settings_file.SettingsError(
                f"{path}: links.{name}: {{{unknown[0]}}} stands for nothing; known here: {known}"
            )


def _check_sources(path: Path, settings: DashboardSettings) -> None:
    names = [source.name for source in settings.sources]
    for place, source in enumerate(settings.sources):
        reason = fault(source)
        if reason is None and source.name in names[:place]:
            reason = f"name: {source.name!r} is there twice"
        if reason is None and source.at is not None:
            try:
                Weekly(WEEKDAYS, source.at, 1, settings.timezone)
            except ValueError as error:
                reason = f"at: {error}"
        if reason is not None:
            raise settings_file.SettingsError(f"{path}: sources[{place}].{reason}")


def _check_time_of_day(path: Path, settings: DashboardSettings) -> None:
    try:
        Weekly(WEEKDAYS, settings.build.at or "", 1, settings.timezone)
    except ValueError as error:
        raise settings_file.SettingsError(f"{path}: build.at: {error}") from None
    if settings.build.every_hours:
        raise settings_file.SettingsError(f"{path}: build.at: build.every_hours is set too; set only one of them")


def on_engine(settings: DashboardSettings, name: str | None, spark_master: str | None) -> DashboardSettings:
    """The same settings with another table engine, where one is named."""
    engine = replace(
        settings.engine, name=name or settings.engine.name, spark_master=spark_master or settings.engine.spark_master
    )
    return replace(settings, engine=engine)


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
