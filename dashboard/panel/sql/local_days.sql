-- local_days: every day of the panel in every time zone, and its true length (23 to 25 hours).
CREATE TABLE local_days AS
SELECT
    zone.timezone,
    CAST(date_trunc('week', days.day) AS DATE) AS week,
    days.day,
    CAST(
        (
            epoch_us(timezone(zone.timezone, CAST(days.day + 1 AS TIMESTAMP)))
            - epoch_us(timezone(zone.timezone, CAST(days.day AS TIMESTAMP)))
        ) // 1000 AS BIGINT
    ) AS day_ms
FROM (SELECT DISTINCT timezone FROM zones) AS zone,
    (
        SELECT first_day + CAST(number AS INTEGER) AS day
        FROM (SELECT first_day, unnest(range(0, date_diff('day', first_day, end_day))) AS number FROM span)
    ) AS days
