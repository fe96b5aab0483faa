-- remembered_hours: per moment at which somebody is at risk or still there, the hours without service in a week over the last
-- 2, 4 and 16 whole weeks of the device that serves them; null where it has not served them for so long, or less than half
-- of these weeks is known: a single hour down is no week without service.
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
        sum(q.down_ms) OVER sixteen AS down_16,
        sum(q.judged_ms) OVER sixteen AS judged_16
    FROM grid
    LEFT JOIN quality_weeks AS q ON q.served_no = grid.served_no AND q.week = grid.week
    WINDOW two AS (PARTITION BY grid.served_no ORDER BY grid.week ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING),
        four AS (PARTITION BY grid.served_no ORDER BY grid.week ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING),
        sixteen AS (PARTITION BY grid.served_no ORDER BY grid.week ROWS BETWEEN 16 PRECEDING AND 1 PRECEDING)
),
stays AS (
    SELECT spell_no, device_id, timezone, min(from_day) AS since
    FROM attachments
    GROUP BY spell_no, device_id, timezone
)
SELECT
    moments.moment_no,
    CASE
        WHEN stays.since <= moments.until_day - 14 AND weekly.judged_2 >= 604800000
            THEN CAST(weekly.down_2 AS DOUBLE) / CAST(weekly.judged_2 AS DOUBLE) * 168
    END AS over_2_weeks,
    CASE
        WHEN stays.since <= moments.until_day - 28 AND weekly.judged_4 >= 1209600000
            THEN CAST(weekly.down_4 AS DOUBLE) / CAST(weekly.judged_4 AS DOUBLE) * 168
    END AS over_4_weeks,
    CASE
        WHEN stays.since <= moments.until_day - 112 AND weekly.judged_16 >= 4838400000
            THEN CAST(weekly.down_16 AS DOUBLE) / CAST(weekly.judged_16 AS DOUBLE) * 168
    END AS over_16_weeks
FROM moments
JOIN attachments AS held
    ON held.spell_no = moments.spell_no AND held.from_day <= moments.asked_on AND moments.asked_on < held.to_day
JOIN stays
    ON stays.spell_no = held.spell_no AND stays.device_id = held.device_id AND stays.timezone = held.timezone
JOIN served ON served.device_id = held.device_id AND served.timezone = held.timezone
JOIN weekly
    ON weekly.served_no = served.served_no AND weekly.week = CAST(date_trunc('week', moments.until_day) AS DATE)
WHERE moments.kind IN ('week', 'now')
