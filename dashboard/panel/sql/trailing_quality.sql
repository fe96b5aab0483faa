-- trailing_quality: per moment, quality over the eight weeks before it.
CREATE TABLE trailing_quality AS
SELECT
    exposures.moment_no,
    CAST(sum(w.judged_ms) AS DOUBLE) / 4838400000 AS observed_ratio,
    CAST(sum(w.down_ms) AS DOUBLE) / CAST(nullif(sum(w.judged_ms), 0) AS DOUBLE) * 168 AS down_hours,
    CAST(sum(w.planned_ms) AS DOUBLE) / CAST(nullif(sum(w.planned_known_ms), 0) AS DOUBLE) * 168 AS planned_hours,
    CAST(sum(w.latency_sum) AS DOUBLE) / CAST(nullif(sum(w.latency_ms), 0) AS DOUBLE) / 1e6 AS rtt_seconds,
    CAST(sum(w.echoes_sent) AS BIGINT) AS echoes_sent,
    CAST(sum(w.echoes_lost) AS DOUBLE) / CAST(nullif(sum(w.echoes_sent), 0) AS DOUBLE) AS loss_ratio,
    CAST(sum(w.utilization_sum) AS DOUBLE) / CAST(nullif(sum(w.utilization_ms), 0) AS DOUBLE) / 1e6
        AS utilization_ratio
FROM exposures
JOIN window_quality AS w
    ON w.served_no = exposures.served_no AND w.from_day = exposures.from_day AND w.to_day = exposures.to_day
GROUP BY exposures.moment_no
