-- area_days: per neighbourhood and day, the time of the devices that serve it, from the first day to the last on which each was
-- observed: how much of it nobody observed, and how much of what was observed was down. Devices are counted as a running
-- total of those that come to be there and cease to.
CREATE TABLE area_days AS
WITH serving AS (
    SELECT served_no, min(area) AS area, min(timezone) AS timezone
    FROM crowd_changes
    WHERE served_no > 0
    GROUP BY served_no
),
lasting AS (
    SELECT served_no, min(day) AS from_day, max(day) + 1 AS to_day
    FROM quality_days
    WHERE observed_ms > 0
    GROUP BY served_no
),
changes AS (
    SELECT area, day, CAST(sum(change) AS BIGINT) AS change
    FROM (
        SELECT serving.area, lasting.from_day AS day, 1 AS change
        FROM lasting
        JOIN serving ON serving.served_no = lasting.served_no
        UNION ALL
        SELECT serving.area, lasting.to_day, -1
        FROM lasting
        JOIN serving ON serving.served_no = lasting.served_no
    )
    GROUP BY area, day
),
there AS (
    SELECT
        grid.area, grid.day, grid.day_ms,
        CAST(
            sum(coalesce(changes.change, 0)) OVER (
                PARTITION BY grid.area ORDER BY grid.day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS BIGINT
        ) AS devices
    FROM (
        SELECT areas.area, local_days.day, local_days.day_ms
        FROM (SELECT DISTINCT area, timezone FROM serving) AS areas
        JOIN local_days ON local_days.timezone = areas.timezone
    ) AS grid
    LEFT JOIN changes ON changes.area = grid.area AND changes.day = grid.day
),
seen AS (
    SELECT
        serving.area,
        q.day,
        CAST(sum(q.observed_ms) AS BIGINT) AS observed_ms,
        CAST(sum(q.judged_ms) AS BIGINT) AS judged_ms,
        CAST(sum(q.down_ms) AS BIGINT) AS down_ms
    FROM quality_days AS q
    JOIN serving ON serving.served_no = q.served_no
    GROUP BY serving.area, q.day
)
SELECT
    there.area,
    there.day,
    CAST(there.devices * there.day_ms AS DOUBLE) / 3600000 AS device_hours,
    CAST(greatest(there.devices * there.day_ms - coalesce(seen.observed_ms, 0), 0) AS DOUBLE) / 3600000 AS unseen_hours,
    CAST(coalesce(seen.judged_ms, 0) AS DOUBLE) / 3600000 AS judged_hours,
    CAST(coalesce(seen.down_ms, 0) AS DOUBLE) / 3600000 AS down_hours
FROM there
LEFT JOIN seen ON seen.area = there.area AND seen.day = there.day
WHERE there.devices > 0
