-- quiet_complaints: per neighbourhood and week, complaints about bills and prices of customers who had complained of nothing
-- in the eight weeks before nor, that day, of anything else; and the days of customers who had complained in the eight
-- weeks before. Who has just complained complains again, of anything: that would carry an outage over to bills. Days are
-- counted as running totals of who comes to count and who ceases to, for each neighbourhood and day.
CREATE TABLE quiet_complaints AS
WITH said AS (
    SELECT
        customer_id, provider_day AS day,
        max(CASE WHEN kind IN (
            'complaints_$control_category'
        ) THEN 0 ELSE 1 END) AS others
    FROM events
    WHERE source = 'complaints' AND customer_id IS NOT NULL
    GROUP BY customer_id, provider_day
),
spaced AS (
    SELECT
        customer_id, day, others,
        lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS day_before,
        lead(day) OVER (PARTITION BY customer_id ORDER BY day) AS day_after
    FROM said
),
counted AS (
    SELECT events.area, CAST(date_trunc('week', events.day) AS DATE) AS week, events.kind, count(*) AS complaints
    FROM events
    JOIN spaced ON spaced.customer_id = events.customer_id AND spaced.day = events.provider_day
    WHERE events.outcome = 'used' AND events.source = 'complaints'
        AND spaced.others = 0 AND coalesce(spaced.day_before < spaced.day - 56, TRUE)
    GROUP BY events.area, CAST(date_trunc('week', events.day) AS DATE), events.kind
),
warned AS (
    SELECT
        attachments.area,
        greatest(attachments.from_day, spaced.day + 1, span.first_day) AS from_day,
        least(attachments.to_day, spaced.day + 57, coalesce(spaced.day_after + 1, DATE '9999-12-31'), span.end_day) AS to_day
    FROM spaced
    CROSS JOIN span
    JOIN attachments ON attachments.customer_id = spaced.customer_id AND attachments.to_day > spaced.day + 1
),
changes AS (
    SELECT area, day, CAST(sum(change) AS BIGINT) AS change
    FROM (
        SELECT area, from_day AS day, 1 AS change FROM warned WHERE from_day < to_day
        UNION ALL
        SELECT area, to_day, -1 FROM warned WHERE from_day < to_day
    )
    GROUP BY area, day
),
recent AS (
    SELECT area, week, CAST(sum(customers) AS BIGINT) AS recent_days
    FROM (
        SELECT
            grid.area, grid.week, grid.day,
            sum(coalesce(changes.change, 0)) OVER (
                PARTITION BY grid.area ORDER BY grid.day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS customers
        FROM (
            SELECT areas.area, local_days.week, local_days.day
            FROM (SELECT DISTINCT area, timezone FROM crowd_changes) AS areas
            JOIN local_days ON local_days.timezone = areas.timezone
        ) AS grid
        LEFT JOIN changes ON changes.area = grid.area AND changes.day = grid.day
    )
    GROUP BY area, week
)
SELECT
    recent.area,
    recent.week,
    recent.recent_days,
    sum(CASE WHEN counted.kind = 'complaints_$control_category' THEN counted.complaints ELSE 0 END) AS quiet_$control_category
FROM recent
LEFT JOIN counted ON counted.area = recent.area AND counted.week = recent.week
GROUP BY recent.area, recent.week, recent.recent_days
