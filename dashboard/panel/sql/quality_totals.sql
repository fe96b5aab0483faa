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
        coalesce(sum(q.judged_ms) OVER earlier, 0) AS judged_ms,
        coalesce(sum(q.down_ms) OVER earlier, 0) AS down_ms,
        coalesce(sum(q.planned_ms) OVER earlier, 0) AS planned_ms,
        coalesce(sum(q.planned_known_ms) OVER earlier, 0) AS planned_known_ms,
        coalesce(sum(q.echoes_sent) OVER earlier, 0) AS echoes_sent,
        coalesce(sum(q.echoes_lost) OVER earlier, 0) AS echoes_lost,
        coalesce(sum(q.latency_ms) OVER earlier, 0) AS latency_ms,
        coalesce(sum(q.latency_sum) OVER earlier, 0) AS latency_sum,
        coalesce(sum(q.utilization_ms) OVER earlier, 0) AS utilization_ms,
        coalesce(sum(q.utilization_sum) OVER earlier, 0) AS utilization_sum
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
        sum(q.judged_ms) AS judged_ms,
        sum(q.down_ms) AS down_ms,
        sum(q.planned_ms) AS planned_ms,
        sum(q.planned_known_ms) AS planned_known_ms,
        sum(q.echoes_sent) AS echoes_sent,
        sum(q.echoes_lost) AS echoes_lost,
        sum(q.latency_ms) AS latency_ms,
        sum(q.latency_sum) AS latency_sum,
        sum(q.utilization_ms) AS utilization_ms,
        sum(q.utilization_sum) AS utilization_sum
    FROM edges
    JOIN quality_days AS q ON q.served_no = edges.served_no AND q.week = edges.week AND q.day < edges.day
    WHERE edges.day > edges.week
    GROUP BY edges.served_no, edges.day
)
SELECT
    edges.served_no,
    edges.day,
    CAST(whole.judged_ms + coalesce(since.judged_ms, 0) AS BIGINT) AS judged_ms,
    CAST(whole.down_ms + coalesce(since.down_ms, 0) AS BIGINT) AS down_ms,
    CAST(whole.planned_ms + coalesce(since.planned_ms, 0) AS BIGINT) AS planned_ms,
    CAST(whole.planned_known_ms + coalesce(since.planned_known_ms, 0) AS BIGINT) AS planned_known_ms,
    CAST(whole.echoes_sent + coalesce(since.echoes_sent, 0) AS BIGINT) AS echoes_sent,
    CAST(whole.echoes_lost + coalesce(since.echoes_lost, 0) AS BIGINT) AS echoes_lost,
    CAST(whole.latency_ms + coalesce(since.latency_ms, 0) AS BIGINT) AS latency_ms,
    CAST(whole.latency_sum + coalesce(since.latency_sum, 0) AS BIGINT) AS latency_sum,
    CAST(whole.utilization_ms + coalesce(since.utilization_ms, 0) AS BIGINT) AS utilization_ms,
    CAST(whole.utilization_sum + coalesce(since.utilization_sum, 0) AS BIGINT) AS utilization_sum
FROM edges
JOIN whole ON whole.served_no = edges.served_no AND whole.week = edges.week
LEFT JOIN since ON since.served_no = edges.served_no AND since.day = edges.day
