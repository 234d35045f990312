-- What orders take of listings, as their facts say: seats, from the start until after the buffer. No seats: none any more, kept so
-- that an older fact brings nothing back. `due_ms`: when the listing's state is to be looked at again, or the row forgotten.
CREATE TABLE takings (
    order_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    listing_id BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    seats INT NOT NULL,
    in_use TINYINT NOT NULL,
    due_ms BIGINT NULL,
    KEY of_listing (listing_id, until_ms, start_ms, seats, in_use),
    KEY due (due_ms)
) ENGINE=InnoDB;

-- Of the terms, what decides whether a period is offered. Those of before have not all of them.
ALTER TABLE listings
    ADD COLUMN capacity INT AS (COALESCE(JSON_VALUE(terms, '$.capacity'), 1)) STORED,
    ADD COLUMN buffer_minutes INT AS (COALESCE(JSON_VALUE(terms, '$.buffer_minutes'), 0)) STORED,
    ADD COLUMN notice_minutes INT AS (COALESCE(JSON_VALUE(terms, '$.notice_minutes'), 0)) STORED,
    ADD COLUMN horizon_days INT AS (COALESCE(JSON_VALUE(terms, '$.horizon_days'), 90)) STORED,
    ADD COLUMN shortest_minutes INT AS (COALESCE(JSON_VALUE(terms, '$.shortest_minutes'), 15)) STORED,
    ADD COLUMN longest_minutes INT AS (COALESCE(JSON_VALUE(terms, '$.longest_minutes'), 86400)) STORED;

-- What the map says of a listing now: free, held or in_use. It changes far more often than the listing, so it has a version of its
-- own; the map's entries have the sum of both.
ALTER TABLE listings
    ADD COLUMN state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'free',
    ADD COLUMN state_version BIGINT NOT NULL DEFAULT 0,
    DROP KEY cell_version,
    ADD KEY cell_version (cell, version, state_version);

ALTER TABLE owners ADD COLUMN banned TINYINT NOT NULL DEFAULT 0;
