"""What the collector's HTTP paths answer."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from collector.publish.exposition.content_negotiation import Form, negotiate
from collector.publish.exposition.families import PROBE_FAMILIES
from collector.publish.exposition.gzip_chunks import Chunk
from collector.publish.exposition.page import Exposition
from collector.publish.exposition.samples import sample
from collector.publish.exposition.self_metrics import OwnMetrics, bairro_version
from collector.publish.web.messages import HTML, Handler, Request, Response, compress, text
from collector.publish.web.shared_answers import SharedAnswers
from collector.reading import STATES, Reading, StateName

COSTLY = ("/metrics", "/probe")
"""What takes long, and is refused while much is being answered."""

Probe = Callable[[str], Awaitable[Reading | None]]


@dataclass(frozen=True, slots=True)
class Status:
    """The collector in a few figures, for the landing page and readiness; ``waits_for`` is empty once ready."""

    waits_for: str
    is_blind: bool
    devices: int
    by_state: Mapping[StateName, int]
    interval_seconds: float
    problems: int
    notes: tuple[str, ...] = ()


class Site:
    """The handlers by path. ``probe`` polls a device now, and gives None where the inventory does not have it."""

    def __init__(self, exposition: Exposition, own: OwnMetrics, *, probe: Probe, status: Callable[[], Status]) -> None:
        self._exposition = exposition
        self._own = own
        self._probe = probe
        self._status = status
        self._pages = SharedAnswers(self._page_of)

    def handlers(self) -> dict[str, Handler]:
        """What to serve where."""
        return {
            "/": self.landing,
            "/metrics": self.metrics,
            "/probe": self.probe,
            "/-/healthy": self.healthy,
            "/-/ready": self.ready,
        }

    async def metrics(self, request: Request) -> Response:
        """Everything, for Prometheus: one text for all who ask at once."""
        return await self._pages.get((negotiate(request.headers.get("accept", "")), request.takes_gzip))

    async def _page_of(self, wanted: tuple[Form, bool]) -> Response:
        form, is_packed = wanted
        pieces = await self._exposition.pieces(form)
        page = _exposed([*pieces, self._own.render(form).encode()], form)
        return await compress(page) if is_packed else page

    async def probe(self, request: Request) -> Response:
        """One device, polled now, or with the poll that is in flight."""
        target = request.query.get("target", "")
        if not target:
            return text("say which device: /probe?target=DEVICE_ID\n", HTTPStatus.BAD_REQUEST)
        reading = await self._probe(target)
        if reading is None:
            return text(
                f"{target!r} is not in the inventory; only devices of the inventory are polled\n", HTTPStatus.NOT_FOUND
            )
        form = negotiate(request.headers.get("accept", ""))
        own = (f.header(form) + sample(f.name, "", float(getattr(reading, f.value) or 0)) for f in PROBE_FAMILIES)
        return _exposed([self._exposition.one(reading, form).encode(), "".join(own).encode()], form)

    async def healthy(self, _request: Request) -> Response:
        """The event loop turns."""
        return text("healthy\n")

    async def ready(self, _request: Request) -> Response:
        """The inventory is loaded, every device has been polled once, or had its time, and the disk takes the hours."""
        waits_for = self._status().waits_for
        if waits_for:
            return text(f"not ready: {waits_for}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        return text("ready\n")

    async def landing(self, _request: Request) -> Response:
        """A page for people with a browser."""
        return Response(_page(self._status()).encode(), content_type=HTML)


def _exposed(pieces: list[Chunk], form: Form) -> Response:
    return Response((*pieces, form.end), content_type=form.content_type, headers={"Vary": "Accept"})


_STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #777; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } p.sub { color: var(--quiet); margin: 0 0 1.5rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(6rem, 1fr)); gap: .75rem; margin: 0 0 1.5rem; }
dl div { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
dt { color: var(--quiet); font-size: .8rem; } dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
li { margin: .25rem 0; } code { font-size: .95em; } .note { border-left: 4px solid #c60; padding: .25rem .75rem; }
"""

_LINKS = (
    ("/metrics", "every series, for Prometheus"),
    ("/sd", "where every shard's /metrics is, as Prometheus's HTTP service discovery"),
    ("/-/ready", "whether the first cycle has run"),
    ("/-/healthy", "whether the process is alive"),
)


def _page(status: Status) -> str:
    counts = [("devices", status.devices), *((state, status.by_state.get(state, 0)) for state in STATES)]
    tiles = "".join(f"<div><dt>{name}</dt><dd>{count:,}</dd></div>" for name, count in counts)
    links = "".join(f'<li><a href="{path}"><code>{path}</code></a> {meaning}</li>' for path, meaning in _LINKS)
    notes = [*status.notes]
    if status.is_blind:
        notes.insert(0, "The collector doubts its own connection: what it says of devices now is not to be relied on.")
    if status.problems:
        notes.append(f"The inventory has {status.problems} problems: run bairro check, or read the log.")
    shown = "".join(f'<p class="note">{html.escape(note)}</p>' for note in notes)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Bairro collector</title><style>{_STYLE}</style></head><body>
<h1>Bairro collector</h1>
<p class="sub">version {html.escape(bairro_version())}, polling every {status.interval_seconds:g} s</p>
{shown}<dl>{tiles}</dl>
<ul>{links}<li><code>/probe?target=DEVICE_ID</code> one device of the inventory, polled now</li></ul>
</body></html>
"""
