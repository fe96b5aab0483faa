-- weeks: one row per spell and week at risk in which it ended, and of the other weeks as many as are asked for, drawn
-- by a hash of spell and week that is the same on every engine. weight is the inverse of the chance to be drawn.
CREATE TABLE weeks AS
WITH counted AS (
    SELECT
        spell_no, customer_id, started_on, entry_on, last_on, departure, first_period,
        coalesce(event_on <= last_on, FALSE) AS has_ended,
        date_diff('day', first_period, entry_on) // 7 AS first_number,
        date_diff('day', first_period, last_on) // 7 AS last_number
    FROM risk
    CROSS JOIN span
    WHERE outcome = 'used'
),
share AS (
    SELECT
        least(
            1.0,
            CAST(least(
                greatest(
                    count(*) FILTER (WHERE has_ended AND departure = 'voluntary')
                    * (SELECT stays_per_event FROM sampling),
                    (SELECT fewest_stays FROM sampling)
                ),
                (SELECT most_stays FROM sampling)
            ) AS DOUBLE) / CAST(greatest(
                CAST(sum(last_number - first_number + 1) AS BIGINT) - count(*) FILTER (WHERE has_ended), 1
            ) AS DOUBLE)
        ) AS kept
    FROM counted
),
numbered AS (
    SELECT
        spell_no, customer_id, started_on, entry_on, last_on, departure, has_ended,
        first_period + 7 * CAST(number AS INTEGER) AS week
    FROM (SELECT *, unnest(range(first_number, last_number + 1)) AS number FROM counted)
),
mixed AS (
    SELECT
        *,
        has_ended AND week + 7 > last_on AS is_event,
        (spell_no * 40503 + date_diff('day', DATE '1970-01-05', week) // 7 * 30011) % 4294967291 AS mixed
    FROM numbered
)
SELECT
    mixed.spell_no,
    mixed.customer_id,
    mixed.started_on,
    mixed.week,
    greatest(mixed.week, mixed.entry_on) AS asked_on,
    date_diff('day', greatest(mixed.week, mixed.entry_on), least(mixed.week + 7, mixed.last_on + 1)) AS days_at_risk,
    mixed.is_event AND mixed.departure = 'voluntary' AS left_voluntarily,
    mixed.is_event AND mixed.departure = 'other' AS left_otherwise,
    CASE WHEN mixed.is_event THEN 1.0 ELSE 1 / share.kept END AS weight
FROM mixed
CROSS JOIN share
WHERE mixed.is_event
    OR (mixed.mixed * (mixed.mixed % 65521 + 1) // 65536 + mixed.mixed) % 1000003 < share.kept * 1000003
