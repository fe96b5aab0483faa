-- local_days: every day of the panel in every time zone, and its true length (23 to 25 hours).
CREATE TABLE local_days AS
SELECT
    zone.timezone,
    CAST(date_trunc('week', days.day) AS DATE) AS week,
    days.day,
    CAST(
        epoch_ms(timezone(zone.timezone, CAST(days.day + 1 AS TIMESTAMP)))
        - epoch_ms(timezone(zone.timezone, CAST(days.day AS TIMESTAMP))) AS BIGINT
    ) AS day_ms
FROM (SELECT DISTINCT timezone FROM zones) AS zone,
    (SELECT CAST(unnest(range(first_day, end_day, INTERVAL 1 DAY)) AS DATE) AS day FROM span) AS days
