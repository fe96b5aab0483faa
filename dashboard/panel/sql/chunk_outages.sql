-- chunk_outages: one row per stretch of hours without service of a device, as far as it lies in the chunk: longer than two
-- hours, or with hours beside it that nobody saw. An hour goes on with the outage of the one before unless it tells of a
-- return: one that was partly up ends an outage or begins one, never both. Stretches apart by up to six hours that nobody saw,
-- or by the edge of a chunk, are put together by lasting_outages.
CREATE TABLE chunk_outages AS
WITH met AS (
    SELECT
        marks.*,
        coalesce(
            marks.hour_no - marks.before_no = 1
            OR (
                marks.hour_no - marks.before_no <= 7
                AND returns.hour_no IS NULL
                AND (marks.is_whole OR marks.is_edge)
                AND (marks.is_whole_before OR marks.is_edge_before)
            ),
            FALSE
        ) AS is_near
    FROM chunk_marks AS marks
    LEFT JOIN chunk_returns AS returns
        ON returns.device_id = marks.device_id AND returns.hour_no = marks.hour_no
),
linked AS (
    SELECT
        *,
        NOT is_whole AND is_near AND is_whole_before AND NOT is_edge_before AS is_end,
        coalesce(is_near AND (hour_no - before_no > 1 OR is_edge_before), FALSE) AS is_after_unseen
    FROM met
),
begun AS (
    SELECT
        *,
        CASE
            WHEN is_near AND NOT is_after_unseen AND NOT is_edge
                AND (
                    is_whole_before
                    OR (is_whole AND NOT coalesce(lag(is_end) OVER (PARTITION BY device_id ORDER BY hour_no), FALSE))
                )
                THEN 0
            ELSE 1
        END AS begins,
        CASE
            WHEN lead(is_edge AND is_near) OVER (PARTITION BY device_id ORDER BY hour_no)
                THEN lead(hour_no) OVER (PARTITION BY device_id ORDER BY hour_no) - hour_no - 1
            WHEN lead(is_after_unseen) OVER (PARTITION BY device_id ORDER BY hour_no) THEN 0
        END AS open_after
    FROM linked
),
numbered AS (
    SELECT
        *,
        sum(begins) OVER (PARTITION BY device_id ORDER BY hour_no ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run_no,
        coalesce(lead(begins) OVER (PARTITION BY device_id ORDER BY hour_no), 1) AS ends
    FROM begun
),
runs AS (
    SELECT
        device_id,
        min(hour_no) AS first_no,
        max(hour_no) AS last_no,
        sum(gone_ms) AS gone_ms,
        sum(CASE WHEN is_whole THEN 3600000 ELSE gone_ms END) AS length_ms,
        max(CASE WHEN begins = 1 AND is_whole THEN 1 ELSE 0 END) AS is_whole_first,
        max(CASE WHEN ends = 1 AND is_whole THEN 1 ELSE 0 END) AS is_whole_last,
        max(CASE WHEN ends = 1 AND is_end THEN 1 ELSE 0 END) AS is_end_last,
        max(CASE WHEN begins = 1 AND is_after_unseen THEN hour_no - before_no - 1 END) AS open_before,
        max(open_after) AS open_after
    FROM numbered
    WHERE NOT is_edge
    GROUP BY device_id, run_no
)
SELECT
    chunk.chunk,
    runs.device_id,
    runs.first_no,
    runs.last_no,
    CAST(runs.gone_ms AS BIGINT) AS gone_ms,
    CAST(runs.length_ms AS BIGINT) AS length_ms,
    runs.is_whole_first = 1 AS is_whole_first,
    runs.is_whole_last = 1 AS is_whole_last,
    runs.is_end_last = 1 AS is_end_last,
    runs.open_before,
    runs.open_after
FROM runs
CROSS JOIN chunk
WHERE runs.length_ms > 7200000 OR runs.open_before IS NOT NULL OR runs.open_after IS NOT NULL
