-- A transaction of WeChat's pays one order: a notification that names another's is refused by the key.
ALTER TABLE payments
    ADD COLUMN paid_by VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin
        GENERATED ALWAYS AS (NULLIF(transaction_id, '')) VIRTUAL,
    ADD UNIQUE KEY paid_by (paid_by);
