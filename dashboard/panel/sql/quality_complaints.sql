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
    WHERE said.kind IN (
        'complaints_$quality_category'
    )
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
    WHERE said.kind IN (
        'complaints_$quality_category'
    ) AND said.outcome = 'used'
),
had AS (
    SELECT
        complained.id,
        CAST(sum(q.$sum) AS DOUBLE) AS $sum
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
    had.$measure_part / nullif(had.$measure_whole, 0) $measure_scale AS $measure_column
FROM complained
LEFT JOIN had ON had.id = complained.id
