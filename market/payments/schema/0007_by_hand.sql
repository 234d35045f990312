-- Refunds whose money reached the buyer by an operator's hand: whose, and how.
ALTER TABLE refunds
    ADD COLUMN settled_by BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN note VARCHAR(500) NOT NULL DEFAULT '',
    ADD KEY by_hand (settled_by, id);
