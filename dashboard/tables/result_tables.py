"""Result tables of loyalty and of incidents: who is held, who would go, what surveys say, what outages cost."""

from __future__ import annotations

from collector.published import Column, TableSpec

PROVIDER = ""
"""The ``area`` of a row for the whole provider."""

LOYALTY = TableSpec(
    "loyalty",
    "one neighbourhood, or the whole provider where area is blank: who is held and who stays by choice, on the day "
    "after the cut-off",
    ("area",),
    (
        Column("area", "text", "the neighbourhood; blank: the whole provider", True),
        Column("customers", "integer", "customers on that day", True),
        Column(
            "judged", "integer", "those of them whose quality was observed for at least half of the eight weeks", True
        ),
        Column("held_bad", "integer", "held by a contract, with bad quality: held, not loyal", True),
        Column("held_good", "integer", "held by a contract, quality not bad", True),
        Column("free_bad", "integer", "free to leave, with bad quality", True),
        Column("free_good", "integer", "free to leave, quality not bad: loyal by choice", True),
        Column("contract_unknown", "integer", "judged customers of whose contract nothing is known", True),
        Column(
            "unhappy",
            "integer",
            "bad quality, a last score of 0 to 6, or a quality complaint in eight weeks, as far as these are known",
            True,
        ),
        Column("unhappy_held", "integer", "those of them whom a contract holds", True),
        Column("unhappy_monthly_revenue", "number", "what the unhappy pay a month", True),
        Column(
            "silent_sufferers",
            "integer",
            "bad quality and no complaint of any kind in eight weeks; null: no records, or nobody observed",
        ),
        Column("silent_sufferers_monthly_revenue", "number", "what they pay a month"),
        Column(
            "quality_complaints",
            "integer",
            "complaints of connection and speed in the last 13 weeks; null where it is not known whose they are",
        ),
        Column(
            "quality_complaints_judged",
            "integer",
            "those for which the customer's network was observed that week",
        ),
        Column("quality_complaints_clean", "integer", "those of the judged whose network was clean that week"),
        Column("clean_ratio", "number", "clean over judged, 0 to 1"),
        Column("clean_ratio_low", "number", "lower end of its 95% Wilson interval"),
        Column("clean_ratio_high", "number", "upper end"),
        Column("price_gap_mean", "number", "own price less a new customer's for the same plan, mean, a month"),
    ),
)

CONTRACT_CLIFF = TableSpec(
    "contract_cliff",
    "one neighbourhood (blank: the whole provider) and one month ahead: whose lock-in ends in it",
    ("area", "months_ahead"),
    (
        Column("area", "text", "the neighbourhood; blank: the whole provider", True),
        Column("months_ahead", "integer", "1 is the first month after the cut-off, up to 24", True),
        Column("month_starts_on", "date", "its first day, counted from the day after the cut-off", True),
        Column("ending", "integer", "customers whose lock-in ends in that month", True),
        Column("ending_monthly_revenue", "number", "what they pay a month", True),
        Column("unhappy_ending", "integer", "those of them who are unhappy (as in loyalty)", True),
        Column("unhappy_monthly_revenue", "number", "what the unhappy ones pay a month", True),
        Column(
            "unjudged_ending",
            "integer",
            "those of them of whom nobody knows: quality not judged, and neither score nor complaint says unhappy; null in early builds",
        ),
    ),
)

PRICE_GAPS = TableSpec(
    "price_gaps",
    "one plan, or all plans where plan is blank: what customers of over a year pay beyond a new customer, and what it does",
    ("plan",),
    (
        Column("plan", "text", "the plan; blank: all plans together, the only row with a rate ratio", True),
        Column("customers", "integer", "customers whose own price and the new price are both known", True),
        Column("loyal_customers", "integer", "those of them who have been there for a year or more", True),
        Column("loyal_price_mean", "number", "what these pay a month, mean"),
        Column("new_price_mean", "number", "what a new customer would pay for the same, mean"),
        Column("gap_mean", "number", "the difference"),
        Column("paying_more_ratio", "number", "share of the loyal ones who pay more than a new customer, 0 to 1"),
        Column(
            "rate_ratio", "number", "of leaving, for one unit of currency more a month above a new customer's price"
        ),
        Column("rate_ratio_low", "number", "lower end of its 95% interval"),
        Column("rate_ratio_high", "number", "upper end"),
        Column("p_value", "number", "two-sided"),
        Column(
            "is_found",
            "boolean",
            "whether the interval excludes 1; an association: who has a gap is not random",
            True,
        ),
        Column("note", "text", "what may be said, or why there is no ratio"),
    ),
)

