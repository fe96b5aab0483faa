-- moments: every day on which a customer is looked at: the start of a period or of a week at risk, and the day after
-- the cut-off for those who are still there. What came before until_day counts as known.
CREATE TABLE moments AS
SELECT row_number() OVER (ORDER BY kind, spell_no, until_day) AS moment_no, *
FROM (
    SELECT
        'period' AS kind, spell_no, customer_id, started_on, period AS until_day, asked_on, days_at_risk,
        left_voluntarily, left_otherwise, weight
    FROM periods
    UNION ALL
    SELECT
        'week', spell_no, customer_id, started_on, week, asked_on, days_at_risk, left_voluntarily, left_otherwise, weight
    FROM weeks
    UNION ALL
    SELECT
        'now', risk.spell_no, risk.customer_id, risk.started_on, span.cut_off + 1, span.cut_off + 1, 0, FALSE, FALSE, 1.0
    FROM risk
    CROSS JOIN span
    WHERE risk.outcome = 'used' AND coalesce(risk.event_on > span.cut_off, TRUE)
)
