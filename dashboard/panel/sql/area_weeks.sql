-- area_weeks: the panel of neighbourhoods, every week of it present; what was not observed is null, never 0.
CREATE TABLE area_weeks AS
WITH grid AS (
    SELECT lived_in.area, weeks.week
    FROM (SELECT DISTINCT area FROM crowd_changes) AS lived_in,
        (
            SELECT first_day + 7 * CAST(number AS INTEGER) AS week
            FROM (SELECT first_day, unnest(range(0, (date_diff('day', first_day, end_day) + 6) // 7)) AS number FROM span)
        ) AS weeks
)
SELECT
    grid.area,
    grid.week,
    grid.week >= span.entry AND grid.week + 6 <= span.cut_off AS is_complete,
    CAST(coalesce(q.customer_days, 0) AS DOUBLE) AS customer_days,
    coalesce(e.joiners, 0) AS joiners,
    coalesce(e.leavers_voluntary, 0) AS leavers_voluntary,
    coalesce(e.leavers_other, 0) AS leavers_other,
    coalesce(e.complaints_$category, 0) AS complaints_$category,
    CAST(coalesce(q.customer_days, 0) - coalesce(c.recent_days, 0) AS DOUBLE) AS quiet_customer_days,
    coalesce(c.quiet_$control_category, 0) AS quiet_complaints_$control_category,
    CAST(coalesce(q.observed_ms, 0) AS DOUBLE) / CAST(nullif(q.customer_ms, 0) AS DOUBLE) AS observed_ratio,
    CAST(q.$measure_part AS DOUBLE) / CAST(nullif(q.$measure_whole, 0) AS DOUBLE) $measure_scale AS $measure_area,
    CAST(q.judged_customers * q.down_s_squares - q.down_s_sum * q.down_s_sum AS DOUBLE)
    / CAST(q.judged_customers * q.judged_customers AS DOUBLE) / 12960000 AS down_hours_variance,
    CAST(q.down_customers AS DOUBLE) / CAST(q.judged_customers AS DOUBLE) AS down_ratio,
    CAST(q.long_down_customers AS DOUBLE) / CAST(q.judged_customers AS DOUBLE) AS long_down_ratio,
    CAST(q.long_down_s AS DOUBLE) / CAST(q.judged_customers AS DOUBLE) / 3600 AS long_down_hours_per_customer,
    CAST(q.$length_sum AS DOUBLE) / CAST(nullif(q.lasting_known_ms, 0) AS DOUBLE) * 168 AS $length_area,
    p.price_gap_mean,
    coalesce(e.nps_answers, 0) AS nps_answers,
    coalesce(e.nps_promoters, 0) AS nps_promoters,
    coalesce(e.nps_detractors, 0) AS nps_detractors,
    coalesce(r.reviews, 0) AS reviews,
    CAST(r.stars AS DOUBLE) / CAST(r.reviews AS DOUBLE) AS review_rating_mean
FROM grid
CROSS JOIN span
LEFT JOIN area_quality AS q ON q.area = grid.area AND q.week = grid.week
LEFT JOIN area_events AS e ON e.area = grid.area AND e.week = grid.week
LEFT JOIN quiet_complaints AS c ON c.area = grid.area AND c.week = grid.week
LEFT JOIN area_reviews AS r ON r.area = grid.area AND r.week = grid.week
LEFT JOIN area_price_gaps AS p ON p.area = grid.area AND p.week = grid.week
