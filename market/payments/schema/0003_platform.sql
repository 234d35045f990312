-- The order's own numbers at its end.
ALTER TABLE payables
    ADD COLUMN refund_deposit_fen BIGINT NOT NULL DEFAULT 0 AFTER refund_fen,
    ADD COLUMN owner_fen BIGINT NOT NULL DEFAULT 0 AFTER refund_deposit_fen;

-- Owners as WeChat knows them. What they apply with (names, numbers, accounts) is passed on and never kept.
CREATE TABLE merchants (
    user_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    status VARCHAR(16) NOT NULL,
    out_request_no VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sub_mchid VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sign_url VARCHAR(512) NOT NULL,
    reason VARCHAR(255) NOT NULL,
    checks INT NOT NULL,
    due_ms BIGINT NOT NULL,
    UNIQUE KEY number (out_request_no),
    KEY due (status, due_ms)
) ENGINE=InnoDB;

-- Orders whose owner has been told that a buyer would pay and cannot.
CREATE TABLE owners_told (
    order_id BIGINT NOT NULL PRIMARY KEY,
    owner_id BIGINT NOT NULL
) ENGINE=InnoDB;

ALTER TABLE payments
    ADD COLUMN sub_mchid VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' AFTER order_id,
    ADD KEY frozen (status, divided, paid_at_ms);

CREATE TABLE payouts (
    id BIGINT NOT NULL PRIMARY KEY,
    payment_id BIGINT NOT NULL,
    order_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    fee_fen BIGINT NOT NULL,
    owner_fen BIGINT NOT NULL,
    status VARCHAR(16) NOT NULL,
    sent TINYINT NOT NULL,
    attempts INT NOT NULL,
    due_ms BIGINT NOT NULL,
    error VARCHAR(200) NOT NULL,
    created_ms BIGINT NOT NULL,
    done_ms BIGINT NOT NULL,
    UNIQUE KEY of_order (order_id),
    KEY due (status, due_ms)
) ENGINE=InnoDB;
