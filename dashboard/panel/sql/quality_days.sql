-- quality_days: chunk_days of the panel's days, of the devices that serve anybody. A local day that lies in two chunks is
-- added up.
CREATE TABLE quality_days AS
WITH known AS (
    SELECT
        served.served_no, CAST(date_trunc('week', days.day) AS DATE) AS week, days.timezone, days.day, days.observed_ms,
        days.judged_ms, days.down_ms, days.planned_ms, days.planned_known_ms, days.echoes_sent, days.echoes_lost,
        days.latency_ms, days.latency_sum, days.utilization_ms, days.utilization_sum
    FROM history_days AS days
    JOIN served ON served.device_id = days.device_id AND served.timezone = days.timezone
    CROSS JOIN span
    WHERE days.day >= span.first_day AND days.day < span.end_day
),
split AS (
    SELECT timezone, day FROM history_days GROUP BY timezone, day HAVING min(chunk) < max(chunk)
)
SELECT
    known.served_no, known.week, known.day, known.observed_ms, known.judged_ms, known.down_ms, known.planned_ms,
    known.planned_known_ms, known.echoes_sent, known.echoes_lost, known.latency_ms, known.latency_sum, known.utilization_ms, known.utilization_sum
FROM known
ANTI JOIN split ON split.timezone = known.timezone AND split.day = known.day
UNION ALL
SELECT
    known.served_no,
    known.week,
    known.day,
    CAST(sum(known.observed_ms) AS BIGINT),
    CAST(sum(known.judged_ms) AS BIGINT),
    CAST(sum(known.down_ms) AS BIGINT),
    CAST(sum(known.planned_ms) AS BIGINT),
    CAST(sum(known.planned_known_ms) AS BIGINT),
    CAST(sum(known.echoes_sent) AS BIGINT),
    CAST(sum(known.echoes_lost) AS BIGINT),
    CAST(sum(known.latency_ms) AS BIGINT),
    CAST(sum(known.latency_sum) AS BIGINT),
    CAST(sum(known.utilization_ms) AS BIGINT),
    CAST(sum(known.utilization_sum) AS BIGINT)
FROM known
JOIN split ON split.timezone = known.timezone AND split.day = known.day
GROUP BY known.served_no, known.week, known.day
