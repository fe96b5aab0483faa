-- customers_now: who is still there on the day after the cut-off.
CREATE VIEW customers_now AS
SELECT * FROM customer_moments WHERE kind = 'now'
