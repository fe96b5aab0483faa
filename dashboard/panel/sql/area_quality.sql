-- area_quality: per neighbourhood and week, what its customers had, each weighted by days and observed time: whole weeks
-- for those who were there when a week began, and of who came or went in it the days since, added or taken away. How
-- unlike their hours without service were is told, of those who were there when it began, by the sum of them and of their
-- squares, by how many had any, and by how many had more than four, and how many these had; and the time in single outages
-- longer than so many hours, beside the time of which that is known.
CREATE TABLE area_quality AS
WITH weeks AS (
    SELECT timezone, week, count(*) AS days, CAST(sum(day_ms) AS BIGINT) AS week_ms
    FROM local_days
    GROUP BY timezone, week
),
parts AS (
    SELECT
        crowds.area, crowds.week, crowds.customers, weeks.days, weeks.week_ms AS length_ms,
        q.observed_ms,
        q.$sum,
        CASE WHEN q.judged_ms > 0 THEN crowds.customers END AS judged_customers,
        CASE
            WHEN q.judged_ms > 0
                THEN CAST(round(604800 * CAST(q.down_ms AS DOUBLE) / CAST(q.judged_ms AS DOUBLE)) AS BIGINT)
        END AS down_s,
        crowds.customers * q.judged_ms AS lasting_known_ms,
        CASE WHEN q.judged_ms > 0 THEN crowds.customers * least(coalesce(o.$length_sum, 0), q.down_ms) END AS $length_sum
    FROM crowds
    JOIN weeks ON weeks.timezone = crowds.timezone AND weeks.week = crowds.week
    LEFT JOIN quality_weeks AS q ON q.served_no = crowds.served_no AND q.week = crowds.week
    LEFT JOIN outage_weeks AS o ON o.served_no = crowds.served_no AND o.week = crowds.week
    UNION ALL
    SELECT
        changes.area, changes.week, changes.change, 1, local_days.day_ms,
        q.observed_ms,
        q.$sum,
        NULL,
        NULL,
        NULL AS lasting_known_ms,
        NULL AS $length_sum
    FROM crowd_changes AS changes
    JOIN local_days
        ON local_days.timezone = changes.timezone AND local_days.week = changes.week AND local_days.day >= changes.day
    LEFT JOIN quality_days AS q ON q.served_no = changes.served_no AND q.day = local_days.day
)
SELECT
    area,
    week,
    sum(customers * days) AS customer_days,
    sum(customers * length_ms) AS customer_ms,
    sum(customers * observed_ms) AS observed_ms,
    sum(CAST(customers * $sum AS DECIMAL(38, 0))) AS $sum,
    CAST(sum(judged_customers) AS DECIMAL(38, 0)) AS judged_customers,
    CAST(sum(judged_customers * down_s) AS DECIMAL(38, 0)) AS down_s_sum,
    CAST(sum(judged_customers * down_s * down_s) AS DECIMAL(38, 0)) AS down_s_squares,
    CAST(sum(CASE WHEN down_s > 0 THEN judged_customers ELSE 0 END) AS DECIMAL(38, 0)) AS down_customers,
    CAST(sum(CASE WHEN down_s > 14400 THEN judged_customers ELSE 0 END) AS DECIMAL(38, 0)) AS long_down_customers,
    CAST(sum(CASE WHEN down_s > 14400 THEN judged_customers * down_s ELSE 0 END) AS DECIMAL(38, 0)) AS long_down_s,
    CAST(sum(lasting_known_ms) AS DECIMAL(38, 0)) AS lasting_known_ms,
    CAST(sum($length_sum) AS DECIMAL(38, 0)) AS $length_sum
FROM parts
GROUP BY area, week
