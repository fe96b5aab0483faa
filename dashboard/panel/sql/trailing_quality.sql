-- trailing_quality: per moment, quality over the eight weeks before it.
CREATE TABLE trailing_quality AS
SELECT
    exposures.moment_no,
    CAST(sum(w.judged_ms) AS DOUBLE) / 4838400000 AS observed_ratio,
    CASE
        WHEN sum(w.observed_ms) < 86400000 * sum(date_diff('day', w.from_day, w.to_day))
            THEN 1 - CAST(sum(w.observed_ms) AS DOUBLE) / CAST(86400000 * sum(date_diff('day', w.from_day, w.to_day)) AS DOUBLE)
        ELSE 0.0
    END AS unseen_ratio,
    CAST(sum(w.$share_whole) AS BIGINT) AS $share_whole,
    CAST(sum(w.$measure_part) AS DOUBLE) / CAST(nullif(sum(w.$measure_whole), 0) AS DOUBLE) $measure_scale AS $measure_column
FROM exposures
JOIN window_quality AS w
    ON w.served_no = exposures.served_no AND w.from_day = exposures.from_day AND w.to_day = exposures.to_day
GROUP BY exposures.moment_no
