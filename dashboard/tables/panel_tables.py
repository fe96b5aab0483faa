"""The panel, made of records and quality: every table of it, declared once."""

from __future__ import annotations

from collector.published import Column, TableSpec
from dashboard.measures import LENGTHS, MEASURES, REACHES, WINDOWS, longer_than, over
from dashboard.tables.schema import CATEGORIES, CONTROL_CATEGORIES

AREA_WEEKS = TableSpec(
    "area_weeks",
    "one neighbourhood and one week, from Monday 00:00 in its time zone",
    ("area", "week"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("week", "date", "the Monday on which the week starts", True),
        Column(
            "is_complete", "boolean", "whether records and quality cover the whole week (it ends by the cut-off)", True
        ),
        Column("customer_days", "number", "days that customers were with the provider in the week, summed", True),
        Column("joiners", "integer", "spells that began", True),
        Column(
            "leavers_voluntary",
            "integer",
            "voluntary departures, dated by notice where there is one; null where too few departures have a known reason",
        ),
        Column("leavers_other", "integer", "departures for another reason; null likewise"),
        *(
            Column(
                f"complaints_{c}",
                "integer",
                f"complaints of category {c}; null where they are not known, as in weeks that the records lack",
            )
            for c in CATEGORIES
        ),
        Column(
            "quiet_customer_days",
            "number",
            "those of customer_days whose customer had complained of nothing in the 56 days before; null where complaints do not name customers",
        ),
        *(
            Column(
                f"quiet_complaints_{c}",
                "integer",
                f"complaints of category {c} of such customers, who did not complain of anything else that day; null likewise",
            )
            for c in CONTROL_CATEGORIES
        ),
        Column("observed_ratio", "number", "share of the week's customer-time that was observed, 0 to 1"),
        *(Column(measure.area_column, "number", f"{measure.what}; mean of its customers") for measure in MEASURES),
        Column(
            "down_hours_variance",
            "number",
            "variance of down_hours_per_customer between customers there when it began, in hours squared",
        ),
        Column("down_ratio", "number", "share of these customers who were without service at any time in it, 0 to 1"),
        Column("long_down_ratio", "number", "share of them who were so for more than four hours"),
        Column(
            "long_down_hours_per_customer",
            "number",
            "hours without service of customers with more than four of them in the week; mean over all of them",
        ),
        *(
            Column(
                longer_than(hours),
                "number",
                f"hours without service in single outages that lasted longer than {hours} hours; mean of the customers there when it began",
            )
            for hours in LENGTHS
        ),
        Column("price_gap_mean", "number", "own price less a new customer's for the same plan, mean over customers"),
        Column("nps_answers", "integer", "answers to the survey; null where they are not known"),
        Column("nps_promoters", "integer", "scores of 9 and 10"),
        Column("nps_detractors", "integer", "scores of 0 to 6"),
        Column("reviews", "integer", "public reviews that name the neighbourhood", True),
        Column("review_rating_mean", "number", "their mean of 1 to 5 stars; null where there are none"),
    ),
)

_KNOWN_OF_A_CUSTOMER: tuple[Column, ...] = (
    Column("area", "text", "where they live", True),
    Column("device_id", "text", "their own CPE, else the device that serves them"),
    Column("technology", "text", "fibre, cable, wireless, dsl, ..."),
    Column("plan", "text", "the plan's name"),
    Column("monthly_price", "number", "what they pay a month"),
    Column("price_gap", "number", "monthly_price less a new customer's for the same plan"),
    Column("price_change", "number", "monthly_price less what it was eight weeks before; null for newer customers"),
    Column("price_held_days", "integer", "days since monthly_price last changed; null where it never did"),
    Column("tenure_days", "integer", "days since started_on", True),
    Column("is_locked_in", "boolean", "whether a contract still holds them; null where it is not known"),
    Column("lock_in_days_left", "integer", "days until the contract ends, 0 when free; null where it is not known"),
    Column("free_days", "integer", "days since their contract ended; null while it holds and where there was none"),
    Column("termination_fee", "number", "what leaving before the contract's end costs"),
    Column("complaints_before", "integer", "complaints in the eight weeks before"),
    Column("quality_complaints_before", "integer", "those of them about connection and speed"),
    Column("answer_hours_before", "number", "mean hours until they had a first answer, of those that had one by then"),
    Column("nps_score_before", "integer", "the last score given in the half year before"),
    Column("trailing_observed_ratio", "number", "share of the eight weeks before that was with us and observed"),
    Column(
        "trailing_unseen_ratio", "number", "share of their time with us in the eight weeks before that nobody observed"
    ),
    *(Column(measure.trailing, "number", f"over the eight weeks before: {measure.what}") for measure in MEASURES),
)
"""What is known of a customer on the day on which they are looked at, and nothing that came after it."""

