-- exposures: per moment, the stretches of the eight weeks before it behind one device. They end on the same day for
-- who leaves and who stays: a window that ends earlier for leavers would compare other weeks with each other.
CREATE TABLE exposures AS
SELECT
    moments.moment_no,
    served.served_no,
    greatest(attachments.from_day, moments.until_day - 56, span.first_day) AS from_day,
    least(attachments.to_day, moments.until_day, span.end_day) AS to_day
FROM moments
CROSS JOIN span
JOIN attachments
    ON attachments.spell_no = moments.spell_no
    AND attachments.from_day < moments.until_day AND attachments.to_day > moments.until_day - 56
JOIN served ON served.device_id = attachments.device_id AND served.timezone = attachments.timezone
WHERE greatest(attachments.from_day, moments.until_day - 56, span.first_day)
    < least(attachments.to_day, moments.until_day, span.end_day)