AREA_NPS = TableSpec(
    "area_nps",
    "one neighbourhood, or the whole provider where area is blank: the net promoter score and whether it has fallen",
    ("area",),
    (
        Column("area", "text", "the neighbourhood; blank: the whole provider", True),
        Column("answers", "integer", "in the 26 weeks up to the newest answer", True),
        Column("promoters", "integer", "scores of 9 and 10", True),
        Column("detractors", "integer", "scores of 0 to 6", True),
        Column("nps", "number", "promoters less detractors in 100 answers, -100 to 100"),
        Column("nps_low", "number", "lower end of its 95% interval"),
        Column("nps_high", "number", "upper end"),
        Column("weighted_nps", "number", "answers weighted for who answers by tenure, technology and complaints"),
        Column("weighted_nps_low", "number", "lower end of its 95% interval"),
        Column("weighted_nps_high", "number", "upper end"),
        Column("weighted_answers", "integer", "answers of known customers, which alone can be weighted", True),
        Column(
            "bounded_nps_low",
            "number",
            "lowest score if answering depends on the score itself, or on what is on record",
        ),
        Column("bounded_nps_high", "number", "highest such score; sampling error is in both"),
        Column(
            "answering_ratio", "number", "how many times as readily a detractor answers as a promoter; null: not known"
        ),
        Column("answering_ratio_low", "number", "lower end of its 95% region; 0.1: nothing is known below"),
        Column("answering_ratio_high", "number", "upper end; 10: nothing is known above"),
        Column("not_correctable", "text", "what the weights cannot correct, in words", True),
        Column("recent_answers", "integer", "in the last four weeks", True),
        Column("recent_nps", "number", "their score"),
        Column("earlier_answers", "integer", "in the four weeks before", True),
        Column("earlier_nps", "number", "their score"),
        Column("change", "number", "recent less earlier; null where a side has fewer than 30 answers"),
        Column("change_low", "number", "lower end of its 95% interval"),
        Column("change_high", "number", "upper end"),
        Column("p_value", "number", "one-sided, that it has fallen"),
        Column("p_adjusted", "number", "after Benjamini and Hochberg over neighbourhoods"),
        Column("is_real_fall", "boolean", "p_adjusted below 0.10", True),
        Column("note", "text", "why nothing is said of a change, where nothing is"),
    ),
)

RETURNERS = TableSpec(
    "returners",
    "one neighbourhood that customers left (blank: the whole provider) and one reason: who came back",
    ("area", "exit_reason"),
    (
        Column("area", "text", "the neighbourhood that they left; blank: the whole provider", True),
        Column("exit_reason", "text", "voluntary | nonpayment | moved | other | all", True),
        Column("departures", "integer", "spells that ended", True),
        Column("returned", "integer", "those followed by a new spell after 28 days or more", True),
        Column("returned_here", "integer", "those of them who came back to the same neighbourhood", True),
        Column("gone_years", "number", "time that those who left have been away, summed", True),
        Column("returns_per_100_gone_years", "number", "returned over that time: holds also for who left lately"),
        Column("returns_per_100_gone_years_low", "number", "lower end of its exact 95% interval"),
        Column("returns_per_100_gone_years_high", "number", "upper end"),
        Column("gap_days_median", "number", "days away of those who came back"),
        Column("gap_days_shortest", "integer", "the shortest of these"),
        Column("gap_days_longest", "integer", "the longest"),
    ),
)

