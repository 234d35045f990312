-- An owner as the listings know them: fed by user.changed and credit.changed, each applied only when newer.
-- The row is also the lock under which an owner's listings are counted and repainted.
CREATE TABLE owners (
    user_id BIGINT NOT NULL PRIMARY KEY,
    user_version BIGINT NOT NULL,
    nickname VARCHAR(64) NOT NULL,
    avatar_url VARCHAR(512) NOT NULL,
    credit_version BIGINT NOT NULL,
    credit_centistars INT NOT NULL,
    ratings INT NOT NULL
) ENGINE=InnoDB;

-- A row is everything that is shown of a listing at its version, the owner included.
CREATE TABLE listings (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    terms_version BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    owner_nickname VARCHAR(64) NOT NULL,
    owner_avatar_url VARCHAR(512) NOT NULL,
    owner_credit_centistars INT NOT NULL,
    owner_ratings INT NOT NULL,
    status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    title VARCHAR(60) NOT NULL,
    description TEXT NOT NULL,
    category VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    photos TEXT NOT NULL,
    lat DOUBLE NOT NULL,
    lng DOUBLE NOT NULL,
    cell CHAR(5) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    address VARCHAR(200) NOT NULL,
    plan MEDIUMTEXT NOT NULL,
    price_hour_fen BIGINT NULL,
    price_day_fen BIGINT NULL,
    deposit_fen BIGINT NOT NULL,
    rating_version BIGINT NOT NULL,
    rating_centistars INT NOT NULL,
    ratings INT NOT NULL,
    orders_created INT NOT NULL,
    orders_completed INT NOT NULL,
    published_ms BIGINT NOT NULL,
    KEY of_owner (owner_id, id),
    KEY in_box (status, lat, lng),
    KEY in_cell (cell, status, id),
    KEY cell_version (cell, version)
) ENGINE=InnoDB;

-- Which listings have left a cell, and at which version: without it the version of `area:CELL` could fall.
CREATE TABLE departures (
    cell CHAR(5) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    listing_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (cell, listing_id)
) ENGINE=InnoDB;
