-- crowds: how many customers of a neighbourhood hang on a device when a week begins, before the changes of its Monday.
CREATE TABLE crowds AS
WITH changes AS (
    SELECT area, timezone, served_no, week, CAST(sum(change) AS BIGINT) AS change
    FROM crowd_changes
    GROUP BY area, timezone, served_no, week
),
grid AS (
    SELECT area, timezone, served_no, first_week + 7 * CAST(number AS INTEGER) AS week
    FROM (
        SELECT
            changes.area, changes.timezone, changes.served_no, min(changes.week) AS first_week,
            unnest(range(0, (date_diff('day', min(changes.week), span.end_day) + 6) // 7)) AS number
        FROM changes
        CROSS JOIN span
        GROUP BY changes.area, changes.timezone, changes.served_no, span.end_day
    )
)
SELECT area, timezone, served_no, week, customers
FROM (
    SELECT
        grid.area, grid.timezone, grid.served_no, grid.week,
        CAST(
            sum(coalesce(changes.change, 0)) OVER (
                PARTITION BY grid.area, grid.served_no ORDER BY grid.week ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS BIGINT
        ) AS customers
    FROM grid
    LEFT JOIN changes ON changes.area = grid.area AND changes.served_no = grid.served_no AND changes.week = grid.week
)
WHERE customers > 0
