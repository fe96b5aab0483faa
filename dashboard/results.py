"""What `bairro build` stores and pages read: result tables, the manifest, the newest complete build."""

from __future__ import annotations

from collector.published import Column, TableSpec
from dashboard.tables.schema import AREA_WEEKS, AREAS

AREA_RATES = TableSpec(
    "area_rates",
    "one neighbourhood and one outcome over the whole time at risk",
    ("area", "outcome"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("outcome", "text", "leaving | complaints_quality | complaints_all", True),
        Column("customers", "integer", "customers on the cut-off day", True),
        Column("customer_days", "number", "time at risk", True),
        Column("events", "integer", "what happened in that time", True),
        Column(
            "expected_events",
            "number",
            "what the provider's rates, standardised by tenure and lock-in, would give",
            True,
        ),
        Column("rate_90d", "number", "events per customer in 90 days, as counted"),
        Column("shrunk_rate_90d", "number", "the same, shrunk towards the provider's by empirical Bayes"),
        Column("shrunk_rate_90d_low", "number", "lower end of its 95% interval"),
        Column("shrunk_rate_90d_high", "number", "upper end"),
    ),
)

RANKING = TableSpec(
    "ranking",
    "one neighbourhood",
    ("area",),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("rank", "integer", "1 is most at risk; null where there is too little data"),
        Column("rank_low", "integer", "best rank in the 95% interval"),
        Column("rank_high", "integer", "worst rank in the 95% interval"),
        Column("verdict", "text", "at_risk | watch | ordinary | too_little_data", True),
        Column("customers", "integer", "customers on the cut-off day", True),
        Column("leavers", "integer", "voluntary departures counted in the time at risk", True),
        Column("expected_leavers_90d", "number", "departures expected in the next 90 days"),
        Column("expected_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("expected_leavers_90d_high", "number", "upper end"),
        Column("excess_leavers_90d", "number", "those beyond what the provider's own rate would give"),
        Column("excess_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("excess_leavers_90d_high", "number", "upper end"),
        Column("monthly_revenue_at_risk", "number", "excess leavers times the mean monthly price"),
        Column("is_found", "boolean", "whether the excess stands after Benjamini-Hochberg at 10% over areas", True),
        Column("outage_minutes_per_customer", "number", "over the last 13 weeks: the naive ranking to compare with"),
        Column("note", "text", "why there is no number, where there is none"),
    ),
)

AREA_DRIVERS = TableSpec(
    "area_drivers",
    "one neighbourhood and one thing that may drive its customers away, strongest first",
    ("area", "driver"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column(
            "driver", "text", "down_hours | evening_latency | loss | evening_utilization | price_gap | locked_in", True
        ),
        Column("position", "integer", "1 is the strongest", True),
        Column("value", "number", "over the last 8 weeks of the panel"),
        Column("provider_value", "number", "the same for the whole provider"),
        Column("unit", "text", "of value: hours per customer-week, seconds, ratio, currency per month", True),
        Column("standing", "number", "how many robust standard deviations of the areas it lies above the provider"),
        Column("rate_ratio", "number", "what the difference does to quality complaints, by the effect model"),
        Column("rate_ratio_low", "number", "lower end of its 95% interval"),
        Column("rate_ratio_high", "number", "upper end"),
        Column("is_found", "boolean", "whether the effect behind it stands after Holm's correction", True),
    ),
)

EFFECTS = TableSpec(
    "effects",
    "one term of an effect model",
    ("model", "term"),
    (
        Column("model", "text", "complaints | complaints_placebo | complaints_control", True),
        Column("term", "text", "down_hours | evening_latency | loss | evening_utilization", True),
        Column("kind", "text", "effect | placebo | negative_control", True),
        Column("per", "number", "the step that the ratio is for, in the term's unit", True),
        Column("unit", "text", "hours per customer-week, seconds, ratio", True),
        Column("rate_ratio", "number", "null where it could not be fitted"),
        Column("low", "number", "lower end of the 95% interval; null where clusters are too few for one"),
        Column("high", "number", "upper end"),
        Column("p_value", "number", "two-sided"),
        Column("p_adjusted", "number", "Holm's, over the named effects"),
        Column("is_found", "boolean", "p_adjusted below 0.05", True),
        Column("clusters", "integer", "how many", True),
        Column("method", "text", "how the interval was made", True),
    ),
)

JOINT_TESTS = TableSpec(
    "joint_tests",
    "one test that all terms of a model are zero",
    ("model",),
    (
        Column("model", "text", "as in effects", True),
        Column("statistic", "number", "F"),
        Column("numerator_df", "integer", "terms"),
        Column("denominator_df", "integer", "clusters less one"),
        Column("p_value", "number", "null where it could not be computed"),
    ),
)

RESULT_TABLES: dict[str, TableSpec] = {
    spec.name: spec for spec in (AREAS, AREA_WEEKS, AREA_RATES, RANKING, AREA_DRIVERS, EFFECTS, JOINT_TESTS)
}
