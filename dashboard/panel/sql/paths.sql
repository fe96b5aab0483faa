-- paths: every device above another, and when: up to below the core, so without the tops of the tree, whose own
-- uplinks everybody shares.
CREATE TABLE paths AS
WITH RECURSIVE walk AS (
    SELECT
        own.device_id, own.device_id AS ancestor, own.parent, own.valid_from AS from_at,
        coalesce(own.valid_to, TIMESTAMPTZ '9999-12-31 00:00:00+00') AS to_at, 0 AS steps
    FROM devices AS own
    UNION ALL
    SELECT
        walk.device_id, above.device_id, above.parent, greatest(walk.from_at, above.valid_from),
        least(walk.to_at, coalesce(above.valid_to, TIMESTAMPTZ '9999-12-31 00:00:00+00')), walk.steps + 1
    FROM walk
    JOIN devices AS above ON above.device_id = walk.parent
    WHERE greatest(walk.from_at, above.valid_from)
        < least(walk.to_at, coalesce(above.valid_to, TIMESTAMPTZ '9999-12-31 00:00:00+00'))
        AND walk.steps < 16
)
SELECT device_id, ancestor, from_at, to_at FROM walk WHERE steps > 0 AND parent IS NOT NULL
