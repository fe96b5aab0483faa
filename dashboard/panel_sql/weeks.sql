-- weeks: one row per spell and week at risk in which it ended, and of the other weeks as many as are asked for, drawn
-- by a hash of spell and week that is the same on every engine. weight is the inverse of the chance to be drawn.
CREATE TABLE weeks AS
WITH all_weeks AS (
    SELECT
        spell_no, customer_id, started_on, week, asked_on,
        to_day - asked_on AS days_at_risk,
        left_voluntarily AND to_day = last_day AS left_voluntarily,
        left_otherwise AND to_day = last_day AS left_otherwise,
        (spell_no * 40503 + (week - DATE '1970-01-05') // 7 * 30011) % 4294967291 AS mixed
    FROM (
        SELECT
            *,
            asked_on_period + days_at_risk_period AS last_day,
            greatest(week, asked_on_period) AS asked_on,
            least(week + 7, asked_on_period + days_at_risk_period) AS to_day
        FROM (
            SELECT
                periods.* EXCLUDE (asked_on, days_at_risk),
                periods.asked_on AS asked_on_period,
                CAST(periods.days_at_risk AS INTEGER) AS days_at_risk_period,
                periods.period + 7 * CAST(unnest(range(0, 4)) AS INTEGER) AS week
            FROM periods
        )
    )
    WHERE asked_on < to_day
),
share AS (
    SELECT
        least(
            1.0,
            greatest(
                count(*) FILTER (WHERE left_voluntarily) * (SELECT stays_per_event FROM sampling),
                (SELECT fewest_stays FROM sampling)
            ) / greatest(count(*) FILTER (WHERE NOT left_voluntarily AND NOT left_otherwise), 1)
        ) AS kept
    FROM all_weeks
)
SELECT
    all_weeks.* EXCLUDE (mixed),
    CASE WHEN left_voluntarily OR left_otherwise THEN 1.0 ELSE 1 / share.kept END AS weight
FROM all_weeks
CROSS JOIN share
WHERE left_voluntarily OR left_otherwise
    OR (mixed * (mixed % 65521 + 1) // 65536 + mixed) % 1000003 < share.kept * 1000003
