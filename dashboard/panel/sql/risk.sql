-- risk: one row per spell: from when until which day it is at risk, or the reason why it never is. place counts the spells
-- neighbourhood by neighbourhood, so that every so-manieth is spread evenly over all of them.
CREATE TABLE risk AS
SELECT
    spells.*,
    row_number() OVER (ORDER BY spells.area, spells.spell_no) AS place,
    greatest(spells.started_on, spells.first_known_on, span.entry) AS entry_on,
    least(coalesce(spells.event_on, span.cut_off), span.cut_off) AS last_on,
    CASE
        WHEN spells.event_on < spells.first_known_on THEN 'left_before_first_known'
        WHEN spells.event_on < span.entry THEN 'left_before_entry'
        WHEN greatest(spells.started_on, spells.first_known_on, span.entry) > span.cut_off THEN 'joined_after_cut_off'
        ELSE 'used'
    END AS outcome
FROM spells
CROSS JOIN span
