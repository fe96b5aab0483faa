-- window_quality: what each stretch behind a device came to.
CREATE TABLE window_quality AS
SELECT
    stretch.served_no, stretch.from_day, stretch.to_day,
    b.observed_ms - a.observed_ms AS observed_ms,
    b.$sum - a.$sum AS $sum
FROM stretches AS stretch
JOIN quality_totals AS a ON a.served_no = stretch.served_no AND a.day = stretch.from_day
JOIN quality_totals AS b ON b.served_no = stretch.served_no AND b.day = stretch.to_day
