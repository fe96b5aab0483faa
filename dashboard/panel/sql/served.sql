-- served: one row per device that any customer hangs on and the time zone in which its days are cut.
CREATE TABLE served AS
SELECT row_number() OVER (ORDER BY device_id, timezone) AS served_no, device_id, timezone
FROM (SELECT DISTINCT device_id, timezone FROM attachments WHERE device_id IS NOT NULL)
