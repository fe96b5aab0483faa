-- spells: one row per customer and spell, with what its newest row says of its end.
-- A notice without a reason is the customer's own will; an end without notice or reason is counted as other.
CREATE TABLE spells AS
SELECT
    row_number() OVER (ORDER BY customer_id, started_on) AS spell_no,
    customer_id, started_on, area, notice_on, ended_on, first_known_on,
    coalesce(notice_on, ended_on) AS event_on,
    CASE
        WHEN coalesce(notice_on, ended_on) IS NULL THEN NULL
        WHEN coalesce(end_reason, CASE WHEN notice_on IS NOT NULL THEN 'voluntary' END) = 'voluntary' THEN 'voluntary'
        ELSE 'other'
    END AS departure,
    end_reason IS NULL AND ended_on IS NOT NULL AND notice_on IS NULL AS lacks_reason
FROM (
    SELECT
        customer_id, started_on, area, notice_on, ended_on, end_reason,
        row_number() OVER (PARTITION BY customer_id, started_on ORDER BY valid_from DESC) AS age,
        min(valid_from) OVER (PARTITION BY customer_id, started_on) AS first_known_on
    FROM customers
)
WHERE age = 1
