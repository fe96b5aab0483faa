-- area_reviews: per neighbourhood and week how many public reviews name it, and the sum of their stars.
CREATE TABLE area_reviews AS
SELECT
    reviews.area,
    CAST(date_trunc('week', reviews.posted_on) AS DATE) AS week,
    count(*) AS reviews,
    sum(reviews.rating) AS stars
FROM reviews
CROSS JOIN span
WHERE reviews.posted_on >= span.first_day AND reviews.posted_on < span.end_day
GROUP BY reviews.area, CAST(date_trunc('week', reviews.posted_on) AS DATE)
