-- chunk_gone: one row per device and hour with time without service that no plan explains, and whether it was so all the
-- hour. Hours in which a device gave no sign of life are not seen (see chunk_days). Hours are counted from 1970.
CREATE TABLE chunk_gone AS
SELECT device_id, hour_no, gone_ms, 20 * gone_ms >= 19 * observed_ms AS is_whole
FROM (
    SELECT
        q.device_id,
        epoch_us(q.hour) // 3600000000 AS hour_no,
        CAST(round(1000 * q.observed_seconds) AS BIGINT) AS observed_ms,
        CAST(
            round(1000 * (q.down_seconds - greatest(least(coalesce(q.planned_seconds, 0), q.down_seconds), 0))) AS BIGINT
        ) AS gone_ms
    FROM quality_hours AS q
    WHERE q.observed_seconds > 0
        AND q.down_seconds > 0
        AND NOT (
            coalesce(q.silent_seconds, 0) > 0
            AND 20 * (q.observed_seconds - q.down_seconds - coalesce(q.silent_seconds, 0)) <= q.observed_seconds
        )
) AS timed
WHERE gone_ms > 0
