-- scores_before: per moment, the last score that the customer gave in the half year before it; the lowest of a day.
CREATE TABLE scores_before AS
SELECT moments.moment_no, arg_max(nps.score, date_diff('day', DATE '1970-01-01', nps.answered_on) * 16 - nps.score) AS score
FROM moments
JOIN nps
    ON nps.customer_id = moments.customer_id
    AND nps.answered_on >= moments.until_day - 182 AND nps.answered_on < moments.until_day
LEFT JOIN stand_ins ON stand_ins.source = 'nps' AND stand_ins.customer_id = nps.customer_id
WHERE stand_ins.customer_id IS NULL
GROUP BY moments.moment_no
