"""HTTP service discovery served: where Prometheus finds the /metrics of every shard.

The format is that of ``http_sd_configs`` (Prometheus documentation, "HTTP SD"): a JSON list of target groups.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

from collector.address import parse_address
from collector.config import CollectorSettings
from collector.publish.web.messages import Handler, Request, Response

JSON = "application/json"
EVERY_INTERFACE = ("", "0.0.0.0", "::")


def target_groups(
    settings: CollectorSettings, port: int, asked_as: str = "", *, scheme: str = "http"
) -> list[dict[str, object]]:
    """One group for each shard, labelled with its number, and with ``__scheme__`` where that is not Prometheus's own.

    ``port`` is the one that this shard listens on, ``asked_as`` the request's ``Host``: where the settings name no
    host, that is one under which who asks reaches this one.
    """
    addresses = settings.web.targets or _worked_out(settings, port, asked_as)
    more = {} if scheme == "http" else {"__scheme__": scheme}
    return [{"targets": [address], "labels": {"shard": str(index), **more}} for index, address in enumerate(addresses)]


def handler(settings: CollectorSettings, listening: Callable[[], tuple[str, int]]) -> Handler:
    """What ``/sd`` answers; ``listening`` gives the scheme and port that this shard is served under."""

    async def targets(request: Request) -> Response:
        scheme, port = listening()
        groups = target_groups(settings, port, request.headers.get("host", ""), scheme=scheme)
        return Response(json.dumps(groups).encode() + b"\n", content_type=JSON)

    return targets


def _worked_out(settings: CollectorSettings, port: int, asked_as: str) -> tuple[str, ...]:
    """All shards on this host, each on the port that the settings give it."""
    host = settings.web.address
    if host in EVERY_INTERFACE:
        host = _host_of(asked_as)
    if ":" in host:
        host = f"[{host}]"
    if not settings.web.port:
        return (f"{host}:{port}",)
    return tuple(f"{host}:{settings.web.port + index}" for index in range(settings.own_shard.count))


def _host_of(asked_as: str) -> str:
    try:
        return parse_address(asked_as)[0] or socket.gethostname()
    except ValueError:
        return socket.gethostname()
