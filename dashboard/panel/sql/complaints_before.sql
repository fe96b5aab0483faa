-- complaints_before: per moment, the customer's complaints in the eight weeks before it, and how long those waited for
-- a first answer that had one by then.
CREATE TABLE complaints_before AS
SELECT
    moments.moment_no,
    count(*) AS complaints,
    count(*) FILTER (WHERE complaints.category IN (
        '$quality_category'
    )) AS quality_complaints,
    avg(epoch_us(complaints.first_answer_at) - epoch_us(complaints.opened_at)) FILTER (
        WHERE CAST(complaints.first_answer_at AT TIME ZONE provider.timezone AS DATE) < moments.until_day
    ) / 3600000000 AS answer_hours
FROM moments
CROSS JOIN provider
JOIN events
    ON events.source = 'complaints' AND events.customer_id = moments.customer_id
    AND events.provider_day >= moments.until_day - 56 AND events.provider_day < moments.until_day
JOIN complaints ON complaints.complaint_id = events.id
GROUP BY moments.moment_no
