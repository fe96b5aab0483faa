-- complaints_before: per period of risk, the customer's complaints in the eight weeks before it.
CREATE TABLE complaints_before AS
SELECT periods.period_no, count(*) AS complaints
FROM periods
JOIN events
    ON events.source = 'complaints' AND events.customer_id = periods.customer_id
    AND events.provider_day >= periods.period - 56 AND events.provider_day < periods.period
GROUP BY periods.period_no
