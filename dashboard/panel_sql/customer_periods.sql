-- customer_periods: the panel of customers. A contract is known for all where it is known for any.
CREATE TABLE customer_periods AS
SELECT
    periods.customer_id,
    periods.started_on,
    periods.period,
    held.area,
    held.device_id,
    held.technology,
    held.plan,
    held.monthly_price,
    CAST(
        CAST(round(10000 * held.monthly_price) AS BIGINT) - coalesce(here.price, everywhere.price) AS DOUBLE
    ) / 10000 AS price_gap,
    CAST(periods.asked_on - periods.started_on AS BIGINT) AS tenure_days,
    CASE WHEN facts.knows_contracts THEN coalesce(held.contract_until > periods.asked_on, FALSE) END AS is_locked_in,
    CASE
        WHEN facts.knows_contracts
            THEN CAST(greatest(coalesce(held.contract_until - periods.asked_on, 0), 0) AS BIGINT)
    END AS lock_in_days_left,
    CAST(periods.days_at_risk AS DOUBLE) AS days_at_risk,
    periods.left_voluntarily,
    periods.left_otherwise,
    CASE
        WHEN periods.period - 56 >= facts.first_complaint_on THEN coalesce(complaints_before.complaints, 0)
    END AS complaints_before,
    trailing_quality.down_hours AS trailing_down_hours,
    trailing_quality.rtt_seconds AS trailing_evening_rtt_p95_mean_seconds,
    trailing_quality.loss_ratio AS trailing_loss_ratio,
    trailing_quality.utilization_ratio AS trailing_evening_utilization_mean_ratio
FROM periods
CROSS JOIN (
    SELECT
        (SELECT count(contract_until) > 0 FROM customers) AS knows_contracts,
        (SELECT min(provider_day) FROM events WHERE source = 'complaints') AS first_complaint_on
) AS facts
JOIN attachments AS held
    ON held.spell_no = periods.spell_no AND held.from_day <= periods.asked_on AND periods.asked_on < held.to_day
LEFT JOIN price_spans AS here
    ON here.plan = held.plan AND here.area = held.area
    AND here.from_day <= periods.asked_on AND periods.asked_on < here.to_day
LEFT JOIN price_spans AS everywhere
    ON everywhere.plan = held.plan AND everywhere.area IS NULL
    AND everywhere.from_day <= periods.asked_on AND periods.asked_on < everywhere.to_day
LEFT JOIN trailing_quality ON trailing_quality.period_no = periods.period_no
LEFT JOIN complaints_before ON complaints_before.period_no = periods.period_no
