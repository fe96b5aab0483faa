-- area_nodes: the devices behind which at least nine in ten of an area's customers stand on the day after the cut-off, the tops of
-- the tree too. A customer counts behind a device above theirs where it was there for nine tenths of the time known of the year before.
CREATE TABLE area_nodes AS
WITH RECURSIVE year AS (
    SELECT CAST(cut_off - 363 AS TIMESTAMPTZ) AS from_at, CAST(cut_off + 1 AS TIMESTAMPTZ) AS to_at FROM span
),
cut AS (
    SELECT
        devices.device_id, devices.parent, greatest(devices.valid_from, year.from_at) AS from_at,
        least(coalesce(devices.valid_to, year.to_at), year.to_at) AS to_at
    FROM devices
    CROSS JOIN year
    WHERE devices.valid_from < year.to_at AND coalesce(devices.valid_to, year.to_at) > year.from_at
),
changes AS (
    SELECT
        cut.*,
        CASE
            WHEN lag(to_at) OVER (PARTITION BY device_id ORDER BY from_at) = from_at
                AND coalesce(lag(parent) OVER (PARTITION BY device_id ORDER BY from_at), '') = coalesce(parent, '')
                THEN 0
            ELSE 1
        END AS is_new
    FROM cut
),
numbered AS (
    SELECT device_id, parent, from_at, to_at, sum(is_new) OVER (PARTITION BY device_id ORDER BY from_at) AS place
    FROM changes
),
hung AS (
    SELECT device_id, parent, min(from_at) AS from_at, max(to_at) AS to_at
    FROM numbered
    GROUP BY device_id, parent, place
),
walk AS (
    SELECT device_id, device_id AS node, parent, from_at, to_at, 0 AS steps
    FROM hung
    WHERE device_id IN (SELECT device_id FROM customers_now)
    UNION ALL
    SELECT
        walk.device_id, above.device_id, above.parent, greatest(walk.from_at, above.from_at),
        least(walk.to_at, above.to_at), walk.steps + 1
    FROM walk
    JOIN hung AS above ON above.device_id = walk.parent
    WHERE greatest(walk.from_at, above.from_at) < least(walk.to_at, above.to_at) AND walk.steps < 16
),
behind AS (
    SELECT
        device_id, node, min(steps) AS steps, max(to_at) AS until_at,
        CAST(sum(epoch_us(to_at) - epoch_us(from_at)) AS BIGINT) AS held_us
    FROM walk
    GROUP BY device_id, node
),
steady AS (
    SELECT behind.device_id, behind.node, behind.steps
    FROM behind
    JOIN behind AS own ON own.device_id = behind.device_id AND own.node = own.device_id
    CROSS JOIN year
    WHERE behind.until_at = year.to_at AND 10 * behind.held_us >= 9 * own.held_us
),
everybody AS (
    SELECT area, count(*) AS customers FROM customers_now GROUP BY area
)
SELECT
    everybody.area,
    steady.node,
    everybody.customers,
    count(*) AS customers_behind,
    CAST(min(steady.steps) AS BIGINT) AS steps_up
FROM customers_now
JOIN steady ON steady.device_id = customers_now.device_id
JOIN everybody ON everybody.area = customers_now.area
GROUP BY everybody.area, steady.node, everybody.customers
HAVING 10 * count(*) >= 9 * everybody.customers
