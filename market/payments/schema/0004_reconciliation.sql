-- The days whose bills have been compared with our books.
CREATE TABLE bills (
    day CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    matched BIGINT NOT NULL,
    differing BIGINT NOT NULL,
    done_ms BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE differences (
    id BIGINT NOT NULL PRIMARY KEY,
    day CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sort VARCHAR(16) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    number VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_id BIGINT NOT NULL,
    ours_fen BIGINT NOT NULL,
    theirs_fen BIGINT NOT NULL,
    version BIGINT NOT NULL,
    resolved_ms BIGINT NOT NULL,
    resolved_by BIGINT NOT NULL,
    note VARCHAR(500) NOT NULL,
    UNIQUE KEY once (day, sort, number),
    KEY open (resolved_ms, id)
) ENGINE=InnoDB;

-- In which bill it was found; empty: in none yet.
ALTER TABLE payments
    ADD COLUMN bill_day CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD KEY unbilled (bill_day, status, paid_at_ms);
ALTER TABLE refunds
    ADD COLUMN bill_day CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD KEY unbilled (bill_day, status, done_ms);
ALTER TABLE payouts
    ADD COLUMN bill_day CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD KEY unbilled (bill_day, status, done_ms);
