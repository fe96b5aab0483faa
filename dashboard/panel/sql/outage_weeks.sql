-- outage_weeks: per served device and week in which it had one, the time without service in single outages longer than so
-- many hours. One that reaches into another week is divided by the clock.
CREATE TABLE outage_weeks AS
WITH clocked AS (
    SELECT
        served_no, gone_ms, length_ms,
        epoch_us((TIMESTAMPTZ '1970-01-01 00:00:00+00:00' + first_no * INTERVAL 1 HOUR) AT TIME ZONE timezone) AS from_us,
        epoch_us((TIMESTAMPTZ '1970-01-01 00:00:00+00:00' + (last_no + 1) * INTERVAL 1 HOUR) AT TIME ZONE timezone) AS to_us
    FROM lasting_outages
),
placed AS (
    SELECT
        *,
        unnest(range((from_us + 259200000000) // 604800000000, (to_us + 259199999999) // 604800000000 + 1)) AS week_no
    FROM clocked
)
SELECT
    served_no,
    DATE '1969-12-29' + 7 * CAST(week_no AS INTEGER) AS week,
    CAST(sum(CASE WHEN length_ms > $length_ms THEN own_ms ELSE 0 END) AS BIGINT) AS $length_sum
FROM (
    SELECT
        *,
        CAST(
            round(
                CAST(gone_ms AS DOUBLE)
                * CAST(
                    least(to_us, (week_no + 1) * 604800000000 - 259200000000) - greatest(from_us, week_no * 604800000000 - 259200000000)
                    AS DOUBLE
                )
                / CAST(to_us - from_us AS DOUBLE)
            ) AS BIGINT
        ) AS own_ms
    FROM placed
) AS divided
GROUP BY served_no, week_no
