-- weeks: one row per spell and week at risk in which it ended, and of the other weeks as many as are asked for, drawn
-- by a hash of spell and week that is the same on every engine. weight is the inverse of the chance to be drawn.
CREATE TABLE weeks AS
WITH share AS (
    SELECT
        least(
            1.0,
            least(
                greatest(
                    count(*) FILTER (WHERE event_on <= last_on AND departure = 'voluntary')
                    * (SELECT stays_per_event FROM sampling),
                    (SELECT fewest_stays FROM sampling)
                ),
                (SELECT most_stays FROM sampling)
            ) / greatest(
                sum((last_on - first_period) // 7 - (entry_on - first_period) // 7 + 1)
                - count(*) FILTER (WHERE event_on <= last_on),
                1
            )
        ) AS kept
    FROM risk
    CROSS JOIN span
    WHERE outcome = 'used'
),
numbered AS (
    SELECT
        spell_no, customer_id, started_on, entry_on, last_on, departure,
        coalesce(event_on <= last_on, FALSE) AS has_ended,
        first_period + 7 * CAST(
            unnest(range((entry_on - first_period) // 7, (last_on - first_period) // 7 + 1)) AS INTEGER
        ) AS week
    FROM risk
    CROSS JOIN span
    WHERE outcome = 'used'
),
mixed AS (
    SELECT
        *,
        has_ended AND week + 7 > last_on AS is_event,
        (spell_no * 40503 + (week - DATE '1970-01-05') // 7 * 30011) % 4294967291 AS mixed
    FROM numbered
)
SELECT
    mixed.spell_no,
    mixed.customer_id,
    mixed.started_on,
    mixed.week,
    greatest(mixed.week, mixed.entry_on) AS asked_on,
    least(mixed.week + 7, mixed.last_on + 1) - greatest(mixed.week, mixed.entry_on) AS days_at_risk,
    mixed.is_event AND mixed.departure = 'voluntary' AS left_voluntarily,
    mixed.is_event AND mixed.departure = 'other' AS left_otherwise,
    CASE WHEN mixed.is_event THEN 1.0 ELSE 1 / share.kept END AS weight
FROM mixed
CROSS JOIN share
WHERE mixed.is_event
    OR (mixed.mixed * (mixed.mixed % 65521 + 1) // 65536 + mixed.mixed) % 1000003 < share.kept * 1000003
