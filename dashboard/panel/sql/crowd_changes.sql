-- crowd_changes: by how many the customers of a neighbourhood on a device grow or shrink on a day (served_no is 0 where no
-- device is known). Who is there when the panel begins comes on its first day.
CREATE TABLE crowd_changes AS
WITH within AS (
    SELECT
        attachments.area,
        attachments.timezone,
        coalesce(served.served_no, 0) AS served_no,
        greatest(attachments.from_day, span.first_day) AS from_day,
        attachments.to_day,
        span.end_day
    FROM attachments
    CROSS JOIN span
    LEFT JOIN served ON served.device_id = attachments.device_id AND served.timezone = attachments.timezone
    WHERE attachments.from_day < span.end_day AND attachments.to_day > span.first_day
)
SELECT
    area, timezone, served_no, CAST(date_trunc('week', day) AS DATE) AS week, day, CAST(sum(change) AS BIGINT) AS change
FROM (
    SELECT area, timezone, served_no, from_day AS day, 1 AS change FROM within
    UNION ALL
    SELECT area, timezone, served_no, to_day, -1 FROM within WHERE to_day < end_day
)
GROUP BY area, timezone, served_no, day
HAVING sum(change) <> 0
