-- Experiments as they are told by experiment.changed, each applied only when newer.
CREATE TABLE experiments (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    closed_ms BIGINT NOT NULL,
    plan TEXT NOT NULL,
    computed_ms BIGINT NOT NULL DEFAULT 0,
    readout MEDIUMTEXT NULL,
    KEY due (computed_ms)
) ENGINE=InnoDB;

-- Every page that was seen, with the ranks and the parts of the scores. Kept for thirty days.
CREATE TABLE exposures (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    experiment_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    arm VARCHAR(32) NOT NULL,
    region VARCHAR(32) NOT NULL,
    at_ms BIGINT NOT NULL,
    hits MEDIUMTEXT NOT NULL,
    KEY of_experiment (experiment_id, id),
    KEY of_user (user_id),
    KEY old (at_ms)
) ENGINE=InnoDB;

-- Who takes part: since when, in which arm, and whether they have seen another one, too.
CREATE TABLE participants (
    experiment_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    arm VARCHAR(32) NOT NULL,
    region VARCHAR(32) NOT NULL,
    first_ms BIGINT NOT NULL,
    pages INT NOT NULL,
    empty_pages INT NOT NULL,
    mixed TINYINT NOT NULL,
    PRIMARY KEY (experiment_id, user_id),
    KEY of_user (user_id)
) ENGINE=InnoDB;

-- Since when somebody has been shown a listing, and how high up at best.
CREATE TABLE shown (
    experiment_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    listing_id BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    best_rank SMALLINT NOT NULL,
    PRIMARY KEY (experiment_id, user_id, listing_id),
    KEY of_user (user_id, listing_id)
) ENGINE=InnoDB;

-- Who has ordered what and when (0: not known yet), and what has become of it. Kept for as long as an experiment can last.
CREATE TABLE ordered (
    order_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    buyer_id BIGINT NOT NULL,
    listing_id BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    moved_ms BIGINT NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    disputed TINYINT NOT NULL,
    KEY of_buyer (buyer_id, listing_id, made_ms),
    KEY old (moved_ms)
) ENGINE=InnoDB;

-- Who has said no to being followed, or is gone: whatever is still on its way about them is dropped.
CREATE TABLE unwilling (
    user_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    unwilling TINYINT NOT NULL
) ENGINE=InnoDB;
