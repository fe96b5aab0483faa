-- scores_before: per moment, the last score that the customer gave in the half year before it.
CREATE TABLE scores_before AS
SELECT moments.moment_no, arg_max(nps.score, nps.answered_on) AS score
FROM moments
JOIN nps
    ON nps.customer_id = moments.customer_id
    AND nps.answered_on >= moments.until_day - 182 AND nps.answered_on < moments.until_day
GROUP BY moments.moment_no
