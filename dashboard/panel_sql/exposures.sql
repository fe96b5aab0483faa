-- exposures: per period of risk, the stretches of the eight weeks before its exposure end behind one device.
CREATE TABLE exposures AS
SELECT
    periods.period_no,
    served.served_no,
    greatest(attachments.from_day, periods.exposure_end - 56, span.first_day) AS from_day,
    least(attachments.to_day, periods.exposure_end, span.end_day) AS to_day
FROM periods
CROSS JOIN span
JOIN attachments
    ON attachments.spell_no = periods.spell_no
    AND attachments.from_day < periods.exposure_end AND attachments.to_day > periods.exposure_end - 56
JOIN served ON served.device_id = attachments.device_id AND served.timezone = attachments.timezone
WHERE greatest(attachments.from_day, periods.exposure_end - 56, span.first_day)
    < least(attachments.to_day, periods.exposure_end, span.end_day)
