"""Pages, tables to take away and the report on what would help: no money is promised, and reasons and fixes agree."""

from __future__ import annotations

import argparse
import csv
import io
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from dash import html

from dashboard.analysis import bounded_help
from dashboard.commands import choose_fixes, fixes_command
from dashboard.figures import area_drivers, build_dates, dose_checks, ranking
from dashboard.figures import fixes as figures
from dashboard.figures.style import words
from dashboard.models.fixes.avoidable import withheld
from dashboard.models.leaving import outage_lengths
from dashboard.models.leaving.forecast import coming_quality
from dashboard.pages import area, areas, evidence, fixes
from dashboard.pages.source import Source, visit
from dashboard.reports import area_report
from dashboard.reports.area_report import compose, render_html
from dashboard.results.stored_results import RESULT_TABLES
from dashboard.tables.ranking_tables import AVOIDABLE

MONEY = re.compile(r"[€$£]|\bEUR\b|revenue|\bmoney\b|a month|/month", re.IGNORECASE)
SAID_OF_MONEY = "what this would be worth in money is not given"


def forecast(results):
    """The results with the note that quality was forecast."""
    notes = [{"code": "quality_to_come", "text": coming_quality.FORETOLD}]
    return replace(results, manifest=results.manifest | {"notes": notes})


def texts(component):
    """Every text of a component tree, those in properties that are shown included."""
    if component is None:
        return
    if isinstance(component, str | int | float):
        yield str(component)
        return
    if isinstance(component, list | tuple):
        for child in component:
            yield from texts(child)
        return
    for name in ("children", "title", "options", "value", "aria-label"):
        yield from texts(getattr(component, name, None))


def without_the_word(said: str) -> str:
    return said.replace(SAID_OF_MONEY, "")


@pytest.fixture(scope="module")
def told(built):
    return figures.all_fixes(built, "EUR", 30)


def test_no_table_of_results_holds_money_on_whom_works_would_keep():
    assert not [name for name in AVOIDABLE.column_names if MONEY.search(name)]
    kept = {name for name, spec in RESULT_TABLES.items() for c in spec.column_names if re.search(r"saved|kept", c)}
    assert kept == set()


def test_no_page_names_money_on_whom_works_would_keep(sample, tmp_path, built):
    source = Source(sample.make(tmp_path))
    page = list(texts(fixes.layout(visit(source))))
    assert SAID_OF_MONEY in " ".join(page)
    assert not [said for said in page if MONEY.search(without_the_word(said)) and "revenue at risk" not in said]
    for key in built.ranking["area"]:
        here = list(texts(fixes.of_area(visit(source), key)))
        assert not [said for said in here if MONEY.search(without_the_word(said))], key
        whole = list(texts(area.layout(visit(source), key)))
        assert not [said for said in whole if re.search(r"\bkeep|\bkept|staying", said) and "€" in said], key


def test_no_csv_names_money_on_whom_works_would_keep(built):
    rows = list(csv.reader(io.StringIO(figures.csv(built, 30))))
    assert len(rows) > 1
    assert not [cell for row in rows for cell in row if MONEY.search(cell)]
    assert "too rarely" in rows[1][rows[0].index("intervals")]
    header = areas.csv(built).splitlines()[0]
    assert "monthly_revenue_at_risk" in header, "of the ranking, which stays"
    assert "saved" not in header


def test_no_report_names_money_on_whom_works_would_keep(built, provider):
    for key in built.ranking[built.ranking["customers"] > 100]["area"]:
        said = compose(built, key, provider)
        assert not [line for line in said.fixes if MONEY.search(without_the_word(line))], key
        document = render_html(built, key, provider)
        section = document[document.index("What would help?") : document.index("What to look at next")]
        assert not MONEY.search(without_the_word(section)), key


