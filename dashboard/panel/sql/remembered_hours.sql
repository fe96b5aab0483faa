-- remembered_hours: per moment at which somebody is at risk or still there, the hours without service in a week over the last
-- 2, 4 and 16 whole weeks of the device that serves them, and those of them, and of 8 weeks, in single outages longer than so
-- many hours; null where it has not served them for so long, or less than half of these weeks is known: a single hour down is
-- no week without service.
CREATE TABLE remembered_hours AS
WITH grid AS (
    SELECT served.served_no, weeks.week
    FROM served,
        (
            SELECT first_day + 7 * CAST(number AS INTEGER) AS week
            FROM (SELECT first_day, unnest(range(0, date_diff('day', first_day, end_day) // 7 + 1)) AS number FROM span)
        ) AS weeks
),
weekly AS (
    SELECT
        grid.served_no,
        grid.week,
        sum(q.down_ms) OVER two AS down_2,
        sum(q.judged_ms) OVER two AS judged_2,
        sum(q.down_ms) OVER four AS down_4,
        sum(q.judged_ms) OVER four AS judged_4,
        sum(q.down_ms) OVER eight AS down_8,
        sum(q.judged_ms) OVER eight AS judged_8,
        sum(q.down_ms) OVER sixteen AS down_16,
        sum(q.judged_ms) OVER sixteen AS judged_16
    FROM grid
    LEFT JOIN quality_weeks AS q ON q.served_no = grid.served_no AND q.week = grid.week
    WINDOW two AS (PARTITION BY grid.served_no ORDER BY grid.week ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING),
        four AS (PARTITION BY grid.served_no ORDER BY grid.week ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING),
        eight AS (PARTITION BY grid.served_no ORDER BY grid.week ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING),
        sixteen AS (PARTITION BY grid.served_no ORDER BY grid.week ROWS BETWEEN 16 PRECEDING AND 1 PRECEDING)
),
lasting AS (
    SELECT
        served_no,
        week + 7 * CAST(ago AS INTEGER) AS week,
        CAST(sum(CASE WHEN ago <= $reach_weeks THEN $reach_sum ELSE 0 END) AS BIGINT) AS $reach_name
    FROM (SELECT *, unnest(range(1, 17)) AS ago FROM outage_weeks) AS felt
    GROUP BY served_no, week + 7 * CAST(ago AS INTEGER)
),
stays AS (
    SELECT spell_no, device_id, timezone, min(from_day) AS since
    FROM attachments
    GROUP BY spell_no, device_id, timezone
),
known AS (
    SELECT
        moments.moment_no,
        served.served_no,
        CAST(date_trunc('week', moments.until_day) AS DATE) AS week,
        date_diff('day', stays.since, moments.until_day) AS days
    FROM moments
    JOIN attachments AS held
        ON held.spell_no = moments.spell_no AND held.from_day <= moments.asked_on AND moments.asked_on < held.to_day
    JOIN stays
        ON stays.spell_no = held.spell_no AND stays.device_id = held.device_id AND stays.timezone = held.timezone
    JOIN served ON served.device_id = held.device_id AND served.timezone = held.timezone
    WHERE moments.kind IN ('week', 'now')
)
SELECT
    known.moment_no,
    CASE
        WHEN known.days >= 14 AND weekly.judged_2 >= 604800000
            THEN CAST(weekly.down_2 AS DOUBLE) / CAST(weekly.judged_2 AS DOUBLE) * 168
    END AS over_2_weeks,
    CASE
        WHEN known.days >= 28 AND weekly.judged_4 >= 1209600000
            THEN CAST(weekly.down_4 AS DOUBLE) / CAST(weekly.judged_4 AS DOUBLE) * 168
    END AS over_4_weeks,
    CASE
        WHEN known.days >= 112 AND weekly.judged_16 >= 4838400000
            THEN CAST(weekly.down_16 AS DOUBLE) / CAST(weekly.judged_16 AS DOUBLE) * 168
    END AS over_16_weeks,
    CASE WHEN known.days >= $reach_days AND weekly.judged_$reach_weeks >= $reach_half THEN CAST(least(coalesce(lasting.$reach_name, 0), weekly.down_$reach_weeks) AS DOUBLE) / CAST(weekly.judged_$reach_weeks AS DOUBLE) * 168 END AS $reach_name
FROM known
JOIN weekly ON weekly.served_no = known.served_no AND weekly.week = known.week
LEFT JOIN lasting ON lasting.served_no = known.served_no AND lasting.week = known.week
