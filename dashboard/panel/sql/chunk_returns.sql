-- chunk_returns: the marks before which somebody saw service, where up to six hours lie between a mark and the one before it
-- and both were without service for all of their hour.
CREATE TABLE chunk_returns AS
SELECT DISTINCT asked.device_id, asked.hour_no
FROM (
    SELECT device_id, hour_no, before_no + CAST(number AS BIGINT) AS between_no
    FROM (
        SELECT device_id, hour_no, before_no, unnest(range(1, hour_no - before_no)) AS number
        FROM chunk_marks
        WHERE hour_no - before_no BETWEEN 2 AND 7 AND (is_whole OR is_edge) AND (is_whole_before OR is_edge_before)
    ) AS gaps
) AS asked
JOIN quality_hours AS q
    ON q.device_id = asked.device_id AND epoch_us(q.hour) // 3600000000 = asked.between_no
WHERE q.observed_seconds > 0
    AND q.down_seconds IS NOT NULL
    AND NOT (
        coalesce(q.silent_seconds, 0) > 0
        AND 20 * (q.observed_seconds - q.down_seconds - coalesce(q.silent_seconds, 0)) <= q.observed_seconds
    )