_REMEMBERED: tuple[Column, ...] = tuple(
    Column(
        over(weeks),
        "number",
        f"hours without service in a week, over the last {weeks} whole weeks of the device that serves them;"
        " null where it has not served them for so long, or less than half of that is known",
    )
    for weeks in WINDOWS
) + tuple(
    Column(
        over(weeks, hours),
        "number",
        f"those in single outages of the device that lasted longer than {hours} hours, over its last {weeks} whole weeks; null likewise",
    )
    for weeks in REACHES
    for hours in LENGTHS
)

_AT_RISK: tuple[Column, ...] = (
    Column("days_at_risk", "number", "days from entry or the start to the event, the exit or the end", True),
    Column("left_voluntarily", "boolean", "whether the voluntary departure falls in it", True),
    Column("left_otherwise", "boolean", "whether they went for another reason, which censors", True),
)

CUSTOMER_PERIODS = TableSpec(
    "customer_periods",
    "one spell of a customer and one four-week period in which it was at risk, as known at its start (or at entry);"
    " of very many, all in which it ended and a sample of the others",
    ("customer_id", "started_on", "period"),
    (
        Column("customer_id", "text", "keyed hash", True),
        Column("started_on", "date", "the first day of the spell", True),
        Column("period", "date", "the Monday on which the four weeks start", True),
        Column("weight", "number", "the inverse of the share of such rows that are here", True),
        *_KNOWN_OF_A_CUSTOMER,
        *_AT_RISK,
    ),
)

CUSTOMER_WEEKS = TableSpec(
    "customer_weeks",
    "one spell of a customer and one week in which it was at risk: all in which it ended, a sample of the others",
    ("customer_id", "started_on", "week"),
    (
        Column("customer_id", "text", "keyed hash", True),
        Column("started_on", "date", "the first day of the spell", True),
        Column("week", "date", "the Monday on which the week starts", True),
        Column("weight", "number", "the inverse of the chance with which the row was drawn", True),
        *_KNOWN_OF_A_CUSTOMER,
        *_REMEMBERED,
        *_AT_RISK,
    ),
)

CUSTOMERS_NOW = TableSpec(
    "customers_now",
    "one customer who is still there on the day after the cut-off, as known on that day",
    ("customer_id", "started_on"),
    (
        Column("customer_id", "text", "keyed hash", True),
        Column("started_on", "date", "the first day of the spell", True),
        *_KNOWN_OF_A_CUSTOMER,
        *_REMEMBERED,
        *(
            Column(measure.trailing_whole, "integer", f"how many {measure.trailing} was counted among")
            for measure in MEASURES
            if measure.trailing_whole
        ),
    ),
)

SURVEY_ANSWERS = TableSpec(
    "survey_answers",
    "one answer to the survey, with what was known on that day of who gave it",
    ("response_id",),
    (
        Column("response_id", "text", "the survey's id", True),
        Column("area", "text", "where they lived, else the neighbourhood that the answer names", True),
        Column("answered_on", "date", "the day of the answer", True),
        Column("score", "integer", "0 to 10", True),
        Column("technology", "text", "fibre, cable, ...; null where only the area is known"),
        Column("tenure_days", "integer", "days since started_on; null where only the area is known"),
        Column("complaints_before", "integer", "complaints in the eight weeks before; null likewise"),
    ),
)

