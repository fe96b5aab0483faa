-- area_quality: per neighbourhood and week, what its customers had, each weighted by days and observed time.
CREATE TABLE area_quality AS
SELECT
    crowds.area,
    CAST(date_trunc('week', crowds.day) AS DATE) AS week,
    sum(crowds.customers) AS customer_days,
    sum(crowds.customers * local_days.day_ms) AS customer_ms,
    sum(crowds.customers * q.observed_ms) AS observed_ms,
    sum(crowds.customers * q.judged_ms) AS judged_ms,
    sum(crowds.customers * q.down_ms) AS down_ms,
    sum(crowds.customers * q.echoes_sent) AS echoes_sent,
    sum(crowds.customers * q.echoes_lost) AS echoes_lost,
    sum(crowds.customers * q.latency_ms) AS latency_ms,
    sum(crowds.customers * q.latency_sum) AS latency_sum,
    sum(crowds.customers * q.utilization_ms) AS utilization_ms,
    sum(crowds.customers * q.utilization_sum) AS utilization_sum
FROM crowds
JOIN local_days ON local_days.timezone = crowds.timezone AND local_days.day = crowds.day
LEFT JOIN quality_days AS q ON q.served_no = crowds.served_no AND q.day = crowds.day
GROUP BY crowds.area, CAST(date_trunc('week', crowds.day) AS DATE)
