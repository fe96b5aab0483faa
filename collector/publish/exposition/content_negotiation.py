"""The two text formats of /metrics and which of them a scraper asks for; their sample lines are the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """A text format: what the HTTP header calls it and what ends it."""

    content_type: str
    is_openmetrics: bool
    end: bytes


CLASSIC = Form("text/plain; version=0.0.4; charset=utf-8", is_openmetrics=False, end=b"")
OPENMETRICS = Form(
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
    is_openmetrics=True,
    end=b"# EOF\n",
)


def negotiate(accept: str) -> Form:
    """The form that an Accept header prefers (RFC 9110, 12.5.1): OpenMetrics 1.0.0 only for who names it.

    Of the ranges that a format falls under the most specific one gives its weight. Who accepts neither gets the
    classic one, since a scrape that fails helps nobody.
    """
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        values = {name.strip(): value.strip(' "') for name, _, value in (p.partition("=") for p in parameters)}
        if media != "application/openmetrics-text" or values.get("version", "1.0.0") == "1.0.0":
            weights[media] = max(weights.get(media, 0.0), _weight(values.get("q", "1")))
    openmetrics = weights.get("application/openmetrics-text", 0.0)
    classic = next((weights[media] for media in ("text/plain", "text/*", "*/*") if media in weights), 0.0)
    return OPENMETRICS if openmetrics and openmetrics >= classic else CLASSIC


def _weight(text: str) -> float:
    """A q-value from 0 to 1; anything else counts as 0."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
