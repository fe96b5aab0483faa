-- chunk_days: one row per device and local day: whole-number sums, so that any order of adding gives the same.
-- Times in milliseconds, latency in microseconds, utilisation in millionths. Echoes that an outage or a lone silence
-- explains are not among those sent (see quality_hours), so that the lost ones over the sent ones are packet loss.
-- Utilisation is that of the fullest link from the device to below the core, weighted by the time in which the device
-- itself was observed.
--
-- Planned work is no time down: it stands by itself, in hours that tell it apart (planned_known_ms is their judged time).
-- Where an hour does not tell, all its time without service is down.
--
-- Nobody knows what service a silent modem would have had: its silence counts neither as down nor as up (who leaves may
-- unplug weeks before). Nor do the outages above it count in an hour, or a day, in which it gave no sign of life and was
-- silent besides: its good hours are not seen, so that the bad ones alone would make the mean.
CREATE TABLE chunk_days AS
SELECT
    chunk.chunk,
    hours.device_id,
    hours.timezone,
    hours.day,
    CAST(sum(hours.observed_ms) AS BIGINT) AS observed_ms,
    CAST(
        CASE
            WHEN sum(hours.silent_ms) > 0 AND 20 * sum(hours.up_ms) <= sum(hours.observed_ms) THEN 0 * sum(hours.away_ms)
            ELSE sum(CASE WHEN hours.is_lifeless THEN 0 ELSE hours.up_ms + hours.away_ms END)
        END AS BIGINT
    ) AS judged_ms,
    CAST(
        CASE
            WHEN sum(hours.silent_ms) > 0 AND 20 * sum(hours.up_ms) <= sum(hours.observed_ms) THEN 0 * sum(hours.away_ms)
            ELSE sum(CASE WHEN hours.is_lifeless THEN 0 ELSE hours.away_ms - coalesce(hours.planned_ms, 0) END)
        END AS BIGINT
    ) AS down_ms,
    CAST(
        CASE
            WHEN sum(hours.silent_ms) > 0 AND 20 * sum(hours.up_ms) <= sum(hours.observed_ms)
                THEN 0 * sum(hours.planned_ms)
            ELSE sum(CASE WHEN hours.is_lifeless THEN 0 * hours.planned_ms ELSE hours.planned_ms END)
        END AS BIGINT
    ) AS planned_ms,
    CAST(
        CASE
            WHEN sum(hours.silent_ms) > 0 AND 20 * sum(hours.up_ms) <= sum(hours.observed_ms)
                THEN 0 * sum(hours.planned_ms)
            ELSE sum(
                CASE
                    WHEN hours.planned_ms IS NULL THEN NULL
                    WHEN hours.is_lifeless THEN 0
                    ELSE hours.up_ms + hours.away_ms
                END
            )
        END AS BIGINT
    ) AS planned_known_ms,
    CAST(sum(CASE WHEN hours.$share_counted IS NOT NULL THEN hours.$share_among END) AS BIGINT) AS $share_whole,
    CAST(sum(CASE WHEN hours.$share_among IS NOT NULL THEN hours.$share_counted END) AS BIGINT) AS $share_part,
    CAST(sum(CASE WHEN hours.$mean_stem IS NOT NULL THEN hours.observed_ms END) AS BIGINT) AS $mean_whole,
    CAST(sum(hours.observed_ms * hours.$mean_stem) AS BIGINT) AS $mean_part
FROM (
    SELECT
        timed.*,
        timed.observed_ms - timed.away_ms - timed.silent_ms AS up_ms,
        timed.silent_ms > 0 AND 20 * (timed.observed_ms - timed.away_ms - timed.silent_ms) <= timed.observed_ms
            AS is_lifeless
    FROM (
        SELECT
            q.device_id,
            local_hours.timezone,
            local_hours.day,
            CAST(round(1000 * q.observed_seconds) AS BIGINT) AS observed_ms,
            CAST(round(1000 * q.down_seconds) AS BIGINT) AS away_ms,
            CASE
                WHEN q.planned_seconds IS NOT NULL AND q.down_seconds IS NOT NULL
                    THEN CAST(round(1000 * greatest(least(q.planned_seconds, q.down_seconds), 0)) AS BIGINT)
            END AS planned_ms,
            CAST(round(1000 * coalesce(q.silent_seconds, 0)) AS BIGINT) AS silent_ms,
            q.$share_among,
            q.$share_counted,
            CASE WHEN $mean_when THEN CAST(round(1000000 * $mean_of) AS BIGINT) END AS $mean_stem
        FROM quality_hours AS q
        JOIN local_hours ON local_hours.hour = q.hour
        LEFT JOIN fullest_above AS above ON above.device_id = q.device_id AND above.hour = q.hour
        WHERE q.observed_seconds > 0
    ) AS timed
) AS hours
CROSS JOIN chunk
GROUP BY chunk.chunk, hours.device_id, hours.timezone, hours.day
