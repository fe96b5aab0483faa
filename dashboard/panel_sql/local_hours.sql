-- local_hours: every UTC hour of the chunk in every time zone: the local day of its middle, and whether it is evening.
CREATE TABLE local_hours AS
SELECT timezone, hour, CAST(middle AS DATE) AS day, date_part('hour', middle) >= 18 AS is_evening
FROM (
    SELECT zone.timezone, hours.hour, timezone(zone.timezone, hours.hour + INTERVAL 30 MINUTE) AS middle
    FROM (SELECT DISTINCT timezone FROM zones) AS zone,
        (
            SELECT unnest(range(min(first_row), max(last_row) + INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS hour
            FROM chunk_hours
        ) AS hours
)
