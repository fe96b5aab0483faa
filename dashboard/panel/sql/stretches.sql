-- stretches: the distinct stretches of exposures.
CREATE TABLE stretches AS
SELECT DISTINCT served_no, from_day, to_day FROM exposures
