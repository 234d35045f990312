-- Process version 2: what late hours cost, what is claimed, and who got what at the end.
ALTER TABLE orders
    ADD COLUMN late_hour_fen BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN late_fen BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN claim_fen BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN refund_fen BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN refund_deposit_fen BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN owner_fen BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN evidence INT NOT NULL DEFAULT 0,
    ADD COLUMN unpaid_by BIGINT NULL COMMENT 'the buyer, while it is to be paid or answered',
    ADD KEY unpaid (unpaid_by);

UPDATE orders SET unpaid_by = buyer_id WHERE state = 'pending_payment';

UPDATE orders SET refund_fen = deposit_fen, refund_deposit_fen = deposit_fen, owner_fen = rent_fen - fee_fen
WHERE state = 'completed';

UPDATE orders SET refund_fen = rent_fen + deposit_fen, refund_deposit_fen = deposit_fen, fee_fen = 0
WHERE state IN ('expired', 'cancelled', 'refunded');

CREATE TABLE evidence (
    order_id BIGINT NOT NULL,
    seq INT NOT NULL,
    party VARCHAR(8) NOT NULL,
    text VARCHAR(1000) NOT NULL,
    objects TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (order_id, seq)
) ENGINE=InnoDB COMMENT='append-only';
