-- periods: one row per spell and four-week period at risk. A row's covariates are those of the day asked_on. Where there
-- are more than most_periods, all in which a spell ended, and of the others every step-th along the neighbourhoods, another
-- one each period, with the weight step.
CREATE TABLE periods AS
WITH counted AS (
    SELECT
        risk.spell_no, risk.customer_id, risk.started_on, risk.place, risk.entry_on, risk.last_on, risk.event_on,
        risk.departure, span.first_period,
        date_diff('day', span.first_period, risk.entry_on) // 28 AS first_number,
        date_diff('day', span.first_period, risk.last_on) // 28 AS last_number
    FROM risk
    CROSS JOIN span
    WHERE risk.outcome = 'used'
),
sampled AS (
    SELECT
        CAST(
            ceil(CAST(sum(last_number - first_number + 1) AS DOUBLE) / (SELECT most_periods FROM sampling)) AS BIGINT
        ) AS step
    FROM counted
),
numbered AS (
    SELECT *, unnest(range(first_number, last_number + 1)) AS number FROM counted
),
chosen AS (
    SELECT
        numbered.*,
        sampled.step,
        first_period + 28 * CAST(number AS INTEGER) AS period,
        coalesce(event_on <= last_on, FALSE) AND number = last_number AS is_event
    FROM numbered
    CROSS JOIN sampled
)
SELECT
    spell_no, customer_id, started_on, period,
    greatest(period, entry_on) AS asked_on,
    date_diff('day', greatest(period, entry_on), least(period + 28, last_on + 1)) AS days_at_risk,
    is_event AND departure = 'voluntary' AS left_voluntarily,
    is_event AND departure = 'other' AS left_otherwise,
    CASE WHEN is_event THEN 1.0 ELSE CAST(step AS DOUBLE) END AS weight
FROM chosen
WHERE is_event OR (place + number) % step = 0
