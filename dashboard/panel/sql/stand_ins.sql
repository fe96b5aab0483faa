-- stand_ins: the ids under which more complaints (or answers) stand than a customer makes, over all weeks or over the last
-- eight: they are written where an id is missing, and stand for nobody. The import has marked those that look so by 'nobody'.
-- From how many on is said in dashboard/tables/stand_ins.py.
CREATE TABLE stand_ins AS
WITH said AS (
    SELECT
        'complaints' AS source, customer_id,
        CAST(opened_at AT TIME ZONE (SELECT timezone FROM provider) AS DATE) AS day
    FROM complaints
    UNION ALL
    SELECT 'nps', customer_id, answered_on FROM nps
),
within AS (
    SELECT said.source, said.customer_id, said.day
    FROM said
    CROSS JOIN span
    WHERE said.day >= span.first_day AND said.day < span.end_day
),
ends AS (SELECT source, max(day) AS last_day FROM within GROUP BY source),
counted AS (
    SELECT
        within.source, within.customer_id,
        count(*) AS total,
        sum(CASE WHEN within.day > ends.last_day - 56 THEN 1 ELSE 0 END) AS recent
    FROM within
    JOIN ends ON ends.source = within.source
    GROUP BY within.source, within.customer_id
),
whole AS (
    SELECT source, sum(total) AS total, sum(recent) AS recent
    FROM counted
    WHERE customer_id IS NOT NULL
    GROUP BY source
),
enough AS (
    SELECT *
    FROM (
        VALUES
        ($stand_in_rows, $stand_in_percent)
    ) AS rule (fewest, of_a_hundred)
)
SELECT DISTINCT counted.source, counted.customer_id
FROM counted
JOIN whole ON whole.source = counted.source
CROSS JOIN enough
WHERE counted.customer_id = 'nobody'
    OR (
        counted.customer_id IS NOT NULL
        AND (
            (counted.total >= enough.fewest AND counted.total * 100 >= enough.of_a_hundred * whole.total)
            OR (counted.recent >= enough.fewest AND counted.recent * 100 >= enough.of_a_hundred * whole.recent)
        )
    )
