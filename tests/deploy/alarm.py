"""A real Prometheus and a real Alertmanager with the shipped files, pages in the collector's own text, and a receiver.

Every duration of the files is a sixtieth of what it says, so that a minute of theirs passes in a second.
"""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from collector.config import MetricsSettings
from collector.publish.exposition.page import Exposition
from collector.publish.exposition.self_metrics import OwnMetrics
from collector.reading import Device, Impairment, Transition

from ..collector.publish.exposed import own_figures

DEPLOY = Path(__file__).parents[2] / "deploy"
SECONDS = {"s": 1, "m": 60, "h": 3600, "w": 7 * 24 * 3600}
HURRY = 60


def hurried(text: str) -> str:
    """Every duration of a file of Prometheus or Alertmanager, HURRY times shorter."""

    def shorter(found: re.Match[str]) -> str:
        return f"{int(found[1]) * SECONDS[found[2]] * 1000 // HURRY}ms"

    return re.sub(r"(?<![\w.])(\d+)([smhw])\b", shorter, text)


class Server:
    """Answers on a port of its own with what ``answer`` makes of a path and a body; None breaks off."""

    def __init__(self, answer: Callable[[str, bytes], bytes | None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = answer(self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                if body is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Page:
    """The /metrics of one collector, in the text of the collector's own code."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self.exposition = Exposition(MetricsSettings(), devices)
        self.is_gone, self.is_blind = False, False
        self._own = OwnMetrics(lambda: own_figures(blind=float(self.is_blind)))
        self._server = Server(self._answer)
        self.address, self.close = self._server.address, self._server.close

    def _answer(self, _path: str, _body: bytes) -> bytes | None:
        return None if self.is_gone else (self.exposition.render() + self._own.render()).encode()

    def fails(self, device: str, root: str) -> None:
        """The device is down, or cut off, because of ``root``."""
        state = "down" if device == root else "suppressed"
        self.exposition.change(Transition(device, 0.0, 0.0, "up", state, root))  # type: ignore[arg-type]

    def ails(self, device: str) -> None:
        """A part of the device has failed."""
        self.exposition.impair(Impairment(device, 0.0, faults=("snmp_silent",)))


@dataclass(frozen=True, slots=True)
class Message:
    """One message that reached a receiver: which one, and its alerts as (status, labels)."""

    receiver: str
    alerts: tuple[tuple[str, dict[str, str]], ...]

    def tells(self, status: str = "firing", **labels: str) -> bool:
        """Whether one of its alerts has this status ("" for any) and these labels."""
        return any(status in ("", own) and labels.items() <= its.items() for own, its in self.alerts)


class Receiver:
    """Where Alertmanager's messages arrive."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._server = Server(self._take)
        self.address, self.close = self._server.address, self._server.close

    def _take(self, path: str, body: bytes) -> bytes:
        alerts = tuple((alert["status"], alert["labels"]) for alert in json.loads(body)["alerts"])
        self.messages.append(Message(path.lstrip("/"), alerts))
        return b""

    def of(self, status: str = "firing", **labels: str) -> list[Message]:
        return [message for message in tuple(self.messages) if message.tells(status, **labels)]


def ask(url: str, body: Any = None) -> Any:
    headers = {"Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=10) as answer:
        return json.loads(answer.read() or b"null")


class Alarm:
    """The two servers, started with what is shipped."""

    def __init__(
        self, folder: Path, receiver: Receiver, targets: Mapping[str, str | None], port: Callable[[], int]
    ) -> None:
        self.folder, self.receiver = folder, receiver
        self._ports = port(), port()
        self.prometheus, self.alertmanager = (f"http://127.0.0.1:{number}" for number in self._ports)
        for name in ("records.yml", "alerts.yml"):
            (folder / name).write_text(hurried((DEPLOY / "prometheus" / name).read_text()))
        (folder / "prometheus.yml").write_text(hurried(self._configuration(targets)))
        shipped = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text()
        (folder / "alertmanager.yml").write_text(hurried(shipped.replace("127.0.0.1:9099", receiver.address)))

    def _configuration(self, targets: Mapping[str, str | None]) -> str:
        """The shipped one with these targets, address -> shard, and what it says to take in for alerts."""
        text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        groups = [
            f'      - targets: ["{address}"]\n' + (f'        labels: {{shard: "{shard}"}}\n' if shard else "")
            for address, shard in targets.items()
        ]
        assert text.count('      - targets: ["collector:9733"]\n') == 1
        text = text.replace('      - targets: ["collector:9733"]\n', "".join(groups))
        before, alerting = text.split("# alerting:\n")
        alerting = re.sub(r"^# ", "", alerting, flags=re.MULTILINE)
        return f"{before}alerting:\n{alerting}".replace("alertmanager:9093", f"127.0.0.1:{self._ports[1]}")

    def start(self, processes: Any, require_program: Callable[[str], str], eventually: Callable[..., Any]) -> None:
        started = (
            ("prometheus", (f"web.listen-address=127.0.0.1:{self._ports[0]}", "storage.tsdb.path=prometheus")),
            (
                "prometheus-alertmanager",
                (
                    f"web.listen-address=127.0.0.1:{self._ports[1]}",
                    "storage.path=alertmanager",
                    "cluster.listen-address=",
                ),
            ),
        )
        for program, options in started:
            name = program.removeprefix("prometheus-")
            command = [require_program(program), f"--config.file={name}.yml", *(f"--{option}" for option in options)]
            with (self.folder / f"{name}.log").open("wb") as log:
                processes.start(command, cwd=self.folder, stdout=log)
        for url in (f"{self.prometheus}/api/v1/status/config", f"{self.alertmanager}/api/v2/status"):
            eventually(lambda url=url: ask(url))

    def post(self, *alerts: dict[str, str]) -> None:
        """Hand Alertmanager alerts past Prometheus."""
        ask(f"{self.alertmanager}/api/v2/alerts", [{"labels": labels} for labels in alerts])

    def firing(self, **labels: str) -> list[dict[str, str]]:
        """What Prometheus says is firing."""
        found = ask(f"{self.prometheus}/api/v1/alerts")["data"]["alerts"]
        return [a["labels"] for a in found if a["state"] == "firing" and labels.items() <= a["labels"].items()]

    def is_muted(self, **labels: str) -> bool:
        """Whether Alertmanager has such alerts, and holds back all of them because of others."""
        filters = urllib.parse.urlencode([("filter", f'{name}="{value}"') for name, value in labels.items()])
        found = ask(f"{self.alertmanager}/api/v2/alerts?{filters}")
        return bool(found) and all(alert["status"]["inhibitedBy"] for alert in found)

    def faulty_rules(self) -> dict[str, str]:
        groups = ask(f"{self.prometheus}/api/v1/rules")["data"]["groups"]
        return {rule["name"]: rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")}
