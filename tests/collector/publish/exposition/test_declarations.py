"""A metric's value is what its declaration names, wherever in the file the declaration stands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from collector.publish.exposition import families as f
from collector.publish.exposition.counts.device_counts import DeviceCounts
from collector.publish.exposition.family import FamilyError, Measured, all_are_shown, all_shown_from

ROUNDS = 4
# Reads families.py, changes what it declares as CHANGE says, and only then imports what makes the text.
PROGRAM = """
import ast, copy, dataclasses, importlib.util, json, random, sys, types

NAME = "collector.publish.exposition.families"
path = importlib.util.find_spec(NAME).origin
tree = ast.parse(open(path, encoding="utf-8").read())
tuples = [node for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Tuple)]
change, *given = json.loads(sys.argv[1])
if change == "shuffle":
    order = random.Random(given[0])
    for node in tuples:
        order.shuffle(node.value.elts)
if change == "add":
    for node in tuples:
        if ast.unparse(node.annotation) == "tuple[Measured, ...]" and node.target.id not in ("PROBE_FAMILIES", "OWN_FIGURES"):
            added = copy.deepcopy(node.value.elts[0])
            added.args[0].value = "added_" + added.args[0].value
            node.value.elts.insert(given[0] * len(node.value.elts), added)
if change == "remove":
    for node in tuples:
        if node.target.id == "OWN_FIGURES":
            node.value.elts = [made for made in node.value.elts if made.args[0].value != given[0]]
module = types.ModuleType(NAME)
sys.modules[NAME] = module
exec(compile(tree, path, "exec"), module.__dict__)

import collector.publish.exposition as package
package.families = module
from collector.config import MetricsSettings
from collector.publish.exposition.content_negotiation import CLASSIC
from collector.publish.exposition.counts.own_figures import OwnFigures
from collector.publish.exposition.page import Exposition
from collector.publish.exposition.self_metrics import OwnMetrics
from collector.quality.counters.uplink import Traffic
from collector.reading import Device, EchoBurst, InterfaceReading, ProbeReading, Reading, SignalReading

devices = [Device(f"cpe-{n}", "127.0.0.1", "cpe", "north", uplink_interface="wan", subscribers=2) for n in range(3)]
page = Exposition(MetricsSettings(), devices)
for n, device in enumerate(devices):
    wan = InterfaceReading("wan", 1, "up", True, 125e6, 64, 11 + n, 12, 13, 14, 15, 16, is_admin_up=False)
    signal = SignalReading("1", 21.5, 22.5, 23, 24, 25, -26.5, 0.27, 28.5, -29.5, -3.5, 31.5, -32.5, 33.5, 34.5)
    probe = ProbeReading("p", 0.031, 0.032, 0.33)
    burst = EchoBurst(5, 1, (0.041, 0.042, 0.044, 0.048))
    page.update(
        Reading(device.device_id, 51.0, 0.52, "answered", True, 0.053, 54.0 + n, None, burst, (wan,), (signal,), None, (probe,)),
        restarted=True,
        traffic=Traffic(60.0, 71, 72, 0, 0, None),
    )
later = Reading("cpe-0", 111.0, 0.5, "answered", True)
names = [field.name for field in dataclasses.fields(OwnFigures)]
labelled = {family.value for family in module.OWN_FIGURES if family.labels}
own = OwnFigures(**{name: {name: n} if name in labelled else n for n, name in enumerate(names, 100)})
told = [line for line in OwnMetrics(lambda: own).render().splitlines() if "bairro_" in line]
print(json.dumps([page.render(), page.one(later, CLASSIC), chr(10).join(told)]))
"""


def texts(*change: object) -> list[str]:
    """The page after one poll of three devices, the text of one of them after another, and the collector's own metrics."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(change)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def sorted_lines(found: Iterable[str]) -> list[list[str]]:
    return [sorted(text.splitlines()) for text in found]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_another_order_of_declarations_changes_only_the_order_of_the_text(seed: int) -> None:
    as_declared, shuffled = texts("none"), texts("shuffle", seed)
    assert shuffled != as_declared
    assert sorted_lines(shuffled) == sorted_lines(as_declared)


@pytest.mark.parametrize("place", [0, 1], ids=["first", "last"])
def test_a_new_metric_shows_at_the_first_poll(place: int) -> None:
    page = texts("add", place)[0].splitlines()
    added = [line for line in page if "added_" in line]
    named = {line.split()[2] for line in added if line.startswith("# TYPE")}
    groups = (f.SELDOM, f.EACH_POLL, f.LAST_BURST, f.INTERFACE_BYTES, f.INTERFACE_SELDOM, f.SIGNAL_LEVELS, f.OWN_PROBES)
    assert len(named) == len((*groups, f.AREA_WHOLE, f.AREA_ROLES))
    samples = [line.replace("added_", "") for line in added if not line.startswith("#")]
    assert samples
    assert set(samples) <= set(page)


def test_a_metric_that_is_read_from_nothing_is_refused_by_name_and_file() -> None:
    with pytest.raises(FamilyError) as refused:
        Measured("bairro_device_mood", "gauge", "How it feels.", of=DeviceCounts, value="mood")
    assert str(refused.value) == (
        "collector/publish/exposition/families.py: bairro_device_mood is read from 'mood', which DeviceCounts in "
        "collector/publish/exposition/counts/device_counts.py does not have: add it there, or name another attribute"
    )


def test_a_metric_in_a_group_of_another_detail_is_refused_by_name_and_file() -> None:
    seldom = Measured("bairro_device_mood", "gauge", "How it feels.", of=DeviceCounts, value="polls")
    all_shown_from("full", (seldom,))
    with pytest.raises(
        FamilyError, match=r"families\.py: bairro_device_mood stands in a group that is shown from detail 's"
    ):
        all_shown_from("summary", (*f.SELDOM, seldom))


def test_every_metric_of_a_record_is_declared_with_what_it_is_read_from() -> None:
    groups = (f.SELDOM, f.EACH_POLL, f.LAST_BURST, f.INTERFACE_BYTES, f.INTERFACE_SELDOM, f.SIGNAL_LEVELS, f.OWN_PROBES)
    read = [family for group in (*groups, f.AREA_WHOLE, f.AREA_ROLES, f.PROBE_FAMILIES) for family in group]
    assert all(isinstance(family, Measured) and hasattr(family.of, family.value) for family in read)
    assert len({family.name for family in read}) == len(read)


@dataclass(frozen=True, slots=True)
class Figures:
    """Two figures, for one of which there may be no metric."""

    heat: float
    mood: float


def test_a_figure_of_the_collector_that_no_metric_shows_is_refused_by_name_and_file() -> None:
    heat = Measured("bairro_collector_heat", "gauge", "How warm it is.", of=Figures, value="heat")
    mood = Measured("bairro_collector_mood", "gauge", "How it feels.", of=Figures, value="mood")
    all_are_shown((mood, heat))
    with pytest.raises(FamilyError) as refused:
        all_are_shown((heat,))
    told = str(refused.value)
    assert told.startswith("collector/publish/exposition/families.py: no metric is read from 'mood' of Figures in ")
    assert told.endswith("exposition/test_declarations.py: declare one, or take it out there")


@pytest.mark.parametrize("value", ["blind", "errors"])
def test_the_collector_does_not_start_with_a_figure_that_no_metric_shows(value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(["remove", value])], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].endswith(
        f"collector/publish/exposition/families.py: no metric is read from {value!r} of OwnFigures in "
        "collector/publish/exposition/counts/own_figures.py: declare one, or take it out there"
    )
