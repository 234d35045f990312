-- What search needs of a live listing, and nothing of the others. `cell` is the geohash of the shown place. The parts of the score are
-- docs/matching.md's; `standing` is what they come to without the distance, by the published weights: each cell is read best-first by it.
CREATE TABLE findable (
    listing_id BIGINT NOT NULL PRIMARY KEY,
    owner_id BIGINT NOT NULL,
    category VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    cell VARCHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    district VARCHAR(5) CHARACTER SET ascii COLLATE ascii_bin AS (LEFT(cell, 5)) STORED,
    lat DOUBLE NOT NULL,
    lng DOUBLE NOT NULL,
    day_fen BIGINT NOT NULL,
    reference_fen BIGINT NULL,
    rating_centistars INT NOT NULL,
    orders_created INT NOT NULL,
    orders_completed INT NOT NULL,
    published_ms BIGINT NOT NULL,
    deal_part DOUBLE AS (LEAST(1E0, (orders_completed + 3E0) / (orders_created + 5E0))) STORED,
    rating_part DOUBLE AS (LEAST(1E0, GREATEST(0E0, (rating_centistars - 100E0) / 400E0))) STORED,
    price_part DOUBLE AS (CASE WHEN day_fen <= 0 THEN 1E0 WHEN reference_fen IS NULL THEN 5E-1
        ELSE reference_fen / (reference_fen + day_fen + 0E0) END) STORED,
    standing DOUBLE AS (3E-1 * LEAST(1E0, (orders_completed + 3E0) / (orders_created + 5E0))
        + 2E-1 * LEAST(1E0, GREATEST(0E0, (rating_centistars - 100E0) / 400E0))
        + 1E-1 * CASE WHEN day_fen <= 0 THEN 1E0 WHEN reference_fen IS NULL THEN 5E-1
            ELSE reference_fen / (reference_fen + day_fen + 0E0) END) STORED,
    KEY in_cell (cell, standing, lat, lng, day_fen),
    KEY in_cell_of_category (cell, category, standing, lat, lng, day_fen),
    KEY in_district (district, standing, lat, lng, day_fen),
    KEY in_district_of_category (district, category, standing, lat, lng, day_fen),
    KEY new_in_district (district, published_ms)
) ENGINE=InnoDB;

-- What a day of comparable listings costs at the median: of a category, in a district (five characters) or a larger part of the country
-- (four). Written by the worker `comparables`, in two significant digits, so that the market's every breath moves no rows.
CREATE TABLE comparables (
    area VARCHAR(5) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    category VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reference_fen BIGINT NOT NULL,
    listings INT NOT NULL,
    PRIMARY KEY (area, category)
) ENGINE=InnoDB;

INSERT INTO findable (listing_id, owner_id, category, cell, lat, lng, day_fen, rating_centistars, orders_created, orders_completed, published_ms)
SELECT id, owner_id, category,
    CONCAT(cell, SUBSTR('0123456789bcdefghjkmnpqrstuvwxyz', 1 + (y >> 2 & 1) * 16 + (x >> 1 & 1) * 8 + (y >> 1 & 1) * 4 + (x & 1) * 2 + (y & 1), 1)),
    shown_lat, shown_lng,
    COALESCE(LEAST(price_hour_fen * 8, price_day_fen), price_day_fen, price_hour_fen * 8, price_week_fen DIV 7, 0),
    rating_centistars, orders_created, orders_completed, published_ms
FROM (SELECT listings.*, LEAST(FLOOR((shown_lng + 180) / 360 * 32768), 32767) AS x, LEAST(FLOOR((shown_lat + 90) / 180 * 32768), 32767) AS y
    FROM listings WHERE status = 'live') AS placed;

ALTER TABLE listings DROP KEY in_box;
