-- fullest_above: per device and evening hour, the fullest of the links above it (see paths).
CREATE TABLE fullest_above AS
SELECT paths.device_id, evening.hour, max(evening.utilization_p95_ratio) AS utilization_p95_ratio
FROM paths
JOIN (
    SELECT q.device_id, q.hour, q.utilization_p95_ratio
    FROM quality_hours AS q
    JOIN (SELECT DISTINCT ancestor FROM paths) AS above ON above.ancestor = q.device_id
    JOIN (SELECT DISTINCT hour FROM local_hours WHERE is_evening) AS evenings ON evenings.hour = q.hour
    WHERE q.utilization_p95_ratio IS NOT NULL
) AS evening ON evening.device_id = paths.ancestor AND evening.hour >= paths.from_at AND evening.hour < paths.to_at
GROUP BY paths.device_id, evening.hour
