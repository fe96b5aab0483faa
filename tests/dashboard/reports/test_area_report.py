"""The area report: the page's own numbers, on one page, refused where it would give customers away."""

from __future__ import annotations

import html
import re

import pandas as pd
import pytest

from dashboard.figures import build_dates, findings
from dashboard.figures.fixes import HELD_TOO_RARELY
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import LIGHT
from dashboard.figures.style.suppression import tellable
from dashboard.reports import area_report as area_reports
from dashboard.reports.area_report import (
    SCALES,
    ReportError,
    compose,
    find_area,
    next_steps,
    render_html,
    render_pdf,
    write_report,
)


def plain(document: str) -> str:
    """The visible text of an HTML document with its white space collapsed."""
    body = re.sub(r"<(style|svg|script)\b.*?</\1>", " ", document, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u202f", " ")).strip()


def test_report_prints_the_pages_own_numbers(built, provider):
    """For areas down the whole ranking: every text of the finding that the page shows stands in the report, letter for letter."""
    for area in built.ranking[built.ranking["customers"] > 100]["area"][::3]:
        said = findings.finding(built, area, provider.currency)
        assert said is not None
        text = plain(render_html(built, area, provider))
        shown = [said.name, said.verdict.word, said.headline, said.certainty]
        shown += [t for f in said.figures for t in (f.name, f.value, f.span) if t]
        shown += [t for d in said.drivers for t in (d.name, d.value, d.provider, d.evidence)]
        shown += [t for r in said.rates for t in (r.name, r.text)]
        missing = [t for t in shown if re.sub(r"\s+", " ", t.replace("\u202f", " ")) not in text]
        assert missing == []


def test_it_writes_html_that_stands_alone_and_an_accessible_pdf(provider, tmp_path):
    document, pdf = write_report(provider, "Pearl Dock", tmp_path / "new" / "folder")
    assert document.name == "area-pearl-dock.html"
    text = document.read_text(encoding="utf-8")
    assert re.findall(r"\b(?:src|href)=|<script|<link|url\(|@import", text) == []
    assert text.count("<svg") == text.count("<title>") - 1, "every drawing has a title, and the document one"
    data = pdf.read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"pdfuaid" in data, "declared as PDF/UA"
    assert _pages(data) == 1


def test_dates_intervals_and_cautions_are_said_where_the_numbers_stand(built, provider):
    key = str(built.avoidable[built.avoidable["position"].eq(1)]["area"].iloc[0])
    said, text = compose(built, key, provider), plain(render_html(built, key, provider))
    assert f"per 100 customers in 90 days, counted from {build_dates.period(built)}" in text
    weeks = pd.to_datetime(built.area_weeks.query("is_complete")["week"])
    assert said.weeks.endswith(f" to {numbers.day(weeks.max() + pd.Timedelta(days=6))}")
    assert f"95% interval {said.said.figures[0].span}".replace("\u202f", " ") in text
    assert HELD_TOO_RARELY in said.fixes_how
    assert not [line for line in said.fixes if HELD_TOO_RARELY in line]
    complaints = next(chart for chart in said.charts if chart.title.startswith("Complaints"))
    assert LIGHT.accent in complaints.svg
    assert LIGHT.beside in complaints.svg


def test_areas_of_every_rank_fit_on_one_page(built, provider):
    for key in built.ranking[built.ranking["customers"] > 100]["area"][::2]:
        assert _pages(render_pdf(built, key, provider)) == 1, key


def test_letters_shrink_where_the_page_would_not_fit(built, provider, monkeypatch):
    """As on a machine whose fonts are wide: in letters of 1.6 times the size it takes more sheets, and the next size is tried."""
    monkeypatch.setattr(area_reports, "SCALES", ("1.6",))
    assert _pages(render_pdf(built, "n03", provider)) > 1
    monkeypatch.setattr(area_reports, "SCALES", ("1.6", *SCALES))
    assert _pages(render_pdf(built, "n03", provider)) == 1


def _pages(pdf: bytes) -> int:
    return int(re.search(rb"/Type\s*/Pages\s*/Count (\d+)", pdf)[1])


def test_the_same_build_gives_the_same_report(built, provider):
    assert render_html(built, "n03", provider) == render_html(built, "n03", provider)
    assert render_pdf(built, "n03", provider) == render_pdf(built, "n03", provider)


def test_small_areas_are_refused_and_so_is_what_would_give_them_away(built, provider):
    why = "has no report of its own: it has fewer than 30 customers, or showing it would reveal an area that has"
    for results in (built, tellable(built, 30)):
        for area, name in (("n05", "Fennel Park"), ("n22", "Westering")):
            assert find_area(results, name) == area
            with pytest.raises(ReportError, match=f"{name} {why}"):
                compose(results, area, provider)


def test_areas_are_found_by_id_and_by_name(built):
    assert find_area(built, "n03") == "n03"
    assert find_area(built, "dunmere") == "n03"
    with pytest.raises(ReportError, match=r"no area is called 'Dunmeer'; did you mean Dunmere"):
        find_area(built, "Dunmeer")


def test_a_file_given_for_the_folder_is_refused_and_makes_none(provider, tmp_path):
    with pytest.raises(ReportError, match=r"x\.docx: give a folder; area-dunmere\.html and area-dunmere\.pdf"):
        write_report(provider, "n03", tmp_path / "x.docx")
    assert not (tmp_path / "x.docx").exists()


def test_two_areas_of_one_name_are_told_apart(built):
    from dataclasses import replace

    twins = built.areas.copy()
    twins.loc[twins["area"] == "n04", "name"] = "Dunmere"
    with pytest.raises(ReportError, match="several areas are called 'Dunmere': say which by id: n03, n04"):
        find_area(replace(built, areas=twins), "Dunmere")


def test_there_must_be_results(scratch, tmp_path):
    with pytest.raises(ReportError, match="run “bairro build” first"):
        write_report(scratch, "Dunmere", tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(provider, tmp_path):
    taken = tmp_path / "report"
    taken.write_text("a file")
    with pytest.raises(ReportError, match="report: cannot be written: File exists"):
        write_report(provider, "Dunmere", taken)


def test_next_steps_put_proven_effects_first_and_never_stay_silent(built, provider):
    said = findings.finding(built, built.ranking.iloc[0]["area"], provider.currency)
    assert said is not None
    steps = next_steps(said.drivers)
    proven = [d.name for d in said.drivers if d.stands_out and d.is_found]
    assert [step.split(":")[0] for step in steps][: len(proven)] == proven[:3]
    assert len(next_steps(())) == 1


def test_names_cannot_break_the_page(built, provider):
    from dataclasses import replace

    named = built.areas.copy()
    named.loc[named["area"] == "n03", "name"] = "<b>Dun & #mere</b> [*x*]"
    odd = replace(built, areas=named)
    assert "&lt;b&gt;Dun &amp; #mere&lt;/b&gt;" in render_html(odd, "n03", provider)
    assert render_pdf(odd, "n03", provider).startswith(b"%PDF-")
