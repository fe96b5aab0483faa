-- attachments: one row per row of customers that holds for at least a day: who lives where behind which device,
-- from from_day until before to_day; price_from_day is when the price last changed.
CREATE TABLE attachments AS
SELECT
    held.spell_no, held.customer_id, held.area, held.device_id, held.technology, held.plan, held.monthly_price,
    held.contract_until, held.termination_fee, held.from_day, held.to_day, zones.timezone,
    max(CASE WHEN held.monthly_price <> held.price_before THEN held.from_day END)
        OVER (PARTITION BY held.spell_no ORDER BY held.from_day) AS price_from_day
FROM (
    SELECT rows_held.*, lag(monthly_price) OVER (PARTITION BY spell_no ORDER BY from_day) AS price_before
    FROM (
        SELECT
            spells.spell_no, customers.*,
            greatest(customers.valid_from, customers.started_on) AS from_day,
            least(
                coalesce(
                    lead(customers.valid_from) OVER (PARTITION BY spells.spell_no ORDER BY customers.valid_from),
                    DATE '9999-12-31'
                ),
                coalesce(spells.ended_on + 1, DATE '9999-12-31')
            ) AS to_day
        FROM customers
        JOIN spells ON spells.customer_id = customers.customer_id AND spells.started_on = customers.started_on
    ) AS rows_held
    WHERE from_day < to_day
) AS held
JOIN zones ON zones.area = held.area
