-- periods: one row per spell and four-week period at risk. A row's covariates are those of the day asked_on.
CREATE TABLE periods AS
SELECT
    spell_no, customer_id, started_on, period, asked_on,
    least(period + 28, last_on + 1) - asked_on AS days_at_risk,
    is_event AND departure = 'voluntary' AS left_voluntarily,
    is_event AND departure = 'other' AS left_otherwise
FROM (
    SELECT
        *,
        greatest(period, entry_on) AS asked_on,
        coalesce(event_on >= period AND event_on < period + 28 AND event_on <= last_on, FALSE) AS is_event
    FROM (
        SELECT
            risk.*,
            span.first_period + 28 * CAST(
                unnest(range((entry_on - span.first_period) // 28, (last_on - span.first_period) // 28 + 1)) AS INTEGER
            ) AS period
        FROM risk
        CROSS JOIN span
        WHERE outcome = 'used'
    )
)
