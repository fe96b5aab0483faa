"""Range queries to a Prometheus, or to what speaks its HTTP API, in bounded pieces and with patience."""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from bairro_error import BairroError
from collector.ask_http import Answer, AskError, ask, secret
from collector.commands.backfill.queries import Access

HOUR = 3600
LARGEST_ANSWER = 256 * 1024 * 1024
TIMEOUT_SECONDS = 120.0
RETRY_SECONDS = (1.0, 3.0, 10.0)
TOO_MANY = "too many samples"
"""What Prometheus says (promql.ErrTooManySamples) where a query needs more memory than it may take."""


class PrometheusError(BairroError, RuntimeError):
    """Prometheus cannot be asked, or refuses; the message names its URL and what it said."""


class Series(NamedTuple):
    """The labels of one series and its value at the end of each hour: hour (Unix seconds) -> value."""

    labels: dict[str, str]
    hours: dict[int, float]


class Prometheus:
    """One server. ``pause`` waits between two tries."""

    def __init__(self, url: str, access: Access, pause: Callable[[float], object] = time.sleep) -> None:
        self.url = url.rstrip("/")
        self._access = access
        self._pause = pause

    def hourly(self, query: str, first: int, last: int) -> list[Series]:
        """The values of ``query`` for the hours ``first`` to ``last`` (their starts), each taken at its hour's end.

        What is no number is left out. Raises PrometheusError.
        """
        answer = self._ask(query, first, last)
        found = _parse(answer.body)
        if answer.status == HTTPStatus.OK and found is not None and found.get("status") == "success":
            return _series(found, self.url)
        said = str(found.get("error")) if found is not None and found.get("error") else f"status {answer.status}"
        if TOO_MANY in said and last > first:
            middle = first + (last - first) // HOUR // 2 * HOUR
            return _joined(self.hourly(query, first, middle), self.hourly(query, middle + HOUR, last))
        raise PrometheusError(f"{self.url}: {said}")

    def _ask(self, query: str, first: int, last: int) -> Answer:
        """One answer; what may pass (no connection, a server in trouble) is tried again."""
        form = {"query": query, "start": str(first + HOUR), "end": str(last + HOUR), "step": str(HOUR)}
        headers = {"Accept": "application/json", "User-Agent": "bairro", **self._authorization()}
        said = ""
        for pause in (*RETRY_SECONDS, None):
            try:
                answer = ask(
                    f"{self.url}/api/v1/query_range",
                    headers=headers,
                    form=form,
                    timeout_seconds=TIMEOUT_SECONDS,
                    most_bytes=LARGEST_ANSWER,
                )
            except AskError as error:
                said = str(error)
            else:
                if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                    return answer
                said = f"answers with status {answer.status}"
            if pause is not None:
                self._pause(pause)
        raise PrometheusError(f"{self.url}: {said}")

    def _authorization(self) -> dict[str, str]:
        access = self._access
        try:
            token = secret(access.token_env, access.token_file)
            password = secret(access.password_env, access.password_file)
        except AskError as error:
            raise PrometheusError(f"{self.url}: {error}") from None
        if token is not None:
            return {"Authorization": f"Bearer {token}"}
        if password is None:
            return {}
        pair = base64.b64encode(f"{access.username}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _series(found: dict[str, Any], url: str) -> list[Series]:
    try:
        return [
            Series(
                {str(name): str(value) for name, value in series["metric"].items()},
                {
                    round(at) - HOUR: value
                    for at, text in series.get("values", ())
                    if math.isfinite(value := float(text))
                },
            )
            for series in found["data"]["result"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise PrometheusError(f"{url}: does not answer with a matrix of samples; is it a Prometheus?") from None


def _joined(earlier: list[Series], later: list[Series]) -> list[Series]:
    found = {tuple(sorted(series.labels.items())): series for series in earlier}
    for series in later:
        key = tuple(sorted(series.labels.items()))
        before = found.get(key)
        found[key] = series if before is None else Series(series.labels, before.hours | series.hours)
    return list(found.values())
