-- customer_moments: what is known of a customer at each moment. A contract is known for all where it is known for any.
CREATE TABLE customer_moments AS
SELECT
    moments.moment_no,
    moments.kind,
    moments.customer_id,
    moments.started_on,
    moments.until_day,
    held.area,
    held.device_id,
    held.technology,
    held.plan,
    held.monthly_price,
    CAST(
        CAST(round(10000 * held.monthly_price) AS BIGINT) - coalesce(here.price, everywhere.price) AS DOUBLE
    ) / 10000 AS price_gap,
    CAST(
        CAST(round(10000 * held.monthly_price) AS BIGINT) - CAST(round(10000 * earlier.monthly_price) AS BIGINT) AS DOUBLE
    ) / 10000 AS price_change,
    CAST(date_diff('day', held.price_from_day, moments.asked_on) AS BIGINT) AS price_held_days,
    CAST(date_diff('day', moments.started_on, moments.asked_on) AS BIGINT) AS tenure_days,
    CASE WHEN facts.knows_contracts THEN coalesce(held.contract_until > moments.asked_on, FALSE) END AS is_locked_in,
    CASE
        WHEN facts.knows_contracts
            THEN CAST(greatest(coalesce(date_diff('day', moments.asked_on, held.contract_until), 0), 0) AS BIGINT)
    END AS lock_in_days_left,
    CASE
        WHEN held.contract_until <= moments.asked_on
            THEN CAST(date_diff('day', held.contract_until, moments.asked_on) AS BIGINT)
    END AS free_days,
    held.termination_fee,
    CAST(moments.days_at_risk AS DOUBLE) AS days_at_risk,
    moments.left_voluntarily,
    moments.left_otherwise,
    CAST(moments.weight AS DOUBLE) AS weight,
    CASE
        WHEN moments.until_day - 56 >= facts.first_complaint_on THEN coalesce(complaints_before.complaints, 0)
    END AS complaints_before,
    CASE
        WHEN moments.until_day - 56 >= facts.first_complaint_on THEN coalesce(complaints_before.quality_complaints, 0)
    END AS quality_complaints_before,
    complaints_before.answer_hours AS answer_hours_before,
    CAST(scores_before.score AS BIGINT) AS nps_score_before,
    trailing_quality.observed_ratio AS trailing_observed_ratio,
    trailing_quality.unseen_ratio AS trailing_unseen_ratio,
    trailing_quality.$share_whole AS trailing_$share_whole,
    trailing_quality.$measure_column AS trailing_$measure_column,
    remembered_hours.over_2_weeks AS down_hours_over_2_weeks,
    remembered_hours.over_4_weeks AS down_hours_over_4_weeks,
    remembered_hours.over_16_weeks AS down_hours_over_16_weeks,
    remembered_hours.$reach_name AS down_hours_$reach_name
FROM moments
CROSS JOIN (
    SELECT
        (SELECT count(contract_until) > 0 FROM customers) AS knows_contracts,
        (SELECT min(provider_day) FROM events WHERE source = 'complaints') AS first_complaint_on
) AS facts
JOIN attachments AS held
    ON held.spell_no = moments.spell_no AND held.from_day <= moments.asked_on AND moments.asked_on < held.to_day
LEFT JOIN attachments AS earlier
    ON earlier.spell_no = moments.spell_no
    AND earlier.from_day <= moments.asked_on - 56 AND moments.asked_on - 56 < earlier.to_day
LEFT JOIN price_spans AS here
    ON here.plan = held.plan AND here.area = held.area
    AND here.from_day <= moments.asked_on AND moments.asked_on < here.to_day
LEFT JOIN price_spans AS everywhere
    ON everywhere.plan = held.plan AND everywhere.area IS NULL
    AND everywhere.from_day <= moments.asked_on AND moments.asked_on < everywhere.to_day
LEFT JOIN trailing_quality ON trailing_quality.moment_no = moments.moment_no
LEFT JOIN remembered_hours ON remembered_hours.moment_no = moments.moment_no
LEFT JOIN complaints_before ON complaints_before.moment_no = moments.moment_no
LEFT JOIN scores_before ON scores_before.moment_no = moments.moment_no
