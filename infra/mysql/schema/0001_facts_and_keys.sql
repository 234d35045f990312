-- The three tables that every wing's schema has.
CREATE TABLE outbox (
    seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    fact_id BIGINT NOT NULL,
    kind VARCHAR(64) NOT NULL,
    entity BIGINT NOT NULL,
    version BIGINT NOT NULL,
    occurred_us BIGINT NOT NULL,
    data MEDIUMBLOB NOT NULL,
    pushes MEDIUMBLOB NOT NULL,
    UNIQUE KEY fact (fact_id)
) ENGINE=InnoDB;

CREATE TABLE inbox (
    seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    fact_id BIGINT NOT NULL,
    kind VARCHAR(64) NOT NULL,
    entity BIGINT NOT NULL,
    version BIGINT NOT NULL,
    occurred_us BIGINT NOT NULL,
    data MEDIUMBLOB NOT NULL,
    done TINYINT NOT NULL DEFAULT 0,
    attempts INT NOT NULL DEFAULT 0,
    due_ms BIGINT NOT NULL DEFAULT 0,
    done_ms BIGINT NULL,
    error VARCHAR(500) NULL,
    UNIQUE KEY fact (fact_id),
    KEY pending (done, seq),
    KEY waiting (done, due_ms, entity)
) ENGINE=InnoDB;

CREATE TABLE idempotency (
    actor_id BIGINT NOT NULL,
    idem_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    digest BINARY(32) NOT NULL,
    reply MEDIUMBLOB NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (actor_id, idem_key),
    KEY old (created_ms)
) ENGINE=InnoDB;
