-- How often others have opened a listing: its owner's to know, and no change of the listing.
CREATE TABLE openings (
    listing_id BIGINT NOT NULL PRIMARY KEY,
    views BIGINT NOT NULL
) ENGINE=InnoDB;
