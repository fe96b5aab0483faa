-- zones: one row per neighbourhood that anybody lives in or that the areas name, and its time zone.
CREATE TABLE zones AS
SELECT area, coalesce(max(own_timezone), (SELECT timezone FROM provider)) AS timezone
FROM (
    SELECT area, nullif(timezone, '') AS own_timezone FROM areas
    UNION ALL
    SELECT DISTINCT area, NULL FROM customers
)
GROUP BY area
