"""What CONTRIBUTING.md says to add, added by half: a sentence that names the file says what is missing."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from collector.config import CollectorSettings
from collector.poll.profile_files import load_profiles
from dashboard import app
from dashboard.measures import MEASURES
from dashboard.pages import area, areas, loyalty, now, wiring
from dashboard.pages.wiring import PageError
from dashboard.tables.schema import COMPLAINTS, RECORDS, Column

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def errands() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_errands", ROOT / "tools" / "check_errands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_is_added_by_half(errands):
    assert errands.faults() == []
    assert errands.main() == 0


def test_a_kind_of_record_that_is_only_declared_lacks_all_the_rest(errands):
    visits = dataclasses.replace(
        COMPLAINTS, name="visits", columns=(*COMPLAINTS.columns, Column("technician", "text", "who went"))
    )
    said = list(errands.faults_of_record(visits))
    assert said == [
        "dashboard/tables/imports/row_rules.py: visits: RULES does not say which of its rows are refused",
        "dashboard/commands/records_command.py: visits: KINDS lacks it, so `bairro import` does not offer it",
        "dashboard/figures/live/age.py: visits: NAMES has no name for it that people read",
        "dashboard/figures/evidence.py: visits: TABLES has no name for its rows",
        "dashboard/tables/vocabulary.toml: visits: [names] has no technician, so that no mapping can be proposed for it",
        "dashboard/tables/imports/joining/joins.py: visits: _LOOKS does not say whether its customers are on record",
        "dashboard/panel/row_accounts.py: visits: COUNTS does not say what becomes of its rows",
    ]
    assert all((ROOT / line.split(":")[0]).exists() for line in said)
    assert not [line for kind in RECORDS.values() for line in errands.faults_of_record(kind)]


def test_a_measure_that_no_document_explains_is_named_with_the_document(errands):
    measure = MEASURES[-1]
    assert list(errands.faults_of_measure(measure, {"docs/methods.md": "", "docs/settings.md": ""})) == [
        f"docs/methods.md: {measure.name}: the table of terms does not say what its ratio is for",
        f"docs/settings.md: {measure.name}: targets.{measure.target} is missing",
    ]


def test_a_setting_that_is_told_nowhere_is_named_with_both_files(errands):
    assert {"ping.count", "web.port", "data"} <= set(errands.settings_of(CollectorSettings))
    assert list(errands.faults_of_setting("ping.padding_bytes", "| `ping.count` |", "# count = 5")) == [
        "docs/settings.md: ping.padding_bytes: no row says what it does",
        "deploy/example/collector.toml: ping.padding_bytes: the example does not show it",
    ]


def test_a_mapping_that_people_are_not_told_of_is_named(errands):
    assert list(errands.faults_of_mapping("asknicely", "| `delighted` | nps |")) == [
        "docs/importing.md: asknicely: the table of packaged mappings lacks it"
    ]


def test_a_mapping_for_no_kind_of_record_is_named(errands):
    (said,) = errands.refused_by(lambda: errands.mapping_of("delighted", "npsx"))
    assert said == "dashboard/tables/mappings/delighted.toml: kind: there are no records called npsx"


def test_a_statement_that_nothing_runs_is_named(errands):
    (said,) = errands.idle_statements(["area_visits", "area_weeks"], 'JOINED = ("area_weeks",)')
    assert said.startswith("dashboard/panel/sql/area_visits.sql: nothing runs it")


def test_a_kind_without_a_share_of_rows_that_must_match_is_named(errands):
    visits = dataclasses.replace(COMPLAINTS, name="visits")
    errands._LOOKS["visits"] = ()
    try:
        assert "dashboard/config.py: visits: JoinSettings does not say which share of its rows must match" in (
            errands.faults_of_record(visits)
        )
    finally:
        del errands._LOOKS["visits"]


def test_a_profile_that_cannot_be_used_is_named_with_its_key(errands, tmp_path):
    (tmp_path / "acme.toml").write_text('title = "Acme"\n[match]\nobject_ids = ["1.3.6.1.4.1.99999"]\n[[scalars]]\n')
    (said,) = errands.refused_by(lambda: load_profiles(tmp_path))
    assert said.startswith(f"{tmp_path}/acme.toml: scalars[0].name: ")
    assert errands.refused_by(load_profiles) == []


def test_a_chart_without_a_callback_is_named(errands):
    code = (
        'parts.graph("visits-map", "Map"), dcc.Interval(id="visits-tick", interval=5000), parts.graph("weeks", "Weeks")'
    )
    said = list(errands.blank_charts("dashboard/pages/visits.py", f'{code}\n@app.callback(Output("weeks", "figure"))'))
    assert said == [
        "dashboard/pages/visits.py: visits-map stays blank: no callback has it as Output",
        "dashboard/pages/visits.py: visits-tick does nothing: no callback has it as Input",
    ]


def page(**parts: object) -> ModuleType:
    """A page of a newcomer's."""
    module = ModuleType("dashboard.pages.visits")
    vars(module).update(parts)
    return module


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (
            page(layout=lambda seen: None),
            "has a layout that no path shows: add it to LAYOUTS, or to BELOW_ANOTHER, in dashboard/app.py",
        ),
        (
            page(register=lambda app, source: None),
            "has callbacks that are not registered: add it to WITH_CALLBACKS in dashboard/app.py",
        ),
    ],
)
def test_a_page_that_is_added_by_half_ends_the_start(module, said):
    everything = {
        "layouts": app.LAYOUTS,
        "navigation": app.NAVIGATION,
        "with_callbacks": app.WITH_CALLBACKS,
        "below": app.BELOW_ANOTHER,
    }
    wiring.check(wiring.modules(), **everything)
    with pytest.raises(PageError) as error:
        wiring.check([*wiring.modules(), module], **everything)
    assert str(error.value) == f"dashboard/pages/visits.py: {said}"


def test_a_path_and_its_link_belong_together():
    wired = {"with_callbacks": (now, areas, area), "below": (area,)}
    with pytest.raises(PageError, match=r"dashboard/pages/loyalty\.py: is shown at /loyalty, but no link leads there"):
        wiring.check([], layouts={"/loyalty": loyalty.layout}, navigation=(), **wired)
    with pytest.raises(PageError, match=r"dashboard/app\.py: NAVIGATION leads to /gone, but LAYOUTS has no such path"):
        wiring.check([], layouts={}, navigation=(("/gone", "Gone"),), **wired)
    with pytest.raises(PageError, match=r"loyalty\.py: stands in WITH_CALLBACKS of dashboard/app\.py and has no reg"):
        wiring.check([loyalty], layouts=app.LAYOUTS, navigation=app.NAVIGATION, with_callbacks=(loyalty,), below=())