def test_the_command_names_only_the_money_that_works_cost(sample, tmp_path, capsys, built):
    sample.make(tmp_path)
    (tmp_path / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n', encoding="utf-8")
    worst = built.avoidable.sort_values("position").iloc[0]["area"]
    costs, out = tmp_path / "costs.csv", tmp_path / "o.csv"
    costs.write_text(f"area,measure,cost\n{worst},down_hours,800\n", encoding="utf-8")
    arguments = argparse.Namespace(
        config=tmp_path / "dashboard.toml", budget="1000", costs=costs, out=out, unproven=False
    )
    assert fixes_command.run(arguments) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == f"{figures.HOW_OFTEN_HELD} {fixes_command.COSTS_ALONE}"
    assert SAID_OF_MONEY not in said, "above a column of costs that would read as a contradiction"
    assert set(re.findall(r"€\d+(?:,\d+)*", said)) == {"€800", "€1,000"}
    assert not MONEY.search(out.read_text(encoding="utf-8"))


@pytest.fixture
def refuted(built):
    """Results in which departures do not follow time without service as fitted."""
    checks = built.dose_checks.astype({"p_value": float})
    is_down = checks["measure"] == "down_hours"
    checks = checks.assign(
        verdict=checks["verdict"].mask(is_down, "fails"), p_value=checks["p_value"].mask(is_down, 0.004)
    )
    kept = withheld(built.avoidable, frozenset({"down_hours", "everything"}))
    return replace(built, avoidable=kept, dose_checks=checks)


WHY = "departures do not follow time without service as fitted (p = 0.004)"
KEPT = re.compile(r"keep about|customers? \(|\d to \d+\.?\d*\)")


def test_where_the_dose_fails_numbers_go_everywhere_and_the_order_stays(refuted, provider):
    told = figures.all_fixes(refuted, "EUR", 30)
    assert {fix.measure for fix in told.ordered} == {"down_hours"}
    assert {fix.measure for fix in told.proven} == {"evening_latency"}
    before = refuted.avoidable.query("measure == 'down_hours'").sort_values("position")["area"]
    assert [fix.area for fix in told.ordered] == [area for area in before if area in {f.area for f in told.ordered}]
    for fix in told.ordered:
        assert WHY in fix.sentence
        assert not KEPT.search(fix.sentence)
        lines = compose(refuted, fix.area, provider).fixes
        assert any(WHY in line and fix.what.lower() in line.lower() for line in lines), "the report says the same"
        assert not [line for line in lines if fix.what.lower() in line.lower() and KEPT.search(line)]


def test_the_order_of_what_is_withheld_is_that_of_before(built, refuted):
    for measure in ("down_hours", "evening_latency", "loss"):
        was, now = (
            results.avoidable[results.avoidable["measure"] == measure].set_index("area") for results in (built, refuted)
        )
        kept = was[was["avoidable_leavers_90d"] > 0.1].sort_values("position").index
        assert len(kept) >= 2
        assert list(now.loc[kept].sort_values("position").index) == list(kept)
    mine = refuted.avoidable[refuted.avoidable["measure"] == "down_hours"]["position"].dropna()
    assert sorted(mine) == list(range(1, len(mine) + 1)), "counted within the measure: no place tells a number"


def test_the_page_shows_the_order_without_numbers(refuted, sample, tmp_path):
    told = figures.all_fixes(refuted, "EUR", 30)
    page = " ".join(texts(fixes._order(told, "")))
    assert fixes.TEXT["withheld"] in page
    assert WHY in page
    only = replace(told, proven=(), unproven=())
    assert "No fix would keep" in " ".join(texts(fixes._order(only, "")))
    assert "as far as numbers are given" in " ".join(texts(fixes._order(only, "")))


def test_the_csv_and_the_plan_say_why_there_are_no_numbers(refuted):
    rows = list(csv.DictReader(io.StringIO(figures.csv(refuted, 30))))
    down = [row for row in rows if row["measure"] == "down_hours"]
    assert down
    assert {row["numbers_withheld_because"] for row in down} == {WHY}
    assert {row[f"avoidable_leavers_90d{end}"] for row in down for end in ("", "_low", "_high")} == {""}
    assert {row["intervals"] for row in down} == {""}
    assert all(row["numbers_withheld_because"] == "" for row in rows if row["measure"] == "evening_latency")
    areas_ = refuted.avoidable["area"].unique()[:3]
    works = [choose_fixes.Work(key, measure, 100) for key in areas_ for measure in ("down_hours", "everything")]
    made = choose_fixes.plan(refuted, works, 10_000, minimum=30)
    assert not made.packages
    assert f"3 works whose numbers are withheld: {WHY}" in made.left_out


def test_a_reason_whose_fix_would_keep_too_few_has_no_number_either(refuted):
    gone = refuted.avoidable.assign(position=refuted.avoidable["position"].mask(refuted.avoidable["is_withheld"]))
    results = replace(refuted, avoidable=gone)
    told = figures.all_fixes(results, "EUR", 30)
    reasons = {
        key: [driver for driver in area_drivers.drivers(results, key, "EUR") if driver.is_reason]
        for key in results.ranking["area"]
    }
    key = next(key for key, mine in reasons.items() if "down_hours" in {driver.key for driver in mine})
    (line,) = [line for line in figures.of_area(told, key, reasons[key]) if line.startswith("Time without service")]
    assert line == f"Time without service: a reason here. No number of customers kept is given, because {WHY}."


def test_evidence_opens_what_fails_and_says_where(refuted, built):
    (first, *others) = dose_checks.checks(refuted)
    assert first.name == "Time without service"
    assert first.fails
    assert "do not follow" in first.sentence
    assert "What would help gives no numbers for it" in first.sentence
    assert "customers left" in first.sentence
    assert [one.fails for one in others] == [False] * 3
    shown = evidence._dose(refuted)
    assert [part.open for part in shown.children if type(part).__name__ == "Details"] == [True, False, False, False]
    assert not [one for one in dose_checks.checks(built) if one.fails]
    nothing = replace(built, dose_checks=built.dose_checks.iloc[:0])
    assert evidence.TEXT["dose_none"] in " ".join(texts(evidence._dose(nothing)))


def test_which_outages_count_is_said_with_the_check_and_with_what_is_supposed(built):
    checks = built.dose_checks.assign(longer_than_hours=[4, 0, 0, 0])
    said = [one.sentence.split(":")[0] for one in dose_checks.checks(replace(built, dose_checks=checks))]
    assert said[0] == "Time without service in single outages longer than 4 hours, mean of 8 weeks"
    assert not [line for line in said[1:] if "single outages" in line]
    earlier = replace(built, dose_checks=checks.assign(longer_than_hours=None))
    assert "single outages" not in dose_checks.checks(earlier)[0].sentence
    notes = [{"code": "outage_lengths", "text": outage_lengths.ALIKE}, {"code": "dose_shapes", "text": "Not certain."}]
    said_now = replace(built, manifest=built.manifest | {"notes": notes})
    assert figures.supposed(said_now).endswith(f"{outage_lengths.ALIKE} Not certain.")
    told = figures.all_fixes(said_now, "EUR", 30)
    assert outage_lengths.ALIKE in area_report.how_to_read(told, told.proven[0].area)
    assert not re.search(r"\d%", figures.HOW_OFTEN_HELD.replace("95%", "")), (
        "no figure is that of the provider who reads it"
    )


@pytest.mark.parametrize(
    ("kept", "said", "is_below_one"),
    [
        (0.94, "would keep less than one customer: 0.9 (", True),
        (0.96, "would keep about 1.0 customer (", False),
        (7.0, "would keep about 7.0 customers (", False),
    ],
)
def test_less_than_one_customer_is_no_advice_and_is_folded(built, kept, said, is_below_one):
    rows, is_first = built.avoidable, built.avoidable["position"].eq(built.avoidable["position"].min())
    assert figures.all_fixes(built, "EUR", 30).proven[0].leavers not in ("0.9", "1.0"), "something keeps more"
    first = rows[is_first].iloc[0]
    one = rows.copy()
    mine = rows["area"].eq(first["area"]) & rows["measure"].eq(first["measure"])
    one.loc[mine, [f"avoidable_leavers_90d{end}" for end in ("", "_low", "_high")]] = kept, 0.0, 9.0
    told = figures.all_fixes(replace(built, avoidable=one), "EUR", 30)
    (fix,) = [fix for fix in told.proven if (fix.area, fix.measure) == (first["area"], first["measure"])]
    assert said in fix.sentence
    assert fix.is_below_one == is_below_one
    folded = [part for part in fixes._folded(told.proven) if isinstance(part, html.Details)]
    assert (fix.name in " ".join(texts(folded[0]) if folded else ())) == is_below_one


def test_what_no_list_shows_is_counted_as_it_is(told):
    one, more = (figures.left_out(replace(told, small=n, negligible=n)) for n in (1, 3))
    assert one[0].startswith("1 neighbourhood is left out: it has too few customers")
    assert one[1] == "1 more would keep less than a twentieth of a customer."
    assert more[0].startswith("3 neighbourhoods are left out: they have too few customers")
    assert more[1] == "3 more would each keep less than a twentieth of a customer."


def test_a_target_of_zero_is_a_number_and_a_mean_that_is_at_it_will_not_last(built):
    rows = built.avoidable.assign(
        target=built.avoidable["target"].mask(built.avoidable["measure"] == "down_hours", 0.0)
    )
    means = built.area_drivers.assign(
        value=built.area_drivers["value"].mask(built.area_drivers["driver"] == "down_hours", 0.0)
    )
    at_zero = replace(built, avoidable=rows, area_drivers=means)
    now = figures.all_fixes(forecast(at_zero), "EUR", 30)
    down = [fix for fix in now.proven if fix.measure == "down_hours"]
    assert down
    assert all(fix.target == "0\u202fh/week" and fix.is_at_target for fix in down)
    assert all(re.match(f"Ending time without service in {fix.name} would keep ", fix.sentence) for fix in down)
    assert fixes_command._remarks(down[0]) == figures.AT_TARGET_SHORT
    assert figures.AT_TARGET_SHORT in " ".join(texts(fixes._table(now.proven)))
    steady = " ".join(texts(fixes._table(figures.all_fixes(at_zero, "EUR", 30).proven)))
    assert figures.STEADY_SHORT in steady, "no forecast says that it will not last"
    assert figures.AT_TARGET_SHORT not in steady


def test_page_and_report_of_an_area_name_the_same_fixes(source, built):
    told = figures.all_fixes(built, "EUR", 30)
    assert told.unproven
    for key in {fix.area for fix in told.unproven}:
        page = " ".join(texts(fixes.of_area(visit(source), key)))
        assert not [fix.sentence for fix in told.unproven if fix.area == key and fix.sentence in page]


def test_page_and_report_of_an_area_say_why_intervals_are_wider(source, built, provider, told):
    key = told.proven[0].area
    assert figures.WIDENED not in " ".join(
        [*texts(fixes.of_area(visit(source), key)), compose(built, key, provider).fixes_how]
    )
    notes = [{"code": bounded_help.NOTE, "text": "Nobody observed 2.0% of the devices' time, and not at random."}]
    dark = replace(built, manifest=built.manifest | {"notes": notes})
    seen = replace(visit(source), source=SimpleNamespace(results=lambda: dark, settings=provider))
    assert figures.WIDENED in " ".join(texts(fixes.of_area(seen, key)))
    assert figures.WIDENED in compose(dark, key, provider).fixes_how
    none = dict.fromkeys(("avoidable_leavers_90d_low", "avoidable_leavers_90d_high"), float("nan"))
    lost = replace(dark, avoidable=built.avoidable.assign(**none))
    assert all("(no interval)" in fix.sentence for fix in figures.all_fixes(lost, "EUR", 30).proven)


def test_the_command_alone_shows_the_order(sample, tmp_path, capsys, told):
    sample.make(tmp_path)
    (tmp_path / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n', encoding="utf-8")
    asked = {"config": tmp_path / "dashboard.toml", "costs": None, "out": None, "unproven": False}
    assert fixes_command.run(argparse.Namespace(**asked, budget=None)) == 0
    said = capsys.readouterr().out
    assert said.startswith(figures.HELD_TOO_RARELY)
    lines = [line for line in said.splitlines() if any(f.what in line and f.name in line for f in told.proven)]
    assert [line.split("  ")[0] for line in lines] == [fix.name for fix in told.proven]
    assert not MONEY.search(without_the_word(said))
    assert fixes_command.run(argparse.Namespace(**asked, budget="1000")) == 2
    assert "--budget and --costs go together" in capsys.readouterr().err


def test_a_mean_is_the_same_on_every_page_and_places_have_no_gaps(built, told):
    """Also where today's customers had another mean than those of the weeks that are told of."""
    moved = replace(built, avoidable=built.avoidable.assign(value=built.avoidable["value"] * 1.07))
    for fix in figures.all_fixes(moved, "EUR", 30).proven:
        (driver,) = [d for d in area_drivers.drivers(moved, fix.area, "EUR") if d.key == fix.measure]
        assert fix.value == driver.value
    rows = list(csv.DictReader(io.StringIO(figures.csv(moved, 30))))
    means = moved.area_drivers.set_index(["area", "driver"])["value"]
    for row in rows:
        assert float(row["value"]) == pytest.approx(means[row["area"], row["measure"]], rel=1e-4)
    assert [int(row["position"]) for row in rows if row["position"]] == list(range(1, len(rows) + 1))


def test_an_area_that_is_named_without_a_reason_is_told_what_is_largest(built, provider):
    """Found to matter and worse than at the provider, but by less than the bar from which it stands out."""
    key = str(built.ranking[built.ranking["verdict"] == "at_risk"]["area"].iloc[0])
    drivers = built.area_drivers.copy()
    mine = drivers["area"].eq(key)
    drivers.loc[mine, "standing"] = 0.2
    drivers.loc[mine & drivers["driver"].eq("down_hours"), ["standing", "is_found_leaving", "position"]] = (
        0.9,
        True,
        0,
    )
    near = replace(built, area_drivers=drivers)
    (row,) = [row for row in ranking.ranking_rows(near, "EUR") if row["area"] == key]
    assert row["reasons"].startswith("No single reason stands out; the largest is no service ")
    said = compose(near, key, provider)
    assert said.nearest.startswith("No single reason stands out; the largest is time without service: ")
    assert said.next_steps[0].startswith("Time without service: ")
    assert "although" not in said.next_steps[0]
    assert said.nearest in " ".join(texts(area.drivers(said.said.drivers, near)))
    better = drivers.assign(standing=-0.2)
    (row,) = [r for r in ranking.ranking_rows(replace(built, area_drivers=better), "EUR") if r["area"] == key]
    assert row["reasons"] == "Nothing measured stands out"


def test_pages_and_report_say_why_the_analysis_ends_before_today(sample, tmp_path, built, provider):
    ends = {"customers": "2026-11-30", "quality_hours": "2026-11-29"}
    late = replace(built, manifest={**built.manifest, "cut_off": "2026-11-01", "last_complete": ends})
    said = build_dates.lag(late)
    assert said.startswith(
        "The analysis ends on 1 Nov 2026, 28 days before the network's measurements end (29 Nov 2026), because late entries may be"
        " missing; network values"
    )
    alike = replace(late, manifest={**late.manifest, "last_complete": dict.fromkeys(ends, "2026-11-30")})
    assert "29 days before the records end (30 Nov 2026), because" in build_dates.lag(alike)
    assert build_dates.lag(replace(late, manifest={"cut_off": "2026-11-01"})).startswith(
        "The analysis ends on 1 Nov 2026; "
    )
    assert build_dates.lag(replace(late, manifest={})) == ""
    none = replace(late, manifest={**late.manifest, "entry": "2026-12-01"})
    assert build_dates.lag(none).startswith("There is nothing to analyse yet")
    assert build_dates.analysed(none) == "Nothing analysed yet"
    assert compose(late, "n03", provider).lag == said
    source = Source(sample.make(tmp_path))
    for layout in (fixes.layout, areas.layout, lambda seen: area.layout(seen, "n03")):
        assert build_dates.lag(source.results()) in " ".join(texts(layout(visit(source))))


def test_the_first_line_says_how_rarely_the_intervals_held(sample, tmp_path):
    source = Source(sample.make(tmp_path))
    page = fixes.layout(visit(source)).children
    first = next(part for part in page if figures.HELD_TOO_RARELY in " ".join(texts(part)))
    before = page[: page.index(first)]
    assert "would keep" not in " ".join(" ".join(texts(part)) for part in before)


def test_whom_works_keep_is_told_out_of_all_who_leave(told, built):
    expected = built.ranking.set_index("area")["expected_leavers_90d"]
    assert told.proven
    for fix in told.proven:
        assert re.search(rf"of the {re.escape(fix.expected)} \(\S+ to \S+\) expected to leave in 90 days", fix.sentence)
        kept = built.avoidable.set_index(["area", "measure"])["avoidable_leavers_90d"].loc[fix.area, fix.measure]
        assert kept <= expected[fix.area]


def test_every_reason_has_a_remedy_or_is_told_why_not(built, told):
    """Also where complaints alone were found to follow, or nothing was found of leaving at all."""
    only_complaints = replace(
        built,
        effects=built.effects.assign(is_found=built.effects["is_found"] & (built.effects["model"] == "complaints")),
        area_drivers=built.area_drivers.assign(is_found_leaving=False),
        joint_tests=built.joint_tests.assign(is_found=built.joint_tests["model"] == "complaints"),
    )
    reasons = 0
    for results in (built, only_complaints):
        in_areas = figures.all_fixes(results, "EUR", 30)
        for key in results.ranking["area"]:
            mine = area_drivers.drivers(results, key, "EUR")
            lines = figures.of_area(in_areas, key, mine)
            for driver in mine:
                name = driver.name.lower()
                has = [line for line in lines if name in line.lower()]
                assert bool(has) >= driver.is_reason, (key, driver.key)
                reasons += driver.is_reason
            for fix in in_areas.proven:
                if fix.area == key and fix.measure not in {d.key for d in mine if d.is_reason}:
                    aside = figures.STEADY if fix.is_at_target else figures.NO_REASON_HERE
                    assert f"{fix.sentence} {aside}" in lines
    assert reasons > 4
    assert not figures.all_fixes(only_complaints, "EUR", 30).proven


def test_only_what_was_found_is_a_reason(built, provider):
    nothing = built.area_drivers.assign(is_found=False, is_found_leaving=False)
    results = replace(built, area_drivers=nothing)
    assert area_drivers.reasons(results, "EUR") == {}
    said = [row["reasons"] for row in ranking.ranking_rows(results, "EUR")]
    assert any(line.startswith("Effect not proven: ") for line in said)
    assert set(areas.csv(results).splitlines()[0].split(",")) >= {"reasons", "unusual_without_effect"}
    for key in built.ranking[built.ranking["customers"] > 100]["area"]:
        document = render_html(results, key, provider)
        assert '<tr class="out">' not in document
        assert area_drivers.REASON_MARK not in document


def test_pages_table_and_report_agree_on_a_price_gap_that_goes_with_leaving(built, provider):
    gap = built.area_drivers["driver"].eq("price_gap") & built.area_drivers["area"].eq("n03")
    odd = built.area_drivers.copy()
    odd.loc[gap, ["value", "provider_value", "standing"]] = [10.35, 4.03, 2.0]
    prices = built.price_gaps.iloc[:1].reindex(columns=built.price_gaps.columns)
    row = {"plan": "", "rate_ratio": 1.061, "rate_ratio_low": 1.024, "rate_ratio_high": 1.1, "is_found": True}
    assert gap.any()
    assert len(prices)
    linked = replace(built, area_drivers=odd, price_gaps=prices.assign(**row))
    said = f"goes with leaving (association, ×1.45 for €6.32), {words.SEE_LOYALTY}"
    (told,) = [r["reasons"] for r in ranking.ranking_rows(linked, "EUR") if r["area"] == "n03"]
    assert said in told
    assert "Effect not proven: Price gap" not in told
    document = render_html(linked, "n03", provider)
    assert said in document
    assert "effect not estimated" not in document.split("Price above a new customer")[1].split("</tr>")[0]
    (csv_row,) = [r for r in csv.DictReader(io.StringIO(areas.csv(linked))) if r["area"] == "n03"]
    assert csv_row["goes_with_leaving"] == "Price above a new customer's"
    assert "Price" not in csv_row["unusual_without_effect"]
    (driver,) = [d for d in area_drivers.drivers(linked, "n03", "EUR") if d.key == "price_gap"]
    assert driver.is_associated
    assert not driver.is_reason
    unproven = replace(linked, price_gaps=prices.assign(**row | {"is_found": False}))
    (driver,) = [d for d in area_drivers.drivers(unproven, "n03", "EUR") if d.key == "price_gap"]
    assert driver.evidence == f"not shown to be related to leaving, {words.SEE_LOYALTY}"
    assert driver.mark == area_drivers.UNUSUAL_MARK


def test_a_reason_of_complaints_only_says_so_beside_the_excess(built):
    only = replace(built, area_drivers=built.area_drivers.assign(is_found_leaving=False))
    told = area_drivers.reasons(only, "EUR")
    assert told
    assert all(line.endswith(" (complaints)") for lines in told.values() for line in lines)


def test_the_report_tells_effects_on_leaving_as_well_as_on_complaints(built, provider):
    said = compose(built, "n03", provider)
    assert {line.split(" of quality on ")[1].split()[0] for line in said.effects} == {"complaints", "leaving"}
    measured = [d for d in said.said.drivers if d.key in {"down_hours", "evening_latency"}]
    assert len(measured) == 2
    assert all("leaving ×" in d.evidence and "complaints ×" in d.evidence for d in measured)


def test_an_area_at_its_target_is_not_called_worse_than_it(built):
    """What is kept then is of outages that its history forecasts."""
    rows = built.avoidable.assign(value=built.avoidable["target"])
    targets = built.area_drivers["driver"].map(rows.groupby("measure")["target"].first())
    drivers = built.area_drivers.assign(value=targets.fillna(built.area_drivers["value"]))
    told = figures.all_fixes(forecast(replace(built, avoidable=rows, area_drivers=drivers)), "EUR", 30)
    assert told.proven
    for fix in told.proven:
        assert fix.is_at_target
        (line, *_) = figures.of_area(told, fix.area, ())
        assert figures.AT_TARGET in line
        assert figures.NO_REASON_HERE not in line
