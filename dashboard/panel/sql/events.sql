-- events: every complaint, answer, start and end of a spell, with the neighbourhood and local day that it counts in,
-- or the reason why it counts in none. The neighbourhood is the customer's at the time; where no customer is known,
-- the one that the record names. Under an id that stands for nobody (see stand_ins) no customer is known.
CREATE TABLE events AS
WITH said AS (
    SELECT
        'complaints' AS source, complaint_id AS id, customer_id, area, 'complaints_' || category AS kind, opened_at,
        CAST(opened_at AT TIME ZONE (SELECT timezone FROM provider) AS DATE) AS provider_day
    FROM complaints
    UNION ALL
    SELECT
        'nps', response_id, customer_id, area,
        CASE WHEN score >= 9 THEN 'nps_promoters' WHEN score <= 6 THEN 'nps_detractors' ELSE 'nps_passives' END,
        NULL, answered_on
    FROM nps
),
named AS (
    SELECT
        said.source, said.id, CASE WHEN stand_ins.customer_id IS NULL THEN said.customer_id END AS customer_id,
        said.area, said.kind, said.opened_at, said.provider_day, stand_ins.customer_id IS NOT NULL AS is_stand_in
    FROM said
    LEFT JOIN stand_ins ON stand_ins.source = said.source AND stand_ins.customer_id = said.customer_id
),
lived AS (
    SELECT *
    FROM (
        SELECT
            named.*, attachments.area AS own_area,
            row_number() OVER (PARTITION BY named.source, named.id ORDER BY attachments.spell_no DESC) AS place
        FROM named
        LEFT JOIN attachments
            ON attachments.customer_id = named.customer_id
            AND attachments.from_day <= named.provider_day AND named.provider_day < attachments.to_day
    )
    WHERE place = 1
),
turned AS (
    SELECT
        'joined' AS source, CAST(spell_no AS VARCHAR) AS id, customer_id, CAST(NULL AS VARCHAR) AS area,
        'joiners' AS kind, CAST(NULL AS TIMESTAMPTZ) AS opened_at, started_on AS provider_day, spell_no
    FROM spells
    UNION ALL
    SELECT
        'left', CAST(spell_no AS VARCHAR), customer_id, NULL,
        CASE departure WHEN 'voluntary' THEN 'leavers_voluntary' ELSE 'leavers_other' END, NULL, event_on, spell_no
    FROM spells
    WHERE event_on IS NOT NULL
),
dated AS (
    SELECT source, id, customer_id, kind, opened_at, provider_day, is_stand_in, coalesce(own_area, area) AS area
    FROM lived
    UNION ALL
    SELECT turned.* EXCLUDE (area, spell_no), FALSE, attachments.area
    FROM turned
    LEFT JOIN attachments
        ON attachments.spell_no = turned.spell_no
        AND attachments.from_day <= turned.provider_day AND turned.provider_day < attachments.to_day
),
placed AS (
    SELECT
        dated.*,
        coalesce(CAST(dated.opened_at AT TIME ZONE zones.timezone AS DATE), dated.provider_day) AS day,
        zones.area IS NOT NULL AND crowded.area IS NOT NULL AS is_lived_in,
        known.customer_id IS NOT NULL AS is_known
    FROM dated
    LEFT JOIN zones ON zones.area = dated.area
    LEFT JOIN (SELECT DISTINCT area FROM crowd_changes) AS crowded ON crowded.area = dated.area
    LEFT JOIN (SELECT DISTINCT customer_id FROM spells) AS known ON known.customer_id = dated.customer_id
)
SELECT
    source, id, customer_id, kind, area, day, provider_day, is_stand_in,
    CASE
        WHEN day < span.first_day OR day >= span.end_day THEN 'outside_weeks'
        WHEN area IS NULL AND is_stand_in THEN 'stand_in'
        WHEN area IS NULL AND NOT is_known THEN 'customer_unknown'
        WHEN area IS NULL THEN 'area_unknown_then'
        WHEN NOT is_lived_in THEN 'area_without_customers'
        ELSE 'used'
    END AS outcome
FROM placed
CROSS JOIN span
