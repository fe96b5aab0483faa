-- device_days: one row per served device and local day: whole-number sums, so that any order of adding gives the same.
-- Times in milliseconds, latency in microseconds. Echoes that an outage or a lone silence explains are not among those
-- sent (see quality_hours), so that the lost ones over the sent ones are packet loss. Nobody knows what service a
-- silent modem would have had: its silence counts neither as down nor as up (who leaves may unplug weeks before).
CREATE TABLE device_days AS
SELECT
    served_no,
    day,
    CAST(sum(observed_ms) AS BIGINT) AS observed_ms,
    CAST(sum(CASE WHEN down_ms IS NOT NULL THEN observed_ms - silent_ms END) AS BIGINT) AS judged_ms,
    CAST(sum(down_ms) AS BIGINT) AS down_ms,
    CAST(sum(CASE WHEN pings_lost IS NOT NULL THEN pings_sent END) AS BIGINT) AS echoes_sent,
    CAST(sum(CASE WHEN pings_sent IS NOT NULL THEN pings_lost END) AS BIGINT) AS echoes_lost,
    CAST(sum(CASE WHEN has_latency THEN observed_ms END) AS BIGINT) AS latency_ms,
    CAST(sum(CASE WHEN has_latency THEN observed_ms * rtt_p95_us END) AS BIGINT) AS latency_sum
FROM (
    SELECT
        served.served_no,
        local_hours.day,
        CAST(round(1000 * q.observed_seconds) AS BIGINT) AS observed_ms,
        CAST(round(1000 * q.down_seconds) AS BIGINT) AS down_ms,
        CAST(round(1000 * coalesce(q.silent_seconds, 0)) AS BIGINT) AS silent_ms,
        q.pings_sent,
        q.pings_lost,
        CAST(round(1000000 * q.rtt_p95_seconds) AS BIGINT) AS rtt_p95_us,
        local_hours.is_evening AND q.rtt_p95_seconds IS NOT NULL AS has_latency
    FROM quality_hours AS q
    JOIN served ON served.device_id = q.device_id
    JOIN local_hours ON local_hours.timezone = served.timezone AND local_hours.hour = q.hour
    WHERE q.observed_seconds > 0
)
GROUP BY served_no, day
