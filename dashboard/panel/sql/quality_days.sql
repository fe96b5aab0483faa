-- quality_days: chunk_days of the panel's days, of the devices that serve anybody. A local day that lies in two chunks is
-- added up.
CREATE TABLE quality_days AS
WITH known AS (
    SELECT
        served.served_no, CAST(date_trunc('week', days.day) AS DATE) AS week, days.timezone, days.day, days.observed_ms,
        days.$sum
    FROM history_days AS days
    JOIN served ON served.device_id = days.device_id AND served.timezone = days.timezone
    CROSS JOIN span
    WHERE days.day >= span.first_day AND days.day < span.end_day
),
split AS (
    SELECT timezone, day FROM history_days GROUP BY timezone, day HAVING min(chunk) < max(chunk)
)
SELECT
    known.served_no, known.week, known.day, known.observed_ms,
    known.$sum
FROM known
ANTI JOIN split ON split.timezone = known.timezone AND split.day = known.day
UNION ALL
SELECT
    known.served_no,
    known.week,
    known.day,
    CAST(sum(known.observed_ms) AS BIGINT),
    CAST(sum(known.$sum) AS BIGINT)
FROM known
JOIN split ON split.timezone = known.timezone AND split.day = known.day
GROUP BY known.served_no, known.week, known.day
