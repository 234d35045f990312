-- One per completed order. `due_ms` is when it is to be closed unasked; NULL once it has been revealed.
CREATE TABLE windows (
    order_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    listing_id BIGINT NOT NULL,
    buyer_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    closes_ms BIGINT NOT NULL,
    revealed TINYINT NOT NULL,
    due_ms BIGINT NULL,
    KEY due (due_ms)
) ENGINE=InnoDB;

-- `side` is the rater's. `revealed` is the window's, here for the index by which a user's ratings are read.
CREATE TABLE ratings (
    order_id BIGINT NOT NULL,
    side VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    id BIGINT NOT NULL,
    rater_id BIGINT NOT NULL,
    ratee_id BIGINT NOT NULL,
    listing_id BIGINT NOT NULL,
    punctuality TINYINT NOT NULL,
    `condition` TINYINT NOT NULL,
    communication TINYINT NOT NULL,
    comment VARCHAR(500) NOT NULL,
    given_ms BIGINT NOT NULL,
    revealed TINYINT NOT NULL,
    PRIMARY KEY (order_id, side),
    KEY of_ratee (ratee_id, revealed, id)
) ENGINE=InnoDB;

-- Sums over revealed ratings: three points of 1 to 5 each.
CREATE TABLE credits (
    id BIGINT NOT NULL PRIMARY KEY COMMENT 'the user',
    version BIGINT NOT NULL,
    ratings INT NOT NULL,
    points BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE listing_ratings (
    id BIGINT NOT NULL PRIMARY KEY COMMENT 'the listing',
    version BIGINT NOT NULL,
    ratings INT NOT NULL,
    points BIGINT NOT NULL
) ENGINE=InnoDB;
