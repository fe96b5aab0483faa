-- survey_answers: every answer that counts, with what was known on that day of the customer who gave it.
CREATE TABLE survey_answers AS
WITH complained AS (
    SELECT answer.id, count(*) AS complaints
    FROM events AS answer
    JOIN events AS complaint
        ON complaint.source = 'complaints' AND complaint.customer_id = answer.customer_id
        AND complaint.provider_day >= answer.provider_day - 56 AND complaint.provider_day < answer.provider_day
    WHERE answer.source = 'nps'
    GROUP BY answer.id
),
held AS (
    SELECT answer.id, max(attachments.spell_no) AS spell_no
    FROM events AS answer
    JOIN attachments
        ON attachments.customer_id = answer.customer_id
        AND attachments.from_day <= answer.provider_day AND answer.provider_day < attachments.to_day
    WHERE answer.source = 'nps'
    GROUP BY answer.id
)
SELECT
    answer.id AS response_id,
    answer.area,
    answer.day AS answered_on,
    nps.score,
    attachments.technology,
    CAST(date_diff('day', spells.started_on, answer.provider_day) AS BIGINT) AS tenure_days,
    CASE WHEN held.spell_no IS NOT NULL THEN coalesce(complained.complaints, 0) END AS complaints_before
FROM events AS answer
JOIN nps ON nps.response_id = answer.id
LEFT JOIN complained ON complained.id = answer.id
LEFT JOIN held ON held.id = answer.id
LEFT JOIN spells ON spells.spell_no = held.spell_no
LEFT JOIN attachments
    ON attachments.spell_no = held.spell_no
    AND attachments.from_day <= answer.provider_day AND answer.provider_day < attachments.to_day
WHERE answer.source = 'nps' AND answer.outcome = 'used'
