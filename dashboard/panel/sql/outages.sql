-- outages: one row per incident that took service away and neighbourhood that it struck, with the customers who hung
-- on its devices on the day on which each went out; a device that no customer on record ever hung on counts in its own
-- neighbourhood, with the subscribers of the inventory. An incident that is open lasts until the newest time on record.
CREATE TABLE outages AS
WITH spans AS (
    SELECT
        incident_id, kind, device_id, area, subscribers, started_at,
        coalesce(ended_at, (SELECT max(coalesce(ended_at, started_at)) FROM incident_spans)) AS ended_at
    FROM incident_spans
    WHERE kind IN ('outage', 'planned') AND device_id IS NOT NULL
),
started AS (
    SELECT spans.*, served.served_no, CAST(spans.started_at AT TIME ZONE served.timezone AS DATE) AS day
    FROM spans
    JOIN served ON served.device_id = spans.device_id
),
hanging AS (
    SELECT days.served_no, days.day, changes.area, CAST(sum(changes.change) AS BIGINT) AS customers
    FROM (SELECT DISTINCT served_no, day FROM started) AS days
    CROSS JOIN span
    JOIN crowd_changes AS changes ON changes.served_no = days.served_no AND changes.day <= days.day
    WHERE days.day < span.end_day
    GROUP BY days.served_no, days.day, changes.area
    HAVING sum(changes.change) > 0
),
struck AS (
    SELECT
        started.incident_id, started.kind, started.device_id, hanging.area, started.started_at, started.ended_at,
        hanging.customers
    FROM started
    JOIN hanging ON hanging.served_no = started.served_no AND hanging.day = started.day
    UNION ALL
    SELECT incident_id, kind, device_id, area, started_at, ended_at, subscribers
    FROM spans
    WHERE device_id NOT IN (SELECT device_id FROM served) AND subscribers > 0
),
by_device AS (
    SELECT
        incident_id, kind, device_id, area,
        min(started_at) AS started_at,
        max(ended_at) AS ended_at,
        max(customers) AS customers,
        CAST(sum(customers * ((epoch_us(ended_at) - epoch_us(started_at)) // 1000)) AS BIGINT) AS customer_ms
    FROM struck
    GROUP BY incident_id, kind, device_id, area
),
by_area AS (
    SELECT
        incident_id, kind, area,
        min(started_at) AS started_at,
        max(ended_at) AS ended_at,
        sum(customers) AS customers,
        sum(customer_ms) AS customer_ms
    FROM by_device
    GROUP BY incident_id, kind, area
)
SELECT
    by_area.area,
    by_area.incident_id,
    by_area.kind,
    CAST(date_trunc('week', CAST(by_area.started_at AT TIME ZONE zones.timezone AS DATE)) AS DATE) AS week,
    CAST(date_trunc('week', CAST(by_area.ended_at AT TIME ZONE zones.timezone AS DATE)) AS DATE) AS last_week,
    by_area.started_at,
    by_area.ended_at,
    by_area.customers,
    CAST(by_area.customer_ms AS DOUBLE) / 60000 AS customer_minutes
FROM by_area
JOIN zones ON zones.area = by_area.area
