-- quality_complaints: complaints about connection and speed, each with what the complainer's device had in the seven
-- days up to and including the day of the complaint. Days without quality stay in the join on purpose: of an inner one
-- DuckDB would first add up all of quality_days.
CREATE TABLE quality_complaints AS
WITH held AS (
    SELECT said.id, max(attachments.spell_no) AS spell_no
    FROM events AS said
    JOIN attachments
        ON attachments.customer_id = said.customer_id
        AND attachments.from_day <= said.provider_day AND said.provider_day < attachments.to_day
    WHERE said.kind IN ('complaints_connection', 'complaints_slow')
    GROUP BY said.id
),
complained AS (
    SELECT said.id, said.area, said.day, said.provider_day, served.served_no
    FROM events AS said
    LEFT JOIN held ON held.id = said.id
    LEFT JOIN attachments
        ON attachments.spell_no = held.spell_no
        AND attachments.from_day <= said.provider_day AND said.provider_day < attachments.to_day
    LEFT JOIN served ON served.device_id = attachments.device_id AND served.timezone = attachments.timezone
    WHERE said.kind IN ('complaints_connection', 'complaints_slow') AND said.outcome = 'used'
),
had AS (
    SELECT
        complained.id,
        CAST(sum(q.judged_ms) AS DOUBLE) AS judged_ms,
        CAST(sum(q.down_ms) AS DOUBLE) AS down_ms,
        CAST(sum(q.planned_ms) AS DOUBLE) AS planned_ms,
        CAST(sum(q.planned_known_ms) AS DOUBLE) AS planned_known_ms,
        CAST(sum(q.latency_ms) AS DOUBLE) AS latency_ms,
        CAST(sum(q.latency_sum) AS DOUBLE) AS latency_sum,
        CAST(sum(q.echoes_sent) AS DOUBLE) AS echoes_sent,
        CAST(sum(q.echoes_lost) AS DOUBLE) AS echoes_lost,
        CAST(sum(q.utilization_ms) AS DOUBLE) AS utilization_ms,
        CAST(sum(q.utilization_sum) AS DOUBLE) AS utilization_sum
    FROM (
        SELECT complained.id, complained.served_no, complained.provider_day - before.days AS day
        FROM complained
        CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6)) AS before (days)
    ) AS complained
    LEFT JOIN quality_days AS q ON q.served_no = complained.served_no AND q.day = complained.day
    GROUP BY complained.id
)
SELECT
    complained.id AS complaint_id,
    complained.area,
    complained.day AS opened_on,
    CASE WHEN complained.served_no IS NOT NULL THEN coalesce(had.judged_ms, 0) / 604800000 END AS observed_ratio,
    had.down_ms / nullif(had.judged_ms, 0) * 168 AS down_hours,
    had.planned_ms / nullif(had.planned_known_ms, 0) * 168 AS planned_hours,
    had.latency_sum / nullif(had.latency_ms, 0) / 1e6 AS evening_rtt_p95_mean_seconds,
    had.echoes_lost / nullif(had.echoes_sent, 0) AS loss_ratio,
    had.utilization_sum / nullif(had.utilization_ms, 0) / 1e6 AS evening_utilization_mean_ratio
FROM complained
LEFT JOIN had ON had.id = complained.id
