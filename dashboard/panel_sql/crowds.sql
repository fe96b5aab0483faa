-- crowds: how many customers of a neighbourhood hang on a device on a day (served_no is null where none is known).
CREATE TABLE crowds AS
WITH within AS (
    SELECT
        attachments.area,
        attachments.timezone,
        coalesce(served.served_no, 0) AS served_no,
        greatest(attachments.from_day, span.first_day) AS from_day,
        least(attachments.to_day, span.end_day) AS to_day
    FROM attachments
    CROSS JOIN span
    LEFT JOIN served ON served.device_id = attachments.device_id AND served.timezone = attachments.timezone
    WHERE attachments.from_day < span.end_day AND attachments.to_day > span.first_day
),
changes AS (
    SELECT area, timezone, served_no, day, sum(change) AS change
    FROM (
        SELECT area, timezone, served_no, from_day AS day, 1 AS change FROM within
        UNION ALL
        SELECT area, timezone, served_no, to_day, -1 FROM within
    )
    GROUP BY area, timezone, served_no, day
),
grid AS (
    SELECT area, timezone, served_no, CAST(unnest(range(min(day), max(day), INTERVAL 1 DAY)) AS DATE) AS day
    FROM changes
    GROUP BY area, timezone, served_no
)
SELECT area, timezone, served_no, day, customers
FROM (
    SELECT
        grid.area, grid.timezone, grid.served_no, grid.day,
        CAST(
            sum(coalesce(changes.change, 0)) OVER (
                PARTITION BY grid.area, grid.served_no ORDER BY grid.day
            ) AS BIGINT
        ) AS customers
    FROM grid
    LEFT JOIN changes ON changes.area = grid.area AND changes.served_no = grid.served_no AND changes.day = grid.day
)
WHERE customers > 0
