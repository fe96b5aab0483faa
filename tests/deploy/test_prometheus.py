"""The Prometheus files: valid, their rules do what their tests say, and they ask for metrics that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from collector.publish.exposition import families
from collector.reading import FAULTS
from dashboard.serving import own_metrics

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
RECORDED = re.compile(r"record: (\S+)")


def run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_configuration_and_rules_are_valid(require_program):
    run(require_program("promtool"), "check", "config", "prometheus.yml")
    run(require_program("promtool"), "check", "rules", "records.yml", "alerts.yml")
    run(require_program("amtool"), "check-config", "../alertmanager/alertmanager.yml")


@pytest.mark.parametrize("name", sorted(path.name for path in (FOLDER / "tests").glob("*.yml")))
def test_rules_do_what_their_tests_say(require_program, name):
    run(require_program("promtool"), "test", "rules", f"tests/{name}")


def test_rules_ask_only_for_metrics_that_the_collector_has():
    known = {family.name for family in (*families.DEVICE_FAMILIES, *families.PASSING_FAMILIES)}
    known |= {family.name for family in (*families.AREA_FAMILIES, *families.OWN_FAMILIES)}
    known |= {family.full_name for family in own_metrics.FAMILIES}
    known |= {f"{name}_{part}" for name in known for part in ("sum", "count")}
    for name in ("records.yml", "alerts.yml"):
        text = (FOLDER / name).read_text()
        asked = set(re.findall(r"(?<![:\w])bairro_[a-z0-9_]+(?![\w:])", re.sub(r"(record|name|alert): .*", "", text)))
        assert asked <= known, asked - known


def test_rules_ask_only_for_faults_that_the_collector_tells():
    named = re.findall(r'fault(?:=|!=|=~|!~| )"([a-z_|]+)"', (FOLDER / "alerts.yml").read_text())
    assert named
    assert {fault for names in named for fault in names.split("|")} <= set(FAULTS)


def test_what_mutes_alerts_names_only_labels_that_both_sides_must_have():
    """Alertmanager takes two labels that are both missing for equal."""
    rules = yaml.safe_load((FOLDER.parent / "alertmanager" / "alertmanager.yml").read_text())["inhibit_rules"]
    assert rules
    for rule in rules:
        for label in rule["equal"]:
            for side in ("source_matchers", "target_matchers"):
                assert label == "job" or f'{label}=~".+"' in rule[side], (rule, label)


def test_every_alert_has_a_test():
    alerts = set(re.findall(r"alert: (\w+)", (FOLDER / "alerts.yml").read_text()))
    tested = set(
        re.findall(r"alertname: (\w+)", "".join(path.read_text() for path in (FOLDER / "tests").glob("*.yml")))
    )
    assert alerts == tested


def test_every_alert_has_a_runbook_and_no_runbook_is_left_over():
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    named = {rule["alert"]: rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"]}
    assert named == {alert: f"docs/runbooks.md#{alert.lower()}" for alert in named}
    text = (FOLDER.parents[1] / "docs" / "runbooks.md").read_text()
    sections = dict(re.findall(r"^## (Bairro\w+)\n\n(.+?)(?=\n## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert sections.keys() == named.keys()
    for alert, section in sections.items():
        assert all(f"*{part}*" in section for part in ("It means", "Look at", "Then")), alert
