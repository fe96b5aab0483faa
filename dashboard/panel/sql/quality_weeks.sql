-- quality_weeks: quality_days added up to weeks.
CREATE TABLE quality_weeks AS
SELECT
    served_no,
    week,
    CAST(sum(observed_ms) AS BIGINT) AS observed_ms,
    CAST(sum(judged_ms) AS BIGINT) AS judged_ms,
    CAST(sum(down_ms) AS BIGINT) AS down_ms,
    CAST(sum(planned_ms) AS BIGINT) AS planned_ms,
    CAST(sum(planned_known_ms) AS BIGINT) AS planned_known_ms,
    CAST(sum(echoes_sent) AS BIGINT) AS echoes_sent,
    CAST(sum(echoes_lost) AS BIGINT) AS echoes_lost,
    CAST(sum(latency_ms) AS BIGINT) AS latency_ms,
    CAST(sum(latency_sum) AS BIGINT) AS latency_sum,
    CAST(sum(utilization_ms) AS BIGINT) AS utilization_ms,
    CAST(sum(utilization_sum) AS BIGINT) AS utilization_sum
FROM quality_days
GROUP BY served_no, week
