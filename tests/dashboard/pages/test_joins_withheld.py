"""What rests on records that name nobody is not known, on every page, in every CSV and report: never zero."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard import config
from dashboard.analysis import backtest_run
from dashboard.analysis import build as building
from dashboard.app import LAYOUTS, create_app, page
from dashboard.config import DashboardSettings
from dashboard.figures.known import unknown
from dashboard.pages.area import weeks_figure
from dashboard.pages.source import Source
from dashboard.reports.area_report import compose
from dashboard.results import stored_results
from dashboard.results.stored_results import Results
from dashboard.tables.imports.records import import_records
from demo import files

pytestmark = pytest.mark.slow

AREAS = 14
AS_OF = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
Break = Callable[[dict[str, pd.DataFrame]], None]
Provider = Callable[..., "World"]


@dataclass(frozen=True)
class World:
    """A demo provider whose records were broken, imported and built as by a user."""

    settings: DashboardSettings
    exit_codes: dict[str, int]

    @property
    def results(self) -> Results:
        found = stored_results.load(self.settings.data)
        assert found is not None
        return found


def breaking(kind: str, column: str, share: float) -> Break:
    """Makes ids of ``column`` in ``kind`` name nobody, in every (1.0) or in so many rows."""

    def broken(frames: dict[str, pd.DataFrame]) -> None:
        frame = frames[kind]
        rows = (frame.index.to_series() % 100 < share * 100) & frame[column].notna()
        frame.loc[rows, column] = "X" + frame.loc[rows, column].astype(str)

    return broken


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """Copies the demo's world, which is made once, breaks its records, imports them and builds.

    Weeks of quality rest on no record: builds after the first take them from it, as those of a provider do.
    """
    options = files.DemoOptions(areas=AREAS, devices=AREAS * 12, as_of=AS_OF)
    prepared = files.prepare(tmp_path_factory.mktemp("prepared") / "demo", options, lambda _: None)
    kept = prepared.folder.parent / "kept"

    def made(*broken: Break) -> World:
        folder = Path(shutil.copytree(prepared.folder, tmp_path_factory.mktemp("broken") / "demo"))
        records = {kind: folder / "records" / path.name for kind, path in prepared.records.items()}
        frames = {
            kind: pd.read_csv(path, dtype=str, keep_default_na=False).replace("", None)
            for kind, path in records.items()
        }
        for one in broken:
            one(frames)
        settings = config.load(folder / prepared.dashboard_toml.name)
        codes = {}
        for kind, path in records.items():
            frames[kind].to_csv(path, index=False)
            codes[kind] = import_records(kind, path, settings).exit_code
        if kept.exists():
            shutil.copytree(kept, settings.data / building.CACHE)
        building.build(settings, lambda _: None)
        if not kept.exists():
            shutil.copytree(settings.data / building.CACHE, kept)
        return World(settings, codes)

    return made


@pytest.fixture(scope="module")
def whole(provider: Provider) -> World:
    return provider()


@pytest.fixture(scope="module")
def every(provider: Provider) -> World:
    return provider(breaking("complaints", "customer_id", 1.0))


@pytest.fixture(scope="module", params=[1.0, 0.5], ids=["every", "half"])
def broken(request: pytest.FixtureRequest, provider: Provider, every: World) -> World:
    if request.param == 1.0:
        return every
    return provider(breaking("complaints", "customer_id", request.param))


@pytest.fixture(scope="module")
def without_answers_and_prices(provider: Provider) -> World:
    """What rests on the one does not rest on the other."""
    return provider(breaking("nps", "customer_id", 1.0), breaking("prices", "plan", 1.0))


def without_reasons(frames: dict[str, pd.DataFrame]) -> None:
    """Most reasons in words that nobody knows, and no notices."""
    customers = frames["customers"]
    has_gone = customers["end_reason"].notna() & (customers.index % 4 > 0)
    customers.loc[has_gone, "end_reason"] = "Voluntad propia"
    customers["notice_on"] = customers["notice_on"].where(~has_gone)


@pytest.fixture(scope="module")
def without_areas_and_reasons(provider: Provider) -> World:
    return provider(breaking("customers", "area", 1.0), without_reasons)


def texts(component: Any) -> list[str]:
    """Every text of a page, in its order, labels and hover texts too; figures and tables of a grid are data."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key not in {"id", "type", "namespace", "className", "style", "href", "colour", "scope"}:
                    walk(value)
        elif isinstance(node, list):
            for one in node:
                walk(one)
        elif isinstance(node, str):
            found.append(node)
        elif isinstance(node, (int, float)) and not isinstance(node, bool):
            found.append(str(node))

    walk(json.loads(json.dumps(component, cls=PlotlyJSONEncoder)))
    return found


