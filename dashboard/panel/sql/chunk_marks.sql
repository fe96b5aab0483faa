-- chunk_marks: chunk_gone with the hour without service before each, and the edges of the chunk as marks of devices that
-- had such an hour within six hours of them. Of devices that were never without service for all of an hour only what lies
-- near an edge is needed: without such an hour no outage is longer than two.
CREATE TABLE chunk_marks AS
WITH edges AS (
    SELECT
        own.device_id,
        own.first_no,
        own.last_no,
        own.has_whole,
        epoch_us(timezone('UTC', CAST(chunk.chunk AS TIMESTAMP))) // 3600000000 AS start_no
    FROM (
        SELECT
            device_id,
            min(hour_no) AS first_no,
            max(hour_no) AS last_no,
            max(CASE WHEN is_whole THEN 1 ELSE 0 END) = 1 AS has_whole
        FROM chunk_gone
        GROUP BY device_id
    ) AS own
    CROSS JOIN chunk
),
marks AS (
    SELECT gone.device_id, gone.hour_no, gone.gone_ms, gone.is_whole, FALSE AS is_edge
    FROM chunk_gone AS gone
    JOIN edges ON edges.device_id = gone.device_id
    WHERE edges.has_whole OR gone.hour_no <= edges.start_no + 7 OR gone.hour_no >= edges.start_no + 160
    UNION ALL
    SELECT device_id, start_no - 1, 0, FALSE, TRUE FROM edges WHERE first_no >= start_no AND first_no <= start_no + 6
    UNION ALL
    SELECT device_id, start_no + 168, 0, FALSE, TRUE
    FROM edges
    WHERE last_no < start_no + 168 AND last_no >= start_no + 161
)
SELECT
    *,
    lag(hour_no) OVER (PARTITION BY device_id ORDER BY hour_no) AS before_no,
    lag(is_whole) OVER (PARTITION BY device_id ORDER BY hour_no) AS is_whole_before,
    lag(is_edge) OVER (PARTITION BY device_id ORDER BY hour_no) AS is_edge_before
FROM marks
