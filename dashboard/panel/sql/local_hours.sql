-- local_hours: every UTC hour of the chunk in every time zone: the local day of its middle, and whether it is evening.
CREATE TABLE local_hours AS
SELECT timezone, hour, CAST(middle AS DATE) AS day, date_part('hour', middle) >= 18 AS is_evening
FROM (
    SELECT zone.timezone, hours.hour, (hours.hour + INTERVAL 30 MINUTE) AT TIME ZONE zone.timezone AS middle
    FROM (SELECT DISTINCT timezone FROM zones) AS zone,
        (
            SELECT first_hour + number * INTERVAL 1 HOUR AS hour
            FROM (
                SELECT
                    min(first_row) AS first_hour,
                    unnest(range(0, (epoch_us(max(last_row)) - epoch_us(min(first_row))) // 3600000000 + 1)) AS number
                FROM chunk_hours
            )
        ) AS hours
)
