-- window_quality: what each stretch behind a device came to.
CREATE TABLE window_quality AS
SELECT
    stretch.served_no, stretch.from_day, stretch.to_day,
    b.judged_ms - a.judged_ms AS judged_ms,
    b.down_ms - a.down_ms AS down_ms,
    b.planned_ms - a.planned_ms AS planned_ms,
    b.planned_known_ms - a.planned_known_ms AS planned_known_ms,
    b.echoes_sent - a.echoes_sent AS echoes_sent,
    b.echoes_lost - a.echoes_lost AS echoes_lost,
    b.latency_ms - a.latency_ms AS latency_ms,
    b.latency_sum - a.latency_sum AS latency_sum,
    b.utilization_ms - a.utilization_ms AS utilization_ms,
    b.utilization_sum - a.utilization_sum AS utilization_sum
FROM stretches AS stretch
JOIN quality_totals AS a ON a.served_no = stretch.served_no AND a.day = stretch.from_day
JOIN quality_totals AS b ON b.served_no = stretch.served_no AND b.day = stretch.to_day
