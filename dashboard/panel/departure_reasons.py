"""Of how many departures the records say why: without that, voluntary ones cannot be told from the others.

An end with neither notice nor reason counts as a departure for another reason. Where many are so, the provider's
customers would seem to leave less of their own will than they do (settings, joins.reasons).
"""

from __future__ import annotations

from dashboard.panel.engines.sql_engine import Engine
from dashboard.panel.join_coverage import REASONS, RECENT_DAYS, Counted, Join

ENDED = f"""
SELECT
    count(*),
    CAST(sum(CASE WHEN risk.lacks_reason THEN 0 ELSE 1 END) AS BIGINT),
    CAST(sum(CASE WHEN risk.event_on > span.cut_off - {RECENT_DAYS} THEN 1 ELSE 0 END) AS BIGINT),
    CAST(sum(CASE WHEN risk.event_on > span.cut_off - {RECENT_DAYS} AND NOT risk.lacks_reason THEN 1 ELSE 0 END) AS BIGINT)
FROM risk
CROSS JOIN span
WHERE risk.outcome = 'used' AND risk.event_on <= span.cut_off
"""
REMEDY = (
    "the others count as gone for other reasons, so that too few seem to leave of their own will. Export the reasons or the"
    " days of notice, with a mapping that says under [columns.end_reason.values] which word is which, or, where whoever"
    ' gives no reason leaves of their own will, blank = "voluntary" under [columns.end_reason]; then build again'
)


def of_reasons(engine: Engine, floor: float) -> Join:
    """The join of departures up to the cut-off to a notice or a reason."""
    rows, known, recent, recent_known = (int(number or 0) for number in engine.rows(ENDED)[0])
    joined, of, lately = Counted(known, rows, recent_known, recent).at_worst(floor)
    is_known = joined >= floor * of
    text = f"{joined:,} of {of:,} departures{lately} have a reason that is known, or a notice ({floor:.0%} are needed): {REMEDY}"
    return Join(REASONS, of, joined, floor, is_known, not is_known, text)
