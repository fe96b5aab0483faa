-- utilization_days: per served device and local evening, the fullest link on the way to below the core, in millionths,
-- weighted by the time in which the device itself was observed.
CREATE TABLE utilization_days AS
SELECT
    served_no,
    day,
    CAST(sum(observed_ms) AS BIGINT) AS utilization_ms,
    CAST(sum(observed_ms * CAST(round(1000000 * fullest) AS BIGINT)) AS BIGINT) AS utilization_sum
FROM (
    SELECT
        served.served_no,
        local_hours.day,
        CAST(round(1000 * q.observed_seconds) AS BIGINT) AS observed_ms,
        greatest(q.utilization_p95_ratio, above.utilization_p95_ratio) AS fullest
    FROM quality_hours AS q
    JOIN served ON served.device_id = q.device_id
    JOIN local_hours ON local_hours.timezone = served.timezone AND local_hours.hour = q.hour AND local_hours.is_evening
    LEFT JOIN fullest_above AS above ON above.device_id = q.device_id AND above.hour = q.hour
    WHERE q.observed_seconds > 0
)
WHERE fullest IS NOT NULL
GROUP BY served_no, day
