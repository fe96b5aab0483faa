-- area_events: how often each kind of event came about per neighbourhood and week.
CREATE TABLE area_events AS
SELECT
    area,
    CAST(date_trunc('week', day) AS DATE) AS week,
    count(*) FILTER (WHERE kind = 'joiners') AS joiners,
    count(*) FILTER (WHERE kind = 'leavers_voluntary') AS leavers_voluntary,
    count(*) FILTER (WHERE kind = 'leavers_other') AS leavers_other,
    count(*) FILTER (WHERE kind = 'complaints_$category') AS complaints_$category,
    count(*) FILTER (WHERE source = 'nps') AS nps_answers,
    count(*) FILTER (WHERE kind = 'nps_promoters') AS nps_promoters,
    count(*) FILTER (WHERE kind = 'nps_detractors') AS nps_detractors
FROM events
WHERE outcome = 'used'
GROUP BY area, CAST(date_trunc('week', day) AS DATE)
