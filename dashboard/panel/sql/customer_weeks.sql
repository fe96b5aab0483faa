-- customer_weeks: who was at risk, by weeks: all in which somebody left, and a sample of the others.
CREATE VIEW customer_weeks AS
SELECT *, until_day AS week FROM customer_moments WHERE kind = 'week'