INCIDENT_EFFECTS = TableSpec(
    "incident_effects",
    "one outage, or all of one kind together, and one outcome: what followed beyond what would have happened anyway",
    ("outage", "outcome"),
    (
        Column(
            "outage",
            "text",
            "pooled:all, pooled:under_4h, pooled:over_4h, pooled:planned: by the weeks that follow; area and Monday of its"
            " week, matched:all, matched:small, matched:medium, matched:large, matched:planned: against matched areas",
            True,
        ),
        Column("outcome", "text", "complaints_quality | leaving", True),
        Column("design", "text", "following_weeks | matched: how it was estimated; null in builds that knew one only"),
        Column("is_pooled", "boolean", "whether it is several outages together", True),
        Column("kind", "text", "outage | planned (work, which no sum over outages holds)", True),
        Column(
            "source",
            "text",
            "where it is known from: incidents of the collector | weekly_down_time, where none is on record | both;"
            " null of no outages",
        ),
        Column(
            "size",
            "text",
            "under_4h | over_4h by the hours without service of a customer in a week; small | medium | large by down hours per"
            " customer of the area (1 and 4), of matched ones; all",
            True,
        ),
        Column("area", "text", "the neighbourhood; null where pooled"),
        Column(
            "started_at",
            "timestamp",
            "when it began (its week, where only weekly down time is known); null where pooled",
        ),
        Column(
            "outages",
            "integer",
            "how many (by the weeks that follow: weeks of areas in which there was one); 1 where not pooled",
            True,
        ),
        Column(
            "customers",
            "integer",
            "by the weeks that follow: customers without service, once for each week; matched: customers of the hit areas",
            True,
        ),
        Column("customer_minutes", "number", "minutes without service, summed over customers", True),
        Column(
            "hours_each", "number", "hours that one of these customers was without service in the week; null if matched"
        ),
        Column(
            "weeks_after",
            "integer",
            "weeks after the outage's own that are counted, at most 12 (matched: 8, the fewest where pooled)",
        ),
        Column("matched_areas", "integer", "areas it was compared with; the fewest where pooled"),
        Column("observed", "number", "what happened from the outage's week to the last counted week; matched only"),
        Column("expected", "number", "what these customers would have done in these weeks without it"),
        Column("excess", "number", "what followed beyond it, in customers (leaving) or complaints"),
        Column("excess_low", "number", "lower end of its 95% interval"),
        Column("excess_high", "number", "upper end"),
        Column("excess_per_1000", "number", "excess over customers, times 1,000"),
        Column("excess_per_1000_low", "number", "lower end"),
        Column("excess_per_1000_high", "number", "upper end"),
        Column(
            "excess_per_1000_hours",
            "number",
            "excess for 1,000 hours of one customer without service; where hours that nobody observed go with them, less than"
            " excess over hours",
        ),
        Column("excess_per_1000_hours_low", "number", "lower end"),
        Column("excess_per_1000_hours_high", "number", "upper end"),
        Column(
            "monthly_revenue", "number", "excess departures times the mean monthly price there; null for complaints"
        ),
        Column("monthly_revenue_low", "number", "lower end"),
        Column("monthly_revenue_high", "number", "upper end"),
        Column("smallest_detectable", "number", "the excess that would be found in 80 of 100 cases"),
        Column(
            "placebo_p_value",
            "number",
            "of the eight weeks before, in which it cannot have done anything; below 0.05: no answer",
        ),
        Column("p_value", "number", "two-sided"),
        Column(
            "p_adjusted", "number", "Holm over the pooled rows of a design, Benjamini and Hochberg over single outages"
        ),
        Column(
            "verdict",
            "text",
            "found | not_found | too_small (to say) | no_answer (the note says why); matched also: not_separable (other"
            " measures moved too) | too_early | no_match",
            True,
        ),
        Column("note", "text", "why there is no answer, or what else has to be said of it"),
    ),
)

INCIDENT_WEEKS = TableSpec(
    "incident_weeks",
    "one kind of outage, one outcome and one week before or after: what an outage adds week by week",
    ("size", "outcome", "weeks_since"),
    (
        Column("size", "text", "under_4h | over_4h | all | planned", True),
        Column("outcome", "text", "complaints_quality | leaving", True),
        Column(
            "weeks_since", "integer", "-8 to 12; 0 is the week of the outage; weeks of one estimate are alike", True
        ),
        Column("is_placebo", "boolean", "whether it is a week before, in which nothing can have been done"),
        Column("outages", "integer", "weeks of areas in which there was one", True),
        Column(
            "excess_per_1000",
            "number",
            "in that week, per 1,000 customers who were without service (for an hour, where their number is not known)",
        ),
        Column("low", "number", "lower end of its 95% interval"),
        Column("high", "number", "upper end"),
    ),
)

