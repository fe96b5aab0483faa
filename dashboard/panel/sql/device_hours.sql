-- device_hours: chunk_hours of the whole history.
CREATE TABLE device_hours AS
SELECT
    device_id,
    CAST(sum(rows_read) AS BIGINT) AS rows_read,
    min(first_hour) AS first_hour,
    max(last_hour) AS last_hour,
    min(first_row) AS first_row,
    max(last_row) AS last_row
FROM history_hours
GROUP BY device_id
