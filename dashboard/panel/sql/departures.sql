-- departures: every spell that is over, where it ended and why, and where and when the same customer's next one began.
CREATE TABLE departures AS
WITH lived AS (
    SELECT
        customer_id, started_on,
        arg_max(area, valid_from) AS last_area,
        arg_min(area, valid_from) AS first_area,
        arg_max(end_reason, valid_from) AS end_reason
    FROM customers
    GROUP BY customer_id, started_on
),
turns AS (
    SELECT
        spells.customer_id, spells.started_on, spells.ended_on, spells.departure,
        lived.last_area, lived.end_reason,
        lead(spells.started_on) OVER spell AS next_started_on,
        lead(lived.first_area) OVER spell AS next_area
    FROM spells
    JOIN lived ON lived.customer_id = spells.customer_id AND lived.started_on = spells.started_on
    WINDOW spell AS (PARTITION BY spells.customer_id ORDER BY spells.started_on)
)
SELECT
    customer_id, started_on, last_area AS area, ended_on,
    coalesce(end_reason, departure) AS exit_reason,
    next_started_on, next_area
FROM turns
WHERE ended_on IS NOT NULL
