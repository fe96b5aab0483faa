-- quality_complaints: complaints about connection and speed, each with what the complainer's device had in the seven
-- days up to and including the day of the complaint.
CREATE TABLE quality_complaints AS
WITH held AS (
    SELECT said.id, max(attachments.spell_no) AS spell_no
    FROM events AS said
    JOIN attachments
        ON attachments.customer_id = said.customer_id
        AND attachments.from_day <= said.provider_day AND said.provider_day < attachments.to_day
    WHERE said.kind IN ('complaints_connection', 'complaints_slow')
    GROUP BY said.id
)
SELECT
    said.id AS complaint_id,
    said.area,
    said.day AS opened_on,
    CAST(b.judged_ms - a.judged_ms AS DOUBLE) / 604800000 AS observed_ratio,
    CAST(b.down_ms - a.down_ms AS DOUBLE) / CAST(nullif(b.judged_ms - a.judged_ms, 0) AS DOUBLE) * 168 AS down_hours,
    CAST(b.latency_sum - a.latency_sum AS DOUBLE) / CAST(nullif(b.latency_ms - a.latency_ms, 0) AS DOUBLE) / 1e6
        AS evening_rtt_p95_mean_seconds,
    CAST(b.echoes_lost - a.echoes_lost AS DOUBLE) / CAST(nullif(b.echoes_sent - a.echoes_sent, 0) AS DOUBLE)
        AS loss_ratio,
    CAST(b.utilization_sum - a.utilization_sum AS DOUBLE)
        / CAST(nullif(b.utilization_ms - a.utilization_ms, 0) AS DOUBLE) / 1e6 AS evening_utilization_mean_ratio
FROM events AS said
CROSS JOIN span
LEFT JOIN held ON held.id = said.id
LEFT JOIN attachments
    ON attachments.spell_no = held.spell_no
    AND attachments.from_day <= said.provider_day AND said.provider_day < attachments.to_day
LEFT JOIN served ON served.device_id = attachments.device_id AND served.timezone = attachments.timezone
LEFT JOIN quality_totals AS a
    ON a.served_no = served.served_no AND a.day = greatest(said.provider_day - 6, span.first_day)
LEFT JOIN quality_totals AS b ON b.served_no = served.served_no AND b.day = least(said.provider_day + 1, span.end_day)
WHERE said.kind IN ('complaints_connection', 'complaints_slow') AND said.outcome = 'used'
