-- quality_days: device_days and utilization_days side by side.
CREATE TABLE quality_days AS
SELECT device_days.*, utilization_days.utilization_ms, utilization_days.utilization_sum
FROM device_days
LEFT JOIN utilization_days
    ON utilization_days.served_no = device_days.served_no AND utilization_days.day = device_days.day
