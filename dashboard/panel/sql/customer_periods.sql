-- customer_periods: who was at risk, by four-week periods.
CREATE VIEW customer_periods AS
SELECT *, until_day AS period FROM customer_moments WHERE kind = 'period'
