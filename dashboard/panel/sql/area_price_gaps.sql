-- area_price_gaps: per neighbourhood and week, the mean over customers of own price less a new customer's.
-- The neighbourhood's own price list comes before the one that holds everywhere.
CREATE TABLE area_price_gaps AS
WITH within AS (
    SELECT
        attachments.area, attachments.plan,
        CAST(round(10000 * attachments.monthly_price) AS BIGINT) AS own_price,
        greatest(attachments.from_day, span.first_day) AS from_day,
        least(attachments.to_day, span.end_day) AS to_day
    FROM attachments
    CROSS JOIN span
    WHERE attachments.from_day < span.end_day AND attachments.to_day > span.first_day
        AND attachments.plan IS NOT NULL AND attachments.monthly_price IS NOT NULL
),
changes AS (
    SELECT area, plan, day, sum(change) AS change, sum(change * own_price) AS price_change
    FROM (
        SELECT area, plan, from_day AS day, 1 AS change, own_price FROM within
        UNION ALL
        SELECT area, plan, to_day, -1, own_price FROM within
    )
    GROUP BY area, plan, day
),
grid AS (
    SELECT area, plan, first_day + CAST(number AS INTEGER) AS day
    FROM (
        SELECT area, plan, min(day) AS first_day, unnest(range(0, date_diff('day', min(day), max(day)))) AS number
        FROM changes
        GROUP BY area, plan
    )
),
daily AS (
    SELECT
        grid.area, grid.plan, grid.day,
        sum(coalesce(changes.change, 0)) OVER held AS customers,
        sum(coalesce(changes.price_change, 0)) OVER held AS own_prices
    FROM grid
    LEFT JOIN changes ON changes.area = grid.area AND changes.plan = grid.plan AND changes.day = grid.day
    WINDOW held AS (PARTITION BY grid.area, grid.plan ORDER BY grid.day)
)
SELECT
    daily.area,
    CAST(date_trunc('week', daily.day) AS DATE) AS week,
    CAST(sum(daily.own_prices - daily.customers * coalesce(here.price, everywhere.price)) AS DOUBLE)
    / CAST(nullif(sum(daily.customers), 0) AS DOUBLE) / 10000 AS price_gap_mean
FROM daily
LEFT JOIN price_spans AS here
    ON here.plan = daily.plan AND here.area = daily.area AND here.from_day <= daily.day AND daily.day < here.to_day
LEFT JOIN price_spans AS everywhere
    ON everywhere.plan = daily.plan AND everywhere.area IS NULL
    AND everywhere.from_day <= daily.day AND daily.day < everywhere.to_day
WHERE coalesce(here.price, everywhere.price) IS NOT NULL
GROUP BY daily.area, CAST(date_trunc('week', daily.day) AS DATE)
