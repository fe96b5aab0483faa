-- fullest_above: per device and evening hour, the fullest of the links above it (see paths).
CREATE TABLE fullest_above AS
SELECT
    paths.device_id,
    evening.hour,
    max(evening.$link_column) AS $link_column
FROM paths
JOIN (
    SELECT
        q.device_id,
        q.hour,
        q.$link_column
    FROM quality_hours AS q
    JOIN (SELECT DISTINCT ancestor FROM paths) AS above ON above.ancestor = q.device_id
    JOIN (SELECT DISTINCT hour FROM local_hours WHERE is_evening) AS evenings ON evenings.hour = q.hour
    WHERE coalesce(
        q.$link_column
    ) IS NOT NULL
) AS evening ON evening.device_id = paths.ancestor AND evening.hour >= paths.from_at AND evening.hour < paths.to_at
GROUP BY paths.device_id, evening.hour