LOCAL_CHANGES = TableSpec(
    "local_changes",
    "one neighbourhood: whether more have been leaving for some weeks than network, contracts, prices and calendar explain",
    ("area",),
    (
        Column("area", "text", "the neighbourhood", True),
        Column(
            "since_week", "date", "the Monday from which more have left, likeliest; null where it could not be tested"
        ),
        Column("weeks", "integer", "complete weeks since"),
        Column("leavers", "integer", "voluntary departures in them"),
        Column("usual_leavers", "number", "what was to be expected by the hazard of leaving and the weeks before"),
        Column("ratio", "number", "how many times as many leave as before, drawn towards 1"),
        Column("ratio_low", "number", "lower end of its 95% interval"),
        Column("ratio_high", "number", "upper end"),
        Column("is_found", "boolean", "beyond what a year of weekly looks at 100 unchanged areas shows once", True),
        Column("note", "text", "why nothing is said, or that too few leave for a change to stand out"),
    ),
)

DOSE_CHECKS = TableSpec(
    "dose_checks",
    "one measure of quality: whether departures go along it as the averaged forms of its effect say",
    ("measure",),
    (
        Column("measure", "text", "as in effects", True),
        Column("verdict", "text", "passes | fails (p_value below 0.05) | untested", True),
        Column("weeks", "integer", "over how many weeks before it was taken: those that fit best", True),
        Column(
            "longer_than_hours",
            "integer",
            "hours without service were those in single outages that lasted longer, for they fit best; 0: all alike",
        ),
        Column("bins", "integer", "groups of customers' time, by the measure over these weeks", True),
        Column("statistic", "number", "the largest standardised sum of differences, from the best group upwards"),
        Column("p_value", "number", "how often chance alone makes one as large, by simulation"),
        Column("note", "text", "why it was not tested"),
    ),
)

DOSE_BINS = TableSpec(
    "dose_bins",
    "one measure of quality and one group of customers' time by it: departures counted and expected",
    ("measure", "bin"),
    (
        Column("measure", "text", "as in effects", True),
        Column("bin", "integer", "1 has the best quality; about as many departures are expected in each", True),
        Column("unit", "text", "of low and high", True),
        Column("low", "number", "the measure over the weeks before (dose_checks): from", True),
        Column("high", "number", "up to", True),
        Column("observed", "number", "voluntary departures", True),
        Column(
            "expected",
            "number",
            "by the averaged forms, given what each neighbourhood lost altogether and what each week did to all",
            True,
        ),
        Column("ratio", "number", "observed over expected; null where none were expected"),
        Column("ratio_low", "number", "lower end of its 95% interval"),
        Column("ratio_high", "number", "upper end"),
    ),
)

SHARED_NODES = TableSpec(
    "shared_nodes",
    "one neighbourhood: whether more left in all neighbourhoods behind the same device than network, contracts and calendar explain",
    ("area",),
    (
        Column("area", "text", "the neighbourhood", True),
        Column(
            "node",
            "text",
            "the device that nine in ten of its customers stand behind, with those of other neighbourhoods",
        ),
        Column("areas", "integer", "neighbourhoods behind it"),
        Column("areas_above", "integer", "those of them that lost more in the last year than was to be expected"),
        Column(
            "ratio", "number", "how many times as many as expected left behind it in the last year, drawn towards 1"
        ),
        Column("ratio_low", "number", "lower end of its 95% interval"),
        Column("ratio_high", "number", "upper end"),
        Column("p_value", "number", "that more left behind it, corrected for looking at all devices"),
        Column("p_value_areas", "number", "that its neighbourhoods differ among each other"),
        Column("is_found", "boolean", "whether more left behind the device, in its neighbourhoods alike", True),
        Column("note", "text", "why nothing is said, where nothing is"),
    ),
)

FINDINGS: tuple[TableSpec, ...] = (
    LOYALTY,
    CONTRACT_CLIFF,
    PRICE_GAPS,
    AREA_NPS,
    RETURNERS,
    INCIDENT_EFFECTS,
    INCIDENT_WEEKS,
    LOCAL_CHANGES,
    SHARED_NODES,
    DOSE_CHECKS,
    DOSE_BINS,
)
