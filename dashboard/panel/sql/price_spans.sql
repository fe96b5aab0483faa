-- price_spans: what a new customer pays for a plan, in ten-thousandths, from from_day until before to_day.
CREATE TABLE price_spans AS
SELECT
    plan,
    nullif(area, '') AS area,
    valid_from AS from_day,
    coalesce(
        lead(valid_from) OVER (PARTITION BY plan, nullif(area, '') ORDER BY valid_from), DATE '9999-12-31'
    ) AS to_day,
    CAST(round(10000 * new_customer_price) AS BIGINT) AS price
FROM prices
