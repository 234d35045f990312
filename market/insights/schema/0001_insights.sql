-- `hour_ms` is the beginning of the UTC hour in which the facts occurred.
CREATE TABLE facts_per_hour (
    hour_ms BIGINT NOT NULL,
    kind VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    facts BIGINT NOT NULL,
    PRIMARY KEY (hour_ms, kind)
) ENGINE=InnoDB;
