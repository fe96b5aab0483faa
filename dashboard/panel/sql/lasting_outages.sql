-- lasting_outages: one row per stretch of a single outage of more than two hours, with the length of the whole outage and how
-- many hours of it nobody saw: these are part of its length, and not of the time without service.
CREATE TABLE lasting_outages AS
WITH pieces AS (
    SELECT
        served.served_no,
        served.timezone,
        runs.*,
        lag(runs.last_no) OVER (PARTITION BY served.served_no ORDER BY runs.first_no) AS before_no,
        lag(runs.is_end_last) OVER (PARTITION BY served.served_no ORDER BY runs.first_no) AS is_end_before,
        lag(runs.is_whole_last) OVER (PARTITION BY served.served_no ORDER BY runs.first_no) AS is_whole_before,
        runs.open_before + lag(runs.open_after) OVER (PARTITION BY served.served_no ORDER BY runs.first_no) AS between_hours
    FROM history_outages AS runs
    JOIN served ON served.device_id = runs.device_id
),
begun AS (
    SELECT
        *,
        CASE
            WHEN between_hours <= 6 AND first_no - before_no - 1 = between_hours
                AND (
                    (is_whole_before AND is_whole_first)
                    OR (between_hours = 0 AND (is_whole_before OR (is_whole_first AND NOT is_end_before)))
                )
                THEN 0
            ELSE 1
        END AS begins
    FROM pieces
),
numbered AS (
    SELECT
        *,
        CASE WHEN begins = 0 THEN between_hours ELSE 0 END AS joined_hours,
        sum(begins) OVER (PARTITION BY served_no ORDER BY first_no ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS outage_no
    FROM begun
),
wholes AS (
    SELECT
        served_no,
        outage_no,
        CAST(sum(length_ms + 3600000 * joined_hours) AS BIGINT) AS length_ms,
        CAST(sum(joined_hours) AS BIGINT) AS unseen_hours
    FROM numbered
    GROUP BY served_no, outage_no
)
SELECT
    numbered.served_no, numbered.timezone, CAST(numbered.outage_no AS BIGINT) AS outage_no, numbered.first_no,
    numbered.last_no, numbered.gone_ms, wholes.length_ms, wholes.unseen_hours
FROM numbered
JOIN wholes ON wholes.served_no = numbered.served_no AND wholes.outage_no = numbered.outage_no
WHERE wholes.length_ms > 7200000
