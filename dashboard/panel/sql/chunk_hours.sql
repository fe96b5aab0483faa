-- chunk_hours: one row per device of quality_hours: how many rows, and between when it was observed.
CREATE TABLE chunk_hours AS
SELECT
    device_id,
    count(*) AS rows_read,
    min(hour) FILTER (WHERE observed_seconds > 0) AS first_hour,
    max(hour) FILTER (WHERE observed_seconds > 0) AS last_hour,
    min(hour) AS first_row,
    max(hour) AS last_row
FROM quality_hours
GROUP BY device_id