QUALITY_COMPLAINTS = TableSpec(
    "quality_complaints",
    "one complaint about connection or speed, with the complainer's quality in the seven days up to its own",
    ("complaint_id",),
    (
        Column("complaint_id", "text", "the helpdesk's id", True),
        Column("area", "text", "where they lived, else the neighbourhood that the complaint names", True),
        Column("opened_on", "date", "the day of the complaint", True),
        Column("observed_ratio", "number", "share of the seven days that was observed; null where no device is known"),
        *(Column(measure.column, "number", f"over the seven days: {measure.what}") for measure in MEASURES),
    ),
)

DEPARTURES = TableSpec(
    "departures",
    "one spell that is over, and the same customer's next one where there is one",
    ("customer_id", "started_on"),
    (
        Column("customer_id", "text", "keyed hash", True),
        Column("started_on", "date", "the first day of the spell", True),
        Column("area", "text", "where they lived when it ended", True),
        Column("ended_on", "date", "its last day", True),
        Column("exit_reason", "text", "voluntary, nonpayment, moved or other", True),
        Column("next_started_on", "date", "the first day of the next spell; null where there is none"),
        Column("next_area", "text", "where they lived then"),
    ),
)

INCIDENT_SPANS = TableSpec(
    "incident_spans",
    "one device and one span in which it was in an incident, as the operations database has it",
    ("incident_id", "device_id", "started_at"),
    (
        Column("incident_id", "text", "the incident", True),
        Column("device_id", "text", "the device; null where an incident names none"),
        Column(
            "started_at", "timestamp", "when the device went in; the incident's own start where it names none", True
        ),
        Column("kind", "text", "outage, planned, degradation or blind", True),
        Column("area", "text", "the device's neighbourhood in the inventory"),
        Column(
            "subscribers", "integer", "customers behind it and behind none of its children, as the inventory has it"
        ),
        Column("ended_at", "timestamp", "when it came out; null while it is in"),
    ),
)

OUTAGES = TableSpec(
    "outages",
    "one incident that took service away, one neighbourhood that it struck, and whether that was planned",
    ("area", "incident_id", "kind"),
    (
        Column("area", "text", "where the customers live who were without service", True),
        Column("incident_id", "text", "the incident in the operations database", True),
        Column("kind", "text", "outage, or planned work", True),
        Column("week", "date", "the Monday of the week in which it began there", True),
        Column("last_week", "date", "the Monday of the week in which it ended there", True),
        Column("started_at", "timestamp", "when its first device there went out", True),
        Column(
            "ended_at", "timestamp", "when its last one came back; the newest time on record while it is open", True
        ),
        Column("customers", "integer", "customers who hung on its devices when they went out", True),
        Column("customer_minutes", "number", "minutes without service, summed over customers", True),
    ),
)

AREA_DAYS = TableSpec(
    "area_days",
    "one neighbourhood and one local day: what was seen of the devices that serve it, each from its first day observed to its last",
    ("area", "day"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("day", "date", "the local day", True),
        Column("device_hours", "number", "hours of all its devices", True),
        Column("unseen_hours", "number", "those that nobody observed", True),
        Column("judged_hours", "number", "those of which it is known whether there was service", True),
        Column("down_hours", "number", "those without service, planned work left out", True),
    ),
)

AREA_NODES = TableSpec(
    "area_nodes",
    "one neighbourhood and one device behind which at least nine in ten of its customers stand and stood over the year",
    ("area", "node"),
    (
        Column("area", "text", "the neighbourhood", True),
        Column("node", "text", "the device, or a device above it, up to the top of the tree", True),
        Column("customers", "integer", "customers of the neighbourhood on the day after the cut-off", True),
        Column("customers_behind", "integer", "those of them behind it", True),
        Column(
            "steps_up", "integer", "how many devices it stands above the nearest customer's own; 0: it is that", True
        ),
    ),
)

PANEL_TABLES: tuple[TableSpec, ...] = (
    AREA_WEEKS,
    AREA_DAYS,
    CUSTOMER_PERIODS,
    CUSTOMER_WEEKS,
    CUSTOMERS_NOW,
    SURVEY_ANSWERS,
    QUALITY_COMPLAINTS,
    DEPARTURES,
    OUTAGES,
    AREA_NODES,
)
