"""A collector behind TLS and passwords, scraped by a real Prometheus; one whose rules are bad does not start."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from ..fleet import ROOT, CollectorRun, Echoes
from ..publish.certificates import Authority

PASSWORD = "correct horse"
WEB = """tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
basic_auth_users:
  prometheus: {hash}
"""
SCRAPE = """global:
  scrape_interval: 1s
scrape_configs:
  - job_name: bairro
    scheme: https
    tls_config:
      ca_file: {folder}/ca.pem
      cert_file: {folder}/{certificate}.pem
      key_file: {folder}/{certificate}.key
    basic_auth:
      username: prometheus
      password: {password}
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""
Eventually = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[CollectorRun]:
    echoes = Echoes(["core"], free_port())
    made = CollectorRun(tmp_path, port=free_port())
    made.write_inventory(f"core,{echoes.addresses['core']},router,centro,,echo:{echoes.port},off,,")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    echoes.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    for name in ("server", "prometheus"):
        made.sign(name)
    Authority(tmp_path, "strangers").sign("stranger")
    return made


def health(url: str) -> tuple[str, str]:
    """What Prometheus says of its one target: up, down or unknown, and why."""
    with urllib.request.urlopen(f"{url}/api/v1/targets", timeout=10) as reply:
        (target,) = json.load(reply)["data"]["activeTargets"]
    return target["health"], target["lastError"]


def test_prometheus_scrapes_over_tls_with_certificate_and_password(
    run: CollectorRun,
    authority: Authority,
    processes: Any,
    require_program: Callable[[str], str],
    free_port: Callable[[], int],
    eventually: Eventually,
) -> None:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    (run.folder / "web.yml").write_text(WEB.format(hash=hashed))
    run.start("--web.config.file", run.folder / "web.yml")
    eventually(lambda: f"metrics at https://127.0.0.1:{run.port}/metrics" in run.said())

    def scrape(certificate: str, password: str) -> str:
        folder, port = run.folder / f"{certificate}-{password[:1]}", free_port()
        folder.mkdir()
        (folder / "prometheus.yml").write_text(
            SCRAPE.format(folder=run.folder, certificate=certificate, password=password, port=run.port)
        )
        options = ("config.file=prometheus.yml", "storage.tsdb.path=data", f"web.listen-address=127.0.0.1:{port}")
        processes.start([require_program("prometheus"), *(f"--{option}" for option in options)], cwd=folder)
        return f"http://127.0.0.1:{port}"

    good, wrong, stranger = (
        scrape("prometheus", PASSWORD),
        scrape("prometheus", "wrong"),
        scrape("stranger", PASSWORD),
    )
    eventually(lambda: health(good) == ("up", ""))
    eventually(lambda: "401" in health(wrong)[1])
    eventually(lambda: health(stranger)[0] == "down" and "tls" in health(stranger)[1])
    with urllib.request.urlopen(f"{good}/api/v1/query?query=bairro_polls_total", timeout=10) as reply:
        (series,) = json.load(reply)["data"]["result"]
    assert series["metric"]["device"] == "core"
    assert run.stop(signal.SIGTERM) == 0
    assert "ERROR" not in run.said()


def test_rules_that_cannot_be_used_end_the_start(run: CollectorRun) -> None:
    (run.folder / "web.yml").write_text("basic_auth_users:\n  alice: hush-hush\n")
    message = (
        f"{run.folder / 'web.yml'}: basic_auth_users.alice: is not a bcrypt hash (htpasswd -nBC 10 NAME makes one)"
    )
    run.start("--web.config.file", run.folder / "web.yml")
    assert run.process is not None
    assert run.process.wait(30) == 2
    assert message in run.said()
    assert "hush-hush" not in run.said()
    run.config.write_text(run.config.read_text().replace("[web]", '[web]\nconfig_file = "web.yml"'))
    command = [sys.executable, "-m", "bairro", "check", "--config", run.config]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, f"{message}\n")
