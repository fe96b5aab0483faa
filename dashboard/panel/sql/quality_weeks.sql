-- quality_weeks: quality_days added up to weeks.
CREATE TABLE quality_weeks AS
SELECT
    served_no,
    week,
    CAST(sum(observed_ms) AS BIGINT) AS observed_ms,
    CAST(sum($sum) AS BIGINT) AS $sum
FROM quality_days
GROUP BY served_no, week