def pages(world: World, *paths: str) -> dict[str, str]:
    """The text of these pages; of every page where none is named."""
    source = Source(world.settings)
    every = [*LAYOUTS, *(f"/area/{area}" for area in world.results.ranking["area"])]
    return {path: " ".join(texts(page(source, path))) for path in paths or every}


def downloads(world: World) -> dict[str, str]:
    """Every CSV and report, as the server gives them; a PDF as its text."""
    client = create_app(world.settings).server.test_client()
    area = world.results.ranking["area"].iloc[0]
    found = {
        path: client.get(path).get_data(as_text=True)
        for path in ("/areas.csv", "/fixes.csv", f"/area/{area}/report.html")
    }
    pdf = client.get(f"/area/{area}/report.pdf")
    assert pdf.data.startswith(b"%PDF-")
    found[f"/area/{area}/report.pdf"] = pdf_text(world, str(area), pdf.data)
    return found


def pdf_text(world: World, area: str, content: bytes) -> str:
    """What stands in the PDF, by pdftotext where there is one, and always what it is set from."""
    set_from = json.dumps(asdict(compose(world.results, area, world.settings)), default=str)
    if shutil.which("pdftotext") is None:
        return set_from
    read = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
    return f"{set_from} {read.stdout.decode()}"


ZERO_COMPLAINTS = (
    r"\b0(\.0+)? (quality )?complaints",
    r"complaints[^.:]{0,60}: 0(?! of )\b",
    r"0(\.0)? have bad quality and have not complained",
    r"silent sufferers?\)?[,;]? (who|they) pay",
    r"[Cc]omplaints about quality 0\.0",
    r"All complaints 0\.0",
    r"No effect of quality on complaints",
    r"An? (effect|association) of quality on complaints",
    r"of the complaints about quality came from",
    r"a last score below 7 or a complaint",
)


def test_every_import_of_the_demo_joins(whole: World) -> None:
    assert set(whole.exit_codes.values()) == {0}
    assert all(join["is_known"] for join in whole.results.manifest["joins"])
    said = pages(whole)
    assert not any(re.search(r"(is|are) not known: [\d,]+ of", text) for text in said.values())
    assert "have not complained in eight weeks (silent sufferers)" in said["/loyalty"]


def test_the_import_says_so(broken: World) -> None:
    assert broken.exit_codes.pop("complaints") == 1
    assert set(broken.exit_codes.values()) == {0}


def test_no_page_says_zero(broken: World) -> None:
    said = pages(broken)
    for path, text in said.items():
        for zero in ZERO_COMPLAINTS:
            assert not re.search(zero, text), (path, zero)
    sentence = r"not known: [\d,]+ of [\d,]+ complaints( of the last eight weeks)? name a customer on record \(70% are needed\)"
    shown = [path for path in said if path not in ("/", "/incidents")]  # these two speak of the network alone
    assert all(re.search(sentence, said[path]) for path in shown), shown
    assert "bairro import complaints FILE" in said["/areas"]
    assert "How many suffer without complaining is not known." in said["/loyalty"]
    assert "Whether quality affects complaints is not known." in said["/areas"]
    area = next(path for path in said if path.startswith("/area/"))
    assert "Complaints about quality not known" in " ".join(said[area].split())


def test_no_csv_and_no_report_says_zero(broken: World) -> None:
    for path, text in downloads(broken).items():
        for zero in ZERO_COMPLAINTS:
            assert not re.search(zero, text), (path, zero)
        if "report" in path:
            assert "not known" in text
            assert "complaints name a customer on record" in " ".join(text.split())


def test_no_chart_draws_zero(broken: World) -> None:
    area = str(broken.results.ranking["area"].iloc[0])
    figure = weeks_figure(Source(broken.settings), area, 52, "light")
    titles = [note.text for note in figure.layout.annotations]
    assert "Complaints per 1,000: quality, other: not known" in titles
    assert not any(trace.name in ("about quality", "other") for trace in figure.data)


