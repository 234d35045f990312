-- An order may be extended, each time by a payment of its own: `extension` counts from 1 within the order, which is 0 itself.
ALTER TABLE payables
    ADD COLUMN extension TINYINT NOT NULL DEFAULT 0 AFTER order_id,
    DROP PRIMARY KEY,
    ADD PRIMARY KEY (order_id, extension);

ALTER TABLE payments
    ADD COLUMN extension TINYINT NOT NULL DEFAULT 0 AFTER order_id,
    DROP KEY of_order,
    ADD UNIQUE KEY owed (order_id, extension);

ALTER TABLE refunds ADD COLUMN extension TINYINT NOT NULL DEFAULT 0 AFTER order_id;

ALTER TABLE payouts
    ADD COLUMN extension TINYINT NOT NULL DEFAULT 0 AFTER order_id,
    DROP KEY of_order,
    ADD UNIQUE KEY of_payment (payment_id);

ALTER TABLE entries
    ADD COLUMN extension TINYINT NOT NULL DEFAULT 0 AFTER order_id,
    DROP KEY once,
    ADD UNIQUE KEY once (order_id, extension, reason, line);
