-- One row, moved on once a second by those who watch a replica: its age there is how far the replica lags. `at_ms` is the
-- primary's own UTC milliseconds.
CREATE TABLE heartbeat (
    id TINYINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL
) ENGINE=InnoDB;
