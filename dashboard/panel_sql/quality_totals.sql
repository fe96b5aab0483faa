-- quality_totals: per served device, quality_days added up over all days before a day: a stretch is a difference.
CREATE TABLE quality_totals AS
WITH grid AS (
    SELECT served.served_no, days.day
    FROM served,
        (
            SELECT CAST(unnest(range(first_day, end_day + INTERVAL 1 DAY, INTERVAL 1 DAY)) AS DATE) AS day FROM span
        ) AS days
)
SELECT
    grid.served_no,
    grid.day,
    coalesce(sum(q.judged_ms) OVER earlier, 0) AS judged_ms,
    coalesce(sum(q.down_ms) OVER earlier, 0) AS down_ms,
    coalesce(sum(q.echoes_sent) OVER earlier, 0) AS echoes_sent,
    coalesce(sum(q.echoes_lost) OVER earlier, 0) AS echoes_lost,
    coalesce(sum(q.latency_ms) OVER earlier, 0) AS latency_ms,
    coalesce(sum(q.latency_sum) OVER earlier, 0) AS latency_sum,
    coalesce(sum(q.utilization_ms) OVER earlier, 0) AS utilization_ms,
    coalesce(sum(q.utilization_sum) OVER earlier, 0) AS utilization_sum
FROM grid
LEFT JOIN quality_days AS q ON q.served_no = grid.served_no AND q.day = grid.day
WINDOW earlier AS (PARTITION BY grid.served_no ORDER BY grid.day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