def test_no_table_stores_zero(broken: World) -> None:
    stored = broken.results
    assert stored.area_weeks.filter(regex="^complaints_").isna().all(axis=None)
    assert set(stored.area_rates["outcome"]) == {"leaving"}
    assert not stored.effects["model"].str.startswith("complaints").any()
    assert set(stored.incident_effects["outcome"]) <= {"leaving"}
    of_complaints = ["silent_sufferers", "silent_sufferers_monthly_revenue", "quality_complaints", "clean_ratio"]
    assert stored.loyalty[of_complaints].isna().all(axis=None)
    assert len(stored.ranking)
    assert not stored.ranking["expected_leavers_90d"].isna().all()


def test_looking_back_ranks_by_no_complaints(every: World) -> None:
    _, found = backtest_run.run(every.settings, lambda _: None, most=2)
    assert "complaints" not in set(found.measures["scorer"])
    assert "complaints are not known, so there is no ranking by complaints" in found.notes
    text = pages(every, "/backtest")["/backtest"]
    assert "Last month's complaints" not in text
    assert "there is no ranking by complaints" in text


def test_complaints_that_join_again_are_told_again(every: World, whole: World) -> None:
    assert unknown(every.results, "complaints") is not None
    assert unknown(whole.results, "complaints") is None


def test_answers_that_name_nobody(without_answers_and_prices: World) -> None:
    world = without_answers_and_prices
    assert world.exit_codes["nps"] == 1
    assert world.results.area_nps.empty
    assert world.results.area_weeks.filter(regex="^nps_").isna().all(axis=None)
    said = pages(world, "/loyalty")["/loyalty"]
    assert re.search(
        r"What customers answered in surveys is not known: 0 of [\d,]+ survey answers name a customer on record", said
    )
    assert "No survey answers are on record" not in said


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_customers_behind_unknown_devices(provider: Provider, share: float) -> None:
    world = provider(breaking("customers", "device_id", share))
    assert world.exit_codes["customers"] == 1
    assert world.results.loyalty.empty
    assert world.results.avoidable.empty
    said = pages(world)
    assert re.search(
        r"The quality that customers received is not known: [\d,]+ of [\d,]+ customers are served by a device",
        said["/loyalty"],
    )
    assert "Whether quality affects leaving is not known." in said["/fixes"]
    for text in said.values():
        assert not re.search(r"Of 0 customers|\b0 have bad quality|\b0 are free", text)
        assert "No effect of quality" not in text
        assert "No outage could be compared" not in text


def test_prices_of_plans_that_nobody_has(without_answers_and_prices: World) -> None:
    world = without_answers_and_prices
    assert world.exit_codes["prices"] == 1
    said = pages(world, "/loyalty")["/loyalty"]
    assert "What customers pay above the price for new ones is not known: 0 of" in said
    assert "Prices for new customers are not on record" not in said


NONE_LEAVE = (
    r"\b0(\.0)? (customers )?(leavers|left|leave)",
    r"No effect of quality on leaving",
    r"Customers who left [\d.]",
    r"Left in the period analysed [\d.]",
    r"expected to leave in the next 90 days[,:]",
    r"too little data to say how many will leave",
)


def test_customers_in_unknown_neighbourhoods_and_departures_for_unknown_reasons(
    without_areas_and_reasons: World,
) -> None:
    world = without_areas_and_reasons
    assert world.exit_codes["customers"] == 1
    area = str(world.results.ranking["area"].iloc[0])
    said = pages(world, "/areas", "/fixes", "/loyalty", "/evidence", f"/area/{area}")
    assert all("Where customers live is not known: 0 of" in text for text in said.values())
    said |= downloads(world)
    sentence = (
        r"leave of their own will is not known: [\d,]+ of [\d,]+ departures have a reason that is known, or a notice"
    )
    for path, text in said.items():
        for zero in NONE_LEAVE:
            assert not re.search(zero, text), (path, zero)
        if "csv" not in path:
            assert re.search(sentence, " ".join(text.split())), path
    stored = world.results
    assert stored.area_weeks[["leavers_voluntary", "leavers_other"]].isna().all(axis=None)
    assert stored.ranking[["leavers", "rank", "expected_leavers_90d", "monthly_revenue_at_risk"]].isna().all(axis=None)
    assert "leaving" not in {*stored.area_rates["outcome"], *stored.incident_effects["outcome"]}
    assert stored.avoidable.empty
    assert not stored.effects["model"].str.startswith("leaving").any()
    assert stored.effects["model"].str.startswith("complaints").any()
