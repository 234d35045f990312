-- What the content check needs of an owner, and the secret by which the places of their listings are blurred for others.
ALTER TABLE owners
    ADD COLUMN openid VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' AFTER user_version,
    ADD COLUMN place_secret BINARY(16) NULL AFTER user_id;

UPDATE owners SET place_secret = RANDOM_BYTES(16);

ALTER TABLE owners MODIFY COLUMN place_secret BINARY(16) NOT NULL;

-- `lat` and `lng` are where it is; `shown_*` is what everybody but its owner is told, and `cell` is that point's.
ALTER TABLE listings
    ADD COLUMN shown_lat DOUBLE NULL AFTER lng,
    ADD COLUMN shown_lng DOUBLE NULL AFTER shown_lat,
    ADD COLUMN region VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' AFTER cell,
    ADD COLUMN attributes TEXT NULL AFTER address,
    ADD COLUMN review_note VARCHAR(200) NOT NULL DEFAULT '' AFTER status,
    ADD COLUMN pending MEDIUMTEXT NULL AFTER review_note;

-- Older rows are blurred as they stand: 150 to 300 m away, any way. Whoever edits the place draws again.
UPDATE listings JOIN (SELECT id, 2 * PI() * RAND() AS bearing, DEGREES((150 + 150 * RAND()) / 6371008.8) AS way FROM listings) AS drawn
    USING (id)
SET shown_lat = GREATEST(-90, LEAST(90, lat + way * COS(bearing))),
    shown_lng = MOD(lng + way * SIN(bearing) / GREATEST(COS(RADIANS(lat)), 0.001) + 540, 360) - 180,
    attributes = '{}';

-- Their cells are those of the blurred places: a geohash of five characters, of 13 bits of longitude and 12 of latitude.
UPDATE listings JOIN (SELECT id, LEAST(FLOOR((shown_lng + 180) / 360 * 8192), 8191) AS x, LEAST(FLOOR((shown_lat + 90) / 180 * 4096), 4095) AS y
    FROM listings) AS bits USING (id)
SET cell = CONCAT(
    SUBSTR('0123456789bcdefghjkmnpqrstuvwxyz', 1 + (x >> 12 & 1) * 16 + (y >> 11 & 1) * 8 + (x >> 11 & 1) * 4 + (y >> 10 & 1) * 2 + (x >> 10 & 1), 1),
    SUBSTR('0123456789bcdefghjkmnpqrstuvwxyz', 1 + (y >> 9 & 1) * 16 + (x >> 9 & 1) * 8 + (y >> 8 & 1) * 4 + (x >> 8 & 1) * 2 + (y >> 7 & 1), 1),
    SUBSTR('0123456789bcdefghjkmnpqrstuvwxyz', 1 + (x >> 7 & 1) * 16 + (y >> 6 & 1) * 8 + (x >> 6 & 1) * 4 + (y >> 5 & 1) * 2 + (x >> 5 & 1), 1),
    SUBSTR('0123456789bcdefghjkmnpqrstuvwxyz', 1 + (y >> 4 & 1) * 16 + (x >> 4 & 1) * 8 + (y >> 3 & 1) * 4 + (x >> 3 & 1) * 2 + (y >> 2 & 1), 1),
    SUBSTR('0123456789bcdefghjkmnpqrstuvwxyz', 1 + (x >> 2 & 1) * 16 + (y >> 1 & 1) * 8 + (x >> 1 & 1) * 4 + (y & 1) * 2 + (x & 1), 1));

ALTER TABLE listings
    MODIFY COLUMN shown_lat DOUBLE NOT NULL,
    MODIFY COLUMN shown_lng DOUBLE NOT NULL,
    MODIFY COLUMN attributes TEXT NOT NULL,
    DROP KEY in_box,
    ADD KEY in_box (status, shown_lat, shown_lng);

-- A wording that waits for its review: what WeChat's check said of each of its parts, and since when people have to look.
CREATE TABLE reviews (
    listing_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reasons TEXT NOT NULL,
    submitted_ms BIGINT NOT NULL,
    KEY in_state (state, submitted_ms)
) ENGINE=InnoDB;

-- `part` is "text" or a photo's key. `verdict` is empty until WeChat has said it; `trace_id` is by what it tells later.
CREATE TABLE checks (
    listing_id BIGINT NOT NULL,
    part VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version BIGINT NOT NULL,
    verdict VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    label INT NOT NULL,
    trace_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    attempts INT NOT NULL,
    asked_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (listing_id, part),
    KEY due (due_ms),
    KEY by_trace (trace_id)
) ENGINE=InnoDB;

-- What the photos of open listings look like: `digest` of what they are, `look` of what they seem, in four bands, of which one at
-- least is the same where three bits or fewer are different.
CREATE TABLE looks (
    listing_id BIGINT NOT NULL,
    place SMALLINT NOT NULL,
    owner_id BIGINT NOT NULL,
    digest CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    look BIGINT UNSIGNED NOT NULL,
    band_a SMALLINT UNSIGNED AS (look >> 48) STORED,
    band_b SMALLINT UNSIGNED AS (look >> 32 & 65535) STORED,
    band_c SMALLINT UNSIGNED AS (look >> 16 & 65535) STORED,
    band_d SMALLINT UNSIGNED AS (look & 65535) STORED,
    PRIMARY KEY (listing_id, place),
    KEY by_digest (digest),
    KEY by_a (band_a),
    KEY by_b (band_b),
    KEY by_c (band_c),
    KEY by_d (band_d)
) ENGINE=InnoDB;
