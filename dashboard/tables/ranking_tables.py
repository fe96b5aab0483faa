"""Result tables of areas: their rates and rank, what drives customers away, the effects found, and what would help."""

from __future__ import annotations

from collector.published import Column, TableSpec
from dashboard.measures import MEASURES

UNITS = ", ".join(dict.fromkeys(measure.unit for measure in MEASURES))

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
        Column("leavers", "integer", "voluntary departures counted in the time at risk; null where they are not known"),
        Column("expected_leavers_90d", "number", "departures expected in the next 90 days"),
        Column("expected_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("expected_leavers_90d_high", "number", "upper end"),
        Column("excess_leavers_90d", "number", "those beyond what the provider's own rate would give"),
        Column("excess_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("excess_leavers_90d_high", "number", "upper end"),
        Column("monthly_revenue_at_risk", "number", "excess leavers times the mean monthly price, never below 0"),
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
        Column("driver", "text", " | ".join((*(measure.name for measure in MEASURES), "price_gap", "locked_in")), True),
        Column("position", "integer", "1 is the strongest", True),
        Column("value", "number", "over the last 8 weeks of the panel"),
        Column("provider_value", "number", "the same for the whole provider"),
        Column("unit", "text", f"of value: {UNITS}, currency per month", True),
        Column(
            "standing",
            "number",
            "how many robust standard deviations of the areas it lies above the provider, or below it where less is worse",
        ),
        Column("rate_ratio", "number", "what the difference does to quality complaints, by the effect model"),
        Column("rate_ratio_low", "number", "lower end of its 95% interval"),
        Column("rate_ratio_high", "number", "upper end"),
        Column("is_found", "boolean", "whether more of it was found to go with more complaints, after Holm", True),
        Column("leaving_rate_ratio", "number", "what the difference does to leaving, by the hazard"),
        Column("leaving_rate_ratio_low", "number", "lower end of its 95% interval"),
        Column("leaving_rate_ratio_high", "number", "upper end"),
        Column("is_found_leaving", "boolean", "whether more of it was found to go with more leaving, after Holm", True),
    ),
)

EFFECTS = TableSpec(
    "effects",
    "one term of an effect model",
    ("model", "term"),
    (
        Column(
            "model", "text", "complaints | complaints_placebo | complaints_control | leaving | leaving_control", True
        ),
        Column("term", "text", " | ".join(measure.name for measure in MEASURES), True),
        Column("kind", "text", "effect | placebo | negative_control", True),
        Column(
            "per", "number", "the step that the ratio is for, in the term's unit; below 0 where less is worse", True
        ),
        Column("unit", "text", UNITS, True),
        Column("rate_ratio", "number", "null where it could not be fitted"),
        Column("low", "number", "lower end of the 95% interval; null where clusters are too few for one"),
        Column("high", "number", "upper end"),
        Column("p_value", "number", "two-sided"),
        Column("p_adjusted", "number", "Holm's over the named effects, and never below the p_value in joint_tests"),
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
        Column("denominator_df", "number", "clusters less terms"),
        Column(
            "p_value",
            "number",
            "of effects that of the joint test; of a placebo or control that of the joint test and of each term by itself, as one"
            " test; null where it could not be computed",
        ),
        Column("p_value_above", "number", "one-sided: whether worse quality goes with more on the whole"),
        Column(
            "is_found",
            "boolean",
            "p_value below 0.05; of effects only where p_value_above is too and no term's interval lies below 1",
            True,
        ),
    ),
)

AVOIDABLE = TableSpec(
    "avoidable",
    "one neighbourhood and one measure of quality: whom it would keep if that came down to the target",
    ("area", "measure"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("measure", "text", " | ".join((*(m.name for m in MEASURES if m.may_be_promised), "everything")), True),
        Column("target", "number", "to what it would come down for customers who have it worse; null for everything"),
        Column("unit", "text", f"of target and value: {UNITS}"),
        Column("value", "number", "mean of the customers on the cut-off over the eight weeks before it"),
        Column("avoidable_leavers_90d", "number", "departures of the next 90 days that would not happen"),
        Column("avoidable_leavers_90d_low", "number", "lower end of its 95% interval"),
        Column("avoidable_leavers_90d_high", "number", "upper end"),
        Column(
            "position",
            "integer",
            "1 keeps most customers; null for everything together. Rows that are withheld are counted within their measure",
        ),
        Column(
            "is_withheld",
            "boolean",
            "whether there are no numbers because leaving does not go along the measure as fitted (dose_checks), or that"
            " could not be checked; everything: of any measure",
            True,
        ),
    ),
)
