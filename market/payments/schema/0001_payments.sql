-- What each order owes, as heard from the orders. The row is also the lock of all that belongs to the order here.
CREATE TABLE payables (
    order_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    state VARCHAR(24) NOT NULL,
    accepted TINYINT NOT NULL,
    buyer_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    title VARCHAR(255) NOT NULL,
    rent_fen BIGINT NOT NULL,
    deposit_fen BIGINT NOT NULL,
    fee_fen BIGINT NOT NULL,
    total_fen BIGINT NOT NULL,
    refund_fen BIGINT NOT NULL,
    pay_by_ms BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE payers (
    user_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    openid VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE=InnoDB;

CREATE TABLE payments (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    order_id BIGINT NOT NULL,
    out_trade_no VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    openid VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    description VARCHAR(127) NOT NULL,
    amount_fen BIGINT NOT NULL,
    deposit_fen BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    status VARCHAR(16) NOT NULL,
    prepay_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    prepay_ms BIGINT NOT NULL,
    transaction_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    paid_at_ms BIGINT NOT NULL,
    divided VARCHAR(24) NOT NULL,
    checks INT NOT NULL,
    check_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE KEY of_order (order_id),
    UNIQUE KEY trade (out_trade_no),
    KEY due (status, check_ms)
) ENGINE=InnoDB;

CREATE TABLE refunds (
    id BIGINT NOT NULL PRIMARY KEY,
    payment_id BIGINT NOT NULL,
    order_id BIGINT NOT NULL,
    reason VARCHAR(24) NOT NULL,
    amount_fen BIGINT NOT NULL,
    deposit_fen BIGINT NOT NULL,
    status VARCHAR(16) NOT NULL,
    out_refund_no VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    wechat_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    attempts INT NOT NULL,
    due_ms BIGINT NOT NULL,
    error VARCHAR(200) NOT NULL,
    created_ms BIGINT NOT NULL,
    done_ms BIGINT NOT NULL,
    UNIQUE KEY once (payment_id, reason),
    UNIQUE KEY number (out_refund_no),
    KEY of_order (order_id),
    KEY due (status, due_ms)
) ENGINE=InnoDB;

-- A journal transaction is several lines with one tx_id that sum to zero. Line 0 of (order, reason) exists once: nothing
-- is posted twice.
CREATE TABLE entries (
    tx_id BIGINT NOT NULL,
    line TINYINT NOT NULL,
    order_id BIGINT NOT NULL,
    reason VARCHAR(32) NOT NULL,
    account VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount_fen BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (tx_id, line),
    UNIQUE KEY once (order_id, reason, line),
    KEY account (account, amount_fen)
) ENGINE=InnoDB COMMENT='append-only: the journal of the ledger';

CREATE TRIGGER entries_keep_amounts BEFORE UPDATE ON entries FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is append-only';

CREATE TRIGGER entries_keep_lines BEFORE DELETE ON entries FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is append-only';

CREATE TABLE notifications (
    id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    nonce VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    event_type VARCHAR(64) NOT NULL,
    subject VARCHAR(64) NOT NULL,
    heard_ms BIGINT NOT NULL,
    UNIQUE KEY nonce (nonce)
) ENGINE=InnoDB COMMENT='append-only: what WeChat Pay has told us, so that nothing counts twice';
