-- quality_totals: per served device and day on which a stretch begins or ends, quality added up over all days before it: a
-- stretch is a difference. Whole weeks are added up first, then the days of the week that the day lies in.
CREATE TABLE quality_totals AS
WITH grid AS (
    SELECT served.served_no, weeks.week
    FROM served,
        (
            SELECT first_day + 7 * CAST(number AS INTEGER) AS week
            FROM (SELECT first_day, unnest(range(0, date_diff('day', first_day, end_day) // 7 + 1)) AS number FROM span)
        ) AS weeks
),
whole AS (
    SELECT
        grid.served_no,
        grid.week,
        coalesce(sum(q.observed_ms) OVER earlier, 0) AS observed_ms,
        coalesce(sum(q.$sum) OVER earlier, 0) AS $sum
    FROM grid
    LEFT JOIN quality_weeks AS q ON q.served_no = grid.served_no AND q.week = grid.week
    WINDOW earlier AS (
        PARTITION BY grid.served_no ORDER BY grid.week ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
edges AS (
    SELECT served_no, day, CAST(date_trunc('week', day) AS DATE) AS week
    FROM (
        SELECT served_no, from_day AS day FROM stretches
        UNION
        SELECT served_no, to_day FROM stretches
    )
),
since AS (
    SELECT
        edges.served_no,
        edges.day,
        sum(q.observed_ms) AS observed_ms,
        sum(q.$sum) AS $sum
    FROM edges
    JOIN quality_days AS q ON q.served_no = edges.served_no AND q.week = edges.week AND q.day < edges.day
    WHERE edges.day > edges.week
    GROUP BY edges.served_no, edges.day
)
SELECT
    edges.served_no,
    edges.day,
    CAST(whole.observed_ms + coalesce(since.observed_ms, 0) AS BIGINT) AS observed_ms,
    CAST(whole.$sum + coalesce(since.$sum, 0) AS BIGINT) AS $sum
FROM edges
JOIN whole ON whole.served_no = edges.served_no AND whole.week = edges.week
LEFT JOIN since ON since.served_no = edges.served_no AND since.day = edges.day
