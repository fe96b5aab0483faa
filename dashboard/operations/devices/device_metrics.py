"""What a Prometheus that scrapes the collector has of one device, at its own resolution."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from collector.ask_http import Answer, AskError, ask, secret
from dashboard.config import PrometheusSettings

TIMEOUT_SECONDS = 3.0
LARGEST_ANSWER = 16 * 1024 * 1024
LEAST_STEP_SECONDS, MOST_POINTS = 15, 600
LEAST_WINDOW_SECONDS = 300

OWN = "{{device={device}}}"
QUERIES: Mapping[str, str] = {
    "up": "bairro_device_up" + OWN,
    "rtt": "1000 * bairro_ping_rtt_p50_seconds" + OWN,
    "rtt_p95": "1000 * bairro_ping_rtt_p95_seconds" + OWN,
    "loss": "100 * rate(bairro_ping_lost_total"
    + OWN
    + "[{window}s]) / (rate(bairro_ping_sent_total"
    + OWN
    + "[{window}s]) > 0)",
    "receive": "8e-6 * rate(bairro_interface_receive_bytes_total" + OWN + "[{window}s])",
    "transmit": "8e-6 * rate(bairro_interface_transmit_bytes_total" + OWN + "[{window}s])",
    "signal": "bairro_signal_received_dbm" + OWN,
    "noise": "bairro_signal_noise_ratio_db" + OWN,
}
"""What is asked, in PromQL: milliseconds, percent, megabits a second, dBm and dB; rates are means over the window."""
LABELS = {"receive": "interface", "transmit": "interface", "signal": "channel", "noise": "channel"}


@dataclass(frozen=True, slots=True)
class Series:
    """Values by time (None: no sample), with the ``name`` of the interface or channel; blank where it is of the device."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Metrics:
    """``series`` by the keys of QUERIES, all at ``times``; ``problem`` says why nothing is known.

    Rates are means over ``window_seconds``.
    """

    times: tuple[datetime, ...] = ()
    series: Mapping[str, tuple[Series, ...]] | None = None
    window_seconds: int = 0
    problem: str | None = None

    @property
    def is_empty(self) -> bool:
        return not any((self.series or {}).values())


class DeviceMetrics:
    """Asks the Prometheus of the settings; without one there is nothing to ask (``is_set``)."""

    def __init__(self, settings: PrometheusSettings) -> None:
        self._settings = settings
        self._url = (settings.url or "").rstrip("/")

    @property
    def is_set(self) -> bool:
        return bool(self._url)

    def read(self, device_id: str, since: datetime, until: datetime) -> Metrics:
        """All series of a device between two moments, in at most MOST_POINTS steps."""
        if not self.is_set:
            return Metrics(problem="No Prometheus is named in dashboard.toml (prometheus.url)")
        span = (until - since).total_seconds()
        step = max(LEAST_STEP_SECONDS, math.ceil(span / MOST_POINTS / LEAST_STEP_SECONDS) * LEAST_STEP_SECONDS)
        last = int(until.timestamp()) // step * step
        stamps = range(last - int(span) // step * step, last + 1, step)
        window = max(LEAST_WINDOW_SECONDS, 2 * step)
        found: dict[str, tuple[Series, ...]] = {}
        try:
            for key, query in QUERIES.items():
                asked = query.format(device=json.dumps(device_id, ensure_ascii=False), window=window)
                found[key] = _series(self._ask(asked, stamps), stamps, LABELS.get(key))
        except AskError as error:
            return Metrics(problem=f"Prometheus at {self._url} {error}")
        return Metrics(tuple(datetime.fromtimestamp(at, UTC) for at in stamps), found, window)

    def _ask(self, query: str, stamps: range) -> Answer:
        form = {"query": query, "start": str(stamps[0]), "end": str(stamps[-1]), "step": str(stamps.step)}
        return ask(
            f"{self._url}/api/v1/query_range",
            headers={"Accept": "application/json", "User-Agent": "bairro", **_authorization(self._settings)},
            form=form,
            timeout_seconds=TIMEOUT_SECONDS,
            most_bytes=LARGEST_ANSWER,
        )


def _authorization(settings: PrometheusSettings) -> dict[str, str]:
    """Raises AskError for a secret that cannot be read."""
    token = secret(settings.token_env, settings.token_file)
    if token is not None:
        return {"Authorization": f"Bearer {token}"}
    password = secret(settings.password_env, settings.password_file)
    if password is None:
        return {}
    pair = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _series(answer: Answer, stamps: range, label: str | None) -> tuple[Series, ...]:
    """The series of an answer, by name. Raises AskError for what is no answer of a Prometheus."""
    try:
        said = json.loads(answer.body)
        if said.get("status") != "success":
            raise AskError(f"refuses: {str(said.get('error') or f'status {answer.status}')[:200]}")
        found = [(one["metric"], one["values"]) for one in said["data"]["result"]]
        return tuple(
            sorted(
                (Series(_name(labels, label), _at(values, stamps)) for labels, values in found),
                key=lambda series: series.name,
            )
        )
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, AskError):
            raise
        raise AskError(f"answers with status {answer.status} and no samples; is it a Prometheus?") from None


def _name(labels: Mapping[str, Any], label: str | None) -> str:
    return "" if label is None else str(labels.get(label, ""))


def _at(values: Sequence[Sequence[Any]], stamps: range) -> tuple[float | None, ...]:
    known = {round(float(at)): float(text) for at, text in values}
    return tuple(value if (value := known.get(at)) is not None and math.isfinite(value) else None for at in stamps)
